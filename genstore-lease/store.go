package leasegenstore

import (
	"context"
	"crypto/rand"
	"errors"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	cascache "github.com/unkn0wn-root/cascache/core"
	"github.com/unkn0wn-root/cascache/genstore-lease/internal/protocol"
	"github.com/unkn0wn-root/cascache/internal/redisgen"
)

// Store is a [cascache.GenStore] in Redis, shared by every process that has the
// same Redis and namespace, and read from memory where a lease allows it. Make
// one with [New]; the zero value is not usable. One store serves any number of
// caches, under namespaces of their own, and is one member for Redis and for
// those who wait. Close it: a process that goes without costs the next
// invalidations a lease. A store that nobody closed or uses any more is collected,
// and closed then.
//
// It has the abilities [cascache.LocalReader], [cascache.BulkGenStore],
// [cascache.BulkGenStore], [cascache.BulkGenStore] and [cascache.Holder].
type Store struct{ *engine }

// An engine is all of a store. Its goroutines refer to it and not to the store,
// so that one that nobody has any more is noticed.
type engine struct {
	client  redis.UniversalClient
	cluster *redis.ClusterClient // client, or the one under it, or nil
	owned   bool
	names   names

	lease, heartbeat         time.Duration
	ttl, leaseArg, logLength string // as the scripts take them

	epoch0   time.Time // what Instants count from
	id       string    // of the replica
	replica  *protocol.Replica
	currents *gathering
	creating *gathering

	mu      sync.Mutex // guards what follows
	writer  *protocol.Writer
	waiting map[*waiter]struct{}
	watch   protocol.Instant // members are to be watched until then

	ending sync.Mutex // held where the goroutines are started or told to end

	joined   atomic.Bool   // whether this process answers from memory at all
	starting sync.Once     // the goroutines
	woken    chan struct{} // something is to be read, acknowledged or watched
	life     context.Context
	end      context.CancelFunc
	running  sync.WaitGroup
	closed   atomic.Bool
}

var (
	_ cascache.GenStore     = (*Store)(nil)
	_ cascache.LocalReader  = (*Store)(nil)
	_ cascache.BulkGenStore = (*Store)(nil)
	_ cascache.Holder       = (*Store)(nil)
	_ cascache.ClosedTeller = (*Store)(nil)
)

// New returns a store, without any I/O. The error names the field that cannot
// work and what to change. The first call of the store begins its heartbeats,
// over a connection of the client, and takes another one to hear of changes.
func New(cfg Config) (*Store, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	s := &engine{
		client:    cfg.Client,
		cluster:   redisgen.ClusterUnder(cfg.Client),
		owned:     cfg.CloseClient,
		names:     newNames(cfg.Namespace),
		lease:     cfg.Lease,
		heartbeat: cfg.Heartbeat,
		ttl:       milliseconds(cfg.TTL),
		leaseArg:  strconv.FormatInt(cfg.Lease.Microseconds(), 10),
		logLength: strconv.Itoa(cfg.LogLength),
		epoch0:    time.Now().Add(-time.Hour), // so that 0 is before everything
		id:        newID(),
		waiting:   make(map[*waiter]struct{}),
		woken:     make(chan struct{}, 1),
	}
	s.replica = protocol.NewReplica(s.id, cfg.Lease, cfg.Generations, s.now)
	s.writer = protocol.NewWriter(s.id, cfg.Lease)
	s.currents = newGathering(s.currentBulk)
	s.creating = newGathering(s.snapshotBulk)
	s.life, s.end = context.WithCancel(context.Background())
	store := &Store{s}
	runtime.AddCleanup(store, func(s *engine) {
		go func() { _ = s.Close(context.Background()) }() // it may wait for Redis
	}, s)
	return store, nil
}

// newID returns what no other start draws.
func newID() string { return rand.Text() }

// now reads the monotonic clock.
func (s *engine) now() protocol.Instant { return int64(time.Since(s.epoch0)) }

// begin reports why a call cannot begin, or nil.
func (s *engine) begin(ctx context.Context) error {
	if s.closed.Load() {
		return cascache.ErrClosed
	}
	return ctx.Err()
}

// Closed implements [cascache.ClosedTeller].
func (s *Store) Closed() bool { return s.closed.Load() }

// Close stops answering from memory, tells the others so that they need not
// wait for this process, and closes the client if Config.CloseClient says so.
// Calls under way go on. Without ctx's end it takes about one round trip; when
// Redis does not answer, at most about a lease.
func (s *engine) Close(ctx context.Context) error {
	if s.closed.Swap(true) {
		return nil
	}
	// Rule 10: first nothing is served any more, then nobody waits for it.
	s.replica.Stop()
	s.ending.Lock()
	s.end()
	s.ending.Unlock()
	if s.joined.Load() {
		ctx, cancel := context.WithTimeout(ctx, s.lease+time.Second)
		defer cancel()
		done := make(chan struct{})
		go func() { // a client may ignore contexts
			defer close(done)
			s.running.Wait() // a late heartbeat would register the replica again
			s.client.HDel(ctx, s.names.state, "member:"+s.id)
		}()
		select {
		case <-done:
		case <-ctx.Done():
		}
	}
	if s.owned {
		// Another owner may have closed it.
		if err := s.client.Close(); !errors.Is(err, redis.ErrClosed) {
			return err
		}
	}
	return nil
}

// milliseconds returns d as the scripts take it, rounded up.
func milliseconds(d time.Duration) string {
	ms := d.Milliseconds()
	if d%time.Millisecond > 0 {
		ms++
	}
	return strconv.FormatInt(ms, 10)
}
