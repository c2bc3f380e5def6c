package conformance

import (
	"context"
	"errors"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	cascache "github.com/unkn0wn-root/cascache/core"
)

// plain is a provider that is right: a map, with a clock that tests move.
type plain struct {
	*storage
	closed bool // guarded by storage.mu
}

// storage is what several handles can share.
type storage struct {
	mu      sync.Mutex
	now     time.Time
	entries map[string]plainEntry
	broken  bool
}

type plainEntry struct {
	value []byte
	until time.Time
}

var errBroken = errors.New("the storage is broken")

func newPlain() *plain {
	return &plain{storage: &storage{now: time.Unix(1_700_000_000, 0), entries: make(map[string]plainEntry)}}
}

// enter locks the storage, unless no call may go on. The caller calls leave in
// any case.
func (p *plain) enter(ctx context.Context) error {
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

func (p *plain) leave() { p.mu.Unlock() }

// read returns what lives under key. The caller is inside.
func (p *plain) read(key string) ([]byte, bool) {
	e, ok := p.entries[key]
	if !ok || !p.now.Before(e.until) {
		return nil, false
	}
	return e.value, true
}

// write stores a value. The caller is inside.
func (p *plain) write(key string, value []byte, ttl time.Duration) {
	if value == nil {
		value = []byte{}
	}
	p.entries[key] = plainEntry{value, p.now.Add(ttl)}
}

func (p *plain) Get(ctx context.Context, key string) ([]byte, bool, error) {
	err := p.enter(ctx)
	defer p.leave()
	if err != nil {
		return nil, false, err
	}
	value, ok := p.read(key)
	return value, ok, nil
}

func (p *plain) Set(ctx context.Context, key string, value []byte, _ int64, ttl time.Duration) (bool, error) {
	err := p.enter(ctx)
	defer p.leave()
	if err != nil {
		return false, err
	}
	p.write(key, value, ttl)
	return true, nil
}

func (p *plain) Del(ctx context.Context, key string) error {
	err := p.enter(ctx)
	defer p.leave()
	if err == nil {
		delete(p.entries, key)
	}
	return err
}

func (p *plain) Close(context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	return nil
}

// self lets the harness find the plain provider inside a twin.
func (p *plain) self() *plain { return p }

func plainOf(p any) *plain { return p.(interface{ self() *plain }).self() }

// bulked has every other ability as well, but that of being shared.
type bulked struct{ *plain }

func (p bulked) GetBulk(ctx context.Context, keys []string) ([][]byte, error) {
	err := p.enter(ctx)
	defer p.leave()
	if err != nil {
		return nil, err
	}
	values := make([][]byte, len(keys))
	for i, key := range keys {
		values[i], _ = p.read(key)
	}
	return values, nil
}

func (p bulked) SetBulk(ctx context.Context, items []cascache.Item) ([]bool, error) {
	err := p.enter(ctx)
	defer p.leave()
	if err != nil {
		return nil, err
	}
	accepted := make([]bool, len(items))
	for i, item := range items {
		p.write(item.Key, item.Value, item.TTL)
		accepted[i] = true
	}
	return accepted, nil
}

func (p bulked) DelBulk(ctx context.Context, keys []string) error {
	err := p.enter(ctx)
	defer p.leave()
	if err == nil {
		for _, key := range keys {
			delete(p.entries, key)
		}
	}
	return err
}

func (p bulked) GetPrefixed(ctx context.Context, prefix, key string) ([]byte, bool, error) {
	return p.plain.Get(ctx, prefix+key)
}

// shared says that others see its entries.
type shared struct{ bulked }

func (shared) Shared() bool { return true }

// forwarding is a wrapper that keeps every ability.
type forwarding struct{ shared }

func (f forwarding) Unwrap() any { return f.shared }

// plainHarness is the harness of plain and its twins.
func plainHarness(open func(*plain) cascache.Provider) ProviderHarness {
	return ProviderHarness{
		New: func(testing.TB) cascache.Provider { return open(newPlain()) },
		Advance: func(_ testing.TB, p cascache.Provider, d time.Duration) {
			s := plainOf(p).storage
			s.mu.Lock()
			defer s.mu.Unlock()
			s.now = s.now.Add(d)
		},
		Break: func(_ testing.TB, p cascache.Provider) {
			s := plainOf(p).storage
			s.mu.Lock()
			defer s.mu.Unlock()
			s.broken = true
		},
		Deadline: 10 * time.Second,
	}
}

// sharing adds another handle on the same storage.
func sharing(h *ProviderHarness, open func(*plain) cascache.Provider) {
	h.Peer = func(_ testing.TB, p cascache.Provider) cascache.Provider {
		return open(&plain{storage: plainOf(p).storage})
	}
}

// odd is right as well, and does everything that a cache may: it declines,
// drops what it accepted, shows it late, evicts at random, knows no times to
// live and takes no notice of contexts.
type odd struct {
	mu      sync.Mutex
	visible map[string][]byte
	queue   map[string][]byte
	closed  bool
}

func newOdd() *odd { return &odd{visible: make(map[string][]byte), queue: make(map[string][]byte)} }

func (p *odd) Get(_ context.Context, key string) ([]byte, bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, false, cascache.ErrClosed
	}
	p.evict()
	value, ok := p.visible[key]
	return value, ok, nil
}

// evict drops some entry, now and then, and shows some of those that wait.
func (p *odd) evict() {
	if rand.IntN(10) == 0 {
		for key := range p.visible {
			delete(p.visible, key)
			break
		}
	}
	if rand.IntN(10) == 0 {
		for key, value := range p.queue {
			p.visible[key] = value
			delete(p.queue, key)
			break
		}
	}
}

func (p *odd) Set(_ context.Context, key string, value []byte, _ int64, _ time.Duration) (bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return false, cascache.ErrClosed
	}
	p.evict()
	switch rand.IntN(4) {
	case 0:
		return false, nil
	case 1:
		// What it replaces goes as well.
		delete(p.visible, key)
		delete(p.queue, key)
		return true, nil
	}
	p.queue[key] = append([]byte{}, value...)
	return true, nil
}

func (p *odd) Del(_ context.Context, key string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return cascache.ErrClosed
	}
	delete(p.visible, key)
	delete(p.queue, key)
	return nil
}

func (p *odd) Close(context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	return nil
}

func (p *odd) settle() {
	p.mu.Lock()
	defer p.mu.Unlock()
	maps.Copy(p.visible, p.queue)
	clear(p.queue)
}

func oddHarness() ProviderHarness {
	return ProviderHarness{
		New:    func(testing.TB) cascache.Provider { return newOdd() },
		Settle: func(_ testing.TB, p cascache.Provider) { p.(*odd).settle() },
		Advance: func(testing.TB, cascache.Provider, time.Duration) {
			// It has no clock.
		},
		Lacks: map[Lack]string{
			PerEntryTTL:   "entries live until they are evicted",
			SubSecondTTL:  "entries live until they are evicted",
			ContextErrors: "it does no I/O",
			Failures:      "it is memory",
		},
	}
}

// oddBulked declines bulk calls in part, and answers them in any order inside.
type oddBulked struct{ *odd }

func (p oddBulked) GetBulk(ctx context.Context, keys []string) ([][]byte, error) {
	values := make([][]byte, len(keys))
	for _, i := range rand.Perm(len(keys)) {
		value, _, err := p.Get(ctx, keys[i])
		if err != nil {
			return values, err
		}
		values[i] = value
	}
	return values, nil
}

func (p oddBulked) SetBulk(ctx context.Context, items []cascache.Item) ([]bool, error) {
	accepted := make([]bool, len(items))
	for _, i := range rand.Perm(len(items)) {
		var err error
		if accepted[i], err = p.Set(ctx, items[i].Key, items[i].Value, items[i].Cost, items[i].TTL); err != nil {
			return nil, err
		}
	}
	return accepted, nil
}

func (p oddBulked) DelBulk(ctx context.Context, keys []string) error {
	for _, key := range slices.Backward(keys) {
		if err := p.Del(ctx, key); err != nil {
			return err
		}
	}
	return nil
}
