package conformance

import (
	"math"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	cascache "github.com/unkn0wn-root/cascache/core"
)

// plainNear is a near tier that is right: a map, with a clock that tests move.
type plainNear struct {
	mu      sync.Mutex
	now     time.Duration
	entries map[string]plainNearEntry
	closed  bool
}

type plainNearEntry struct {
	value *record
	gen   uint64
	until time.Duration
}

// plainNearMost is the bound of a plainNear.
const plainNearMost = 512

func newPlainNear() *plainNear { return &plainNear{entries: make(map[string]plainNearEntry)} }

// live returns what lives under key. The caller holds mu.
func (n *plainNear) live(key string) (plainNearEntry, bool) {
	e, ok := n.entries[key]
	if !ok || n.now >= e.until {
		return plainNearEntry{}, false
	}
	return e, true
}

// write stores an entry, and drops another where there are too many. The caller
// holds mu.
func (n *plainNear) write(key string, value *record, gen uint64, ttl time.Duration) {
	until := n.now + ttl
	if until < n.now {
		until = math.MaxInt64
	}
	n.entries[key] = plainNearEntry{value, gen, until}
	for old := range n.entries {
		if len(n.entries) <= plainNearMost {
			break
		}
		if old != key {
			delete(n.entries, old)
		}
	}
}

func (n *plainNear) Get(key string) (*record, uint64, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	e, ok := n.live(key)
	return e.value, e.gen, ok
}

func (n *plainNear) Set(key string, value *record, gen uint64, ttl time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.closed {
		n.write(key, value, gen, ttl)
	}
}

func (n *plainNear) Del(key string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.entries, key)
}

func (n *plainNear) Close() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.closed = true
	clear(n.entries)
	return nil
}

// self lets the harness find the plain tier inside a twin.
func (n *plainNear) self() *plainNear { return n }

// plainNearHarness is the harness of plainNear and its twins.
func plainNearHarness(open func(*plainNear) cascache.Near[*record]) NearHarness[*record] {
	return NearHarness[*record]{
		New:        func(testing.TB) cascache.Near[*record] { return open(newPlainNear()) },
		Values:     records,
		MaxEntries: plainNearMost,
		Settle: func(_ testing.TB, n cascache.Near[*record]) {
			if s, ok := n.(interface{ settle() }); ok {
				s.settle()
			}
		},
		Advance: func(_ testing.TB, n cascache.Near[*record], d time.Duration) {
			p := n.(interface{ self() *plainNear }).self()
			p.mu.Lock()
			defer p.mu.Unlock()
			p.now += d
		},
		Deadline: 10 * time.Second,
	}
}

func openPlainNear(n *plainNear) cascache.Near[*record] { return n }

// copyingNear is right as well, and hands out copies.
type copyingNear struct{ *plainNear }

func (n copyingNear) Get(key string) (*record, uint64, bool) {
	value, gen, ok := n.plainNear.Get(key)
	if ok {
		c := *value
		value = &c
	}
	return value, gen, ok
}

// oddNear is right as well, and does everything that a near tier may: it
// declines, shows what it took late, and evicts at random.
type oddNear struct {
	*plainNear
	queue map[string]plainNearEntry // guarded by mu
}

func openOddNear(n *plainNear) cascache.Near[*record] {
	return &oddNear{n, make(map[string]plainNearEntry)}
}

func (n *oddNear) Get(key string) (*record, uint64, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if rand.IntN(10) == 0 {
		for victim := range n.entries {
			delete(n.entries, victim)
			break
		}
	}
	e, ok := n.live(key)
	return e.value, e.gen, ok
}

func (n *oddNear) Set(key string, value *record, gen uint64, ttl time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.entries, key)
	delete(n.queue, key)
	if !n.closed && len(key) < 1000 && rand.IntN(4) > 0 {
		n.queue[key] = plainNearEntry{value, gen, ttl}
	}
}

func (n *oddNear) Del(key string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.entries, key)
	delete(n.queue, key)
}

func (n *oddNear) settle() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for key, e := range n.queue {
		if !n.closed {
			n.write(key, e.value, e.gen, e.until)
		}
	}
	clear(n.queue)
}

// timedNear is right as well, by the clock on the wall, and has no bound.
type timedNear struct {
	*plainNear
	begun time.Time
}

func (n timedNear) tick() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.now = time.Since(n.begun)
}

func (n timedNear) Get(key string) (*record, uint64, bool) { n.tick(); return n.plainNear.Get(key) }

func (n timedNear) Set(key string, value *record, gen uint64, ttl time.Duration) {
	n.tick()
	n.plainNear.Set(key, value, gen, ttl)
}
