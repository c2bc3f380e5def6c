package leasegenstore

import (
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	cascache "github.com/unkn0wn-root/cascache/core"
)

func TestConfig(t *testing.T) {
	client := redis.NewClient(&redis.Options{Addr: "localhost:1"})
	defer client.Close()
	ring := redis.NewRing(&redis.RingOptions{Addrs: map[string]string{"a": "localhost:1"}})
	defer ring.Close()
	for name, c := range map[string]struct {
		config Config
		want   []string // in the error; nil for none
	}{
		"defaults":           {Config{Client: client}, nil},
		"all set":            {Config{Client: client, Namespace: "n", Lease: time.Second, Heartbeat: 500 * time.Millisecond, LogLength: 100, Generations: 1, TTL: time.Hour}, nil},
		"shortest lease":     {Config{Client: client, Lease: 10 * time.Millisecond}, nil},
		"no client":          {Config{}, []string{"Client"}},
		"nil client":         {Config{Client: (*redis.Client)(nil)}, []string{"Config.Client is nil"}},
		"nil of a wrapper":   {Config{Client: (*ownClient)(nil)}, []string{"Config.Client is nil"}},
		"ring":               {Config{Client: ring}, []string{"Client", "Ring"}},
		"lease too short":    {Config{Client: client, Lease: 9 * time.Millisecond}, []string{"Lease", "9ms", "10ms"}},
		"lease too long":     {Config{Client: client, Lease: time.Hour}, []string{"Lease", "1h", "1m"}},
		"heartbeat too long": {Config{Client: client, Heartbeat: 51 * time.Millisecond}, []string{"Heartbeat", "51ms", "50ms"}},
		"negative heartbeat": {Config{Client: client, Heartbeat: -1}, []string{"Heartbeat", "-1ns", "1ms"}},
		"log too short":      {Config{Client: client, LogLength: 99}, []string{"LogLength", "99", "100"}},
		"log too long":       {Config{Client: client, LogLength: 1_000_001}, []string{"LogLength", "1000001", "1000000"}},
		"no generations":     {Config{Client: client, Generations: -1}, []string{"Generations", "-1", "1"}},
		"negative TTL":       {Config{Client: client, TTL: -time.Second}, []string{"TTL", "-1s", "0"}},
	} {
		s, err := New(c.config)
		if (err != nil) != (c.want != nil) || (s == nil) != (c.want != nil) {
			t.Errorf("%s: New returned (%v, %v)", name, s, err)
			continue
		}
		for _, part := range c.want {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%s: the error must name the field, the value and what is allowed: %q does not say %s", name, err, part)
			}
		}
	}
}

func TestNewDoesNoIO(t *testing.T) {
	client := redis.NewClient(&redis.Options{Addr: "localhost:1"})
	s, err := New(Config{Client: client, CloseClient: true})
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := s.CurrentLocal("p", "k"); ok {
		t.Error("a store that has asked nobody knows something")
	}
	for range 2 {
		if err := s.Close(t.Context()); err != nil {
			t.Errorf("Close of an unused store: got %v, want nil", err)
		}
	}
	if n := client.PoolStats().Misses; n != 0 {
		t.Errorf("New, CurrentLocal and Close took %d connections", n)
	}
}

// ownClient is a client of somebody's own.
type ownClient struct{ redis.UniversalClient }

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
