package conformance

import (
	"context"
)

// A genBulkKind is what the rules on the three bulk calls have in common.
type genBulkKind struct {
	kind int
	name string
	harm string // of answers that belong to other keys
}

var genBulkKinds = []genBulkKind{
	{currentBulk, "CurrentBulk", "every key of a list is judged by the generation of another: what is stale is served."},
	{snapshotBulk, "SnapshotBulk", "lists are stored under the generations of others, and never hit or hit what is stale."},
	{bumpBulk, "BumpBulk", "an invalidation that failed for one key of a list is reported for another."},
}

// calls are all calls that take a context and may do I/O, on key.
func (s *genSubject) calls(key string) []call {
	all := []call{
		{"Current", func(ctx context.Context) error { _, err := s.s.Current(ctx, key); return err }},
		{"Snapshot", func(ctx context.Context) error { _, err := s.s.Snapshot(ctx, key); return err }},
		{"Bump", func(ctx context.Context) error { _, err := s.s.Bump(ctx, key); return err }},
	}
	return append(append(all, s.bulkCalls(key)...), s.holdCalls(key)...)
}

func (s *genSubject) bulkCalls(key string) []call {
	var all []call
	for kind, bulk := range s.bulks {
		all = append(all, call{genBulkKinds[kind].name, func(ctx context.Context) error {
			_, err := bulk(ctx, []string{key, key + "'"})
			return err
		}})
	}
	return all
}

func (s *genSubject) holdCalls(key string) []call {
	if s.holder == nil {
		return nil
	}
	return []call{
		{"Hold", func(ctx context.Context) error { return s.holder.Hold(ctx, []string{key}, "token", longLease) }},
		{"Release", func(ctx context.Context) error { return s.holder.Release(ctx, []string{key}, "token") }},
	}
}

func needHolder(s *genSubject) string {
	if s.holder == nil {
		return "the store is no cascache.Holder"
	}
	return ""
}
