package faults_test

import (
	"context"
	"sync"
	"time"

	cascache "github.com/unkn0wn-root/cascache/core"
)

// memory is a provider without optional abilities and without a clock.
type memory struct {
	mu      sync.Mutex
	entries map[string][]byte
	calls   int
	closed  bool
}

func newMemory() *memory { return &memory{entries: make(map[string][]byte)} }

func (m *memory) enter(ctx context.Context) error {
	m.mu.Lock()
	m.calls++
	if m.closed {
		return cascache.ErrClosed
	}
	return ctx.Err()
}

func (m *memory) Get(ctx context.Context, key string) ([]byte, bool, error) {
	err := m.enter(ctx)
	defer m.mu.Unlock()
	if err != nil {
		return nil, false, err
	}
	value, ok := m.entries[key]
	return value, ok, nil
}

func (m *memory) Set(ctx context.Context, key string, value []byte, _ int64, _ time.Duration) (bool, error) {
	err := m.enter(ctx)
	defer m.mu.Unlock()
	if err != nil {
		return false, err
	}
	m.entries[key] = append([]byte{}, value...)
	return true, nil
}

func (m *memory) Del(ctx context.Context, key string) error {
	err := m.enter(ctx)
	defer m.mu.Unlock()
	if err == nil {
		delete(m.entries, key)
	}
	return err
}

func (m *memory) Close(context.Context) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
	return nil
}

func (m *memory) has(key string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	_, ok := m.entries[key]
	return ok
}

func (m *memory) count() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.calls
}

// able is memory with every optional ability.
type able struct{ *memory }

func (able) Shared() bool { return true }

func (m able) GetPrefixed(ctx context.Context, prefix, key string) ([]byte, bool, error) {
	return m.Get(ctx, prefix+key)
}

func (m able) GetBulk(ctx context.Context, keys []string) ([][]byte, error) {
	err := m.enter(ctx)
	defer m.mu.Unlock()
	if err != nil {
		return nil, err
	}
	values := make([][]byte, len(keys))
	for i, key := range keys {
		values[i] = m.entries[key]
	}
	return values, nil
}

func (m able) SetBulk(ctx context.Context, items []cascache.Item) ([]bool, error) {
	err := m.enter(ctx)
	defer m.mu.Unlock()
	if err != nil {
		return nil, err
	}
	accepted := make([]bool, len(items))
	for i, item := range items {
		m.entries[item.Key] = append([]byte{}, item.Value...)
		accepted[i] = true
	}
	return accepted, nil
}

func (m able) DelBulk(ctx context.Context, keys []string) error {
	err := m.enter(ctx)
	defer m.mu.Unlock()
	if err == nil {
		for _, key := range keys {
			delete(m.entries, key)
		}
	}
	return err
}
