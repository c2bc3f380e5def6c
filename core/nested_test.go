package cascache

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// nest returns a loader whose load of each key is what that key's entry does; the
// others are loaded as themselves.
func nest(t *testing.T, h *Handle[string], maxLoads int, loads map[string]func(ctx context.Context, l *Loader[string]) (string, error)) *Loader[string] {
	t.Helper()
	var l *Loader[string]
	l = newLoader(t, h, newSource(nil), func(o *LoaderOptions[string]) {
		o.LoadBulk = nil
		o.MaxLoads = maxLoads
		o.Load = func(ctx context.Context, key string) (string, error) {
			if load, ok := loads[key]; ok {
				return load(ctx, l)
			}
			return key, nil
		}
	})
	return l
}

type nestedLoads = map[string]func(context.Context, *Loader[string]) (string, error)

// reads returns a load that reads another key.
func reads(key string) func(context.Context, *Loader[string]) (string, error) {
	return func(ctx context.Context, l *Loader[string]) (string, error) {
		v, err := l.Get(ctx, key)
		return "of " + v, err
	}
}

// readsMany is reads in one call.
func readsMany(keys ...string) func(context.Context, *Loader[string]) (string, error) {
	return func(ctx context.Context, l *Loader[string]) (string, error) {
		values, err := l.GetBulk(ctx, keys)
		return fmt.Sprint("of ", len(values)), err
	}
}

// withoutDelay fails the test if f takes any time.
func withoutDelay(t *testing.T, rule string, f func()) {
	t.Helper()
	start := time.Now()
	f()
	if took := time.Since(start); took != 0 {
		t.Errorf("%s: took %v", rule, took)
	}
}

func wantCycle(t *testing.T, rule, key string, err error) {
	t.Helper()
	if !errors.Is(err, ErrLoadCycle) || !strings.Contains(err.Error(), strconv.Quote(key)) {
		t.Errorf("%s: got %v, want ErrLoadCycle with the key %q", rule, err, key)
	}
}

func TestNestedLoadsNeedNoTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		loads := nestedLoads{"deep": reads("deeper"), "deeper": reads("deepest")}
		for i := range 10 {
			loads["p"+strconv.Itoa(i)] = reads("c" + strconv.Itoa(i%3))
			loads["q"+strconv.Itoa(i)] = readsMany("c0", "d"+strconv.Itoa(i), "e"+strconv.Itoa(i))
		}
		l := nest(t, r.Handle, 2, loads)
		withoutDelay(t, "loads that read through their own loader don't fill it", func() {
			if v, err := l.Get(t.Context(), "deep"); v != "of of deepest" || err != nil {
				t.Errorf("a load reads through its own loader: got %q, %v", v, err)
			}
			var callers []<-chan outcome
			for i := range 10 {
				callers = append(callers, background(t.Context(), l, "p"+strconv.Itoa(i)), background(t.Context(), l, "q"+strconv.Itoa(i)))
			}
			for i, c := range callers {
				want := "of 3"
				if i%2 == 0 {
					want = "of c" + strconv.Itoa(i/2%3)
				}
				if got := <-c; got != (outcome{want, nil}) {
					t.Errorf("everyone is served: got %v, want %q", got, want)
				}
			}
		})
	})
}

// A load must not wait for one that itself waits for the turn of the first.
func TestNestedLoadsBeginWhatWaitsForATurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		gate := make(chan struct{})
		l := nest(t, r.Handle, 1, nestedLoads{
			"a": func(ctx context.Context, l *Loader[string]) (string, error) {
				<-gate
				return reads("b")(ctx, l)
			},
			"x": readsMany("b", "c", "y"),
		})
		a := background(t.Context(), l, "a")
		synctest.Wait()
		var waiting []<-chan outcome
		for _, key := range []string{"x", "c", "b"} {
			waiting = append(waiting, background(t.Context(), l, key))
			synctest.Wait()
		}
		withoutDelay(t, "a load begins what waits for a turn and it needs", func() {
			close(gate)
			if got := <-a; got != (outcome{"of b", nil}) {
				t.Errorf("got %v", got)
			}
			for i, want := range []string{"of 3", "c", "b"} {
				if got := <-waiting[i]; got != (outcome{want, nil}) {
					t.Errorf("everyone is served: got %v, want %q", got, want)
				}
			}
		})
		synctest.Wait()
		if free, n := l.flights.turns.free, l.flights.turns.queue.Len(); free != 1 || n != 0 {
			t.Errorf("no turn is lost or won: %d are free, %d calls wait", free, n)
		}
	})
}

// A flight that a load has begun is not begun again when its turn comes.
func TestNestedLoadsBeginNothingTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		gate := make(chan struct{})
		var mu sync.Mutex
		begun := map[string]int{}
		once := func(key string) func(context.Context, *Loader[string]) (string, error) {
			return func(context.Context, *Loader[string]) (string, error) {
				mu.Lock()
				begun[key]++
				mu.Unlock()
				time.Sleep(2 * time.Second)
				return key, nil
			}
		}
		l := nest(t, r.Handle, 1, nestedLoads{
			"a": func(ctx context.Context, l *Loader[string]) (string, error) {
				<-gate
				short, cancel := context.WithTimeout(ctx, time.Second)
				defer cancel()
				readsMany("b", "d")(short, l) // b goes on when a is over
				return "v", nil
			},
			"b": once("b"), "c": once("c"), "d": once("d"),
		})
		a := background(t.Context(), l, "a")
		synctest.Wait()
		many := make(chan error)
		go func() { _, err := l.GetBulk(t.Context(), []string{"b", "c", "d"}); many <- err }()
		synctest.Wait()
		close(gate)
		if got := <-a; got != (outcome{"v", nil}) {
			t.Errorf("got %v", got)
		}
		if err := <-many; err != nil {
			t.Error(err)
		}
		synctest.Wait()
		if begun["b"] != 1 || begun["c"] != 1 || begun["d"] != 1 {
			t.Errorf("each key is loaded once: got %v", begun)
		}
		if free := l.flights.turns.free; free != 1 {
			t.Errorf("no turn is lost or won: %d are free", free)
		}
	})
}

// Two loads whose nested calls each begin what the other one needs.
func TestNestedLoadsThatNeedEachOthersTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		later := func(read func(context.Context, *Loader[string]) (string, error)) func(context.Context, *Loader[string]) (string, error) {
			return func(ctx context.Context, l *Loader[string]) (string, error) {
				time.Sleep(time.Second)
				return read(ctx, l)
			}
		}
		l := nest(t, r.Handle, 1, nestedLoads{
			"a":  readsMany("y", "x"),
			"b":  readsMany("w", "z"),
			"y":  later(reads("z")), // which waits behind w, in the turns of b
			"w":  later(reads("x")), // which waits behind y, in the turns of a
			"ab": readsMany("a", "b"),
		})
		start := time.Now()
		if v, err := l.Get(t.Context(), "ab"); v != "of 2" || err != nil {
			t.Errorf("what depends on itself nowhere is loaded: got %q, %v", v, err)
		}
		if took := time.Since(start); took > 2*time.Second {
			t.Errorf("nobody waits for a turn that needs his own: took %v", took)
		}
	})
}

func TestNestedLoadsAreBoundedToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const most = 4
		r := newBulkRig(t)
		keys, _ := numbered("k", 200)
		var running busy
		var l *Loader[string]
		l = newLoader(t, r.Handle, newSource(nil), func(o *LoaderOptions[string]) {
			o.LoadBulk = nil
			o.MaxLoads = most
			o.Load = func(ctx context.Context, key string) (string, error) {
				if key == "all" {
					values, err := l.GetBulk(ctx, keys)
					return strconv.Itoa(len(values)), err
				}
				if key == "one by one" {
					var wg sync.WaitGroup
					for _, key := range keys {
						wg.Go(func() { l.Get(ctx, "single "+key) })
					}
					wg.Wait()
					return "done", nil
				}
				running.enter()
				defer running.leave()
				time.Sleep(time.Millisecond)
				return key, nil
			}
		})
		if v, err := l.Get(t.Context(), "all"); v != "200" || err != nil {
			t.Errorf("a load reads many: got %q, %v", v, err)
		}
		if v, err := l.Get(t.Context(), "one by one"); v != "done" || err != nil {
			t.Errorf("a load reads many: got %q, %v", v, err)
		}
		if got := running.most.Load(); got != most {
			t.Errorf("a load may have MaxLoads others at once: got %d, want %d", got, most)
		}
	})
}

func TestLoadCycles(t *testing.T) {
	for name, c := range map[string]struct {
		loads nestedLoads
		ask   string
		key   string // that the error names
	}{
		"its own key":                  {nestedLoads{"a": reads("a")}, "a", "a"},
		"its own key among others":     {nestedLoads{"a": readsMany("x", "a", "y")}, "a", "a"},
		"through another":              {nestedLoads{"a": reads("b"), "b": reads("a")}, "a", "a"},
		"through many":                 {nestedLoads{"a": readsMany("b", "c"), "b": readsMany("x", "d"), "d": readsMany("y", "a")}, "a", "a"},
		"of those that are asked, not": {nestedLoads{"a": reads("b"), "b": reads("c"), "c": reads("b")}, "a", "b"},
	} {
		for _, state := range []string{"", "no generation", "other generations", "disabled"} {
			t.Run(name+" "+state, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					r := newRig(t)
					h := r.Handle
					switch state {
					case "no generation":
						r.store.fail(GenSnapshot, errors.New("down"))
					case "other generations":
						r.store.replace(GenSnapshot, r.store.local.Bump)
					case "disabled":
						h = open(t, Options[string]{Disabled: true})
					}
					l := nest(t, h, 0, c.loads)
					withoutDelay(t, "a cycle is an error at once", func() {
						_, err := l.Get(t.Context(), c.ask)
						wantCycle(t, "Get", c.key, err)
						_, err = l.GetBulk(t.Context(), []string{"z", c.ask})
						wantCycle(t, "GetBulk", c.key, err)
					})
					synctest.Wait()
					if n := len(l.flights.byKey); n != 0 {
						t.Errorf("no flight is left over: %d are known", n)
					}
				})
			})
		}
	}
}

func TestALoadOfManyKeysCannotAskForThem(t *testing.T) {
	for _, n := range []int{2, 100} {
		t.Run(strconv.Itoa(n), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newBulkRig(t)
				keys, rows := numbered("k", n)
				var l *Loader[string]
				l = newLoader(t, r.Handle, newSource(nil), func(o *LoaderOptions[string]) {
					o.Load = nil
					o.LoadBulk = func(ctx context.Context, asked []string) (map[string]string, error) {
						if len(asked) < n {
							return map[string]string{"other": "o"}, nil
						}
						_, err := l.Get(ctx, keys[1])
						wantCycle(t, "Get", keys[1], err)
						got, err := l.GetBulk(ctx, append([]string{"other"}, keys...))
						wantCycle(t, "GetBulk", keys[0], err)
						var failed *BulkLoadError
						if !errors.As(err, &failed) || len(failed.Keys) != n || got["other"] != "o" || len(got) != 1 {
							t.Errorf("the other keys come all the same: got %v, %v", got, err)
						}
						return rows, nil
					}
				})
				withoutDelay(t, "a cycle is an error at once", func() {
					got, err := l.GetBulk(t.Context(), keys)
					if err != nil || !maps.Equal(got, rows) {
						t.Errorf("a load may go on after such an error: got %d values, %v", len(got), err)
					}
				})
			})
		})
	}
}

func TestLoadCyclesThroughTwoLoaders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		orders := newRig(t)
		var ofOrders *Loader[string]
		var ofUsers *Loader[int]
		cache := open(t, Options[int]{Namespace: "i", Provider: newMapProvider(), Codec: intCodec{}})
		ofOrders = nest(t, orders.Handle, 1, nestedLoads{
			"1": func(ctx context.Context, _ *Loader[string]) (string, error) {
				n, err := ofUsers.Get(ctx, "1") // the same key of another loader is another key
				return strconv.Itoa(n), err
			},
			"2": func(ctx context.Context, _ *Loader[string]) (string, error) {
				n, err := ofUsers.Get(ctx, "2")
				return strconv.Itoa(n), err
			},
		})
		ofUsers, err := NewLoader(cache, LoaderOptions[int]{
			MaxLoads: 1,
			Load: func(ctx context.Context, key string) (int, error) {
				if key == "1" {
					return 42, nil
				}
				_, err := ofOrders.Get(ctx, key)
				return 0, err
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		withoutDelay(t, "a cycle is an error at once", func() {
			if v, err := ofOrders.Get(t.Context(), "1"); v != "42" || err != nil {
				t.Errorf("the same key of another loader is no cycle: got %q, %v", v, err)
			}
			_, err := ofOrders.Get(t.Context(), "2")
			wantCycle(t, "from one side", "2", err)
			_, err = ofUsers.Get(t.Context(), "2")
			wantCycle(t, "from the other", "2", err)
		})
	})
}

// intCodec is a codec of ints.
type intCodec struct{}

func (intCodec) Encode(n int) ([]byte, error)   { return []byte(strconv.Itoa(n)), nil }
func (intCodec) Decode(raw []byte) (int, error) { return strconv.Atoi(string(raw)) }

// Two callers begin the loads of a circle, so that none of them is nested in
// another when it begins.
func TestConcurrentLoadsThatWaitForEachOther(t *testing.T) {
	for n := 2; n <= 4; n++ {
		t.Run(strconv.Itoa(n), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t)
				gate := make(chan struct{})
				loads := nestedLoads{}
				for i := range n {
					loads[strconv.Itoa(i)] = func(ctx context.Context, l *Loader[string]) (string, error) {
						<-gate
						return readsMany("x", strconv.Itoa((i+1)%n))(ctx, l)
					}
				}
				l := nest(t, r.Handle, n, loads)
				var callers []<-chan outcome
				for i := range n {
					callers = append(callers, background(t.Context(), l, strconv.Itoa(i)))
				}
				synctest.Wait()
				withoutDelay(t, "a cycle is an error at once", func() {
					close(gate)
					for _, c := range callers {
						if got := <-c; !errors.Is(got.err, ErrLoadCycle) {
							t.Errorf("each load of the circle fails: got %v", got)
						}
					}
				})
			})
		})
	}
}

// Waiting for the same loads, or for each other at different times, is no cycle.
func TestConcurrentLoadsThatShareWhatTheyRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		slow := func(context.Context, *Loader[string]) (string, error) { time.Sleep(time.Second); return "s", nil }
		l := nest(t, r.Handle, 0, nestedLoads{
			"a": readsMany("b", "c", "slow"), "b": readsMany("c", "slow"), "c": readsMany("slow"), "slow": slow,
		})
		var callers []<-chan outcome
		for _, key := range []string{"a", "b", "c", "slow", "a", "c"} {
			callers = append(callers, background(t.Context(), l, key))
		}
		for _, c := range callers {
			if got := <-c; got.err != nil {
				t.Errorf("no load waits for itself here: got %v", got.err)
			}
		}
	})
}

// A load may read a key of its own that is cached.
func TestACachedKeyIsNoCycle(t *testing.T) {
	r := newRig(t)
	l := nest(t, r.Handle, 0, nestedLoads{"a": reads("b"), "b": func(ctx context.Context, l *Loader[string]) (string, error) {
		fill(t, r.Handle, "a", "cached")
		return reads("a")(ctx, l)
	}})
	if v, err := l.Get(t.Context(), "a"); v != "of of cached" || err != nil {
		t.Errorf("what the cache has needs no load: got %q, %v", v, err)
	}
}

// A context that outlives its load is like any other.
func TestTheContextOfALoadThatIsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		var kept context.Context
		gate := make(chan struct{})
		l := nest(t, r.Handle, 1, nestedLoads{
			"a": func(ctx context.Context, _ *Loader[string]) (string, error) {
				kept = context.WithoutCancel(ctx)
				return "v", nil
			},
			"hangs": func(context.Context, *Loader[string]) (string, error) { <-gate; return "h", nil },
		})
		if _, err := l.Get(t.Context(), "a"); err != nil {
			t.Fatal(err)
		}
		if err := r.Invalidate(t.Context(), "a"); err != nil {
			t.Fatal(err)
		}
		if v, err := l.Get(kept, "a"); v != "v" || err != nil {
			t.Errorf("its own key is no cycle once a load is over: got %q, %v", v, err)
		}
		hangs := background(t.Context(), l, "hangs")
		synctest.Wait()
		b := background(kept, l, "b")
		synctest.Wait()
		if n := l.flights.turns.queue.Len(); n != 1 {
			t.Errorf("it counts against the bound: %d calls wait, want 1", n)
		}
		close(gate)
		<-hangs
		if got := <-b; got != (outcome{"b", nil}) {
			t.Errorf("and gets its turn: got %v", got)
		}
	})
}

// A nested caller leaves as others do, and its load goes on without it.
func TestNestedCallersLeaveAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		var self *lineage
		l := nest(t, r.Handle, 0, nestedLoads{
			"a": func(ctx context.Context, l *Loader[string]) (string, error) {
				self = lineageOf(ctx)
				short, cancel := context.WithTimeout(ctx, time.Second)
				defer cancel()
				_, err := l.GetBulk(short, []string{"slow", "slower"})
				if !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("a nested caller leaves with its own context: got %v", err)
				}
				if _, err := l.Get(short, "slow"); !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("a nested caller leaves with its own context: got %v", err)
				}
				if v, err := l.Get(ctx, "b"); v != "b" || err != nil {
					t.Errorf("the next call of the load is served: got %q, %v", v, err)
				}
				if n := len(self.awaits); n != 0 {
					t.Errorf("it waits for nothing any more: %d", n)
				}
				return "v", nil
			},
			"slow":   func(ctx context.Context, _ *Loader[string]) (string, error) { <-ctx.Done(); return "", ctx.Err() },
			"slower": func(ctx context.Context, _ *Loader[string]) (string, error) { <-ctx.Done(); return "", ctx.Err() },
		})
		if v, err := l.Get(t.Context(), "a"); v != "v" || err != nil {
			t.Errorf("the load goes on: got %q, %v", v, err)
		}
	})
}

// The number of ways from one load to another may be huge: each load is looked at
// once.
func TestACycleIsLookedForOnceInEachLoad(t *testing.T) {
	const layers = 60
	var loads [layers][2]lineage
	for i := range layers - 1 {
		for from := range 2 {
			for to := range 2 {
				if !loads[i][from].await(&loads[i+1][to]) {
					t.Fatalf("layer %d: no load waits for itself here", i)
				}
			}
		}
	}
	if loads[layers-1][0].await(&loads[0][1]) {
		t.Error("a cycle through all layers is found")
	}
	var other lineage
	if !other.await(&loads[0][0]) {
		t.Error("what nobody waits for closes no cycle")
	}
}
