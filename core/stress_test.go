package cascache

import (
	"encoding/binary"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// sourceRow is a row of the database that the stress test pretends to have:
// the version committed last, and the highest one whose invalidation has
// returned.
type sourceRow struct {
	committed atomic.Uint64
	acked     atomic.Uint64
	writing   sync.Mutex
}

// TestStress lets many goroutines read, fill and write a few hot keys. Each
// reader notes, before it reads, the highest version whose invalidation has
// returned; whatever it is served must not be older.
func TestStress(t *testing.T) {
	const (
		keys    = 8
		readers = 12
		writers = 3
	)
	duration := 3 * time.Second
	if testing.Short() {
		duration = 500 * time.Millisecond
	}
	store := NewLocalGenStore(0, 0)
	h, err := New(Options[[]byte]{Namespace: "stress", Provider: newBulkProvider(), Codec: Bytes{}, GenStore: store})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Close(t.Context()) })
	ctx := t.Context()

	var rows [keys]sourceRow
	names := make([]string, keys)
	for i := range names {
		names[i] = "row" + strconv.Itoa(i)
	}
	load := func(i int) []byte { return binary.BigEndian.AppendUint64(nil, rows[i].committed.Load()) }

	var hits, reads, stale, invalidations atomic.Uint64
	check := func(i int, value []byte, noted uint64) {
		hits.Add(1)
		if got := binary.BigEndian.Uint64(value); got < noted {
			stale.Add(1)
			t.Errorf("%s: served version %d after the invalidation for version %d had returned", names[i], got, noted)
		}
	}
	stop := make(chan struct{})
	running := func() bool {
		select {
		case <-stop:
			return false
		default:
			return stale.Load() == 0
		}
	}

	var wg sync.WaitGroup
	for r := range readers {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(r), 1))
			for running() {
				i := rng.IntN(keys)
				if rng.IntN(8) == 0 {
					readAllOrFill(t, h, names, rows[:], check, load)
					reads.Add(keys)
					continue
				}
				noted := rows[i].acked.Load()
				value, ok, err := h.Get(ctx, names[i])
				if err != nil {
					t.Error(err)
				}
				reads.Add(1)
				if ok {
					check(i, value, noted)
					continue
				}
				obs := h.SnapshotGen(names[i])
				if err := h.SetWithGen(ctx, names[i], load(i), obs, 0); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for w := range writers {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(w), 2))
			for running() {
				row := rng.IntN(keys)
				rows[row].writing.Lock()
				version := rows[row].committed.Add(1)
				if err := h.Invalidate(ctx, names[row]); err != nil {
					t.Error(err)
				}
				rows[row].acked.Store(version)
				rows[row].writing.Unlock()
				invalidations.Add(1)
				if rng.IntN(500) == 0 {
					store.Cleanup(0)
				}
				// Readers shall find something to hit between two writes.
				for pause := time.Now(); time.Since(pause) < 200*time.Microsecond && running(); {
				}
			}
		})
	}
	time.AfterFunc(duration, func() { close(stop) })
	wg.Wait()
	t.Logf("%d reads, %d hits, %d invalidations, %d stale", reads.Load(), hits.Load(), invalidations.Load(), stale.Load())
	if hits.Load() == 0 || invalidations.Load() == 0 {
		t.Fatal("a run without hits or invalidations shows nothing")
	}
}

// readAllOrFill reads all rows at once and fills what is missing.
func readAllOrFill(t *testing.T, h *Handle[[]byte], names []string, rows []sourceRow,
	check func(i int, value []byte, noted uint64), load func(i int) []byte,
) {
	noted := make([]uint64, len(rows))
	for i := range rows {
		noted[i] = rows[i].acked.Load()
	}
	values, missing, err := h.GetBulk(t.Context(), names)
	if err != nil {
		t.Error(err)
	}
	for i, name := range names {
		if value, ok := values[name]; ok {
			check(i, value, noted[i])
		}
	}
	if len(missing) == 0 {
		return
	}
	gens := h.SnapshotGens(names)
	items := make(map[string][]byte, len(names))
	for i, name := range names {
		items[name] = load(i)
	}
	if err := h.SetBulkWithGens(t.Context(), items, gens, 0); err != nil {
		t.Error(err)
	}
}
