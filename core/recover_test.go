package cascache

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestFailedInvalidationsAreRetried(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		fill(t, r.Handle, "k", "old")
		r.store.fail(GenBump, errors.New("down"))
		if err := r.Invalidate(t.Context(), "k"); err == nil {
			t.Fatal("a bump that fails is an error")
		}
		time.Sleep(time.Minute)
		tries := r.store.count("bump")
		if tries < 10 || tries > 40 {
			t.Errorf("retries come with growing pauses of up to 5 s: got %d in a minute", tries)
		}
		wantMiss(t, r.Handle, "the key is suspect until a retry succeeds", "k")
		r.log.reset()
		r.store.fail(GenBump, nil)
		time.Sleep(retryMax)
		synctest.Wait()
		want := InvalidateRecoveredEvent{Namespace: "n", Key: "k"}
		if got := eventsOf[InvalidateRecoveredEvent](r.log); len(got) != 1 || got[0] != want {
			t.Errorf("a hook tells of the recovery: got %+v, want one %+v", got, want)
		}
		wantMiss(t, r.Handle, "what was stored before is dead", "k")
		fill(t, r.Handle, "k", "new")
		wantHit(t, r.Handle, "after a retry the key is cacheable", "k", "new")
		bumps := r.store.count("bump")
		time.Sleep(time.Minute)
		if n := r.store.count("bump"); n != bumps {
			t.Errorf("nothing is retried once nothing is suspect: got %d more bumps", n-bumps)
		}
		// A later failure starts the retries anew.
		r.store.fail(GenBump, errors.New("down"))
		_ = r.Invalidate(t.Context(), "k")
		r.store.fail(GenBump, nil)
		time.Sleep(2 * retryMin)
		synctest.Wait()
		fill(t, r.Handle, "k", "newer")
		wantHit(t, r.Handle, "a later failure is retried too", "k", "newer")
	})
}

// A bump that hangs is retried on other goroutines, boundedly many.
func TestRetriesOfAStoreThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		release := r.store.hang(GenBump)
		if err := r.Invalidate(t.Context(), "k"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a bump that hangs ends with DefaultBumpTimeout: got %v", err)
		}
		time.Sleep(time.Minute)
		release()
		time.Sleep(DefaultBumpTimeout + retryMax)
		synctest.Wait()
		fill(t, r.Handle, "k", "new")
		wantHit(t, r.Handle, "a store that answers again ends the suspicion", "k", "new")
	})
}

func TestCloseTriesWhatIsLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, store := newClosing(t)
		down := errors.New("down")
		store.fail(GenBump, down)
		_ = h.InvalidateBulk(t.Context(), []string{"a", "b"})
		store.fail(GenBump, nil)
		bumps := store.count("bump")
		if err := h.Close(t.Context()); err != nil {
			t.Errorf("a last try that succeeds: got %v", err)
		}
		if n := store.count("bump") - bumps; n != 2 {
			t.Errorf("Close tries every key once: got %d bumps, want 2", n)
		}

		h, store = newClosing(t)
		store.fail(GenBump, down)
		_ = h.InvalidateBulk(t.Context(), []string{"a", "b"})
		err := h.Close(t.Context())
		var failed *InvalidateError
		if !errors.As(err, &failed) || !errors.Is(err, down) {
			t.Errorf("Close reports what it could not do: got %v", err)
		}
	})
}

func newClosing(t *testing.T) (*Handle[string], *stubStore) {
	t.Helper()
	store := newStubStore()
	h, err := New(Options[string]{Namespace: "n", Provider: newMapProvider(), Codec: String{}, GenStore: store})
	if err != nil {
		t.Fatal(err)
	}
	return h, store
}

func TestMoreFailuresThanCanBeRemembered(t *testing.T) {
	for _, batches := range []bool{false, true} {
		t.Run("batches "+strconv.FormatBool(batches), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t)
				if batches {
					r = newBulkRig(t)
				}
				innocent := fill(t, r.Handle, "innocent", "v")
				fillBulk(t, r.Handle, map[string]string{"in": "1", "nocent": "2"})
				down := errors.New("down")
				r.store.fail(GenBump, down)
				keys := make([]string, maxSuspects+1)
				for i := range keys {
					keys[i] = strconv.Itoa(i)
				}
				if err := r.InvalidateBulk(t.Context(), keys); !errors.Is(err, down) {
					t.Fatal("a bump that fails is an error")
				}
				if n := len(r.suspects.list(&r.recovery)); n > maxSuspects {
					t.Errorf("memory is bounded: %d suspects, want at most %d", n, maxSuspects)
				}
				wantMiss(t, r.Handle, "past the bound all keys are suspect", "innocent")
				wantBulk(t, r.Handle, "past the bound all keys are suspect", []string{"in", "nocent"}, map[string]string{}, "in", "nocent")
				if _, err := r.SnapshotGenContext(t.Context(), "never seen"); !errors.Is(err, ErrSuspect) {
					t.Errorf("past the bound no key is filled: got %v", err)
				}

				r.store.fail(GenBump, nil)
				time.Sleep(2 * retryMax)
				synctest.Wait()
				wantMiss(t, r.Handle, "a generation from before the recovery proves nothing", "innocent")
				wantMiss(t, r.Handle, "a generation from before the recovery proves nothing", "in")
				if err := r.SetWithGen(t.Context(), "innocent", "late", innocent, 0); err != nil {
					t.Fatal(err)
				}
				wantMiss(t, r.Handle, "nor does it for a fill", "innocent")
				if gen := fill(t, r.Handle, "innocent", "new"); gen <= innocent {
					t.Errorf("a fill bumps instead of snapshotting: got generation %d, want > %d", gen, innocent)
				}
				wantHit(t, r.Handle, "each key comes back with its next fill", "innocent", "new")
				fillBulk(t, r.Handle, map[string]string{"in": "3", "nocent": "4"})
				wantBulk(t, r.Handle, "and so do bulks", []string{"in", "nocent"}, map[string]string{"in": "3", "nocent": "4"})
				if again := r.SnapshotGen("innocent"); again != r.SnapshotGen("innocent") {
					t.Error("above the floor a snapshot does not bump")
				}
			})
		})
	}
}

func TestAnOverflowEndsWithAGenerationOnly(t *testing.T) {
	r := newBulkRig(t)
	r.store.replace(GenBump, answer(0, nil))
	if err := r.recovery.refuseOld(t.Context()); err == nil {
		t.Error("G2: without a generation to refuse older ones by, all keys stay suspect")
	}
}

func TestAClosedRecoveryStartsNothing(t *testing.T) {
	r := newBulkRig(t)
	if err := r.recovery.close(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.store.fail(GenBump, errBroken)
	r.recovery.mark("single:n:k")
	r.recovery.mu.Lock()
	defer r.recovery.mu.Unlock()
	if r.recovery.running {
		t.Error("after Close nothing is retried in the background")
	}
}

func TestARetryThatSucceedsEndsTheLongPauses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newBulkRig(t)
		r.store.fail(GenBump, errBroken)
		r.recovery.mark(r.keys.entry("a"))
		time.Sleep(time.Minute) // the pauses are at their longest
		r.store.replace(GenBump, func(ctx context.Context, key string) (uint64, error) {
			if key == r.keys.entry("b") && r.suspects.has(r.keys.entry("a")) {
				return 0, errBroken
			}
			r.recovery.mark(r.keys.entry("b")) // while the retry of a goes on
			r.store.replace(GenBump, nil)
			return r.store.local.Bump(ctx, key)
		})
		for r.suspects.has(r.keys.entry("a")) {
			time.Sleep(time.Millisecond)
		}
		start := time.Now()
		for r.suspects.any.Load() {
			time.Sleep(time.Millisecond)
		}
		if took := time.Since(start); took > 2*retryMin+time.Millisecond {
			t.Errorf("a store that answers again is asked again soon: %v passed", took)
		}
	})
}

func TestRetriesOfAStoreThatIsDownStopAfterOneBulk(t *testing.T) {
	r := newBulkRig(t)
	for i := range 2*retryBulk + 1 {
		r.suspects.mark(r.keys.entry(fmt.Sprint(i)), &r.recovery)
	}
	r.store.fail(GenBump, errBroken)
	before := r.store.count("bumpBulk")
	err := r.recovery.attempt(t.Context())
	var failed *InvalidateError
	if !errors.As(err, &failed) || !errors.Is(err, errBroken) || strings.Count(err.Error(), "\n") > few+1 {
		t.Errorf("a few of the keys that could not be bumped are told, and that there are more: got %v", err)
	}
	if n := r.store.count("bumpBulk") - before; n != 1 {
		t.Errorf("a store that fails a whole batch is not waited for batch by batch: got %d, want 1", n)
	}
}
