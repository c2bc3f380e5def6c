package metrics

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	cascache "github.com/unkn0wn-root/cascache/core"
)

var errBroken = errors.New("broken")

// provider keeps entries in a map, and fails where it is told to.
type provider struct {
	shared                          bool
	failGet, failSet, failDel, full atomic.Bool

	mu      sync.Mutex
	entries map[string][]byte
}

func newProvider() *provider { return &provider{entries: make(map[string][]byte)} }

func (p *provider) Get(_ context.Context, key string) ([]byte, bool, error) {
	if p.failGet.Load() {
		return nil, false, errBroken
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	value, ok := p.entries[key]
	return value, ok, nil
}

func (p *provider) Set(_ context.Context, key string, value []byte, _ int64, _ time.Duration) (bool, error) {
	if p.failSet.Load() {
		return false, errBroken
	}
	if p.full.Load() {
		return false, nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.entries[key] = value
	return true, nil
}

func (p *provider) Del(_ context.Context, key string) error {
	if p.failDel.Load() {
		return errBroken
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.entries, key)
	return nil
}

func (p *provider) Shared() bool { return p.shared }

func (p *provider) Close(context.Context) error { return nil }

// genStore fails where it is told to.
type genStore struct {
	cascache.GenStore
	cascache.Holder
	failCurrent, failSnapshot, failBump atomic.Bool
}

func newGenStore() *genStore {
	local := cascache.NewLocalGenStore(0, 0)
	return &genStore{GenStore: local, Holder: local}
}

func (s *genStore) Current(ctx context.Context, key string) (uint64, error) {
	if s.failCurrent.Load() {
		return 0, errBroken
	}
	return s.GenStore.Current(ctx, key)
}

func (s *genStore) Snapshot(ctx context.Context, key string) (uint64, error) {
	if s.failSnapshot.Load() {
		return 0, errBroken
	}
	return s.GenStore.Snapshot(ctx, key)
}

func (s *genStore) Bump(ctx context.Context, key string) (uint64, error) {
	if s.failBump.Load() {
		return 0, errBroken
	}
	return s.GenStore.Bump(ctx, key)
}

// brokenNear panics whatever it is asked.
type brokenNear struct{}

func (brokenNear) Get(string) (string, uint64, bool)         { panic("near") }
func (brokenNear) Set(string, string, uint64, time.Duration) { panic("near") }
func (brokenNear) Del(string)                                { panic("near") }
func (brokenNear) Close() error                              { return nil }

// strict decodes no empty payload.
type strict struct{ cascache.String }

func (s strict) Decode(b []byte) (string, error) {
	if len(b) == 0 {
		return "", errBroken
	}
	return s.String.Decode(b)
}
