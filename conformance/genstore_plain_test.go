package conformance

import (
	"context"
	"maps"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	cascache "github.com/unkn0wn-root/cascache/core"
)

// plainGens is one handle on a generation store that is right: two maps, with a
// clock that tests move. It can do nothing but what every store must.
type plainGens struct {
	*genState
	closed    bool   // guarded by genState.mu
	lostReply func() // what happens between the next bump and its repetition
	ordinal   int    // of the handles on the state, from 0
}

// genState is what several handles share.
type genState struct {
	mu     sync.Mutex
	now    time.Time
	floor  uint64 // the greatest generation ever drawn
	gens   map[string]uint64
	holds  map[string]map[string]time.Time // by key and token
	saved  map[string]uint64               // an old copy
	peers  int                             // how many handles there are beside the first
	broken bool

	// What twins replace; nil for what is right.
	drawn    func(key string, prev uint64) uint64
	restored func() // what comes back from the old copy
	scratch  map[string]uint64
	flights  *flights
}

func newPlainGens() *plainGens {
	return &plainGens{genState: &genState{
		now:   time.Unix(1_700_000_000, 0),
		gens:  make(map[string]uint64),
		holds: make(map[string]map[string]time.Time),

		scratch: make(map[string]uint64),
	}}
}

// enter locks the state, unless no call may go on. The caller calls leave in
// any case.
func (p *plainGens) enter(ctx context.Context) error {
	p.mu.Lock()
	switch {
	case p.closed:
		return cascache.ErrClosed
	case ctx.Err() != nil:
		return ctx.Err()
	case p.broken:
		return errBroken
	}
	return nil
}

func (p *plainGens) leave() { p.mu.Unlock() }

// draw returns a new generation, far enough from the last one that rounding
// does not make them the same. The caller is inside.
func (s *genState) draw(key string) uint64 {
	if s.drawn != nil {
		return s.drawn(key, s.gens[key])
	}
	s.floor = max(uint64(s.now.UnixMicro())*1000, s.floor+4000) + rand.Uint64N(1000)
	return s.floor
}

// held reports whether a live hold stands. The caller is inside.
func (s *genState) held(key string) bool {
	maps.DeleteFunc(s.holds[key], func(_ string, until time.Time) bool { return !s.now.Before(until) })
	return len(s.holds[key]) > 0
}

// take returns the generation, created if need be. The caller is inside.
func (s *genState) take(key string) uint64 {
	if s.gens[key] == 0 && !s.held(key) {
		s.gens[key] = s.draw(key)
	}
	return s.gens[key]
}

// replace bumps the key. The caller is inside.
func (s *genState) replace(key string) uint64 {
	if s.held(key) {
		return 0
	}
	s.gens[key] = s.draw(key)
	return s.gens[key]
}

// inside runs f for each key, all at once.
func (p *plainGens) inside(ctx context.Context, keys []string, f func(key string) uint64) ([]uint64, error) {
	err := p.enter(ctx)
	defer p.leave()
	if err != nil {
		return nil, err
	}
	gens := make([]uint64, len(keys))
	for i, key := range keys {
		gens[i] = f(key)
	}
	return gens, nil
}

func (p *plainGens) insideOne(ctx context.Context, key string, f func(key string) uint64) (uint64, error) {
	gens, err := p.inside(ctx, []string{key}, f)
	if err != nil {
		return 0, err
	}
	return gens[0], nil
}

func (p *plainGens) look(key string) uint64 { return p.gens[key] }

func (p *plainGens) Current(ctx context.Context, key string) (uint64, error) {
	return p.insideOne(ctx, key, p.look)
}

func (p *plainGens) Snapshot(ctx context.Context, key string) (uint64, error) {
	return p.insideOne(ctx, key, p.take)
}

func (p *plainGens) Bump(ctx context.Context, key string) (uint64, error) {
	gen, err := p.insideOne(ctx, key, p.replace)
	if err == nil && p.interrupted() {
		gen, err = p.insideOne(ctx, key, p.replace)
	}
	return gen, err
}

// interrupted reports whether the reply to a bump was lost, once it was.
func (p *plainGens) interrupted() bool {
	meanwhile := p.lostReply
	if meanwhile == nil {
		return false
	}
	p.lostReply = nil
	meanwhile()
	return true
}

func (p *plainGens) Close(context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	return nil
}

// self lets the harness find the plain handle inside a twin.
func (p *plainGens) self() *plainGens { return p }

func plainGensOf(s any) *plainGens { return s.(interface{ self() *plainGens }).self() }

// ableGens has the bulk calls and holds as well, and never blocks.
type ableGens struct{ *plainGens }

func (p ableGens) CurrentBulk(ctx context.Context, keys []string) ([]uint64, error) {
	return p.inside(ctx, keys, p.look)
}

func (p ableGens) SnapshotBulk(ctx context.Context, keys []string) ([]uint64, error) {
	return p.inside(ctx, keys, p.take)
}

func (p ableGens) BumpBulk(ctx context.Context, keys []string) ([]uint64, error) {
	return p.inside(ctx, keys, p.replace)
}

func (p ableGens) Hold(ctx context.Context, keys []string, token string, lease time.Duration) error {
	_, err := p.inside(ctx, keys, func(key string) uint64 {
		delete(p.gens, key)
		p.add(key, token, p.now.Add(lease))
		return 0
	})
	return err
}

// add adds a hold. The caller is inside.
func (s *genState) add(key, token string, until time.Time) {
	if s.holds[key] == nil {
		s.holds[key] = make(map[string]time.Time)
	}
	s.holds[key][token] = until
}

func (p ableGens) Release(ctx context.Context, keys []string, token string) error {
	_, err := p.inside(ctx, keys, func(key string) uint64 {
		delete(p.holds[key], token)
		return p.replace(key)
	})
	return err
}

func (p ableGens) NonBlocking() bool { return true }

// forwardingGens is a wrapper that keeps all of these abilities.
type forwardingGens struct{ ableGens }

func (f forwardingGens) Unwrap() any { return f.ableGens }

func openPlainGens(p *plainGens) cascache.GenStore   { return p }
func openAbleGens(p *plainGens) cascache.GenStore    { return ableGens{p} }
func openForwardGens(p *plainGens) cascache.GenStore { return forwardingGens{ableGens{p}} }

// plainGenHarness is the harness of plainGens and its twins.
func plainGenHarness(open func(*plainGens) cascache.GenStore) GenStoreHarness {
	change := func(s cascache.GenStore, f func(*genState)) {
		state := plainGensOf(s).genState
		state.mu.Lock()
		defer state.mu.Unlock()
		f(state)
	}
	return GenStoreHarness{
		New: func(testing.TB) cascache.GenStore { return open(newPlainGens()) },
		Peer: func(_ testing.TB, s cascache.GenStore) cascache.GenStore {
			state := plainGensOf(s).genState
			state.mu.Lock()
			state.peers++
			peer := &plainGens{genState: state, ordinal: state.peers}
			state.mu.Unlock()
			return open(peer)
		},
		Losses: []Loss{
			{
				Name: "a flush",
				Lose: func(_ testing.TB, s cascache.GenStore) { change(s, func(st *genState) { clear(st.gens) }) },
			},
			{
				Name: "a restart from an old copy",
				Prepare: func(_ testing.TB, s cascache.GenStore) {
					change(s, func(st *genState) { st.saved = maps.Clone(st.gens) })
				},
				Lose: func(_ testing.TB, s cascache.GenStore) {
					change(s, func(st *genState) {
						clear(st.gens)
						if st.restored != nil {
							st.restored()
						}
					})
				},
			},
		},
		LoseReply: func(_ testing.TB, s cascache.GenStore, meanwhile func()) { plainGensOf(s).lostReply = meanwhile },
		Advance: func(_ testing.TB, s cascache.GenStore, d time.Duration) {
			change(s, func(st *genState) { st.now = st.now.Add(d) })
		},
		Break:    func(_ testing.TB, s cascache.GenStore) { change(s, func(st *genState) { st.broken = true }) },
		Deadline: 20 * time.Second,
	}
}

// oddGens is right as well, and does everything that a store may: it forgets
// generations at any moment, bumps them when nobody asked for it, lets keys
// share them, and takes no notice of contexts.
type oddGens struct{ ableGens }

const oddSlots = 64

func openOddGens(p *plainGens) cascache.GenStore { return oddGens{ableGens{p}} }

// odd returns the slot of a key, and does one of the odd things now and then.
func (p oddGens) odd(key string) string {
	h := uint64(14695981039346656037)
	for i := range len(key) {
		h = (h ^ uint64(key[i])) * 1099511628211
	}
	slot := names("slot", oddSlots)[h%oddSlots]
	p.mu.Lock()
	defer p.mu.Unlock()
	switch rand.IntN(20) {
	case 0:
		delete(p.gens, slot)
	case 1:
		if p.gens[slot] != 0 {
			p.replace(slot)
		}
	}
	return slot
}

func (p oddGens) all(keys []string) []string {
	slots := make([]string, len(keys))
	for i, key := range keys {
		slots[i] = p.odd(key)
	}
	return slots
}

func (p oddGens) Current(_ context.Context, key string) (uint64, error) {
	return p.plainGens.Current(context.Background(), p.odd(key))
}

func (p oddGens) Snapshot(_ context.Context, key string) (uint64, error) {
	return p.plainGens.Snapshot(context.Background(), p.odd(key))
}

func (p oddGens) Bump(_ context.Context, key string) (uint64, error) {
	return p.plainGens.Bump(context.Background(), p.odd(key))
}

func (p oddGens) CurrentBulk(_ context.Context, keys []string) ([]uint64, error) {
	return p.ableGens.CurrentBulk(context.Background(), p.all(keys))
}

func (p oddGens) SnapshotBulk(_ context.Context, keys []string) ([]uint64, error) {
	return p.ableGens.SnapshotBulk(context.Background(), p.all(keys))
}

func (p oddGens) BumpBulk(_ context.Context, keys []string) ([]uint64, error) {
	return p.ableGens.BumpBulk(context.Background(), p.all(keys))
}

func (p oddGens) Hold(_ context.Context, keys []string, token string, lease time.Duration) error {
	return p.ableGens.Hold(context.Background(), p.all(keys), token, lease)
}

func (p oddGens) Release(_ context.Context, keys []string, token string) error {
	return p.ableGens.Release(context.Background(), p.all(keys), token)
}
