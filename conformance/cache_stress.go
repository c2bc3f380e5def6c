package conformance

import (
	"context"
	"math/rand/v2"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/unkn0wn-root/cascache/conformance/faults"
)

var cacheStressRules = []rule[*cacheSubject]{
	{
		name: "PromiseUnderLoad",
		says: "After Invalidate has returned nil, no read that begins later returns a value that was read from the source before, however many are under way.",
		harm: "under load, and never in a test, old values are served.",
		try:  func(a *attempt, s *cacheSubject) { tryPromise(a, s, false) },
	},
	{
		name: "PromiseUnderFaults",
		says: "After Invalidate has returned nil, no read that begins later returns a value that was read from the source before, whatever fails.",
		harm: "an outage of a few seconds turns into old values that stay.",
		try:  func(a *attempt, s *cacheSubject) { tryPromise(a, s, true) },
	},
}

// A workload is readers and writers that use the replicas of a cache.
type workload struct {
	replicas []*replica
	checker  *Checker
	keys     []string
	rows     []atomic.Uint64 // the source: the version of each key
	loads    atomic.Uint64   // numbers the loads; each value carries its own
}

func tryPromise(a *attempt, s *cacheSubject, faulty bool) {
	const workers, rounds, keys = 8, 1500, 4
	seed := s.h.Seed
	if seed == 0 {
		seed = rand.Uint64()
	}
	w := &workload{
		checker: NewChecker(CheckerOptions{MaxViolations: 3}),
		keys:    names("row", keys),
		rows:    make([]atomic.Uint64, keys),
	}
	if faulty {
		w.replicas = s.openFaulty(a, s.replicas())
		for _, r := range w.replicas {
			r.values.Set(
				faults.Rule{Call: faults.Del, Kind: faults.Fail, Chance: 0.5},
				faults.Rule{Call: faults.Set, Kind: faults.Delay, Delay: 200 * time.Microsecond, Chance: 0.2},
				faults.Rule{Call: faults.Set, Kind: faults.LoseReply, Chance: 0.05},
			)
			r.gens.Set(
				faults.Rule{Call: faults.Current, Kind: faults.Fail, Chance: 0.05},
				faults.Rule{Call: faults.Snapshot, Kind: faults.Forget, Chance: 0.02},
				faults.Rule{Call: faults.Bump, Kind: faults.Fail, Chance: 0.05},
				faults.Rule{Call: faults.Bump, Kind: faults.LoseReply, Chance: 0.1},
			)
		}
	} else {
		w.replicas = s.open(a, s.replicas())
	}
	end := time.Now().Add(20 * watchTime)
	a.each(workers, func(worker int) {
		rng := rand.New(rand.NewPCG(seed, uint64(worker)))
		r := w.replicas[worker%len(w.replicas)]
		for i := 0; i < rounds && time.Now().Before(end); i++ {
			w.step(a, rng, r)
		}
	})
	if err := w.checker.Err(); err != nil {
		a.violated("no violation", "with seed %d, %+v: %v", seed, w.checker.Counts(), err)
	}
	counts := w.checker.Counts()
	if counts.Hits == 0 || counts.Invalidations == 0 {
		a.inconclusive("a run without hits, or invalidations, shows nothing: %+v", counts)
	}
	a.Logf("seed %d: %+v", seed, counts)
}

// step does one thing on one replica.
func (w *workload) step(a *attempt, rng *rand.Rand, r *replica) {
	ctx := a.Context()
	k := rng.IntN(len(w.keys))
	pause := time.Duration(0)
	if rng.IntN(4) == 0 {
		pause = time.Duration(rng.IntN(200)) * time.Microsecond
	}
	switch p := rng.IntN(100); {
	case p < 60:
		w.readOrFill(a, r, k, pause)
	case p < 80:
		w.readOrFillAll(a, r, pause)
	case p < 95:
		w.write(k, func() {
			invalidation := w.checker.BeginInvalidation(w.keys[k])
			invalidation.End(r.Invalidate(ctx, w.keys[k]))
		})
	case p < 98:
		if bulk, ok := r.CAS.(bulkInvalidator); ok {
			w.write(k, func() {
				invalidation := w.checker.BeginInvalidation(w.keys[k])
				invalidation.End(bulk.InvalidateBulk(ctx, []string{w.keys[k]}))
			})
		}
	default:
		w.mutate(ctx, r, k)
	}
}

// write changes a row of the source and then tells the cache.
func (w *workload) write(k int, invalidate func()) {
	w.rows[k].Add(1)
	invalidate()
}

// mutate changes a row of the source under a hold.
func (w *workload) mutate(ctx context.Context, r *replica, k int) {
	m, ok := r.CAS.(mutator)
	if !ok {
		return
	}
	var invalidation *Invalidation
	err := m.Mutate(ctx, []string{w.keys[k]}, func(context.Context) error {
		invalidation = w.checker.BeginInvalidation(w.keys[k])
		w.rows[k].Add(1)
		return nil
	})
	if invalidation != nil {
		invalidation.End(err)
	}
}

// load reads a row of the source, in a value that no other load has.
func (w *workload) load(k int, pause time.Duration) string {
	load := w.checker.BeginLoad(w.keys[k])
	_ = w.rows[k].Load()
	number := w.loads.Add(1)
	load.End(number)
	if pause > 0 {
		time.Sleep(pause)
	}
	return strconv.FormatUint(number, 10)
}

// hit tells the checker of what was served.
func hit(a *attempt, read *Read, key, value string) {
	number, err := strconv.ParseUint(value, 10, 64)
	if err != nil {
		a.violated("a value that was stored", "%s was served for %s", quote(value), quote(key))
	}
	read.Hit(number)
}

func (w *workload) readOrFill(a *attempt, r *replica, k int, pause time.Duration) {
	key := w.keys[k]
	read := w.checker.BeginRead(key)
	if value, ok := r.get(a, key); ok {
		hit(a, read, key, value)
		return
	}
	observed := r.SnapshotGen(key)
	_ = r.SetWithGen(a.Context(), key, w.load(k, pause), observed, lasting)
}

func (w *workload) readOrFillAll(a *attempt, r *replica, pause time.Duration) {
	reads := make([]*Read, len(w.keys))
	for k, key := range w.keys {
		reads[k] = w.checker.BeginRead(key)
	}
	values := r.getBulk(a, w.keys)
	for k, key := range w.keys {
		if value, ok := values[key]; ok {
			hit(a, reads[k], key, value)
		}
	}
	if len(values) == len(w.keys) {
		return
	}
	observed := r.SnapshotGens(w.keys)
	items := make(map[string]string, len(w.keys))
	for k, key := range w.keys {
		items[key] = w.load(k, pause)
	}
	_ = r.SetBulkWithGens(a.Context(), items, observed, lasting)
}
