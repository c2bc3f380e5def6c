package cascache

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// orderedProvider and orderedStore note the order of their calls.
type orderedProvider struct {
	*mapProvider
	note func(string)
}

func (p orderedProvider) Del(ctx context.Context, key string) error {
	p.note("delete")
	return p.mapProvider.Del(ctx, key)
}

func TestInvalidateBumpsThenDeletes(t *testing.T) {
	for name, invalidate := range map[string]func(context.Context, *Handle[string]) error{
		"Invalidate":     func(ctx context.Context, h *Handle[string]) error { return h.Invalidate(ctx, "k") },
		"InvalidateBulk": func(ctx context.Context, h *Handle[string]) error { return h.InvalidateBulk(ctx, []string{"k"}) },
	} {
		t.Run(name, func(t *testing.T) {
			var order []string
			note := func(what string) { order = append(order, what) }
			r := newRig(t)
			h := open(t, Options[string]{Namespace: "n", Provider: orderedProvider{r.provider, note}, Codec: String{}, GenStore: r.store})
			r.store.replace(GenBump, func(ctx context.Context, key string) (uint64, error) {
				note("bump")
				return r.store.local.Bump(ctx, key)
			})
			before := fill(t, h, "k", "v")
			if err := invalidate(t.Context(), h); err != nil {
				t.Fatal(err)
			}
			if want := []string{"bump", "delete"}; !slices.Equal(order, want) {
				t.Errorf("the bump comes first, or a fill in between would be served: got %v, want %v", order, want)
			}
			if got := current(t, r.store, "single:n:k"); got <= before {
				t.Errorf("G1: an invalidation gives the key a greater generation: got %d after %d", got, before)
			}
			if _, ok := r.provider.entry("single:n:k"); ok {
				t.Error("an invalidation deletes the entry: it is still there")
			}
			wantMiss(t, h, "nothing is served after an invalidation", "k")
		})
	}
}

func TestADeleteThatFailsAfterTheBump(t *testing.T) {
	for name, newOne := range rigs {
		t.Run(name, func(t *testing.T) {
			r := newOne(t)
			fill(t, r.Handle, "k", "v")
			fill(t, r.Handle, "l", "w")
			r.provider.delErr = errBroken
			if err := r.Invalidate(t.Context(), "k"); err != nil {
				t.Errorf("once the bump is done, the entry cannot be served: a failed delete is no error: got %v", err)
			}
			r.log.want(t, "a failed delete is told", DeleteFailedEvent{Namespace: "n", Key: "k", Keys: 1, Err: errBroken})
			wantMiss(t, r.Handle, "an entry that could not be deleted is not served", "k")
			r.log.reset()
			if err := r.InvalidateBulk(t.Context(), []string{"l", "k"}); err != nil {
				t.Errorf("once the bumps are done, no entry can be served: a failed delete is no error: got %v", err)
			}
			got := eventsOf[DeleteFailedEvent](r.log)
			if len(got) != 1 || got[0].Key != "l" || got[0].Keys != 2 || !errors.Is(got[0].Err, errBroken) {
				t.Errorf("a failed delete is told once: got %+v", got)
			}
			wantMiss(t, r.Handle, "an entry that could not be deleted is not served", "l")
		})
	}
}

func TestABumpThatFailsIsAnInvalidateError(t *testing.T) {
	refused := errors.New("refused, too")
	for name, delErr := range map[string]error{"the delete works": nil, "the delete fails": refused} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			fill(t, r.Handle, "k", "v")
			r.store.fail(GenBump, errBroken)
			r.provider.delErr = delErr
			err := r.Invalidate(t.Context(), "k")
			var failed *InvalidateError
			if !errors.As(err, &failed) || failed.Key != "k" || !errors.Is(failed.BumpErr, errBroken) || !errors.Is(failed.DelErr, delErr) {
				t.Errorf("G4: a bump that is not known to be applied is an *InvalidateError with its causes: got %#v", err)
			}
			if !errors.Is(err, errBroken) || errors.Is(err, refused) != (delErr != nil) {
				t.Errorf("the causes can be found in the error: got %v", err)
			}
			got := eventsOf[InvalidateFailedEvent](r.log)
			if len(got) != 1 || got[0].Key != "k" || got[0].Namespace != "n" || got[0].Err != failed {
				t.Errorf("a failed invalidation is told, with the error: got %+v", got)
			}
			if _, ok := r.provider.entry("single:n:k"); ok != (delErr != nil) {
				t.Errorf("the delete is tried all the same: the entry is there: %v", ok)
			}
			wantMiss(t, r.Handle, "after a failed invalidation, reads miss", "k")
		})
	}
}

// Whatever became of the bump, the caller is not told that it worked.
func TestABumpThatIsAppliedAndReportsAnError(t *testing.T) {
	r := newRig(t)
	fill(t, r.Handle, "k", "v")
	r.store.replace(GenBump, func(ctx context.Context, key string) (uint64, error) {
		gen, _ := r.store.local.Bump(ctx, key)
		return gen, errBroken
	})
	var failed *InvalidateError
	if err := r.Invalidate(t.Context(), "k"); !errors.As(err, &failed) {
		t.Errorf("G4: an error of the bump means not known to be applied: got %v", err)
	}
	wantMiss(t, r.Handle, "after a failed invalidation, reads miss", "k")
}

func TestABumpOfAHeldKeyIsDone(t *testing.T) {
	r := newRig(t)
	r.store.replace(GenBump, answer(0, nil))
	if err := r.Invalidate(t.Context(), "k"); err != nil {
		t.Errorf("a bump of a held key is done: got %v", err)
	}
	if err := r.InvalidateBulk(t.Context(), []string{"k", "l"}); err != nil {
		t.Errorf("bumps of held keys are done: got %v", err)
	}
}

func TestAHungBumpEnds(t *testing.T) {
	for _, c := range []struct {
		timeout, want time.Duration // 0: the context has no deadline
	}{
		{0, DefaultBumpTimeout},
		{time.Second, time.Second},
		{time.Hour, time.Hour},
	} {
		for name, invalidate := range map[string]func(context.Context, *Handle[string]) error{
			"Invalidate":     func(ctx context.Context, h *Handle[string]) error { return h.Invalidate(ctx, "k") },
			"InvalidateBulk": func(ctx context.Context, h *Handle[string]) error { return h.InvalidateBulk(ctx, []string{"k", "l"}) },
		} {
			t.Run(fmt.Sprint(name, c.timeout), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					r := newRig(t)
					fill(t, r.Handle, "k", "v")
					release := r.store.hang(GenBump)
					ctx := t.Context()
					if c.timeout > 0 {
						var cancel context.CancelFunc
						ctx, cancel = context.WithTimeout(ctx, c.timeout)
						defer cancel()
					}
					at := time.Now()
					err := invalidate(ctx, r.Handle)
					var failed *InvalidateError
					if !errors.As(err, &failed) || !errors.Is(err, context.DeadlineExceeded) || time.Since(at) != c.want {
						t.Errorf("a bump is bounded by its context, or by DefaultBumpTimeout: got %v after %v, want %v", err, time.Since(at), c.want)
					}
					wantMiss(t, r.Handle, "after a failed invalidation, reads miss", "k")
					release()
				})
			})
		}
	}
}

func TestInvalidateUnderAnEndedContext(t *testing.T) {
	r := newRig(t)
	fill(t, r.Handle, "k", "v")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var failed *InvalidateError
	if err := r.Invalidate(ctx, "k"); !errors.As(err, &failed) || !errors.Is(err, context.Canceled) {
		t.Errorf("an invalidation that was not begun is not known to be applied: got %v", err)
	}
	wantMiss(t, r.Handle, "the source may have changed all the same: reads miss", "k")

	// Local generations ask nobody, so that they are bumped even then.
	local := open(t, Options[string]{Namespace: "n", Provider: newMapProvider(), Codec: String{}})
	fill(t, local, "k", "v")
	if err := local.Invalidate(ctx, "k"); err != nil {
		t.Errorf("a local bump does not fail: got %v", err)
	}
	wantMiss(t, local, "nothing is served after an invalidation", "k")
}

// All places for reads are taken by calls that never return.
func TestStuckReadsDoNotStarveBumps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		fill(t, r.Handle, "k", "v")
		release := r.store.hang(GenCurrent, GenSnapshot)
		for range maxCalls {
			wantMiss(t, r.Handle, "G2: a generation that is late is none", "k")
		}
		if _, err := r.SnapshotGenContext(t.Context(), "k"); !errors.Is(err, ErrGenStoreStuck) {
			t.Fatalf("this test is about a store whose reads are all stuck: got %v", err)
		}
		at := time.Now()
		if err := r.Invalidate(t.Context(), "k"); err != nil || time.Since(at) != 0 {
			t.Errorf("stuck reads leave invalidations room: got %v after %v", err, time.Since(at))
		}
		release()
		wantMiss(t, r.Handle, "nothing is served after an invalidation", "k")
	})
}

func TestInvalidateBulk(t *testing.T) {
	for name, newOne := range rigs {
		t.Run(name, func(t *testing.T) {
			r := newOne(t)
			items := map[string]string{"a": "1", "b": "2", "c": "3"}
			gens := fillBulk(t, r.Handle, items)
			r.provider.traffic()
			r.store.traffic()
			if err := r.InvalidateBulk(t.Context(), []string{"a", "b", "a"}); err != nil {
				t.Fatal(err)
			}
			p, s := r.provider.traffic(), r.store.traffic()
			wantP, wantS := map[string]int{"del": 2}, map[string]int{"bump": 2}
			if name == "batch" {
				wantP, wantS = map[string]int{"delBulk": 1}, map[string]int{"bumpBulk": 1}
			}
			if !maps.Equal(p, wantP) || !maps.Equal(s, wantS) {
				t.Errorf("each key once, and no more round trips than a batch needs: got provider %v, store %v, want %v and %v", p, s, wantP, wantS)
			}
			for key, gen := range gens {
				if moved := current(t, r.store.local, "single:n:"+key) != gen; moved != (key != "c") {
					t.Errorf("the keys that were given are invalidated, and no other: %s moved is %v", key, moved)
				}
			}
			wantBulk(t, r.Handle, "nothing is served after an invalidation, neither from singles nor from a bulk",
				[]string{"a", "b", "c"}, map[string]string{"c": "3"}, "a", "b")
			if err := r.InvalidateBulk(t.Context(), nil); err != nil {
				t.Errorf("no keys, nothing to do: got %v", err)
			}
		})
	}
}

func TestInvalidateBulkAttemptsAll(t *testing.T) {
	for name, newOne := range rigs {
		t.Run(name, func(t *testing.T) {
			// Time stands still in the bubble, so that nothing is retried.
			synctest.Test(t, func(t *testing.T) {
				r := newOne(t)
				gens := fillBulk(t, r.Handle, map[string]string{"a": "1", "bad": "2", "worse": "3", "z": "4"})
				r.store.replace(GenBump, func(ctx context.Context, key string) (uint64, error) {
					if key == "single:n:bad" || key == "single:n:worse" {
						return 0, errBroken
					}
					return r.store.local.Bump(ctx, key)
				})
				err := r.InvalidateBulk(t.Context(), []string{"a", "", "bad", "worse", "z"})
				if !errors.Is(err, ErrInvalidKey) || !errors.Is(err, errBroken) {
					t.Errorf("the errors of all keys are joined: got %v", err)
				}
				joined, ok := err.(interface{ Unwrap() []error })
				if !ok || len(joined.Unwrap()) != 3 {
					t.Fatalf("there is one error for each key that failed: got %v", err)
				}
				var keys []string
				for _, err := range joined.Unwrap() {
					var failed *InvalidateError
					if errors.As(err, &failed) {
						keys = append(keys, failed.Key)
					}
				}
				if !slices.Equal(keys, []string{"bad", "worse"}) {
					t.Errorf("each error tells its key: got %q, want %q", keys, []string{"bad", "worse"})
				}
				for _, key := range []string{"a", "z"} {
					if current(t, r.store.local, "single:n:"+key) == gens[key] {
						t.Errorf("all keys are attempted, whatever became of the others: %s was not", key)
					}
				}
				for _, key := range []string{"a", "bad", "worse", "z"} {
					wantMiss(t, r.Handle, "a key that was invalidated, or is suspect, is not served", key)
				}
				if got := len(eventsOf[InvalidateFailedEvent](r.log)); got != 2 {
					t.Errorf("each failed invalidation is told: got %d events, want 2", got)
				}
				fill(t, r.Handle, "a", "new")
				wantHit(t, r.Handle, "a key whose bump worked is not suspect", "a", "new")
				if got := r.SnapshotGen("bad"); got != 0 {
					t.Errorf("a key whose bump failed is suspect: got generation %d", got)
				}
			})
		})
	}
}

func TestOneFailureAmongManyIsSuspect(t *testing.T) {
	r := newBulkRig(t)
	fillBulk(t, r.Handle, map[string]string{"a": "1", "b": "2"})
	r.store.replace(GenBump, func(ctx context.Context, key string) (uint64, error) {
		if key == r.keys.entry("b") {
			return 0, errBroken
		}
		return r.store.local.Bump(ctx, key)
	})
	if err := r.InvalidateBulk(t.Context(), []string{"a", "b"}); !errors.Is(err, errBroken) {
		t.Errorf("G4: a bump that is not known done is an error: got %v", err)
	}
	if !r.suspects.has(r.keys.entry("b")) || r.suspects.has(r.keys.entry("a")) {
		t.Errorf("the one key whose bump failed is suspect: got %q", r.suspects.list(&r.recovery))
	}
}
