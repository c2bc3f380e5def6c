package cascache

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// source is what a loader of a test reads: rows, a count of load calls, and a
// gate that each load waits at if there is one.
type source struct {
	mu    sync.Mutex
	rows  map[string]string
	calls [][]string
	gate  chan struct{} // a load reads its row, then waits here
	ctx   context.Context
}

func newSource(rows map[string]string) *source { return &source{rows: rows} }

func (s *source) write(key, value string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rows[key] = value
}

func (s *source) loads() [][]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.calls)
}

func (s *source) load(ctx context.Context, keys []string) map[string]string {
	s.mu.Lock()
	s.calls = append(s.calls, slices.Clone(keys))
	s.ctx = ctx
	rows := make(map[string]string)
	for _, key := range keys {
		if row, ok := s.rows[key]; ok {
			rows[key] = row
		}
	}
	gate := s.gate
	s.mu.Unlock()
	if gate != nil {
		select {
		case <-gate:
		case <-ctx.Done():
		}
	}
	return rows
}

func (s *source) one(ctx context.Context, key string) (string, error) {
	row, ok := s.load(ctx, []string{key})[key]
	if err := ctx.Err(); err != nil {
		return "", err
	}
	if !ok {
		return "", fmt.Errorf("row %q: %w", key, ErrNotFound)
	}
	return row, nil
}

func (s *source) many(ctx context.Context, keys []string) (map[string]string, error) {
	rows := s.load(ctx, keys)
	return rows, ctx.Err()
}

func newLoader(t testing.TB, h *Handle[string], s *source, change ...func(*LoaderOptions[string])) *Loader[string] {
	t.Helper()
	opts := LoaderOptions[string]{Load: s.one, LoadBulk: s.many}
	for _, f := range change {
		f(&opts)
	}
	l, err := NewLoader(h, opts)
	if err != nil {
		t.Fatalf("these options are valid: %v", err)
	}
	return l
}

// outcome is what one caller of a loader got.
type outcome struct {
	value string
	err   error
}

// background runs Get in the background.
func background(ctx context.Context, l *Loader[string], key string) <-chan outcome {
	got := make(chan outcome, 1)
	go func() {
		v, err := l.Get(ctx, key)
		got <- outcome{v, err}
	}()
	return got
}

func TestLoaderLoadsOnceAndStores(t *testing.T) {
	r := newRig(t)
	s := newSource(map[string]string{"k": "v"})
	l := newLoader(t, r.Handle, s)
	for range 3 {
		if v, err := l.Get(t.Context(), "k"); v != "v" || err != nil {
			t.Fatalf("a loader returns what the source has: got %q, %v, want \"v\", nil", v, err)
		}
	}
	if n := len(s.loads()); n != 1 {
		t.Errorf("what was loaded is stored: got %d loads for three calls, want 1", n)
	}
	if _, err := l.Get(t.Context(), "none"); !errors.Is(err, ErrNotFound) {
		t.Errorf("a key that the source does not have is ErrNotFound: got %v", err)
	}
}

func TestLoaderSharesOneLoadAmongAThousand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		s := newSource(map[string]string{"k": "v"})
		s.gate = make(chan struct{})
		l := newLoader(t, r.Handle, s)
		var callers []<-chan outcome
		for range 1000 {
			callers = append(callers, background(t.Context(), l, "k"))
		}
		synctest.Wait()
		close(s.gate)
		for _, c := range callers {
			if got := <-c; got != (outcome{"v", nil}) {
				t.Fatalf("every caller gets what was loaded: got %v", got)
			}
		}
		if n := len(s.loads()); n != 1 {
			t.Errorf("1,000 callers of one cold key cause one load: got %d", n)
		}
	})
}

// A caller that comes after an invalidation must not get what a load read
// before it. The same test with flights keyed by the key alone, as single-flight
// has them, fails.
func TestLoaderNeverJoinsALoadFromBeforeAnInvalidation(t *testing.T) {
	for _, down := range []bool{false, true} {
		t.Run(fmt.Sprintf("generation store down: %v", down), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t)
				if down {
					r.store.fail(GenCurrent, errors.New("down"))
					r.store.fail(GenSnapshot, errors.New("down"))
				}
				s := newSource(map[string]string{"k": "old"})
				s.gate = make(chan struct{})
				gate := s.gate
				l := newLoader(t, r.Handle, s)

				before := background(t.Context(), l, "k")
				synctest.Wait() // it has read "old" and waits
				s.write("k", "new")
				if err := r.Invalidate(t.Context(), "k"); err != nil {
					t.Fatal(err)
				}
				s.mu.Lock()
				s.gate = nil
				s.mu.Unlock()
				if v, err := l.Get(t.Context(), "k"); v != "new" || err != nil {
					t.Errorf("a caller that came after the invalidation gets what was read after it: got %q, %v", v, err)
				}
				close(gate)
				if got := <-before; got != (outcome{"old", nil}) {
					t.Errorf("a caller that came before may get what was read before: got %v", got)
				}
				if v, err := l.Get(t.Context(), "k"); v != "new" || err != nil {
					t.Errorf("the load from before stores nothing: got %q, %v", v, err)
				}
			})
		})
	}
}

// singleFlight joins by key alone, as the usual ones do.
type singleFlight struct {
	mu    sync.Mutex
	calls map[string]chan struct{}
	vals  map[string]string
}

func (f *singleFlight) get(key string, load func() string) string {
	f.mu.Lock()
	if done, ok := f.calls[key]; ok {
		f.mu.Unlock()
		<-done
		f.mu.Lock()
		defer f.mu.Unlock()
		return f.vals[key]
	}
	done := make(chan struct{})
	f.calls[key] = done
	f.mu.Unlock()
	v := load()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.vals[key] = v
	delete(f.calls, key)
	close(done)
	return v
}

func TestPlainSingleFlightJoinsALoadFromBeforeAnInvalidation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &singleFlight{calls: map[string]chan struct{}{}, vals: map[string]string{}}
		row, gate := "old", make(chan struct{})
		load := func() string {
			v := row
			<-gate
			return v
		}
		go f.get("k", load)
		synctest.Wait()
		row = "new" // and whatever invalidation there is, returns here
		after := make(chan string)
		go func() { after <- f.get("k", load) }()
		synctest.Wait()
		close(gate)
		if v := <-after; v != "old" {
			t.Fatalf("this test must show the fault of a plain single-flight: got %q, want \"old\"", v)
		}
	})
}

func TestLoaderCallersLeaveAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		s := newSource(map[string]string{"k": "v"})
		s.gate = make(chan struct{})
		l := newLoader(t, r.Handle, s)
		ctx, cancel := context.WithCancel(t.Context())
		first := background(ctx, l, "k")
		synctest.Wait()
		second := background(t.Context(), l, "k")
		synctest.Wait()
		cancel()
		if got := <-first; !errors.Is(got.err, context.Canceled) {
			t.Errorf("a caller leaves with its own context: got %v", got)
		}
		synctest.Wait()
		if err := s.ctx.Err(); err != nil {
			t.Errorf("the load goes on while anybody waits for it: its context ended with %v", err)
		}
		close(s.gate)
		if got := <-second; got != (outcome{"v", nil}) {
			t.Errorf("the first caller's end is only that caller's: the second got %v", got)
		}
	})
}

func TestLoaderEndsALoadThatNobodyWaitsFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		s := newSource(map[string]string{"k": "v"})
		s.gate = make(chan struct{})
		l := newLoader(t, r.Handle, s)
		ctx, cancel := context.WithCancel(t.Context())
		only := background(ctx, l, "k")
		synctest.Wait()
		cancel()
		<-only
		synctest.Wait()
		if s.ctx.Err() == nil {
			t.Error("when the last caller has left, the load's context ends: it has not")
		}
		s.mu.Lock()
		s.gate = nil
		s.mu.Unlock()
		if v, err := l.Get(t.Context(), "k"); v != "v" || err != nil {
			t.Errorf("whoever comes next begins anew: got %q, %v", v, err)
		}
	})
}

func TestLoaderPanicsReachEveryCaller(t *testing.T) {
	cause := errors.New("cause")
	for name, end := range map[string]func(){
		"panic":  func() { panic(cause) },
		"Goexit": runtime.Goexit,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t)
				gate := make(chan struct{})
				broken := true
				l := newLoader(t, r.Handle, newSource(nil), func(o *LoaderOptions[string]) {
					o.Load = func(context.Context, string) (string, error) {
						<-gate
						if broken {
							end()
						}
						return "v", nil
					}
				})
				callers := []<-chan outcome{background(t.Context(), l, "k"), background(t.Context(), l, "k")}
				synctest.Wait()
				close(gate)
				for _, c := range callers {
					got := <-c
					var p *LoadPanicError
					if name == "panic" && (!errors.As(got.err, &p) || p.Value != any(cause) || !errors.Is(got.err, cause) || len(p.Stack) == 0) {
						t.Errorf("a panic reaches every caller as a *LoadPanicError with its value and stack: got %v", got.err)
					}
					if name == "Goexit" && got.err == nil {
						t.Error("a load that ends its goroutine is an error for every caller")
					}
				}
				broken = false
				if v, err := l.Get(t.Context(), "k"); v != "v" || err != nil {
					t.Errorf("nothing stays wedged: got %q, %v", v, err)
				}
			})
		})
	}
}

func TestLoaderGivesUpALoadThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		hang := make(chan struct{})
		var calls atomic.Int64
		l := newLoader(t, r.Handle, newSource(nil), func(o *LoaderOptions[string]) {
			o.LoadTimeout = time.Second
			o.Load = func(context.Context, string) (string, error) { // deaf to its context
				if calls.Add(1) == 1 {
					<-hang
				}
				return "v", nil
			}
		})
		start := time.Now()
		if _, err := l.Get(t.Context(), "k"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a load that hangs is given up after LoadTimeout: got %v", err)
		}
		if waited := time.Since(start); waited != time.Second {
			t.Errorf("a load that hangs is given up after LoadTimeout: waited %v, want 1s", waited)
		}
		if v, err := l.Get(t.Context(), "k"); v != "v" || err != nil {
			t.Errorf("a hanging load keeps nobody else from loading: got %q, %v", v, err)
		}
		close(hang) // the bubble fails if a goroutine stays
	})
}

func TestLoaderBoundsLoads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		s := newSource(map[string]string{"a": "1", "b": "2", "c": "3"})
		s.gate = make(chan struct{})
		l := newLoader(t, r.Handle, s, func(o *LoaderOptions[string]) { o.MaxLoads = 2; o.LoadTimeout = time.Minute })
		callers := map[string]<-chan outcome{}
		for _, key := range []string{"a", "b", "c"} {
			callers[key] = background(t.Context(), l, key)
			synctest.Wait()
		}
		if n := len(s.loads()); n != 2 {
			t.Errorf("no more than MaxLoads run at once: got %d, want 2", n)
		}
		close(s.gate)
		for key, c := range callers {
			if got := <-c; got.value != s.rows[key] || got.err != nil {
				t.Errorf("the others get their turn: %q got %v", key, got)
			}
		}
	})
}

// Between a caller's look-up and its snapshot, another one's load may land.
func TestLoaderLooksAgainAfterALoadHasLanded(t *testing.T) {
	r := newRig(t)
	s := newSource(map[string]string{"k": "v"})
	l := newLoader(t, r.Handle, s)
	nested := false
	r.store.replace(GenSnapshot, func(ctx context.Context, key string) (uint64, error) {
		if !nested {
			nested = true
			if _, err := l.Get(ctx, "k"); err != nil {
				t.Error(err)
			}
		}
		return r.store.local.Snapshot(ctx, key)
	})
	if v, err := l.Get(t.Context(), "k"); v != "v" || err != nil {
		t.Fatal(v, err)
	}
	if n := len(s.loads()); n != 1 {
		t.Errorf("a load that landed since the look-up is found, not repeated: got %d loads, want 1", n)
	}
}

func TestLoaderWithoutAGenerationSharesAndStoresNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.store.fail(GenSnapshot, errors.New("down"))
		s := newSource(map[string]string{"k": "v"})
		s.gate = make(chan struct{})
		l := newLoader(t, r.Handle, s)
		a, b := background(t.Context(), l, "k"), background(t.Context(), l, "k")
		synctest.Wait()
		close(s.gate)
		if first, second := <-a, <-b; first.value != "v" || second.value != "v" {
			t.Errorf("the source is asked all the same: got %v and %v", first, second)
		}
		if n := len(s.loads()); n != 2 {
			t.Errorf("callers without a generation share nothing (G2): got %d loads, want 2", n)
		}
		if n := r.provider.count("set"); n != 0 {
			t.Errorf("a load without a generation stores nothing (G2): got %d sets", n)
		}
	})
}

func TestLoaderGoesOnWithoutItsProvider(t *testing.T) {
	r := newRig(t)
	r.provider.getErr = errors.New("down")
	r.provider.setErr = r.provider.getErr
	var events []LoadEvent
	r.emit.hooks.Load = func(_ context.Context, e LoadEvent) { events = append(events, e) }
	l := newLoader(t, r.Handle, newSource(map[string]string{"k": "v"}))
	if v, err := l.Get(t.Context(), "k"); v != "v" || err != nil {
		t.Errorf("a provider that fails costs a load: got %q, %v", v, err)
	}
	got, err := l.GetBulk(t.Context(), []string{"k"})
	if got["k"] != "v" || err != nil {
		t.Errorf("a provider that fails costs a load: got %v, %v", got, err)
	}
	if len(events) != 2 || !errors.Is(events[0].StoreErr, r.provider.setErr) || events[0].Err != nil ||
		!slices.Equal(events[0].Keys, []string{"k"}) || events[0].Namespace != "n" {
		t.Errorf("the hook gets what callers do not: got %+v", events)
	}
}

func TestLoaderOfAClosedOrDisabledCache(t *testing.T) {
	r := newRig(t)
	s := newSource(map[string]string{"k": "v"})
	l := newLoader(t, r.Handle, s)
	if err := r.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Get(t.Context(), "k"); !errors.Is(err, ErrClosed) {
		t.Errorf("a closed cache is ErrClosed: got %v", err)
	}
	if _, err := l.GetBulk(t.Context(), []string{"k"}); !errors.Is(err, ErrClosed) {
		t.Errorf("a closed cache is ErrClosed: got %v", err)
	}
	if _, err := l.Get(t.Context(), ""); err == nil {
		t.Error("an empty key is refused")
	}

	disabled, err := New(Options[string]{Disabled: true})
	if err != nil {
		t.Fatal(err)
	}
	l = newLoader(t, disabled, s)
	for range 2 {
		if v, err := l.Get(t.Context(), "k"); v != "v" || err != nil {
			t.Errorf("over a disabled cache every call loads: got %q, %v", v, err)
		}
	}
	if got, err := l.GetBulk(t.Context(), []string{"k", "none", "k"}); err != nil || !maps.Equal(got, map[string]string{"k": "v"}) {
		t.Errorf("over a disabled cache every call loads: got %v, %v", got, err)
	}
	if n := len(s.loads()); n != 3 {
		t.Errorf("over a disabled cache every call loads: got %d loads, want 3", n)
	}
}

func TestLoaderTTL(t *testing.T) {
	r := newRig(t)
	s := newSource(map[string]string{"a": "1", "b": "2", "c": "3"})
	ttl := map[string]time.Duration{"a": time.Minute, "b": 0, "c": -1}
	l := newLoader(t, r.Handle, s, func(o *LoaderOptions[string]) {
		o.TTL = func(key, value string) time.Duration {
			if value != s.rows[key] {
				t.Errorf("TTL is asked about what was loaded: got %q for %q", value, key)
			}
			return ttl[key]
		}
	})
	if _, err := l.GetBulk(t.Context(), []string{"a", "b", "c"}); err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]time.Duration{"a": time.Minute, "b": DefaultTTL} {
		if e, _ := r.provider.entry("single:n:" + key); e.ttl != want {
			t.Errorf("the TTL of %q: got %v, want %v", key, e.ttl, want)
		}
	}
	if _, ok := r.provider.entry("single:n:c"); ok {
		t.Error("a negative TTL stores nothing")
	}
	if _, ok := r.provider.entry(r.keys.bulkEntry([]string{"a", "b"})); ok {
		t.Error("a bulk entry is of all keys that were asked for, not of those that are stored")
	}
}

func TestLoaderRemembersAbsence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		s := newSource(map[string]string{"there": "v"})
		l := newLoader(t, r.Handle, s, func(o *LoaderOptions[string]) { o.AbsentTTL = time.Minute })
		forgetful := newLoader(t, r.Handle, s)
		absent := func(rule string, loads int) {
			t.Helper()
			before := len(s.loads())
			if _, err := l.Get(t.Context(), "k"); !errors.Is(err, ErrNotFound) {
				t.Errorf("%s: got %v, want ErrNotFound", rule, err)
			}
			if n := len(s.loads()) - before; n != loads {
				t.Errorf("%s: got %d loads, want %d", rule, n, loads)
			}
		}
		absent("the source is asked first", 1)
		absent("absence is remembered", 0)
		got, err := l.GetBulk(t.Context(), []string{"k", "there"})
		if err != nil || !maps.Equal(got, map[string]string{"there": "v"}) {
			t.Errorf("a key that the source does not have is not in the result: got %v, %v", got, err)
		}
		if loads := s.loads(); !slices.Equal(loads[len(loads)-1], []string{"there"}) {
			t.Errorf("a key known to be absent is not loaded: got %q", loads[len(loads)-1])
		}
		if v, ok, err := r.Get(t.Context(), "k"); ok || err != nil {
			t.Errorf("a plain Get takes absence as a miss: got %q, %v, %v", v, ok, err)
		}
		absent("and leaves it", 0)
		before := len(s.loads())
		if _, err := forgetful.Get(t.Context(), "k"); !errors.Is(err, ErrNotFound) || len(s.loads()) != before+1 {
			t.Errorf("without AbsentTTL absence is not believed: got %v, %d loads", err, len(s.loads())-before)
		}
		time.Sleep(time.Minute)
		absent("absence has a TTL of its own", 1)

		s.write("k", "inserted")
		if err := r.Invalidate(t.Context(), "k"); err != nil {
			t.Fatal(err)
		}
		if v, err := l.Get(t.Context(), "k"); v != "inserted" || err != nil {
			t.Errorf("absence dies with an invalidation: got %q, %v", v, err)
		}
	})
}

func TestLoaderGetBulkLoadsWhatIsMissingInOneCall(t *testing.T) {
	r := newBulkRig(t)
	rows := map[string]string{}
	var keys []string
	for i := range 100 {
		keys = append(keys, "k"+strconv.Itoa(i))
		rows[keys[i]] = "v" + strconv.Itoa(i)
	}
	s := newSource(rows)
	l := newLoader(t, r.Handle, s)
	for i, key := range keys {
		if i%10 != 3 {
			fill(t, r.Handle, key, rows[key])
		}
	}
	var missing []string
	for i := 3; i < 100; i += 10 {
		missing = append(missing, keys[i])
	}
	clear(r.provider.calls)
	r.store.traffic()
	got, err := l.GetBulk(t.Context(), keys)
	if err != nil || !maps.Equal(got, rows) {
		t.Fatalf("GetBulk returns a value for every key: got %d of 100, %v", len(got), err)
	}
	if loads := s.loads(); len(loads) != 1 || !slices.Equal(loads[0], missing) {
		t.Errorf("one load call for exactly the missing keys: got %q, want %q", loads, missing)
	}
	if want := (map[string]int{"get": 1, "getBulk": 1, "setBulk": 1}); !maps.Equal(r.provider.calls, want) {
		t.Errorf("round trips to the provider: got %v, want %v", r.provider.calls, want)
	}
	if got, want := r.store.traffic(), (map[string]int{"currentBulk": 2, "snapshotBulk": 1}); !maps.Equal(got, want) {
		t.Errorf("round trips to the generation store (the second read is the compare of the set): got %v, want %v", got, want)
	}
	if _, ok := r.provider.entry(r.keys.bulkEntry(sortedCopy(missing))); ok {
		t.Error("the bulk of the missing keys is not what the next caller asks for: it was stored")
	}

	if _, err := l.GetBulk(t.Context(), missing[:1]); err != nil || len(s.loads()) != 1 {
		t.Errorf("what was loaded is stored: %d loads, %v", len(s.loads()), err)
	}
}

func TestLoaderGetBulkStoresTheWholeSetAsABulk(t *testing.T) {
	r := newBulkRig(t)
	l := newLoader(t, r.Handle, newSource(map[string]string{"a": "1", "b": "2"}))
	if _, err := l.GetBulk(t.Context(), []string{"b", "a"}); err != nil {
		t.Fatal(err)
	}
	if _, ok := r.provider.entry(r.keys.bulkEntry([]string{"a", "b"})); !ok {
		t.Error("a set that was loaded as a whole is stored as a bulk")
	}
}

func TestLoaderGetBulkJoinsLoadsUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		s := newSource(map[string]string{"a": "1", "b": "2"})
		s.gate = make(chan struct{})
		l := newLoader(t, r.Handle, s)
		a := background(t.Context(), l, "a")
		synctest.Wait()
		type many struct {
			values map[string]string
			err    error
		}
		both := make(chan many)
		go func() {
			values, err := l.GetBulk(t.Context(), []string{"a", "b", "a"})
			both <- many{values, err}
		}()
		synctest.Wait()
		close(s.gate)
		if got := <-both; got.err != nil || !maps.Equal(got.values, s.rows) {
			t.Errorf("GetBulk waits for what others load: got %v, %v", got.values, got.err)
		}
		<-a
		if loads := s.loads(); len(loads) != 2 || !slices.Equal(loads[1], []string{"b"}) {
			t.Errorf("a key that is being loaded is not loaded again: got %q", loads)
		}
	})
}

func TestLoaderGetBulkErrors(t *testing.T) {
	broken := errors.New("broken")
	r := newRig(t)
	fill(t, r.Handle, "cached", "c")
	l := newLoader(t, r.Handle, newSource(nil), func(o *LoaderOptions[string]) {
		o.LoadBulk = func(context.Context, []string) (map[string]string, error) { return nil, broken }
	})
	got, err := l.GetBulk(t.Context(), []string{"cached", "a", "b"})
	if !errors.Is(err, broken) || !maps.Equal(got, map[string]string{"cached": "c"}) {
		t.Errorf("a load that fails leaves what is cached: got %v, %v", got, err)
	}

	// Without LoadBulk each key is loaded by itself.
	s := newSource(map[string]string{"a": "1"})
	l = newLoader(t, r.Handle, s, func(o *LoaderOptions[string]) {
		o.LoadBulk = nil
		o.Load = func(ctx context.Context, key string) (string, error) {
			if key == "b" {
				return "", broken
			}
			return s.one(ctx, key)
		}
	})
	got, err = l.GetBulk(t.Context(), []string{"a", "b", "none"})
	if !errors.Is(err, broken) || errors.Is(err, ErrNotFound) || !maps.Equal(got, map[string]string{"a": "1"}) {
		t.Errorf("one key's failure leaves the others: got %v, %v", got, err)
	}
	if _, err := l.GetBulk(t.Context(), []string{"a", ""}); !errors.Is(err, ErrInvalidKey) {
		t.Errorf("an empty key is refused: got %v", err)
	}
}

func TestLoaderOptions(t *testing.T) {
	h := open(t, Options[string]{Namespace: "n", Provider: newMapProvider(), Codec: String{}})
	load := newSource(nil).one
	for field, opts := range map[string]LoaderOptions[string]{
		"LoaderOptions.Load and":    {},
		"LoaderOptions.LoadMany":    {LoadBulk: newSource(nil).many, LoadMany: newSource(nil).many},
		"LoaderOptions.AbsentTTL":   {Load: load, AbsentTTL: -1},
		"LoaderOptions.MaxLoads":    {Load: load, MaxLoads: -1},
		"LoaderOptions.LoadTimeout": {Load: load, LoadTimeout: -1},
	} {
		if _, err := NewLoader(h, opts); err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("the error names the field %s: got %v", field, err)
		}
	}
	for _, field := range []string{"LoaderOptions.LoadBulk", "LoaderOptions.LoadMany"} {
		both := LoaderOptions[string]{LoadBulk: newSource(nil).many, LoadMany: newSource(nil).many, Load: load}
		if _, err := NewLoader(h, both); err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("two names of one option are refused by both: got %v", err)
		}
	}
}

// Samples that use the former names go on working.
func TestLoaderFormerNames(t *testing.T) {
	h := open(t, Options[string]{Namespace: "n", Provider: newMapProvider(), Codec: String{}})
	s := newSource(map[string]string{"a": "1", "b": "2"})
	l, err := NewLoader(h, LoaderOptions[string]{LoadMany: s.many})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := l.GetMany(t.Context(), []string{"a", "b", "none"}); err != nil || !maps.Equal(got, s.rows) {
		t.Errorf("GetMany is GetBulk, LoadMany is LoadBulk: got %v, %v", got, err)
	}
	if n := len(s.loads()); n != 1 {
		t.Errorf("one call loads all: got %d", n)
	}
}

func TestLoaderOptionsAtTheirBounds(t *testing.T) {
	r := newRig(t)
	s := newSource(map[string]string{"a": "1", "b": "2"})
	for name, change := range map[string]func(*LoaderOptions[string]){
		"LoadTimeout": func(o *LoaderOptions[string]) { o.LoadTimeout = math.MaxInt64 },
		"MaxLoads":    func(o *LoaderOptions[string]) { o.MaxLoads = math.MaxInt },
		"AbsentTTL":   func(o *LoaderOptions[string]) { o.AbsentTTL = math.MaxInt64 },
	} {
		if err := r.InvalidateBulk(t.Context(), []string{"a", "b"}); err != nil {
			t.Fatal(err)
		}
		l := newLoader(t, r.Handle, s, func(o *LoaderOptions[string]) { o.LoadBulk = nil }, change)
		if got, err := l.GetBulk(t.Context(), []string{"a", "b", "none"}); err != nil || !maps.Equal(got, s.rows) {
			t.Errorf("%s at its bound: got %v, %v", name, got, err)
		}
	}
}

func TestLoaderHitAllocatesNoMoreThanGet(t *testing.T) {
	h := open(t, Options[string]{Namespace: "n", Provider: newMapProvider(), Codec: String{}})
	l := newLoader(t, h, newSource(nil))
	fill(t, h, "k", "v")
	plain := testing.AllocsPerRun(200, func() { _, _, _ = h.Get(t.Context(), "k") })
	loaded := testing.AllocsPerRun(200, func() { _, _ = l.Get(t.Context(), "k") })
	if loaded > plain {
		t.Errorf("a hit through the loader allocates what a plain Get does: got %v, want %v", loaded, plain)
	}
}

func BenchmarkLoaderHit(b *testing.B) {
	h := open(b, Options[[]byte]{Namespace: "n", Provider: newMapProvider(), Codec: Bytes{}})
	fill(b, h, "k", []byte("v"))
	l, err := NewLoader(h, LoaderOptions[[]byte]{Load: func(context.Context, string) ([]byte, error) { return nil, ErrNotFound }})
	if err != nil {
		b.Fatal(err)
	}
	ctx := b.Context()
	b.Run("get", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, _, _ = h.Get(ctx, "k")
		}
	})
	b.Run("loader", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, _ = l.Get(ctx, "k")
		}
	})
}

func TestABulkOfAbsentKeysIsNone(t *testing.T) {
	r := newBulkRig(t)
	l := newLoader(t, r.Handle, newSource(map[string]string{"a": "1"}), func(o *LoaderOptions[string]) { o.AbsentTTL = time.Minute })
	if values, err := l.GetBulk(t.Context(), []string{"a", "none"}); err != nil || len(values) != 1 {
		t.Fatalf("one of two keys is there: got %v, %v", values, err)
	}
	if _, stored := r.provider.entry(r.keys.bulkEntry([]string{"a", "none"})); stored {
		t.Error("a bulk entry has no place for a key that the source does not have")
	}
	wantBulk(t, r.Handle, "a key that the source does not have is no value", []string{"a", "none"}, map[string]string{"a": "1"}, "none")

	forgetful := newLoader(t, r.Handle, newSource(map[string]string{"c": "3", "d": "4"}))
	if values, err := forgetful.GetBulk(t.Context(), []string{"c", "d", "none"}); err != nil || len(values) != 2 {
		t.Fatalf("two of three keys are there: got %v, %v", values, err)
	}
	if _, stored := r.provider.entry(r.keys.bulkEntry([]string{"c", "d"})); stored {
		t.Error("nobody asks for the bulk of those keys that happen to be there")
	}
}
