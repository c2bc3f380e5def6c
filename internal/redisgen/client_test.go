package redisgen

import (
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	cascache "github.com/unkn0wn-root/cascache/core"
)

// nowhere is an address where nobody listens: New must not mind.
const nowhere = "127.0.0.1:1"

func standalone(tb testing.TB, change ...func(*redis.Options)) *redis.Client {
	opts := &redis.Options{Addr: nowhere}
	for _, f := range change {
		f(opts)
	}
	c := redis.NewClient(opts)
	tb.Cleanup(func() { c.Close() })
	return c
}

func clustered(tb testing.TB, change ...func(*redis.ClusterOptions)) *redis.ClusterClient {
	opts := &redis.ClusterOptions{Addrs: []string{nowhere}}
	for _, f := range change {
		f(opts)
	}
	c := redis.NewClusterClient(opts)
	tb.Cleanup(func() { c.Close() })
	return c
}

func batching(tb testing.TB, c interface {
	AutoPipeline() (*redis.AutoPipeliner, error)
}) *redis.AutoPipeliner {
	a, err := c.AutoPipeline()
	if err != nil {
		tb.Fatal(err)
	}
	return a
}

func failover(tb testing.TB, change ...func(*redis.FailoverOptions)) *redis.ClusterClient {
	opts := &redis.FailoverOptions{MasterName: "main", SentinelAddrs: []string{nowhere}}
	for _, f := range change {
		f(opts)
	}
	c := redis.NewFailoverClusterClient(opts)
	tb.Cleanup(func() { c.Close() })
	return c
}

type embedding struct{ redis.UniversalClient }

func TestRefusals(t *testing.T) {
	readOnly := func(o *redis.ClusterOptions) { o.ReadOnly = true }
	cached := func(o *redis.Options) { o.ClientSideCacheConfig = &redis.ClientSideCacheConfig{} }
	ring := redis.NewRing(&redis.RingOptions{Addrs: map[string]string{"a": nowhere}})
	t.Cleanup(func() { ring.Close() })
	plain := standalone(t)
	for name, c := range map[string]struct {
		config Config
		says   string // what to change
	}{
		"no client":                         {Config{}, "Config.Client is nil"},
		"nil client":                        {Config{Client: (*redis.Client)(nil)}, "Config.Client is nil"},
		"nil cluster client":                {Config{Client: (*redis.ClusterClient)(nil)}, "Config.Client is nil"},
		"nil autopipeliner":                 {Config{Client: (*redis.AutoPipeliner)(nil)}, "Config.Client is nil"},
		"nil client of another type":        {Config{Client: (*hooked)(nil)}, "Config.Client is nil"},
		"ring":                              {Config{Client: ring}, "redis.ClusterClient"},
		"read only":                         {Config{Client: clustered(t, readOnly)}, "without ReadOnly"},
		"by latency":                        {Config{Client: clustered(t, func(o *redis.ClusterOptions) { o.RouteByLatency = true })}, "without RouteByLatency"},
		"randomly":                          {Config{Client: clustered(t, func(o *redis.ClusterOptions) { o.RouteRandomly = true })}, "without RouteRandomly"},
		"Sentinel by latency":               {Config{Client: failover(t, func(o *redis.FailoverOptions) { o.RouteByLatency = true })}, "without RouteByLatency"},
		"Sentinel, replicas only":           {Config{Client: failover(t, func(o *redis.FailoverOptions) { o.ReplicaOnly = true })}, "without ReadOnly"},
		"client-side cache":                 {Config{Client: standalone(t, cached)}, "without ClientSideCache"},
		"own client-side cache":             {Config{Client: standalone(t, func(o *redis.Options) { o.ClientSideCache = redis.NewLocalCache(redis.CacheConfig{}) })}, "without ClientSideCache"},
		"autopipeliner, read only":          {Config{Client: batching(t, clustered(t, readOnly))}, "without ReadOnly"},
		"autopipeliner, cached":             {Config{Client: batching(t, standalone(t, cached))}, "without ClientSideCache"},
		"autopipeliner and replicas":        {Config{Client: batching(t, plain), WaitReplicas: 1}, "client underneath"},
		"unknown client and replicas":       {Config{Client: embedding{plain}, WaitReplicas: 1}, "needs a *redis.Client"},
		"negative TTL":                      {Config{Client: plain, TTL: -1}, "Config.TTL is -1ns"},
		"negative number of replicas":       {Config{Client: plain, WaitReplicas: -1}, "Config.WaitReplicas is -1"},
		"negative wait":                     {Config{Client: plain, WaitReplicas: 1, WaitTimeout: -1}, "Config.WaitTimeout is -1ns"},
		"wait for nobody":                   {Config{Client: plain, WaitTimeout: 1}, "Config.WaitReplicas is not"},
		"wait as long as the client":        {Config{Client: plain, WaitReplicas: 1, WaitTimeout: plain.Options().ReadTimeout}, "shorter than the client's ReadTimeout"},
		"wait as long as the Cluster's one": {Config{Client: clustered(t), WaitReplicas: 1, WaitTimeout: time.Minute}, "shorter than the client's ReadTimeout"},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := New(c.config)
			if err == nil || s != nil {
				t.Fatalf("New accepted it and returned %v, %v", s, err)
			}
			if !strings.Contains(err.Error(), c.says) {
				t.Errorf("the error must say what to change, with the words %q: %v", c.says, err)
			}
		})
	}
}

func TestAccepted(t *testing.T) {
	plain := standalone(t)
	for name, config := range map[string]Config{
		"client":                     {Client: plain},
		"cluster client":             {Client: clustered(t)},
		"Sentinel cluster client":    {Client: failover(t)},
		"autopipeliner":              {Client: batching(t, plain)},
		"cluster autopipeliner":      {Client: batching(t, clustered(t))},
		"type of one's own":          {Client: embedding{plain}},
		"replicas":                   {Client: plain, WaitReplicas: 2},
		"replicas of a Cluster":      {Client: clustered(t), WaitReplicas: 1, WaitTimeout: time.Microsecond},
		"everything else":            {Client: plain, Namespace: "a:{b}%", TTL: time.Microsecond, Unguarded: true},
		"wait without read timeout":  {Client: standalone(t, func(o *redis.Options) { o.ReadTimeout = -1 }), WaitReplicas: 1, WaitTimeout: time.Hour},
		"no deadlines on the socket": {Client: standalone(t, func(o *redis.Options) { o.ReadTimeout = -2 }), WaitReplicas: 1, WaitTimeout: time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := New(config)
			if err != nil {
				t.Fatal(err)
			}
			if config.WaitReplicas > 0 && s.waitTimeout < time.Millisecond {
				t.Errorf("WAIT would be asked to wait %v, which it takes for no limit", s.waitTimeout)
			}
			if config.TTL > 0 && s.ttl == "0" {
				t.Errorf("a TTL of %v became none", config.TTL)
			}
		})
	}
}

// TestUnderneath fails when a version of go-redis keeps the client of an
// AutoPipeliner elsewhere. The store then works all the same, but cannot judge
// that client nor reload its slots.
func TestUnderneath(t *testing.T) {
	plain, cluster := standalone(t), clustered(t)
	if got := underneath(batching(t, plain)); got != redis.UniversalClient(plain) {
		t.Errorf("underneath an AutoPipeliner of a *redis.Client is %T", got)
	}
	if got := underneath(batching(t, cluster)); got != redis.UniversalClient(cluster) {
		t.Errorf("underneath an AutoPipeliner of a *redis.ClusterClient is %T", got)
	}
	if got := underneath(new(redis.AutoPipeliner)); got != nil {
		t.Errorf("underneath an AutoPipeliner of nothing is %T", got)
	}
}

func TestClusterUnder(t *testing.T) {
	plain, cluster := standalone(t), clustered(t)
	for name, c := range map[string]struct {
		client redis.UniversalClient
		want   *redis.ClusterClient
	}{
		"cluster client":        {cluster, cluster},
		"cluster autopipeliner": {batching(t, cluster), cluster},
		"client":                {plain, nil},
		"autopipeliner":         {batching(t, plain), nil},
		"type of one's own":     {embedding{cluster}, nil},
		"no client":             {nil, nil},
	} {
		if got := ClusterUnder(c.client); got != c.want {
			t.Errorf("%s: the Cluster client under it is %p, want %p", name, got, c.want)
		}
	}
}

// hooked is a client of somebody's own.
type hooked struct{ redis.UniversalClient }

// A cache that was given it would fail at each call.
func TestClosedIsTold(t *testing.T) {
	client := redis.NewClient(&redis.Options{Addr: "localhost:1", MaxRetries: -1})
	t.Cleanup(func() { client.Close() })
	s, err := New(Config{Client: client})
	if err != nil {
		t.Fatal(err)
	}
	if s.Closed() {
		t.Error("what is open is not closed: Closed reports true")
	}
	_ = s.Close(t.Context())
	h, err := cascache.New(cascache.Options[string]{Namespace: "n", Codec: cascache.String{}, Provider: struct{ cascache.Provider }{}, GenStore: s})
	if !s.Closed() || err == nil || h != nil {
		t.Errorf("New refuses what is closed: Closed reports %v, New returned %v, %v", s.Closed(), h, err)
	}
}
