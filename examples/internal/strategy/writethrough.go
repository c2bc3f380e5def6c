package strategy

import "context"

type writeThrough[V any] struct{ plain[V] }

// WriteThrough puts what was written into the cache. A reader that loaded
// before the write may still set its old value over it, and so may a slower
// writer.
func WriteThrough[V any](s Storage[V]) Strategy[V] { return writeThrough[V]{plain[V]{s}} }

func (s writeThrough[V]) Invalidate(ctx context.Context, id int64, value V) error {
	stored, err := s.set(ctx, id, value)
	if err == nil && !stored {
		// Better nothing than the old value.
		return s.del(ctx, id)
	}
	return err
}
