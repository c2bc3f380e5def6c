package lease

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	cascache "github.com/unkn0wn-root/cascache/core"
	leasegenstore "github.com/unkn0wn-root/cascache/genstore-lease"
	redisgenstore "github.com/unkn0wn-root/cascache/genstore-redis"
	"github.com/unkn0wn-root/cascache/internal/redistest"
)

// long makes leases so long that no busy machine loses one by accident.
func long(c *leasegenstore.Config) { c.Lease = time.Second }

// settled returns when the store's bumps need not wait for old leases any more.
func (s gated) settled(tb testing.TB) {
	tb.Helper()
	redistest.Eventually(tb, redistest.Patience, "a bump that takes less than half a lease", func() bool {
		began := time.Now()
		if _, err := s.Bump(tb.Context(), "settling"); err != nil {
			tb.Fatal(err)
		}
		return time.Since(began) < 500*time.Millisecond
	})
}

// pair returns a reader that answers for "k" from memory, and a writer whose
// bumps wait for nobody but it.
func pair(t *testing.T) (reader, writer gated, old uint64) {
	server := redistest.Start(t)
	reader, writer = openGated(t, server, long), openGated(t, server, long)
	reader.serving(t, "k")
	writer.settled(t)
	return reader, writer, reader.serving(t, "k")
}

// sees fails the test if the reader still answers with what was replaced.
func (s gated) sees(t *testing.T, old uint64, rule string) {
	t.Helper()
	if gen, ok := s.CurrentLocal("", "k"); ok && gen <= old {
		t.Errorf("%s: a replica still answers %d from memory, which was replaced", rule, gen)
	}
}

func TestBumpReachesEveryReplica(t *testing.T) {
	reader, writer, old := pair(t)
	for range 50 {
		began := time.Now()
		gen, err := writer.Bump(t.Context(), "k")
		if err != nil {
			t.Fatal(err)
		}
		reader.sees(t, old, "G4")
		if took := time.Since(began); took > 900*time.Millisecond {
			t.Errorf("a bump took %v, and everyone was there", took)
		}
		old = gen
	}
	if gen := reader.serving(t, "k"); gen != old {
		t.Errorf("the reader answers %d from memory, want %d", gen, old)
	}
}

// TestSilentReplicaIsWaitedFor holds a replica's heartbeats: it goes on serving
// until its lease ends.
func TestSilentReplicaIsWaitedFor(t *testing.T) {
	reader, writer, old := pair(t)
	defer reader.gate.holdBeats()()
	if _, err := writer.Bump(t.Context(), "k"); err != nil {
		t.Fatal(err)
	}
	reader.sees(t, old, "G4")
}

// TestRule2 delays a bump on its way to the server, for longer than a lease.
func TestRule2(t *testing.T) {
	reader, writer, old := pair(t)
	var once sync.Once
	var release func()
	writer.gate.mu.Lock()
	writer.gate.changes = func() {
		once.Do(func() {
			time.Sleep(1100 * time.Millisecond)
			reader.serving(t, "k")
			release = reader.gate.holdBeats()
		})
	}
	writer.gate.mu.Unlock()
	if _, err := writer.Bump(t.Context(), "k"); err != nil {
		t.Fatal(err)
	}
	defer release()
	reader.sees(t, old, "rule 2: a writer counts from the receipt of its answer")
}

// TestRule12 holds a key while a replica is silent.
func TestRule12(t *testing.T) {
	reader, writer, old := pair(t)
	defer reader.gate.holdBeats()()
	if err := writer.Hold(t.Context(), []string{"k"}, "token", time.Minute); err != nil {
		t.Fatal(err)
	}
	reader.sees(t, old, "rule 12: no replica answers for a key when its hold has returned")
}

func TestRule13(t *testing.T) {
	reader, writer, _ := pair(t)
	defer reader.gate.holdBeats()()
	for name, change := range map[string]func(ctx context.Context) error{
		"Bump":     func(ctx context.Context) error { _, err := writer.Bump(ctx, "k"); return err },
		"BumpBulk": func(ctx context.Context) error { _, err := writer.BumpBulk(ctx, []string{"k", "l"}); return err },
		"Hold":     func(ctx context.Context) error { return writer.Hold(ctx, []string{"h"}, "token", time.Minute) },
		"Release":  func(ctx context.Context) error { return writer.Release(ctx, []string{"h"}, "token") },
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		if err := change(ctx); !errors.Is(err, leasegenstore.ErrUnconfirmed) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("rule 13: %s whose context ends before a replica has it: got %v, want ErrUnconfirmed and DeadlineExceeded", name, err)
		}
	}
	if gen, err := writer.Snapshot(t.Context(), "h"); err != nil || gen == 0 {
		t.Errorf("a hold that failed must be undone: got (%d, %v)", gen, err)
	}
}

func TestRule13BatchNamesNoGeneration(t *testing.T) {
	reader, writer, _ := pair(t)
	defer reader.gate.holdBeats()()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	gens, err := writer.BumpBulk(ctx, []string{"k", "l"})
	for _, gen := range gens {
		if gen != 0 {
			t.Errorf("rule 13: a bump that is not known to be done returned %d with %v", gen, err)
		}
	}
}

func TestDeadReplicaIsRemoved(t *testing.T) {
	reader, writer, _ := pair(t)
	reader.gate.holdBeats() // for good
	began := time.Now()
	if _, err := writer.Bump(t.Context(), "k"); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took > 1500*time.Millisecond {
		t.Errorf("a bump took %v with one replica dead, want little more than its lease of a second", took)
	}
	writer.settled(t)
}

func TestCloseLetsNobodyWait(t *testing.T) {
	reader, writer, _ := pair(t)
	if err := reader.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if gen, ok := reader.CurrentLocal("", "k"); ok {
		t.Errorf("rule 10: a closed store answers %d from memory", gen)
	}
	began := time.Now()
	if _, err := writer.Bump(t.Context(), "k"); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took > 500*time.Millisecond {
		t.Errorf("a bump took %v after the only other replica was closed", took)
	}
	if _, err := reader.Current(t.Context(), "k"); !errors.Is(err, cascache.ErrClosed) {
		t.Errorf("a call after Close: got %v, want ErrClosed", err)
	}
}

func TestOneTripAlone(t *testing.T) {
	server := redistest.Start(t)
	writer := openGated(t, server)
	writer.settled(t)
	time.Sleep(300 * time.Millisecond) // until nobody from before can hold a lease
	before := writer.gate.counted("change") + writer.gate.counted("heartbeat")
	for range 20 {
		if _, err := writer.Bump(t.Context(), "k"); err != nil {
			t.Fatal(err)
		}
	}
	if trips := writer.gate.counted("change") + writer.gate.counted("heartbeat") - before; trips != 20 {
		t.Errorf("20 bumps of a process that is alone took %d round trips", trips)
	}
}

func TestRule11(t *testing.T) {
	server := redistest.Start(t)
	plain := redisgenstore.NewRedisGenStore(connect(t, server.Addr()), "test")
	if _, err := plain.Bump(t.Context(), "k"); err != nil {
		t.Fatal(err)
	}
	leased := openGated(t, server)
	if _, err := leased.Bump(t.Context(), "k"); !errors.Is(err, leasegenstore.ErrOtherKind) {
		t.Errorf("rule 11: a bump where plain stores are: got %v, want ErrOtherKind", err)
	}
	if _, err := leased.Snapshot(t.Context(), "k"); !errors.Is(err, leasegenstore.ErrOtherKind) {
		t.Errorf("rule 11: a snapshot where plain stores are: got %v, want ErrOtherKind", err)
	}

	elsewhere := func(c *leasegenstore.Config) { c.Namespace = "other" }
	if _, err := openGated(t, server, elsewhere).Bump(t.Context(), "k"); err != nil {
		t.Fatal(err)
	}
	plain = redisgenstore.NewRedisGenStore(connect(t, server.Addr()), "other")
	if _, err := plain.Bump(t.Context(), "k"); !errors.Is(err, redisgenstore.ErrOtherKind) {
		t.Errorf("rule 11: a plain bump where leases are: got %v, want ErrOtherKind", err)
	}
}

func TestLeasesAreOfOneLength(t *testing.T) {
	server := redistest.Start(t)
	if _, err := openGated(t, server).Bump(t.Context(), "k"); err != nil {
		t.Fatal(err)
	}
	other := openGated(t, server, long)
	if _, err := other.Bump(t.Context(), "k"); !errors.Is(err, leasegenstore.ErrOtherLease) {
		t.Errorf("a process with other leases would wait for less than others serve: got %v, want ErrOtherLease", err)
	}
}

func TestLogIsBounded(t *testing.T) {
	server := redistest.Start(t)
	s := openGated(t, server, func(c *leasegenstore.Config) { c.LogLength = 100 })
	reader := openGated(t, server, func(c *leasegenstore.Config) { c.LogLength = 100 })
	reader.serving(t, "k")
	release := reader.gate.holdBeats()
	keys := make([]string, 2500)
	for i := range keys {
		keys[i] = "k" + boardKey(i)
	}
	if _, err := s.BumpBulk(t.Context(), append(keys, "k")); err != nil {
		t.Fatal(err)
	}
	logs, _ := server.Do("KEYS", "lease:*:log").([]any)
	if len(logs) != 1 {
		t.Fatalf("there are %d logs", len(logs))
	}
	name, _ := logs[0].(string)
	if n := server.Do("LLEN", name); n != int64(100) {
		t.Errorf("the log holds %v entries, want 100", n)
	}
	want, err := s.Current(t.Context(), "k")
	if err != nil {
		t.Fatal(err)
	}
	release()
	if gen := reader.serving(t, "k"); gen != want {
		t.Errorf("a replica that the log has left behind answers %d from memory, want %d", gen, want)
	}
}

func TestLocalLookUpAllocatesNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	s := openGated(t, redistest.Start(t), func(c *leasegenstore.Config) { c.Lease = time.Minute })
	s.serving(t, "single:app:k")
	known := 0
	if n := testing.AllocsPerRun(1000, func() {
		if _, ok := s.CurrentLocal("single:app:", "k"); ok {
			known++
		}
	}); n != 0 || known == 0 {
		t.Errorf("a look-up from memory allocates %v times (%d were known)", n, known)
	}
	keys, gens := []string{"single:app:k"}, make([]uint64, 1)
	if n := testing.AllocsPerRun(1000, func() { s.CurrentLocalBulk(keys, gens) }); n != 0 || gens[0] == 0 {
		t.Errorf("a batch from memory allocates %v times", n)
	}
}

// TestColdReplicaLearnsInBulks lets many callers look up a key each at once.
func TestColdReplicaLearnsInBulks(t *testing.T) {
	server := redistest.Start(t)
	s := openGated(t, server, func(c *leasegenstore.Config) { c.Lease = time.Minute })
	keys := make([]string, 2000)
	for i := range keys {
		keys[i] = "k" + boardKey(i)
	}
	if _, err := s.SnapshotBulk(t.Context(), keys); err != nil {
		t.Fatal(err)
	}
	cold := openGated(t, server, func(c *leasegenstore.Config) { c.Lease = time.Minute })
	cold.serving(t, "k0")
	before := cold.gate.counted("read")
	var callers sync.WaitGroup
	for _, key := range keys {
		callers.Go(func() {
			if gen, err := cold.Current(t.Context(), key); gen == 0 || err != nil {
				t.Errorf("got (%d, %v)", gen, err)
			}
		})
	}
	callers.Wait()
	if trips := cold.gate.counted("read") - before; trips > len(keys)/4 {
		t.Errorf("%d callers at once took %d round trips", len(keys), trips)
	}
	gens := make([]uint64, len(keys))
	cold.CurrentLocalBulk(keys, gens)
	known := 0
	for _, gen := range gens {
		if gen != 0 {
			known++
		}
	}
	if known < len(keys)*9/10 {
		t.Errorf("a cold replica knows %d of %d keys that it has looked up", known, len(keys))
	}
}
