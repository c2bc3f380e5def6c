package redisgenstore

import "context"

// Snapshot implements [cascache.GenStore]. It begins the time to live of the
// generation anew.
func (s *Store) Snapshot(ctx context.Context, key string) (uint64, error) {
	if err := s.beginChange(ctx, snapshotScript.op, key); err != nil {
		return 0, err
	}
	return s.one(ctx, nil, snapshotScript, key, s.guardFlag(), s.ttl, tail())
}

// SnapshotBulk implements [cascache.BulkGenStore].
func (s *Store) SnapshotBulk(ctx context.Context, keys []string) ([]uint64, error) {
	if err := s.beginChange(ctx, snapshotScript.op, keys...); err != nil {
		return nil, err
	}
	if len(keys) == 0 {
		return nil, nil
	}
	return s.collect(ctx, nil, snapshotScript, keys, s.guardFlag(), s.ttl, tail())
}
