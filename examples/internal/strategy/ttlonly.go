package strategy

import "context"

type ttlOnly[V any] struct{ plain[V] }

// TTLOnly lets entries expire and does nothing else.
func TTLOnly[V any](s Storage[V]) Strategy[V] { return ttlOnly[V]{plain[V]{s}} }

func (ttlOnly[V]) Invalidate(context.Context, int64, V) error { return nil }
