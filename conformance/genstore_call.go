package conformance

import (
	"context"
)

// A genBatchKind is what the rules on the three batch calls have in common.
type genBatchKind struct {
	kind         int
	name, single string
	harm         string // of answers that belong to other keys
	lack         Lack   // of wrappers
}

var genBatchKinds = []genBatchKind{
	{currentBatch, "CurrentBatch", "Current", "every key of a list is judged by the generation of another: what is stale is served.", CurrentBatching},
	{snapshotBatch, "SnapshotBatch", "Snapshot", "lists are stored under the generations of others, and never hit or hit what is stale.", SnapshotBatching},
	{bumpBatch, "BumpBatch", "Bump", "an invalidation that failed for one key of a list is reported for another.", BumpBatching},
}

func needBatchCalls(s *genSubject) string {
	if len(s.batchCalls("")) == 0 {
		return "the store has no batch calls"
	}
	return ""
}

// reads and writes are all calls that take a context and may do I/O, on key.
func (s *genSubject) calls(key string) []call {
	all := []call{
		{"Current", func(ctx context.Context) error { _, err := s.s.Current(ctx, key); return err }},
		{"Snapshot", func(ctx context.Context) error { _, err := s.s.Snapshot(ctx, key); return err }},
		{"Bump", func(ctx context.Context) error { _, err := s.s.Bump(ctx, key); return err }},
	}
	return append(append(all, s.batchCalls(key)...), s.holdCalls(key)...)
}

func (s *genSubject) batchCalls(key string) []call {
	var all []call
	for _, b := range genBatchKinds {
		if s.batches[b.kind] == nil {
			continue
		}
		all = append(all, call{b.name, func(ctx context.Context) error {
			_, err := s.batches[b.kind](ctx, []string{key, key + "'"})
			return err
		}})
	}
	if s.prefixer != nil {
		all = append(all, call{"CurrentPrefixed", func(ctx context.Context) error {
			_, err := s.prefixer.CurrentPrefixed(ctx, "p:", key)
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

// currentPrefixed returns the generation of prefix+key, or 0.
func (s *genSubject) currentPrefixed(a *attempt, prefix, key string) uint64 {
	gen, err := s.prefixer.CurrentPrefixed(a.Context(), prefix, key)
	if err != nil {
		return 0
	}
	return gen
}
