package leasegenstore

import (
	"context"
	"errors"
	"slices"

	"github.com/unkn0wn-root/cascache/internal/redisgen"
)

// maxGroup is how many keys one run of a script takes, so that no bulk call keeps
// the server from its other callers for long.
const maxGroup = 1000

// CurrentLocal implements [cascache.LocalReader]. It allocates nothing.
func (s *engine) CurrentLocal(prefix, key string) (gen uint64, ok bool) {
	return s.replica.Current(prefix, key)
}

// CurrentLocalBulk implements [cascache.LocalReader].
func (s *engine) CurrentLocalBulk(keys []string, gens []uint64) { s.replica.CurrentBulk(keys, gens) }

// Current implements [cascache.GenStore]. It asks Redis, in one round trip that
// it shares with other callers, and remembers the answer. It writes nothing.
func (s *engine) Current(ctx context.Context, key string) (uint64, error) {
	if err := s.begin(ctx); err != nil {
		return 0, err
	}
	s.join()
	return s.currents.one(ctx, key)
}

// CurrentBulk implements [cascache.BulkGenStore].
func (s *engine) CurrentBulk(ctx context.Context, keys []string) ([]uint64, error) {
	return s.batch(ctx, keys, s.currentBulk)
}

// Snapshot implements [cascache.GenStore]. It asks Redis, as Current does, and
// begins the time to live of the generation anew. When Redis is out of memory it
// creates none: a generation that is there is returned, and otherwise an error.
func (s *engine) Snapshot(ctx context.Context, key string) (uint64, error) {
	if err := s.begin(ctx); err != nil {
		return 0, err
	}
	s.join()
	return s.creating.one(ctx, key)
}

// SnapshotBulk implements [cascache.BulkGenStore].
func (s *engine) SnapshotBulk(ctx context.Context, keys []string) ([]uint64, error) {
	return s.batch(ctx, keys, s.snapshotBulk)
}

// batch asks for many keys, in as many scripts as that takes.
func (s *engine) batch(ctx context.Context, keys []string, ask func(context.Context, []string) ([]uint64, error)) ([]uint64, error) {
	if err := s.begin(ctx); err != nil {
		return nil, err
	}
	s.join()
	gens := make([]uint64, 0, len(keys))
	var errs []error
	for len(keys) > 0 {
		part := keys[:min(len(keys), maxGroup)]
		keys = keys[len(part):]
		got, err := ask(ctx, part)
		if err != nil {
			errs = append(errs, err)
		}
		if got == nil {
			got = make([]uint64, len(part))
		}
		gens = append(gens, got...)
	}
	return gens, errors.Join(errs...)
}

// currentBulk reads the generations of at most maxGroup keys.
func (s *engine) currentBulk(ctx context.Context, keys []string) ([]uint64, error) {
	items, err := s.run(ctx, readScript, s.names.read(keys))
	if err != nil {
		return nil, failed(readScript.op, keys, err)
	}
	r := reader{items: items}
	epoch, head, id, records := r.text(), r.count(), r.text(), r.list()
	if err := r.end(); err != nil || len(records) != len(keys) {
		return nil, failed(readScript.op, keys, errForm)
	}
	gens := make([]uint64, len(keys))
	for i := range keys {
		if record, found := records[i].(string); found {
			gens[i] = redisgen.Generation(record, id)
		}
	}
	s.learn(epoch, head, keys, gens)
	return gens, nil
}

// snapshotBulk reads or creates the generations of at most maxGroup keys. With an
// error it may return those that are there.
func (s *engine) snapshotBulk(ctx context.Context, keys []string) ([]uint64, error) {
	items, err := s.run(ctx, snapshotScript, s.names.all(keys), s.args("", "", "")...)
	if answers(err, "OOM") {
		gens, readErr := s.currentBulk(ctx, keys)
		if readErr == nil && !slices.Contains(gens, 0) {
			return gens, nil
		}
		return gens, failed(snapshotScript.op, keys, err)
	}
	if err != nil {
		return nil, failed(snapshotScript.op, keys, err)
	}
	r := reader{items: items}
	epoch, head, gens := r.text(), r.count(), r.gens(len(keys))
	if err := r.end(); err != nil {
		return nil, failed(snapshotScript.op, keys, err)
	}
	s.learn(epoch, head, keys, gens)
	return gens, nil
}

// learn remembers what was read at one epoch and head.
func (s *engine) learn(epoch string, head uint64, keys []string, gens []uint64) {
	s.saw(epoch)
	for i, key := range keys {
		s.replica.Learn(epoch, head, key, gens[i])
	}
}

// saw notes the epoch of an answer that has just come.
func (s *engine) saw(epoch string) {
	s.mu.Lock()
	s.writer.Saw(epoch, s.now())
	s.mu.Unlock()
	if epoch != "" && epoch != s.replica.Epoch() {
		s.wake()
	}
}
