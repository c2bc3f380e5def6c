package campaign

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"runtime/pprof"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	cascache "github.com/unkn0wn-root/cascache/core"
	redisgenstore "github.com/unkn0wn-root/cascache/genstore-redis"
	otternear "github.com/unkn0wn-root/cascache/near-otter"
	redisprovider "github.com/unkn0wn-root/cascache/provider-redis"
	ristrettoprovider "github.com/unkn0wn-root/cascache/provider-ristretto"
)

// childVariable is set for the processes that a run starts, to a task in JSON.
const childVariable = "CASCACHE_CAMPAIGN_TASK"

// order is what a run tells a replica, one line of JSON each.
type order struct {
	Step time.Duration // move the application's clock by this much
	Stop bool          // end, after a look at what is left over
}

// said is what a replica tells the run, one line of JSON each.
type said struct {
	Kind string // "ready", "stale", "error" or "stopped"
	Text string `json:",omitempty"`
}

// RunChild is to be called first by the TestMain of the binary that runs a
// campaign. It does not return in a process that is a replica.
func RunChild() {
	redis.SetLogger(quiet{}) // it tells each connection that a fault breaks
	variable := os.Getenv(childVariable)
	if variable == "" {
		return
	}
	var t task
	must(json.Unmarshal([]byte(variable), &t))
	runReplica(t)
	os.Exit(0)
}

type quiet struct{}

func (quiet) Printf(context.Context, string, ...any) {}

// must is for replicas: the run reports the panic.
func must(err error) {
	if err != nil {
		panic(err)
	}
}

// replica is one process of the application.
type replica struct {
	task
	memory memory
	cache  *cascache.Handle[string]
	loader *cascache.Loader[string]

	mu  sync.Mutex // guards out
	out *json.Encoder
}

func runReplica(t task) {
	m, err := mapMemory(t.Memory)
	must(err)
	before := runtime.NumGoroutine()
	r := &replica{task: t, memory: m, out: json.NewEncoder(os.Stdout)}
	clients := r.assemble()
	r.say("ready", "")

	ctx, cancel := context.WithCancel(context.Background())
	var working sync.WaitGroup
	for i := range readersPerReplica {
		working.Go(func() { r.readUntil(ctx, r.random(i)) })
	}
	for i := range writersPerReplica {
		working.Go(func() { r.writeUntil(ctx, i, r.random(readersPerReplica+i)) })
	}

	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		var o order
		must(json.Unmarshal(in.Bytes(), &o))
		if o.Step != 0 {
			stepClock(o.Step)
		}
		if o.Stop {
			break
		}
	}
	cancel()
	working.Wait()
	_ = r.cache.Close(context.Background()) // it may have failed to recover suspect keys
	for _, c := range clients {
		_ = c.Close()
	}
	r.say("stopped", leftOver(before))
}

func (r *replica) random(worker int) *rand.Rand {
	return rand.New(rand.NewPCG(r.Seed, uint64(r.Replica)<<32|uint64(worker)))
}

// leftOver returns the stacks of goroutines that do not end, or "".
func leftOver(before int) string {
	const patience = 10 * time.Second // past the longest time-out of any client
	for deadline := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		if runtime.NumGoroutine() <= before {
			return ""
		}
		if time.Now().After(deadline) {
			var b strings.Builder
			_ = pprof.Lookup("goroutine").WriteTo(&b, 1)
			return fmt.Sprintf("%d goroutines more than before:\n%s", runtime.NumGoroutine()-before, b.String())
		}
	}
}

func (r *replica) say(kind, text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	must(r.out.Encode(said{Kind: kind, Text: text}))
}

// assemble opens the cache and returns the clients to close after it.
func (r *replica) assemble() (clients []redis.UniversalClient) {
	connect := func(e endpoint) redis.UniversalClient {
		client := e.connect(r.Naive)
		clients = append(clients, client)
		if !r.Batching {
			return client
		}
		switch c := client.(type) {
		case *redis.Client:
			p, err := c.AutoPipeline()
			must(err)
			clients = append([]redis.UniversalClient{p}, clients...)
			return p
		case *redis.ClusterClient:
			p, err := c.AutoPipeline()
			must(err)
			clients = append([]redis.UniversalClient{p}, clients...)
			return p
		}
		return client
	}

	opts := cascache.Options[string]{
		Namespace: "campaign", Codec: cascache.String{}, Checksum: r.Checksum, MutateLease: lease,
		Hooks: &cascache.Hooks{
			Hit:  func(context.Context, cascache.HitEvent) { r.memory.count(r.Replica, hits, 1) },
			Miss: func(context.Context, cascache.MissEvent) { r.memory.count(r.Replica, misses, 1) },
		},
	}
	gens := connect(r.Generations)
	if r.Naive == notNaive || r.Naive == unheld {
		config := redisgenstore.Config{Client: gens, Namespace: "campaign"}
		if r.Wait {
			config.WaitReplicas, config.WaitTimeout = 1, 200*time.Millisecond
		}
		store, err := redisgenstore.New(config)
		must(err)
		opts.GenStore = watchedStore{Store: store, memory: r.memory, replica: r.Replica}
	} else {
		opts.GenStore = pausingStore{naiveStore{gens, r.Naive}, watchedStore{memory: r.memory, replica: r.Replica}}
	}
	switch {
	case r.Assembly == inMemory:
		p, err := ristrettoprovider.New(ristrettoprovider.Config{NumCounters: 10_000, MaxCost: 16 << 20})
		must(err)
		opts.Provider = p
	case r.Assembly.shared():
		config := redisprovider.Config{Client: connect(r.Values)}
		if r.Batching && r.Values.Cluster != nil {
			config.Cluster = clients[len(clients)-1].(*redis.ClusterClient) // the one underneath
		}
		p, err := redisprovider.New(config)
		must(err)
		opts.Provider = p
	}
	if r.Assembly == inNear || r.Assembly == tiered {
		near, err := otternear.New(otternear.Config[string]{})
		must(err)
		opts.Near = near
	}
	if r.Naive == locked {
		opts.Provider, opts.DisableBulk = unstamped{opts.Provider}, true
	}
	cache, err := cascache.New(opts)
	must(err)
	loader, err := cascache.NewLoader(cache, cascache.LoaderOptions[string]{
		Load: func(_ context.Context, key string) (string, error) { return r.load(rowOf(key)), nil },
	})
	must(err)
	r.cache, r.loader = cache, loader
	return clients
}

// connect returns a client that gives up sooner than by default: a read waits
// for no generation longer than Options.GenTimeout anyway. That of the careless
// design gives up before the cache does, which would believe nothing then.
func (e endpoint) connect(kind naive) redis.UniversalClient {
	patience, retries := time.Second, 0 // the default
	if kind == careless {
		patience, retries = 50*time.Millisecond, -1
	}
	var reload time.Duration // the default
	if kind != notNaive {
		// The stores of this repository see to it that the client looks for
		// a new master. Naive ones must find it too, to be of any use.
		reload = 300 * time.Millisecond
	}
	switch {
	case e.Cluster != nil:
		return redis.NewClusterClient(&redis.ClusterOptions{
			Addrs: e.Cluster, ClusterStateReloadInterval: reload, DialTimeout: patience, ReadTimeout: patience, MaxRetries: retries, ContextTimeoutEnabled: true,
		})
	case e.Sentinels != nil:
		return redis.NewFailoverClient(&redis.FailoverOptions{
			MasterName: e.Master, SentinelAddrs: e.Sentinels, DialTimeout: patience, ReadTimeout: patience, MaxRetries: retries, ContextTimeoutEnabled: true,
		})
	}
	return redis.NewClient(&redis.Options{Addr: e.Addr, DialTimeout: patience, ReadTimeout: patience, MaxRetries: retries, ContextTimeoutEnabled: true})
}

// load reads a row of the source, which takes its time: what it returns may be
// old by then.
func (r *replica) load(row int) string {
	r.memory.count(r.Replica, loads, 1)
	version := r.memory.read(row)
	time.Sleep(rand.N(2 * time.Millisecond))
	return valueOf(row, version)
}

// allowed tells whether the contract allows an error, of a call that began
// under a fault or not.
func (r *replica) allowed(err error, faulty bool, what string) {
	if err == nil {
		return
	}
	if !r.refuse(err, faulty, what) {
		r.memory.count(r.Replica, errorsOK, 1)
	}
}

// refuse tells the run of an error that the contract does not allow, and
// whether it is one.
func (r *replica) refuse(err error, faulty bool, what string) bool {
	faulty = faulty || r.memory.faulty()
	why := r.breach(err, faulty, what)
	if why == "" {
		return false
	}
	kind := errorsBad
	if !faulty && errors.Is(err, context.DeadlineExceeded) {
		kind = errorsLate
	}
	r.memory.count(r.Replica, kind, 1)
	r.say("error", fmt.Sprintf("%s: %s: %T %v", what, why, err, err))
	return true
}

// What a call is, for the errors that it may return.
const (
	whatRead       = "Get, GetBulk"
	whatFill       = "SetWithGen, SetBulkWithGens"
	whatLoader     = "Loader"
	whatInvalidate = "Invalidate, InvalidateBulk"
	whatMutate     = "Mutate"
)

// breach returns which rule an error breaks, or "".
func (r *replica) breach(err error, faulty bool, what string) string {
	if !faulty {
		return "an error while nothing was broken"
	}
	switch what {
	case whatLoader:
		// The caller's own time may be up before a shared Redis has failed.
		if !r.Assembly.shared() || !errors.Is(err, context.DeadlineExceeded) {
			return "the source is fine, and so a loader returns its value"
		}
	case whatRead, whatFill:
		if !r.Assembly.shared() {
			return "a generation store that fails is a miss and not an error"
		}
	case whatInvalidate:
		var invalidate *cascache.InvalidateError
		if !errors.As(err, &invalidate) {
			return "an invalidation fails with an InvalidateError"
		}
	}
	return ""
}
