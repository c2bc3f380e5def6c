package main

import "context"

// writeThrough puts what was written into the cache. A reader that loaded
// before the write may still set its old value over it, and so may a slower
// writer.
type writeThrough struct{ plain }

func (s writeThrough) invalidate(ctx context.Context, p Product) error {
	stored, err := s.set(ctx, p)
	if err == nil && !stored {
		// Better nothing than the old value.
		return s.del(ctx, p.ID)
	}
	return err
}
