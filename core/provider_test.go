package cascache

import (
	"cmp"
	"context"
	"sync"
	"time"
)

// mapProvider keeps everything it is given until it is told otherwise, by the
// clock of the test: the plainest provider there can be. It has no optional
// ability.
type mapProvider struct {
	mu      sync.Mutex
	entries map[string]mapEntry
	closed  bool

	getErr, setErr, delErr error            // returned by the next calls while set
	keyErrs                map[string]error // the same, for single keys, of Get and Set
	decline                bool             // Set answers (false, nil)
	calls                  map[string]int
}

type mapEntry struct {
	value   []byte
	cost    int64
	ttl     time.Duration
	expires time.Time
}

func newMapProvider() *mapProvider {
	return &mapProvider{entries: make(map[string]mapEntry), calls: make(map[string]int)}
}

func (p *mapProvider) Get(_ context.Context, key string) ([]byte, bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.calls["get"]++
	if p.closed {
		return nil, false, ErrClosed
	}
	if err := cmp.Or(p.keyErrs[key], p.getErr); err != nil {
		return nil, false, err
	}
	e, ok := p.entries[key]
	if !ok || !time.Now().Before(e.expires) {
		return nil, false, nil
	}
	return e.value, true, nil
}

func (p *mapProvider) Set(_ context.Context, key string, value []byte, cost int64, ttl time.Duration) (bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.calls["set"]++
	return p.set(key, value, cost, ttl)
}

func (p *mapProvider) set(key string, value []byte, cost int64, ttl time.Duration) (bool, error) {
	if p.closed {
		return false, ErrClosed
	}
	if err := cmp.Or(p.keyErrs[key], p.setErr); err != nil {
		return false, err
	}
	if p.decline {
		return false, nil
	}
	p.entries[key] = mapEntry{value: value, cost: cost, ttl: ttl, expires: time.Now().Add(ttl)}
	return true, nil
}

func (p *mapProvider) Del(_ context.Context, key string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.calls["del"]++
	if p.closed {
		return ErrClosed
	}
	if p.delErr != nil {
		return p.delErr
	}
	delete(p.entries, key)
	return nil
}

func (p *mapProvider) Close(context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	return nil
}

// put stores raw bytes behind the cache's back.
func (p *mapProvider) put(key string, raw []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.entries[key] = mapEntry{value: raw, ttl: time.Hour, expires: time.Now().Add(time.Hour)}
}

// entry returns what is stored under key, expired or not.
func (p *mapProvider) entry(key string) (mapEntry, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	e, ok := p.entries[key]
	return e, ok
}

// len returns how many entries there are, expired ones included.
func (p *mapProvider) len() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.entries)
}

// traffic returns how many calls of each kind there were, and begins anew.
func (p *mapProvider) traffic() map[string]int {
	p.mu.Lock()
	defer p.mu.Unlock()
	calls := p.calls
	p.calls = make(map[string]int)
	return calls
}

func (p *mapProvider) count(op string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.calls[op]
}

// bulkProvider is a mapProvider with the bulk calls.
type bulkProvider struct{ *mapProvider }

func newBulkProvider() bulkProvider { return bulkProvider{newMapProvider()} }

func (p bulkProvider) GetBulk(_ context.Context, keys []string) ([][]byte, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.calls["getBulk"]++
	if p.closed {
		return nil, ErrClosed
	}
	if p.getErr != nil {
		return nil, p.getErr
	}
	raws := make([][]byte, len(keys))
	for i, key := range keys {
		if e, ok := p.entries[key]; ok && time.Now().Before(e.expires) {
			raws[i] = e.value
		}
	}
	return raws, nil
}

func (p bulkProvider) SetBulk(_ context.Context, items []Item) ([]bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.calls["setBulk"]++
	stored := make([]bool, len(items))
	for i, it := range items {
		ok, err := p.set(it.Key, it.Value, it.Cost, it.TTL)
		if err != nil {
			return nil, err
		}
		stored[i] = ok
	}
	return stored, nil
}

func (p bulkProvider) DelBulk(_ context.Context, keys []string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.calls["delBulk"]++
	if p.closed {
		return ErrClosed
	}
	if p.delErr != nil {
		return p.delErr
	}
	for _, key := range keys {
		delete(p.entries, key)
	}
	return nil
}
