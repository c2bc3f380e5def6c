package strategy

import "context"

type deleteThenSet[V any] struct{ plain[V] }

// DeleteThenSet is cache-aside: a write deletes the entry, and the next reader
// sets it anew. A reader that loaded before the write and sets after the
// delete brings the old value back.
func DeleteThenSet[V any](s Storage[V]) Strategy[V] { return deleteThenSet[V]{plain[V]{s}} }

func (s deleteThenSet[V]) Invalidate(ctx context.Context, id int64, _ V) error {
	return s.del(ctx, id)
}
