// Package cascache stands for the real one: the same names and signatures, and
// nothing behind them.
package cascache

import (
	"context"
	"errors"
	"time"
)

var (
	ErrNotFound     = errors.New("not found")
	ErrNotCommitted = errors.New("not committed")
)

type CAS[V any] interface {
	Close(ctx context.Context) error
	Get(ctx context.Context, key string) (value V, ok bool, err error)
	SetWithGen(ctx context.Context, key string, value V, observedGen uint64, ttl time.Duration) error
	Invalidate(ctx context.Context, key string) error
	SetBulkWithGens(ctx context.Context, items map[string]V, observedGens map[string]uint64, ttl time.Duration) error
	SnapshotGen(key string) uint64
	SnapshotGens(keys []string) map[string]uint64
}

type Cache[V any] = CAS[V]

type Handle[V any] struct{ CAS[V] }

type SetResult struct{ Outcome string }

func New[V any]() (*Handle[V], error) { return new(Handle[V]), nil }

func (h *Handle[V]) Invalidate(ctx context.Context, key string) error           { return nil }
func (h *Handle[V]) InvalidateBulk(ctx context.Context, keys []string) error    { return nil }
func (h *Handle[V]) InvalidateTags(ctx context.Context, tags ...string) error   { return nil }
func (h *Handle[V]) Clear(ctx context.Context) error                            { return nil }
func (h *Handle[V]) SnapshotGen(key string) uint64                              { return 0 }
func (h *Handle[V]) SnapshotGens(keys []string) map[string]uint64               { return nil }
func (h *Handle[V]) SnapshotGenContext(context.Context, string) (uint64, error) { return 0, nil }
func (h *Handle[V]) SetBulkWithGens(context.Context, map[string]V, map[string]uint64, time.Duration) error {
	return nil
}

func (h *Handle[V]) SnapshotGensContext(context.Context, []string) (map[string]uint64, error) {
	return nil, nil
}

func (h *Handle[V]) SetWithGen(ctx context.Context, key string, value V, observedGen uint64, ttl time.Duration) error {
	return nil
}

func (h *Handle[V]) SetWithGenResult(ctx context.Context, key string, value V, observedGen uint64, ttl time.Duration) (SetResult, error) {
	return SetResult{}, nil
}

func (h *Handle[V]) Mutate(ctx context.Context, keys []string, write func(ctx context.Context) error) error {
	return write(ctx)
}

func (h *Handle[V]) Write(ctx context.Context, key string, write func(ctx context.Context) (V, error)) (V, error) {
	return write(ctx)
}

type Changes struct{}

func NewChanges() *Changes { return new(Changes) }

func (c *Changes) Commit(ctx context.Context, commit func(ctx context.Context) error) error {
	return commit(ctx)
}

type LoaderOptions[V any] struct {
	Load     func(ctx context.Context, key string) (V, error)
	LoadBulk func(ctx context.Context, keys []string) (map[string]V, error)
	LoadMany func(ctx context.Context, keys []string) (map[string]V, error)
}

type Loader[V any] struct{}

func NewLoader[V any](cache CAS[V], opts LoaderOptions[V]) (*Loader[V], error) {
	return new(Loader[V]), nil
}

func (l *Loader[V]) Get(ctx context.Context, key string) (value V, err error) { return value, nil }
