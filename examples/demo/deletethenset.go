package main

import "context"

// deleteThenSet is cache-aside: a write deletes the entry, and the next reader
// sets it anew. A reader that loaded before the write and sets after the
// delete brings the old value back.
type deleteThenSet struct{ plain }

func (s deleteThenSet) invalidate(ctx context.Context, p Product) error {
	return s.del(ctx, p.ID)
}
