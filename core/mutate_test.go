package cascache

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// holdingStore is a stubStore that can hold, and whose holds and releases the
// test can make fail.
type holdingStore struct {
	*stubStore
	holdErr, releaseErr error
	held                [][]string // the keys of each Hold
}

func (s *holdingStore) Hold(ctx context.Context, keys []string, token string, lease time.Duration) error {
	s.mu.Lock()
	s.held = append(s.held, slices.Clone(keys))
	s.mu.Unlock()
	if s.holdErr != nil {
		return s.holdErr
	}
	return s.local.Hold(ctx, keys, token, lease)
}

func (s *holdingStore) Release(ctx context.Context, keys []string, token string) error {
	if s.releaseErr != nil {
		return s.releaseErr
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return s.local.Release(ctx, keys, token)
}

func newMutateRig(t testing.TB) (*rig, *holdingStore) {
	t.Helper()
	store := &holdingStore{stubStore: newStubStore()}
	r := newRig(t, func(o *Options[string]) { o.GenStore = store; o.MutateLease = 8 * time.Second })
	r.store = store.stubStore
	r.emit.hooks.LeaseEnded = noting[LeaseEndedEvent](r.log)
	return r, store
}

func TestMutateHoldsWhileItWrites(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, _ := newMutateRig(t)
		before := fill(t, r.Handle, "k", "old")
		other := fill(t, r.Handle, "other", "stays")
		ran := false
		err := r.Mutate(t.Context(), []string{"k", "k"}, func(ctx context.Context) error {
			ran = true
			if deadline, ok := ctx.Deadline(); !ok || time.Until(deadline) != 6*time.Second {
				t.Errorf("the write has three quarters of the lease: got %v", time.Until(deadline))
			}
			wantMiss(t, r.Handle, "an entry from before is not served during the write", "k")
			if gen, err := r.SnapshotGenContext(ctx, "k"); gen != 0 || err != nil {
				t.Errorf("a held key has no generation, and that is no error: got %d, %v", gen, err)
			}
			if err := r.SetWithGen(ctx, "k", "late", before, 0); err != nil {
				t.Error(err)
			}
			if err := r.Invalidate(ctx, "k"); err != nil {
				t.Errorf("an invalidation during a hold succeeds: got %v", err)
			}
			wantMiss(t, r.Handle, "an invalidation does not free a held key", "k")
			if gen := r.SnapshotGen("k"); gen != 0 {
				t.Errorf("an invalidation does not free a held key: got generation %d", gen)
			}
			return nil
		})
		if err != nil || !ran {
			t.Fatalf("a write that succeeds: got %v, ran %v", err, ran)
		}
		if err := r.SetWithGen(t.Context(), "k", "late", before, 0); err != nil {
			t.Error(err)
		}
		wantMiss(t, r.Handle, "a fill from before the write is refused after it", "k")
		if after := fill(t, r.Handle, "k", "new"); after <= before {
			t.Errorf("the generation after a hold is greater than the one before (G1): got %d, want > %d", after, before)
		}
		wantHit(t, r.Handle, "the key is cacheable again", "k", "new")
		if gen := r.SnapshotGen("other"); gen != other {
			t.Errorf("other keys are left alone: generation %d became %d", other, gen)
		}
	})
}

func TestMutateKeepsTheHoldWhenTheOutcomeIsUnknown(t *testing.T) {
	for name, write := range map[string]func(ctx context.Context) error{
		"an error": func(context.Context) error { return errors.New("no answer") },
		"a panic":  func(context.Context) error { panic("no answer") },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, _ := newMutateRig(t)
				before := fill(t, r.Handle, "k", "old")
				func() {
					defer func() { _ = recover() }()
					if err := r.Mutate(t.Context(), []string{"k"}, write); err == nil {
						t.Error("the write's error is returned")
					}
				}()
				time.Sleep(8*time.Second - 1)
				wantMiss(t, r.Handle, "the commit may still land: the key is held", "k")
				if gen := r.SnapshotGen("k"); gen != 0 {
					t.Errorf("the commit may still land: the key is held, got generation %d", gen)
				}
				time.Sleep(time.Nanosecond)
				wantMiss(t, r.Handle, "once the lease is over, every entry from before is dead", "k")
				if after := fill(t, r.Handle, "k", "new"); after <= before {
					t.Errorf("the generation after a hold is greater than the one before (G1): got %d, want > %d", after, before)
				}
				wantHit(t, r.Handle, "once the lease is over, the key is cacheable", "k", "new")
			})
		})
	}
}

func TestMutateReleasesWhatWasNotCommitted(t *testing.T) {
	r, _ := newMutateRig(t)
	fill(t, r.Handle, "k", "old")
	cause := errors.New("constraint")
	err := r.Mutate(t.Context(), []string{"k"}, func(context.Context) error { return errors.Join(ErrNotCommitted, cause) })
	if !errors.Is(err, cause) {
		t.Errorf("the write's error is returned: got %v", err)
	}
	fill(t, r.Handle, "k", "old")
	wantHit(t, r.Handle, "nothing was committed: the key is cacheable at once", "k", "old")
}

func TestMutateRunsNothingWithoutAHold(t *testing.T) {
	write := func(context.Context) error { t.Error("the write must not run"); return nil }
	t.Run("hold fails", func(t *testing.T) {
		r, store := newMutateRig(t)
		store.holdErr = errors.New("down")
		if err := r.Mutate(t.Context(), []string{"k"}, write); !errors.Is(err, store.holdErr) {
			t.Errorf("a hold that fails returns its error: got %v", err)
		}
	})
	t.Run("no ability", func(t *testing.T) {
		r := newRig(t)
		if err := r.Mutate(t.Context(), []string{"k"}, write); !errors.Is(err, ErrHoldUnsupported) {
			t.Errorf("a store that cannot hold is ErrHoldUnsupported: got %v", err)
		}
	})
	t.Run("invalid key", func(t *testing.T) {
		r, _ := newMutateRig(t)
		if err := r.Mutate(t.Context(), []string{"k", ""}, write); !errors.Is(err, ErrInvalidKey) {
			t.Errorf("an empty key is refused: got %v", err)
		}
	})
	t.Run("ended context", func(t *testing.T) {
		r, _ := newMutateRig(t)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := r.Mutate(ctx, []string{"k"}, write); !errors.Is(err, context.Canceled) {
			t.Errorf("the caller's own ended context is returned: got %v", err)
		}
	})
	t.Run("closed", func(t *testing.T) {
		r, _ := newMutateRig(t)
		if err := r.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := r.Mutate(t.Context(), []string{"k"}, write); !errors.Is(err, ErrClosed) {
			t.Errorf("a closed cache is ErrClosed: got %v", err)
		}
	})
	t.Run("no time left", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			slow := &slowHold{holdingStore: &holdingStore{stubStore: newStubStore()}, delay: 4 * time.Second}
			h := open(t, Options[string]{
				Namespace: "n", Provider: newMapProvider(), Codec: String{}, GenStore: slow, MutateLease: 4 * time.Second,
			})
			if err := h.Mutate(t.Context(), []string{"k"}, write); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("a hold that took the write's time leaves none to write in: got %v", err)
			}
			if h.SnapshotGen("k") == 0 {
				t.Error("where nothing was written nothing stays held")
			}
		})
	})
}

type slowHold struct {
	*holdingStore
	delay time.Duration
}

func (s *slowHold) Hold(ctx context.Context, keys []string, token string, lease time.Duration) error {
	time.Sleep(s.delay)
	return s.holdingStore.Hold(ctx, keys, token, lease)
}

func TestMutateReportsAReleaseThatFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, store := newMutateRig(t)
		fill(t, r.Handle, "a", "old")
		store.releaseErr = errors.New("down")
		store.fail(GenBump, store.releaseErr)
		err := r.Mutate(t.Context(), []string{"a", "b"}, func(context.Context) error { return nil })
		var failed *InvalidateError
		if !errors.As(err, &failed) || !errors.Is(err, store.releaseErr) {
			t.Errorf("a release that fails is an *InvalidateError: got %v", err)
		}
		for _, key := range []string{"a", "b"} {
			if _, err := r.SnapshotGenContext(t.Context(), key); !errors.Is(err, ErrSuspect) {
				t.Errorf("%q is suspect, as after a failed invalidation: got %v", key, err)
			}
		}
		store.fail(GenBump, nil)
		time.Sleep(10 * time.Second) // the retry, and the lease
		fill(t, r.Handle, "a", "new")
		wantHit(t, r.Handle, "the retry clears what the release could not", "a", "new")
	})
}

func TestMutateReleasesAfterTheCallerHasGone(t *testing.T) {
	r, _ := newMutateRig(t)
	ctx, cancel := context.WithCancel(t.Context())
	err := r.Mutate(ctx, []string{"k"}, func(context.Context) error { cancel(); return nil })
	if err != nil {
		t.Errorf("the source has changed, whether the caller waits or not: got %v", err)
	}
	if r.SnapshotGen("k") == 0 {
		t.Error("the key is released although the caller's context has ended")
	}
}

func TestMutateTellsWhenTheLeaseEndedFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, _ := newMutateRig(t)
		before := fill(t, r.Handle, "k", "old")
		r.log.reset()
		err := r.Mutate(t.Context(), []string{"k"}, func(context.Context) error {
			time.Sleep(9 * time.Second)
			fill(t, r.Handle, "k", "old") // nothing holds the key any more
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		wantMiss(t, r.Handle, "the release bumps although its hold has vanished", "k")
		if gen := r.SnapshotGen("k"); gen <= before {
			t.Errorf("a generation is never used twice (G1): got %d, want > %d", gen, before)
		}
		want := LeaseEndedEvent{Namespace: "n", Keys: []string{"k"}, Lease: 8 * time.Second, Took: 9 * time.Second}
		got := eventsOf[LeaseEndedEvent](r.log)
		if len(got) != 1 || got[0].Took != want.Took || got[0].Lease != want.Lease || !slices.Equal(got[0].Keys, want.Keys) {
			t.Errorf("a hook tells that the lease ended before its write: got %+v, want %+v", got, want)
		}
	})
}

func TestMutateHoldsManyKeysInOneCall(t *testing.T) {
	r, store := newMutateRig(t)
	var keys []string
	for i := range 50 {
		keys = append(keys, "k"+strconv.Itoa(i))
	}
	if err := r.Mutate(t.Context(), keys, func(context.Context) error { return nil }); err != nil {
		t.Fatal(err)
	}
	if len(store.held) != 1 || len(store.held[0]) != 50 {
		t.Errorf("50 keys are held in one batch: got %d calls", len(store.held))
	}
}

func TestMutateWithNothingToHold(t *testing.T) {
	disabled, err := New(Options[string]{Disabled: true})
	if err != nil {
		t.Fatal(err)
	}
	r, store := newMutateRig(t)
	cause := errors.New("cause")
	for name, mutate := range map[string]func(func(context.Context) error) error{
		"disabled": func(w func(context.Context) error) error { return disabled.Mutate(t.Context(), []string{"k"}, w) },
		"no keys":  func(w func(context.Context) error) error { return r.Mutate(t.Context(), nil, w) },
	} {
		if err := mutate(func(context.Context) error { return cause }); !errors.Is(err, cause) {
			t.Errorf("%s: the write runs and its error is returned: got %v", name, err)
		}
	}
	if len(store.held) != 0 {
		t.Error("without keys nothing is held")
	}
}

// One dies, one fails, one succeeds: the key is held while any hold is live.
func TestMutatesOfOneKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, _ := newMutateRig(t)
		fill(t, r.Handle, "k", "old")
		var running atomic.Int64
		mutate := func(d time.Duration, result error) {
			running.Add(1)
			defer running.Add(-1)
			_ = r.Mutate(t.Context(), []string{"k"}, func(context.Context) error {
				time.Sleep(d)
				return result
			})
		}
		go mutate(time.Second, nil)                    // releases at 1 s
		go mutate(3*time.Second, errors.New("failed")) // held until 8 s
		time.Sleep(2 * time.Second)
		go mutate(5*time.Second, nil) // from 2 s to 7 s
		for at := 2; at < 8; at++ {
			synctest.Wait()
			if gen := r.SnapshotGen("k"); gen != 0 {
				t.Fatalf("after %d s a live hold stands, and the key has no generation: got %d", at, gen)
			}
			time.Sleep(time.Second)
		}
		synctest.Wait()
		fill(t, r.Handle, "k", "new")
		wantHit(t, r.Handle, "after the last lease the key is cacheable", "k", "new")
		if n := running.Load(); n != 0 {
			t.Errorf("every Mutate has returned: %d have not", n)
		}
	})
}
