package writing

import (
	"context"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	cascache "github.com/unkn0wn-root/cascache/core"
	redisgenstore "github.com/unkn0wn-root/cascache/genstore-redis"
	redisprovider "github.com/unkn0wn-root/cascache/provider-redis"
)

// setup says how a process opens its cache.
type setup struct {
	Redis      string // where the generations are
	Values     string // where the entries are; "" means in the process
	Near       bool   // decoded values are kept in the process, too
	Namespace  string
	Lease      time.Duration // of Mutate; 0 means the default
	GenTimeout time.Duration // 0 means the default
	Unguarded  bool          // generations not bound to the replication id
}

// options returns the setup as options, which the caller may change. The cache
// owns its clients.
func (s setup) options() cascache.Options[string] {
	store, err := redisgenstore.New(redisgenstore.Config{Client: newClient(s.Redis), Unguarded: s.Unguarded, CloseClient: true})
	must(err)
	opts := cascache.Options[string]{
		Namespace: s.Namespace, Provider: new(values), Codec: cascache.String{}, GenStore: store,
		MutateLease: s.Lease, GenTimeout: s.GenTimeout,
	}
	if s.Values != "" {
		opts.Provider, err = redisprovider.New(redisprovider.Config{Client: newClient(s.Values), CloseClient: true})
		must(err)
	}
	if s.Near {
		opts.Near = new(nearValues)
	}
	return opts
}

// newClient returns a client that waits between retries as little as a test
// should.
func newClient(addr string) *redis.Client {
	return redis.NewClient(&redis.Options{
		Addr:                  addr,
		ContextTimeoutEnabled: true,
		ReadTimeout:           2 * time.Second,
		MinRetryBackoff:       time.Millisecond,
		MaxRetryBackoff:       10 * time.Millisecond,
	})
}

func connect(tb testing.TB, addr string) *redis.Client {
	tb.Helper()
	client := newClient(addr)
	tb.Cleanup(func() { client.Close() })
	return client
}

// values is a provider in memory: what it was given, it still has.
type values struct {
	mu sync.Mutex
	m  map[string][]byte
}

func (p *values) Get(_ context.Context, key string) ([]byte, bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	v, ok := p.m[key]
	return v, ok, nil
}

func (p *values) Set(_ context.Context, key string, value []byte, _ int64, _ time.Duration) (bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.m == nil {
		p.m = make(map[string][]byte)
	}
	p.m[key] = append([]byte(nil), value...)
	return true, nil
}

func (p *values) Del(_ context.Context, key string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.m, key)
	return nil
}

func (p *values) Close(context.Context) error { return nil }

// nearValues is a near tier that keeps what it was given.
type nearValues struct {
	mu sync.Mutex
	m  map[string]nearValue
}

type nearValue struct {
	value string
	gen   uint64
}

func (n *nearValues) Get(key string) (string, uint64, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	v, ok := n.m[key]
	return v.value, v.gen, ok
}

func (n *nearValues) Set(key, value string, gen uint64, _ time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.m == nil {
		n.m = make(map[string]nearValue)
	}
	n.m[key] = nearValue{value, gen}
}

func (n *nearValues) Del(key string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.m, key)
}

func (n *nearValues) Close() error { return nil }

// row is the one that most tests are about, and key its cache key.
const row = 0

var key = keyOf(row)

// replica is a process of an application, as far as a cache can tell: it
// shares nothing with the others but the servers and the database.
type replica struct {
	tb      testing.TB
	name    string
	db      database
	cache   *cascache.Handle[string]
	history *history

	// An old fill: the generation observed and the value read before the
	// write that the test is about.
	oldGen   uint64
	oldValue string

	mu    sync.Mutex // guards what follows
	miss  cascache.Reason
	stale []string // reads that fell behind the database
}

// startReplica opens a cache. hooks may set any hook but Miss.
func startReplica(tb testing.TB, h *history, db database, name string, s setup, hooks ...cascache.Hooks) *replica {
	tb.Helper()
	r := &replica{tb: tb, name: name, db: db, history: h}
	opts := s.options()
	opts.Hooks = &cascache.Hooks{}
	if len(hooks) > 0 {
		*opts.Hooks = hooks[0]
	}
	opts.Hooks.Miss = func(_ context.Context, e cascache.MissEvent) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.miss = e.Reason
	}
	cache, err := cascache.New(opts)
	if err != nil {
		tb.Fatal(err)
	}
	r.cache = cache
	tb.Cleanup(func() { cache.Close(context.Background()) })
	return r
}

// startReplicas returns one whose entries lie in the process, where nobody
// else deletes them, one whose entries lie where s.Values says, and one that
// keeps those decoded, too.
func startReplicas(tb testing.TB, h *history, db database, s setup) []*replica {
	tb.Helper()
	own, near := s, s
	own.Values, near.Near = "", true
	return []*replica{
		startReplica(tb, h, db, "replica with own values", own),
		startReplica(tb, h, db, "replica with shared values", s),
		startReplica(tb, h, db, "replica with near values", near),
	}
}

// read reads the row. A value older than the database's when the read began is
// stale.
func (r *replica) read() (hit bool) {
	floor := r.db.read(row)
	text, hit, err := r.cache.Get(context.Background(), key)
	if err != nil {
		r.history.note(r.name, "read fails: %v", err)
		return false
	}
	if !hit {
		r.mu.Lock()
		reason := r.miss
		r.mu.Unlock()
		r.history.note(r.name, "miss: %s", reason)
		return false
	}
	if version := versionOf(text); version < floor {
		r.history.note(r.name, "STALE hit: version %d, the database is at %d", version, floor)
		r.mu.Lock()
		defer r.mu.Unlock()
		r.stale = append(r.stale, fmt.Sprintf("version %d from %s while the database was at %d", version, r.name, floor))
		return true
	}
	r.history.note(r.name, "hit: version %s", text)
	return true
}

// fill is the three steps, and reports whether there was a generation.
func (r *replica) fill() bool {
	observed := r.cache.SnapshotGen(key)
	value := textOf(r.db.read(row))
	r.set(value, observed)
	return observed != 0
}

func (r *replica) set(value string, observed uint64) {
	if err := r.cache.SetWithGen(context.Background(), key, value, observed, 0); err != nil {
		r.history.note(r.name, "set fails: %v", err)
	}
}

// beginOldFill does the first two steps of a fill. endOldFill does the third,
// any number of times, which must never make a read stale.
func (r *replica) beginOldFill() {
	r.oldGen = r.cache.SnapshotGen(key)
	r.oldValue = textOf(r.db.read(row))
}

func (r *replica) endOldFill() { r.set(r.oldValue, r.oldGen) }

// works fills and reads until the replica serves the row.
func (r *replica) works(when string) {
	r.tb.Helper()
	eventually(r.tb, r.history, r.name+" serves the row "+when, func() bool {
		r.fill()
		return r.read()
	})
}

// invalidate tells the replica's cache of a write, which must succeed.
func (r *replica) invalidate() {
	r.tb.Helper()
	if err := r.cache.Invalidate(context.Background(), key); err != nil {
		r.history.broken(r.tb, "an invalidation with all servers up succeeds", err, nil)
	}
	r.history.note(r.name, "has invalidated")
}

// touch has each replica do all that could serve or store something.
func touch(replicas ...*replica) {
	for _, r := range replicas {
		r.endOldFill()
		r.read()
		r.fill()
		r.read()
	}
}

// staleReads returns the stale reads of replicas so far.
func staleReads(replicas ...*replica) (stale []string) {
	for _, r := range replicas {
		r.mu.Lock()
		stale = append(stale, r.stale...)
		r.mu.Unlock()
	}
	return stale
}

func wantNoneStale(tb testing.TB, h *history, replicas ...*replica) {
	tb.Helper()
	if stale := staleReads(replicas...); len(stale) > 0 {
		h.broken(tb, "no read is stale with respect to what was committed", fmt.Sprintf("%d, first: %s", len(stale), stale[0]), "none")
	}
}

// patience is how long a test waits for what must come.
const patience = 20 * time.Second

// eventually waits until cond holds.
func eventually(tb testing.TB, h *history, what string, cond func() bool) {
	tb.Helper()
	for deadline := time.Now().Add(patience); !cond(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			h.broken(tb, "sooner or later: "+what, "not within "+patience.String(), "it")
			tb.FailNow()
		}
	}
}

// clockGrain is by how much a lease may seem shorter than it is: the server
// counts milliseconds.
const clockGrain = 5 * time.Millisecond

// untilCacheable reads, fills and ends old fills until every replica serves
// the row again, and then some. Until heldUntil no replica must get a
// generation or serve anything.
func untilCacheable(t *testing.T, h *history, heldUntil time.Time, replicas ...*replica) {
	t.Helper()
	for time.Until(heldUntil) > clockGrain {
		wantHeld(t, h, heldUntil, "a held key is neither served nor filled until its lease ends", replicas...)
		time.Sleep(time.Millisecond)
	}
	for _, r := range replicas {
		eventually(t, h, r.name+" serves the row again", func() bool {
			touch(replicas...)
			return r.read()
		})
	}
	h.note("test", "every replica serves the row")
	for range 20 {
		touch(replicas...)
	}
}

// script returns the source of a script of the generation store, to tell its
// calls apart.
func script(tb testing.TB, name string) string {
	tb.Helper()
	var source string
	for _, part := range []string{"prelude", name} {
		text, err := os.ReadFile("../../../internal/redisgen/scripts/" + part + ".lua")
		if err != nil {
			tb.Fatal(err)
		}
		source += string(text)
	}
	return source
}
