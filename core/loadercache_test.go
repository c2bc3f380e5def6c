package cascache

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// wrapped is a cache that a user has put something around. It counts the calls of
// the nine methods, and embeds a Handle, so that it has all other methods too.
type wrapped struct {
	*Handle[string]
	mu    sync.Mutex
	calls map[string]int
}

func wrap(h *Handle[string]) *wrapped { return &wrapped{Handle: h, calls: map[string]int{}} }

func (w *wrapped) count(call string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls[call]++
}

func (w *wrapped) traffic() map[string]int {
	w.mu.Lock()
	defer w.mu.Unlock()
	calls := w.calls
	w.calls = map[string]int{}
	return calls
}

func (w *wrapped) Get(ctx context.Context, key string) (string, bool, error) {
	w.count("Get")
	return w.Handle.Get(ctx, key)
}

func (w *wrapped) SetWithGen(ctx context.Context, key, value string, gen uint64, ttl time.Duration) error {
	w.count("SetWithGen")
	return w.Handle.SetWithGen(ctx, key, value, gen, ttl)
}

func (w *wrapped) GetBulk(ctx context.Context, keys []string) (map[string]string, []string, error) {
	w.count("GetBulk")
	return w.Handle.GetBulk(ctx, keys)
}

func (w *wrapped) SetBulkWithGens(ctx context.Context, items map[string]string, gens map[string]uint64, ttl time.Duration) error {
	w.count("SetBulkWithGens")
	return w.Handle.SetBulkWithGens(ctx, items, gens, ttl)
}

func (w *wrapped) SnapshotGen(key string) uint64 {
	w.count("SnapshotGen")
	return w.Handle.SnapshotGen(key)
}

func (w *wrapped) SnapshotGens(keys []string) map[string]uint64 {
	w.count("SnapshotGens")
	return w.Handle.SnapshotGens(keys)
}

func (w *wrapped) SnapshotGenContext(context.Context, string) (uint64, error) {
	panic("not one of the nine methods")
}

// over returns a loader over any CAS.
func over(t testing.TB, cache CAS[string], s *source, change ...func(*LoaderOptions[string])) *Loader[string] {
	t.Helper()
	opts := LoaderOptions[string]{Load: s.one, LoadBulk: s.many}
	for _, f := range change {
		f(&opts)
	}
	l, err := NewLoader(cache, opts)
	if err != nil {
		t.Fatalf("these options are valid: %v", err)
	}
	return l
}

func TestNewLoaderTakesAnyCAS(t *testing.T) {
	h := newRig(t).Handle
	opts := LoaderOptions[string]{Load: newSource(map[string]string{"k": "v"}).one}
	for name, open := range map[string]func() (*Loader[string], error){
		"a Handle":               func() (*Loader[string], error) { return NewLoader(h, opts) },
		"a CAS":                  func() (*Loader[string], error) { return NewLoader(CAS[string](h), opts) },
		"a Cache":                func() (*Loader[string], error) { var c Cache[string] = h; return NewLoader(c, opts) },
		"a wrapper of a CAS":     func() (*Loader[string], error) { return NewLoader(struct{ CAS[string] }{h}, opts) },
		"a wrapper of a wrapper": func() (*Loader[string], error) { return NewLoader(&struct{ *wrapped }{wrap(h)}, opts) },
	} {
		l, err := open()
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if v, err := l.Get(t.Context(), "k"); v != "v" || err != nil {
			t.Errorf("%s: got %q, %v", name, v, err)
		}
	}
}

func TestNewLoaderRefusesNil(t *testing.T) {
	opts := LoaderOptions[string]{Load: newSource(nil).one}
	var none *Handle[string]
	for name, open := range map[string]func() (*Loader[string], error){
		"nil":                   func() (*Loader[string], error) { return NewLoader(nil, opts) },
		"a nil Handle":          func() (*Loader[string], error) { return NewLoader(none, opts) },
		"a nil Handle in a CAS": func() (*Loader[string], error) { return NewLoader(CAS[string](none), opts) },
		"a nil wrapper":         func() (*Loader[string], error) { return NewLoader((*wrapped)(nil), opts) },
	} {
		if l, err := open(); l != nil || err == nil || !strings.Contains(err.Error(), "cache is nil") {
			t.Errorf("%s is refused by name: got %v", name, err)
		}
	}
}

func TestLoaderOverAWrapperUsesTheNineMethods(t *testing.T) {
	r := newBulkRig(t)
	w := wrap(r.Handle)
	s := newSource(map[string]string{"k": "v", "a": "1", "b": "2", "c": "3"})
	l := over(t, w, s)
	want := func(rule string, calls map[string]int) {
		t.Helper()
		if got := w.traffic(); !maps.Equal(got, calls) {
			t.Errorf("%s: got %v, want %v", rule, got, calls)
		}
	}
	for range 2 {
		if v, err := l.Get(t.Context(), "k"); v != "v" || err != nil {
			t.Errorf("a loader returns what the source has: got %q, %v", v, err)
		}
	}
	want("a miss and a hit of one key", map[string]int{"Get": 2, "SnapshotGen": 1, "SetWithGen": 1})
	keys := []string{"a", "b", "k", "none", "a"}
	for range 2 {
		got, err := l.GetBulk(t.Context(), keys)
		if err != nil || !maps.Equal(got, map[string]string{"a": "1", "b": "2", "k": "v"}) {
			t.Errorf("a loader returns what the source has: got %v, %v", got, err)
		}
	}
	want("misses and hits of many keys", map[string]int{"GetBulk": 2, "SnapshotGens": 2, "SetBulkWithGens": 1})
	if loads := s.loads(); len(loads) != 3 || !slices.Equal(loads[1], []string{"a", "b", "none"}) {
		t.Errorf("what was loaded is stored: got the loads %q", loads)
	}

	ttls := map[string]time.Duration{"a": time.Minute, "b": time.Minute, "c": time.Hour, "k": -1}
	if err := r.InvalidateBulk(t.Context(), []string{"a", "b", "c", "k"}); err != nil {
		t.Fatal(err)
	}
	l = over(t, w, s, func(o *LoaderOptions[string]) {
		o.TTL = func(key, _ string) time.Duration { return ttls[key] }
		o.AbsentTTL = time.Minute
	})
	if got, err := l.GetBulk(t.Context(), []string{"a", "b", "c", "k", "none"}); err != nil || len(got) != 4 {
		t.Errorf("a loader returns what the source has: got %v, %v", got, err)
	}
	want("one call for what has the same TTL", map[string]int{"GetBulk": 1, "SnapshotGens": 1, "SetBulkWithGens": 1, "SetWithGen": 1})
	for key, ttl := range ttls {
		if e, stored := r.provider.entry("single:n:" + key); stored != (ttl > 0) || stored && e.ttl != ttl {
			t.Errorf("the TTL of %q: got %v, want %v", key, e.ttl, ttl)
		}
	}
	if _, err := l.Get(t.Context(), "nobody"); !errors.Is(err, ErrNotFound) {
		t.Errorf("a key that the source does not have is ErrNotFound: got %v", err)
	}
	for _, key := range []string{"none", "nobody"} {
		if _, stored := r.provider.entry("single:n:" + key); stored {
			t.Errorf("nine methods can't store absence: %q has an entry", key)
		}
	}
	if _, err := l.Get(t.Context(), ""); !errors.Is(err, ErrInvalidKey) {
		t.Errorf("an invalid key is refused: got %v", err)
	}
	if err := w.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Get(t.Context(), "k"); !errors.Is(err, ErrClosed) {
		t.Errorf("a closed cache is ErrClosed: got %v", err)
	}
	if got, err := l.GetBulk(t.Context(), keys); !errors.Is(err, ErrClosed) || got == nil {
		t.Errorf("a closed cache is ErrClosed: got %v, %v", got, err)
	}
}

func TestLoaderOverAWrapperSharesByGeneration(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		s := newSource(map[string]string{"k": "old", "a": "old"})
		s.gate = make(chan struct{})
		gate := s.gate
		l := over(t, wrap(r.Handle), s)
		var callers []<-chan outcome
		for range 100 {
			callers = append(callers, background(t.Context(), l, "k"))
		}
		synctest.Wait()
		bulk := make(chan map[string]string)
		go func() { got, _ := l.GetBulk(t.Context(), []string{"k", "a"}); bulk <- got }()
		synctest.Wait()
		if n := len(s.loads()); n != 2 {
			t.Errorf("callers of one key share a load: got %d loads, want 2", n)
		}
		s.write("k", "new")
		s.write("a", "new")
		if err := r.InvalidateBulk(t.Context(), []string{"k", "a"}); err != nil {
			t.Fatal(err)
		}
		s.mu.Lock()
		s.gate = nil
		s.mu.Unlock()
		if v, err := l.Get(t.Context(), "k"); v != "new" || err != nil {
			t.Errorf("a caller that came after the invalidation gets what was read after it: got %q, %v", v, err)
		}
		close(gate)
		for _, c := range callers {
			if got := <-c; got != (outcome{"old", nil}) {
				t.Errorf("a caller that came before may get what was read before: got %v", got)
			}
		}
		<-bulk
		synctest.Wait()
		got, err := l.GetBulk(t.Context(), []string{"k", "a"})
		if err != nil || !maps.Equal(got, map[string]string{"k": "new", "a": "new"}) {
			t.Errorf("an invalidation during a load is not lost: got %v, %v", got, err)
		}
	})
}

func TestLoaderOverAWrapperWithoutAGeneration(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.store.fail(GenSnapshot, errors.New("down"))
		var skipped []SetSkippedEvent
		r.emit.hooks.SetSkipped = func(_ context.Context, e SetSkippedEvent) { skipped = append(skipped, e) }
		s := newSource(map[string]string{"k": "v", "a": "1"})
		s.gate = make(chan struct{})
		l := over(t, wrap(r.Handle), s, func(o *LoaderOptions[string]) { o.MaxLoads = 1 })
		a, b := background(t.Context(), l, "k"), background(t.Context(), l, "k")
		synctest.Wait()
		close(s.gate)
		<-a
		<-b
		if _, err := l.GetBulk(t.Context(), []string{"k", "a"}); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		if n := len(s.loads()); n != 3 {
			t.Errorf("callers without a generation share nothing (G2): got %d loads, want 3", n)
		}
		if n := r.provider.count("set"); n != 0 {
			t.Errorf("a load without a generation stores nothing (G2): got %d sets", n)
		}
		if len(skipped) != 4 || skipped[0].Reason != ReasonNoSnapshot {
			t.Errorf("the cache says that it stored nothing: got %v", skipped)
		}
	})
}

// poor is a CAS of another make: it returns nil maps where it may, and more than it
// was asked for.
type poor struct{ CAS[string] }

func (poor) Get(context.Context, string) (string, bool, error) { return "x", true, errors.New("down") }
func (poor) GetBulk(context.Context, []string) (map[string]string, []string, error) {
	return nil, nil, errors.New("down")
}
func (poor) SnapshotGens([]string) map[string]uint64 { return nil }
func (poor) SnapshotGen(string) uint64               { return 0 }

func TestLoaderOverAPoorCAS(t *testing.T) {
	s := newSource(map[string]string{"k": "v"})
	l := over(t, poor{newRig(t).Handle}, s)
	if v, err := l.Get(t.Context(), "k"); v != "v" || err != nil {
		t.Errorf("a cache that fails costs a load: got %q, %v", v, err)
	}
	if got, err := l.GetBulk(t.Context(), []string{"k", "none"}); err != nil || !maps.Equal(got, s.rows) {
		t.Errorf("a cache that fails costs a load: got %v, %v", got, err)
	}
	if got, err := l.GetBulk(t.Context(), nil); err != nil || len(got) != 0 {
		t.Errorf("no keys are no load: got %v, %v", got, err)
	}
}

// Many read through loaders while others write: nobody is served what was read
// before an invalidation that had returned when he began.
func TestLoaderServesNothingStale(t *testing.T) {
	const keys = 4
	for name, cache := range map[string]func(*Handle[string]) CAS[string]{
		"Handle":  func(h *Handle[string]) CAS[string] { return h },
		"wrapper": func(h *Handle[string]) CAS[string] { return wrap(h) },
	} {
		t.Run(name, func(t *testing.T) {
			h := open(t, Options[string]{Namespace: "n", Provider: newBulkProvider(), Codec: String{}})
			var rows [keys]sourceRow
			read := func(key string) string {
				i, _ := strconv.Atoi(key)
				return strconv.FormatUint(rows[i].committed.Load(), 10)
			}
			l, err := NewLoader(cache(h), LoaderOptions[string]{
				Load: func(_ context.Context, key string) (string, error) { return read(key), nil },
				LoadBulk: func(_ context.Context, keys []string) (map[string]string, error) {
					values := map[string]string{}
					for _, key := range keys {
						values[key] = read(key)
					}
					return values, nil
				},
			})
			if err != nil {
				t.Fatal(err)
			}
			var wg sync.WaitGroup
			var written atomic.Int64
			for range 2 {
				wg.Go(func() {
					for written.Add(1) < 2000 {
						i := rand.IntN(keys)
						rows[i].writing.Lock()
						version := rows[i].committed.Add(1)
						if err := h.Invalidate(t.Context(), strconv.Itoa(i)); err != nil {
							t.Error(err)
						}
						rows[i].acked.Store(version)
						rows[i].writing.Unlock()
					}
				})
			}
			check := func(key, value string, acked uint64) {
				if got, _ := strconv.ParseUint(value, 10, 64); got < acked {
					t.Errorf("%s: served version %s after the invalidation for version %d had returned", key, value, acked)
				}
			}
			for range 6 {
				wg.Go(func() {
					for written.Load() < 2000 {
						var acked [keys]uint64
						all := make([]string, keys)
						for i := range rows {
							acked[i], all[i] = rows[i].acked.Load(), strconv.Itoa(i)
						}
						i := rand.IntN(keys)
						value, err := l.Get(t.Context(), all[i])
						if err != nil {
							t.Error(err)
						}
						check(all[i], value, acked[i])
						values, err := l.GetBulk(t.Context(), all)
						if err != nil || len(values) != keys {
							t.Error(values, err)
						}
						for i, key := range all {
							check(key, values[key], acked[i])
						}
					}
				})
			}
			wg.Wait()
		})
	}
}

// Whatever keeps a loaded value out of the cache is told, with the reason.
func TestLoaderTellsWhatIsNotStored(t *testing.T) {
	down := errors.New("down")
	for name, c := range map[string]struct {
		broke  func(*rig)
		reason Reason
	}{
		"held": {func(r *rig) {
			r.store.replace(GenSnapshot, answer(0, nil))
			r.store.replace(GenCurrent, answer(0, nil))
		}, ReasonNoGen},
		"store down":     {func(r *rig) { r.store.fail(GenSnapshot, down); r.store.fail(GenCurrent, down) }, ReasonGenError},
		"snapshots fail": {func(r *rig) { r.store.fail(GenSnapshot, down) }, ReasonGenError},
		"suspect": {func(r *rig) {
			r.suspects.mark("single:n:a", &r.recovery)
			r.suspects.mark("single:n:b", &r.recovery)
			r.suspects.mark("single:n:none", &r.recovery)
		}, ReasonSuspect},
		"moved meanwhile": {nil, ReasonStale},
		"held since":      {nil, ReasonNoGen},
		"down since":      {nil, ReasonGenError},
		"the store panics": {func(r *rig) {
			r.store.replace(GenSnapshot, func(context.Context, string) (uint64, error) { panic("p") })
		}, ReasonGenError},
	} {
		for _, combined := range []bool{false, true} {
			for kind, newOne := range rigs {
				t.Run(fmt.Sprintf("%s, %s, combined: %v", name, kind, combined), func(t *testing.T) {
					r := newOne(t, func(o *Options[string]) {
						if combined {
							both := joined{o.Provider, o.GenStore}
							o.Provider, o.GenStore = both, both
						}
					})
					t.Cleanup(func() { r.suspects.any.Store(false) })
					if c.broke != nil {
						c.broke(r)
					}
					during := func() {
						switch name {
						case "moved meanwhile":
							_ = r.InvalidateBulk(context.Background(), []string{"a", "b", "none"})
						case "held since":
							r.store.replace(GenCurrent, answer(0, nil))
						case "down since":
							r.store.fail(GenCurrent, down)
						}
					}
					var skipped []SetSkippedEvent
					var rejected []BulkRejectedEvent
					r.emit.hooks.SetSkipped = func(_ context.Context, e SetSkippedEvent) { skipped = append(skipped, e) }
					r.emit.hooks.BulkRejected = func(_ context.Context, e BulkRejectedEvent) {
						if e.Write {
							rejected = append(rejected, BulkRejectedEvent{Keys: slices.Clone(e.Keys), Reason: e.Reason})
						}
					}
					s := newSource(map[string]string{"a": "1", "b": "2"})
					l := newLoader(t, r.Handle, s, func(o *LoaderOptions[string]) {
						o.AbsentTTL = time.Minute
						o.Load = func(ctx context.Context, key string) (string, error) { during(); return s.one(ctx, key) }
						o.LoadBulk = func(ctx context.Context, keys []string) (map[string]string, error) {
							during()
							return s.many(ctx, keys)
						}
					})
					want := func(call string, keys ...string) {
						t.Helper()
						if len(skipped) != len(keys) {
							t.Errorf("%s: what is not stored is told: got %v, want one of each of %q", call, skipped, keys)
						}
						for _, e := range skipped {
							if !slices.Contains(keys, e.Key) || e.Reason != c.reason || e.Namespace != "n" {
								t.Errorf("%s: what is not stored is told: got %+v, want one of %q because of %q", call, e, keys, c.reason)
							}
						}
						skipped = nil
					}
					if _, err := l.Get(t.Context(), "a"); err != nil {
						t.Error(err)
					}
					want("Get", "a")
					if _, err := l.Get(t.Context(), "none"); !errors.Is(err, ErrNotFound) {
						t.Error(err)
					}
					want("Get of a key that is absent", "none")
					if name == "held since" || name == "down since" {
						r.store.replace(GenCurrent, nil)
					}
					if _, err := l.GetBulk(t.Context(), []string{"b", "a"}); err != nil {
						t.Error(err)
					}
					want("GetBulk", "a", "b")
					if len(rejected) != 1 || !slices.Equal(rejected[0].Keys, []string{"a", "b"}) || rejected[0].Reason != c.reason {
						t.Errorf("a bulk entry that is not written is told: got %v", rejected)
					}
					if name == "held since" || name == "down since" {
						r.store.replace(GenCurrent, nil)
					}
					if _, err := l.GetBulk(t.Context(), []string{"b", "none", "a"}); err != nil {
						t.Error(err)
					}
					want("GetBulk with a key that is absent", "a", "b", "none")
				})
			}
		}
	}
}

// A value that nobody wants stored is no value that was refused.
func TestLoaderTellsNothingOfWhatIsNotToBeStored(t *testing.T) {
	r := newRig(t)
	r.store.fail(GenSnapshot, errors.New("down"))
	var skipped []SetSkippedEvent
	r.emit.hooks.SetSkipped = func(_ context.Context, e SetSkippedEvent) { skipped = append(skipped, e) }
	l := newLoader(t, r.Handle, newSource(map[string]string{"a": "1"}), func(o *LoaderOptions[string]) {
		o.TTL = func(string, string) time.Duration { return -1 }
	})
	if _, err := l.GetBulk(t.Context(), []string{"a", "none"}); err != nil || len(skipped) != 0 {
		t.Errorf("a negative TTL and absence without AbsentTTL are not refused: got %v, %v", skipped, err)
	}
}
