package cascache

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// entryNear is a mapNear that keeps whole entries, until their time is over.
type entryNear struct {
	*mapNear
	whole map[string]NearEntry[string]
	until map[string]time.Time
}

func newEntryNear() *entryNear {
	return &entryNear{newMapNear(), make(map[string]NearEntry[string]), make(map[string]time.Time)}
}

func (n *entryNear) GetEntry(key string) (NearEntry[string], bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	e, ok := n.whole[key]
	return e, ok && time.Now().Before(n.until[key])
}

func (n *entryNear) SetEntry(key string, e NearEntry[string], ttl time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.whole[key], n.until[key] = e, time.Now().Add(ttl)
}

func (n *entryNear) Del(key string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.whole, key)
}

func (n *entryNear) Close() error { return nil }

// hidingNear wraps a near tier, and has no method of the ability.
type hidingNear struct{ Near[string] }

func (n hidingNear) Unwrap() any { return n.Near }

// keepingNear wraps a near tier, and forwards the ability if that has it.
type keepingNear struct{ *entryNear }

func (n keepingNear) Unwrap() any { return n.entryNear }

func TestNearKeepsAbsence(t *testing.T) {
	for name, alone := range map[string]bool{"alone": true, "in front of a provider": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				near := newEntryNear()
				r, _ := nearCache(t, alone, func(o *Options[string]) { o.Near = keepingNear{near} })
				s := newSource(map[string]string{"a": "1"})
				l := newLoader(t, r.Handle, s, func(o *LoaderOptions[string]) { o.AbsentTTL = time.Minute })
				ask := func(rule string, loads int) {
					t.Helper()
					for range 3 {
						if _, err := l.Get(t.Context(), "one"); !errors.Is(err, ErrNotFound) {
							t.Errorf("%s: the source has no such key: got %v", rule, err)
						}
						if got, err := l.GetBulk(t.Context(), []string{"one", "two", "three"}); err != nil || len(got) > 0 {
							t.Errorf("%s: the source has no such keys: got %v, %v", rule, got, err)
						}
					}
					if got := len(s.loads()); got != loads {
						t.Errorf("%s: got %d loads, want %d: %q", rule, got, loads, s.loads())
					}
				}
				ask("what the source does not have is asked for once", 2)
				if !alone {
					clear(r.provider.calls)
					if _, err := l.Get(t.Context(), "one"); !errors.Is(err, ErrNotFound) || len(r.provider.calls) > 0 {
						t.Errorf("absence kept near asks no provider: got %v, calls %v", err, r.provider.calls)
					}
				}

				r.log.reset()
				wantMiss(t, r.Handle, "absence is a miss to a plain Get", "one")
				r.log.want(t, "a Get of an absent key is told", MissEvent{Namespace: "n", Key: "one", Reason: ReasonAbsent})
				wantBulk(t, r.Handle, "absence is a miss to a plain GetBulk", []string{"one", "two"}, map[string]string{}, "one", "two")
				r.log.want(t, "a GetBulk of absent keys is told",
					MissEvent{Namespace: "n", Key: "one", Reason: ReasonAbsent}, MissEvent{Namespace: "n", Key: "two", Reason: ReasonAbsent})

				unbelieving := newLoader(t, r.Handle, s)
				if _, err := unbelieving.Get(t.Context(), "one"); !errors.Is(err, ErrNotFound) || len(s.loads()) != 3 {
					t.Errorf("a loader without AbsentTTL does not believe it: got %v after %d loads, want 3", err, len(s.loads()))
				}

				time.Sleep(time.Minute - 1)
				ask("AbsentTTL is not over", 3)
				time.Sleep(time.Nanosecond)
				ask("after AbsentTTL the source is asked again, once", 5)

				s.write("one", "now there")
				if err := r.Invalidate(t.Context(), "one"); err != nil {
					t.Fatal(err)
				}
				if v, err := l.Get(t.Context(), "one"); v != "now there" || err != nil {
					t.Errorf("absence is not believed after an invalidation: got %q, %v", v, err)
				}
				s.write("two", "now there")
				bump(t, r.store.local, "single:n:two")
				if got, err := l.GetBulk(t.Context(), []string{"two", "three"}); err != nil || !maps.Equal(got, map[string]string{"two": "now there"}) {
					t.Errorf("absence stands under the generation check: got %v, %v", got, err)
				}
				wantHit(t, r.Handle, "a value replaces the note", "two", "now there")
			})
		})
	}
}

func TestAWrapperThatHidesTheEntriesKeepsValuesOnly(t *testing.T) {
	inner := newEntryNear()
	r, _ := nearCache(t, true, func(o *Options[string]) { o.Near = hidingNear{inner} })
	s := newSource(map[string]string{})
	l := newLoader(t, r.Handle, s, func(o *LoaderOptions[string]) { o.AbsentTTL = time.Minute })
	for range 2 {
		if _, err := l.Get(t.Context(), "k"); !errors.Is(err, ErrNotFound) {
			t.Errorf("the source has no such key: got %v", err)
		}
	}
	fill(t, r.Handle, "v", "v")
	if n := len(s.loads()); n != 2 || len(inner.whole) > 0 || !slices.Equal(inner.keys(), []string{"v"}) {
		t.Errorf("without the ability, values are kept and absence is not: %d loads, kept %v and %v", n, inner.whole, inner.keys())
	}
}

// A caller whose look-up came before a load, and who comes to the loader after it.
func TestALoadThatFoundNothingMeanwhileIsNotRepeated(t *testing.T) {
	r, _ := nearCache(t, true, func(o *Options[string]) { o.Near = newEntryNear() })
	s := newSource(map[string]string{})
	l := newLoader(t, r.Handle, s, func(o *LoaderOptions[string]) { o.AbsentTTL = time.Minute })
	first := true
	r.store.replace(GenSnapshot, func(ctx context.Context, key string) (uint64, error) {
		if first {
			first = false
			if _, err := l.Get(ctx, "k"); !errors.Is(err, ErrNotFound) {
				t.Errorf("the source has no such key: got %v", err)
			}
		}
		return r.store.local.Snapshot(ctx, key)
	})
	if _, err := l.Get(t.Context(), "k"); !errors.Is(err, ErrNotFound) || len(s.loads()) != 1 {
		t.Errorf("absence that was found since the look-up is believed: got %v after %d loads, want 1", err, len(s.loads()))
	}
}

// panickingNear panics in the calls that are listed.
type panickingNear struct {
	*entryNear
	in map[NearOp]bool
}

func (n panickingNear) panics(op NearOp) {
	if n.in[op] {
		panic("near " + op)
	}
}

func (n panickingNear) GetEntry(key string) (NearEntry[string], bool) {
	n.panics(NearGet)
	return n.entryNear.GetEntry(key)
}

func (n panickingNear) SetEntry(key string, e NearEntry[string], ttl time.Duration) {
	n.panics(NearSet)
	n.entryNear.SetEntry(key, e, ttl)
}

func (n panickingNear) Del(key string) {
	n.panics(NearDel)
	n.entryNear.Del(key)
}

func (n panickingNear) Close() error {
	n.panics("close")
	return nil
}

// valuesOnly hides the ability of a near tier.
type valuesOnly struct{ near panickingNear }

func (n valuesOnly) Get(key string) (string, uint64, bool) {
	e, ok := n.near.GetEntry(key)
	return e.Value, e.Gen, ok
}

func (n valuesOnly) Set(key, value string, gen uint64, ttl time.Duration) {
	n.near.SetEntry(key, NearEntry[string]{Value: value, Gen: gen}, ttl)
}

func (n valuesOnly) Del(key string) { n.near.Del(key) }
func (n valuesOnly) Close() error   { return n.near.Close() }

func TestAPanicOfNearIsContained(t *testing.T) {
	for name, keeps := range map[string]bool{"entries": true, "values": false} {
		t.Run(name, func(t *testing.T) {
			near := panickingNear{newEntryNear(), make(map[NearOp]bool)}
			r, _ := nearCache(t, false, func(o *Options[string]) {
				if o.Near = near; !keeps {
					o.Near = valuesOnly{near}
				}
			})
			failed := func(rule string, op NearOp, keys ...string) {
				t.Helper()
				events := eventsOf[NearFailedEvent](r.log)
				r.log.reset()
				if len(events) != len(keys) {
					t.Fatalf("%s: got events %+v, want one for each of %q", rule, events, keys)
				}
				for i, e := range events {
					if e.Op != op || e.Key != keys[i] || e.Namespace != "n" || !strings.Contains(e.Err.Error(), "the near tier panicked: near "+string(op)) {
						t.Errorf("%s: got %+v, want a panic of %s of %q", rule, e, op, keys[i])
					}
				}
			}
			s := newSource(map[string]string{"loaded": "5"})
			l := newLoader(t, r.Handle, s)

			near.in[NearSet] = true
			fill(t, r.Handle, "k", "v")
			failed("a fill is not lost with near", NearSet, "k")
			fillBulk(t, r.Handle, map[string]string{"a": "1", "b": "2"})
			failed("nor are fills of a bulk", NearSet, "a", "b")
			wantHit(t, r.Handle, "the provider has it", "k", "v")
			failed("a hit that cannot be kept near is one all the same", NearSet, "k")
			wantBulk(t, r.Handle, "the provider has it", []string{"a", "b"}, map[string]string{"a": "1", "b": "2"})
			failed("nor is a bulk hit lost", NearSet, "a", "b")
			if v, err := l.Get(t.Context(), "loaded"); v != "5" || err != nil {
				t.Errorf("a load is not lost with near: got %q, %v", v, err)
			}
			failed("a load is not lost with near", NearSet, "loaded")
			near.in[NearSet] = false
			wantHit(t, r.Handle, "near works again", "k", "v")
			fill(t, r.Handle, "d", "4")

			near.in[NearGet] = true
			wantHit(t, r.Handle, "near that panics reads as a miss of near", "k", "v")
			failed("near that panics is told", NearGet, "k")
			wantMiss(t, r.Handle, "what nobody has is a miss", "x")
			failed("near that panics is told", NearGet, "x")
			wantBulk(t, r.Handle, "near that panics reads as a miss of near", []string{"k", "a"}, map[string]string{"k": "v", "a": "1"})
			failed("near that panics is told", NearGet, "k", "a")
			if v, err := l.Get(t.Context(), "k"); v != "v" || err != nil {
				t.Errorf("near that panics reads as a miss of near: got %q, %v", v, err)
			}
			failed("near that panics is told", NearGet, "k")
			near.in[NearGet] = false

			near.in[NearDel] = true
			if err := r.Invalidate(t.Context(), "k"); err != nil {
				t.Errorf("an invalidation whose bump is done is done: got %v", err)
			}
			failed("a near entry that stays is told", NearDel, "k")
			wantMiss(t, r.Handle, "the old entry that is left near is not served", "k")
			failed("nor can it be deleted then", NearDel, "k")
			if err := r.InvalidateBulk(t.Context(), []string{"a", "d"}); err != nil {
				t.Errorf("an invalidation whose bumps are done is done: got %v", err)
			}
			failed("each near entry that stays is told", NearDel, "a", "d")
			if len(near.whole) == 0 {
				t.Fatal("this test needs old entries that are left near")
			}
			wantBulk(t, r.Handle, "old entries that are left near are not served", []string{"a", "d"}, map[string]string{}, "a", "d")

			near.in["close"] = true
			if err := r.Close(t.Context()); err == nil || !strings.Contains(err.Error(), "the near tier panicked") {
				t.Errorf("a panic in Close is its error: got %v", err)
			}
		})
	}
}
