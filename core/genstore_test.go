package cascache

import (
	"context"
	"sync"
)

// stubStore is a generation store under the control of the test: local
// generations, unless the test puts something else in the place of a call. It
// does not claim to be non-blocking and has no optional ability.
type stubStore struct {
	local *LocalGenStore

	mu       sync.Mutex
	calls    map[string]int
	replaced map[GenOp]genCall
}

type genCall func(ctx context.Context, key string) (uint64, error)

func newStubStore() *stubStore {
	return &stubStore{
		local:    NewLocalGenStore(0, 0),
		calls:    make(map[string]int),
		replaced: make(map[GenOp]genCall),
	}
}

// replace puts call in the place of op; nil restores the working one.
func (s *stubStore) replace(op GenOp, call genCall) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.replaced[op] = call
}

// fail makes op return err; nil restores the working one.
func (s *stubStore) fail(op GenOp, err error) {
	if err == nil {
		s.replace(op, nil)
		return
	}
	s.replace(op, answer(0, err))
}

// answer is a call that always answers the same.
func answer(gen uint64, err error) genCall {
	return func(context.Context, string) (uint64, error) { return gen, err }
}

// hang makes the operations block, deaf to their context, until the function
// returned is called.
func (s *stubStore) hang(ops ...GenOp) (release func()) {
	gate := make(chan struct{})
	for _, op := range ops {
		s.replace(op, func(context.Context, string) (uint64, error) {
			<-gate
			return 0, nil
		})
	}
	return func() {
		for _, op := range ops {
			s.replace(op, nil)
		}
		close(gate)
	}
}

// counted notes a call and returns what was put in its place, or nil.
func (s *stubStore) counted(name string, op GenOp) genCall {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls[name]++
	return s.replaced[op]
}

// traffic returns how many calls of each kind there were, and begins anew.
func (s *stubStore) traffic() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	calls := s.calls
	s.calls = make(map[string]int)
	return calls
}

func (s *stubStore) count(name string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls[name]
}

func (s *stubStore) Current(ctx context.Context, key string) (uint64, error) {
	if call := s.counted("current", GenCurrent); call != nil {
		return call(ctx, key)
	}
	return s.local.Current(ctx, key)
}

func (s *stubStore) Snapshot(ctx context.Context, key string) (uint64, error) {
	if call := s.counted("snapshot", GenSnapshot); call != nil {
		return call(ctx, key)
	}
	return s.local.Snapshot(ctx, key)
}

func (s *stubStore) Bump(ctx context.Context, key string) (uint64, error) {
	if call := s.counted("bump", GenBump); call != nil {
		return call(ctx, key)
	}
	return s.local.Bump(ctx, key)
}

func (s *stubStore) Close(ctx context.Context) error {
	s.counted("close", "")
	return s.local.Close(ctx)
}

// bulkStore is a stubStore with the bulk calls. What replaces a call is
// asked key by key, and its last error is that of the call.
type bulkStore struct{ *stubStore }

func (s bulkStore) batch(ctx context.Context, name string, op GenOp, working genCall, keys []string) (gens []uint64, err error) {
	call := s.counted(name, op)
	if call == nil {
		call = working
	}
	gens = make([]uint64, len(keys))
	for i, key := range keys {
		gen, callErr := call(ctx, key)
		if callErr != nil {
			err = callErr
			continue
		}
		gens[i] = gen
	}
	return gens, err
}

func (s bulkStore) CurrentBulk(ctx context.Context, keys []string) ([]uint64, error) {
	return s.batch(ctx, "currentBulk", GenCurrent, s.local.Current, keys)
}

func (s bulkStore) SnapshotBulk(ctx context.Context, keys []string) ([]uint64, error) {
	return s.batch(ctx, "snapshotBulk", GenSnapshot, s.local.Snapshot, keys)
}

func (s bulkStore) BumpBulk(ctx context.Context, keys []string) ([]uint64, error) {
	return s.batch(ctx, "bumpBulk", GenBump, s.local.Bump, keys)
}

var _ BulkGenStore = bulkStore{}
