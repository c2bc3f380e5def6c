package cascache

import (
	"context"
	"errors"
	"fmt"
	"maps"
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

// numbered returns n keys and a row for each.
func numbered(prefix string, n int) (keys []string, rows map[string]string) {
	keys, rows = make([]string, n), make(map[string]string, n)
	for i := range keys {
		keys[i] = prefix + strconv.Itoa(i)
		rows[keys[i]] = "v" + strconv.Itoa(i)
	}
	return keys, rows
}

// busy counts what runs at once.
type busy struct{ now, most atomic.Int64 }

func (b *busy) enter() {
	now := b.now.Add(1)
	for most := b.most.Load(); now > most && !b.most.CompareAndSwap(most, now); most = b.most.Load() {
	}
}

func (b *busy) leave() { b.now.Add(-1) }

func TestLoaderGetBulkOfManyKeysStartsNoMoreThanMaxLoads(t *testing.T) {
	n := 50_000
	if raceEnabled || testing.Short() {
		n = 5_000
	}
	for _, gens := range []bool{true, false} {
		t.Run(fmt.Sprintf("with generations: %v", gens), func(t *testing.T) {
			r := newBulkRig(t)
			if !gens {
				r.store.fail(GenSnapshot, errors.New("down"))
			}
			keys, rows := numbered("k", n)
			var loads, goroutines busy
			before := int64(runtime.NumGoroutine())
			l := newLoader(t, r.Handle, newSource(nil), func(o *LoaderOptions[string]) {
				o.LoadBulk = nil
				o.MaxLoads = 8
				o.LoadTimeout = time.Hour
				o.Load = func(_ context.Context, key string) (string, error) {
					loads.enter()
					defer loads.leave()
					runtime.Gosched()
					if now := int64(runtime.NumGoroutine()); now > goroutines.most.Load() {
						goroutines.most.Store(now)
					}
					return rows[key], nil
				}
			})
			var wg sync.WaitGroup
			for range 2 { // which share their loads, if there are generations
				wg.Go(func() {
					got, err := l.GetBulk(t.Context(), keys)
					if err != nil || !maps.Equal(got, rows) {
						t.Errorf("GetBulk returns a value for every key: got %d of %d, %v", len(got), n, err)
					}
				})
			}
			wg.Wait()
			if most := loads.most.Load(); most > 8 {
				t.Errorf("no more than MaxLoads run at once: got %d, want 8", most)
			}
			if more := goroutines.most.Load() - before; more > 100 {
				t.Errorf("what waits for its turn has no goroutine: got %d more for %d keys", more, n)
			}
		})
	}
}

// order returns a loader whose loads are one after the other, each a second long,
// and where it notes which keys it loads.
func order(t *testing.T, r *rig, change ...func(*LoaderOptions[string])) (*Loader[string], func() []string) {
	var mu sync.Mutex
	var loaded []string
	l := newLoader(t, r.Handle, newSource(nil), append([]func(*LoaderOptions[string]){func(o *LoaderOptions[string]) {
		o.LoadBulk = nil
		o.MaxLoads = 1
		o.LoadTimeout = time.Hour
		o.Load = func(_ context.Context, key string) (string, error) {
			mu.Lock()
			loaded = append(loaded, key)
			mu.Unlock()
			time.Sleep(time.Second)
			return key, nil
		}
	}}, change...)...)
	return l, func() []string {
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(loaded)
	}
}

func TestLoaderCallersTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, loaded := order(t, newRig(t))
		var wg sync.WaitGroup
		for _, prefix := range []string{"a", "b"} {
			keys, _ := numbered(prefix, 100)
			wg.Go(func() {
				if got, err := l.GetBulk(t.Context(), keys); err != nil || len(got) != 100 {
					t.Errorf("everyone gets a turn: got %d values, %v", len(got), err)
				}
			})
			synctest.Wait()
		}
		start := time.Now()
		if _, err := l.Get(t.Context(), "one"); err != nil {
			t.Error(err)
		}
		if waited := time.Since(start); waited > 4*time.Second {
			t.Errorf("a caller waits for one load of each call before it, not for all of them: waited %v", waited)
		}
		if got, want := loaded()[:4], []string{"a0", "a1", "b0", "one"}; !slices.Equal(got, want) {
			t.Errorf("calls take turns: got %q, want %q", got, want)
		}
		wg.Wait()
		if got := loaded()[4:8]; !slices.Equal(got, []string{"a2", "b1", "a3", "b2"}) {
			t.Errorf("calls take turns: got %q", got)
		}
	})
}

func TestLoaderForgetsWhatEverybodyLeftBeforeItsTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, loaded := order(t, newRig(t))
		first := background(t.Context(), l, "first")
		synctest.Wait()

		ctx, cancel := context.WithCancel(t.Context())
		keys, _ := numbered("k", 100)
		bulk := make(chan error)
		go func() { _, err := l.GetBulk(ctx, keys); bulk <- err }()
		left := background(ctx, l, "left")
		synctest.Wait()
		joined := background(t.Context(), l, "k50")
		synctest.Wait()
		cancel()
		if got := <-left; !errors.Is(got.err, context.Canceled) {
			t.Errorf("a caller that waits for a turn leaves with its own context: got %v", got)
		}
		if err := <-bulk; !errors.Is(err, context.Canceled) {
			t.Errorf("a caller that waits for turns leaves with its own context: got %v", err)
		}
		synctest.Wait()
		l.flights.mu.Lock()
		if n, m := len(l.flights.byKey), l.flights.turns.queue.Len(); n != 2 || m != 1 {
			t.Errorf("what everybody has left is forgotten at once: %d flights are known, %d calls wait", n, m)
		}
		l.flights.mu.Unlock()
		if got := <-joined; got != (outcome{"k50", nil}) {
			t.Errorf("whoever still waits gets a turn: got %v", got)
		}
		<-first
		if got, want := loaded(), []string{"first", "k50"}; !slices.Equal(got, want) {
			t.Errorf("what everybody has left is not loaded: got %q, want %q", got, want)
		}
		if v, err := l.Get(t.Context(), "k1"); v != "k1" || err != nil {
			t.Errorf("whoever comes next begins anew: got %q, %v", v, err)
		}
	})
}

func TestLoaderTimesOutBeforeItsTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hang := make(chan struct{})
		l, loaded := order(t, newRig(t), func(o *LoaderOptions[string]) {
			load := o.Load
			o.LoadTimeout = time.Minute
			o.Load = func(ctx context.Context, key string) (string, error) {
				if key == "hangs" {
					<-hang // deaf to its context
				}
				return load(ctx, key)
			}
		})
		hangs := background(t.Context(), l, "hangs")
		synctest.Wait()
		start := time.Now()
		_, err := l.GetBulk(t.Context(), []string{"a", "b"})
		if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "no turn among 1 loads") {
			t.Errorf("a caller that gets no turn is told so: got %v", err)
		}
		if waited := time.Since(start); waited != time.Minute {
			t.Errorf("LoadTimeout includes the wait for a turn: waited %v, want 1m", waited)
		}
		<-hangs
		next := background(t.Context(), l, "c")
		synctest.Wait()
		if got := loaded(); len(got) != 0 {
			t.Errorf("a load that outlives its context still counts: %q were loaded beside it", got)
		}
		close(hang)
		if got := <-next; got != (outcome{"c", nil}) {
			t.Errorf("the turn goes on once it returns: got %v", got)
		}
		if got, want := loaded(), []string{"hangs", "c"}; !slices.Equal(got, want) {
			t.Errorf("what is out of time is not loaded: got %q, want %q", got, want)
		}
	})
}

// Whatever a load does, its turn goes on to the next, and the bound holds.
func TestLoaderTurnsAreHandedOn(t *testing.T) {
	const atOnce = 3
	r := newBulkRig(t)
	keys, _ := numbered("k", 300)
	var loads busy
	l := newLoader(t, r.Handle, newSource(nil), func(o *LoaderOptions[string]) {
		o.LoadBulk = nil
		o.MaxLoads = atOnce
		o.Load = func(_ context.Context, key string) (string, error) {
			loads.enter()
			defer loads.leave()
			runtime.Gosched()
			switch n, _ := strconv.Atoi(key[1:]); n % 4 {
			case 0:
				panic(key)
			case 1:
				runtime.Goexit()
			case 2:
				return "", errors.New(key)
			}
			return key, nil
		}
	})
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			mine := keys[i*20 : i*20+160]
			got, err := l.GetBulk(t.Context(), mine)
			var failed *BulkLoadError
			if !errors.As(err, &failed) || len(got) != 40 || len(failed.Keys) != 120 {
				t.Errorf("each key has a value or is listed as failed: got %d values, %v", len(got), err)
			}
		})
		wg.Go(func() {
			if v, err := l.Get(t.Context(), "k3"); v != "k3" || err != nil {
				t.Errorf("a single key gets its turn: got %q, %v", v, err)
			}
		})
	}
	wg.Wait()
	if most := loads.most.Load(); most > atOnce {
		t.Errorf("no more than MaxLoads run at once: got %d, want %d", most, atOnce)
	}
	// A flight hands on its turn after those who wait for it have their answer.
	for {
		l.flights.mu.Lock()
		free, known, waiting := l.flights.turns.free, len(l.flights.byKey), l.flights.turns.queue.Len()
		l.flights.mu.Unlock()
		if known != 0 || waiting != 0 || free > atOnce {
			t.Fatalf("nothing is left over: %d turns are free, %d flights known, %d calls wait", free, known, waiting)
		}
		if free == atOnce {
			return
		}
		runtime.Gosched()
	}
}

// Between a caller's look-up and the load that it begins, hooks and providers are
// called. If one panics, nobody waits for a load that has not begun.
func TestAPanicBeforeALoadLeavesNoFlight(t *testing.T) {
	for end, stop := range map[string]func(){"panic": func() { panic("p") }, "Goexit": runtime.Goexit} {
		for name, get := range map[string]func(*Loader[string]){
			"Get":     func(l *Loader[string]) { l.Get(context.Background(), "k") },
			"GetBulk": func(l *Loader[string]) { l.GetBulk(context.Background(), []string{"k", "a"}) },
		} {
			// The n-th call of a hook or the provider by this caller panics, up to one
			// that is not made any more.
			calls := 0
			for n := 1; n == 1 || calls >= n-1; n++ {
				t.Run(fmt.Sprintf("%s in call %d of %s", end, n, name), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						calls = 0
						others := true // it is not this caller who calls
						step := func() {
							if others {
								return
							}
							if calls++; calls == n {
								stop()
							}
						}
						r := newRig(t, func(o *Options[string]) {
							o.Provider = &steppingProvider{o.Provider, step}
							o.Hooks = &Hooks{
								Hit:  func(context.Context, HitEvent) { step() },
								Miss: func(context.Context, MissEvent) { step() },
							}
						})
						s := newSource(map[string]string{"k": "v", "a": "w"})
						l := newLoader(t, r.Handle, s)
						r.store.replace(GenSnapshot, func(ctx context.Context, key string) (uint64, error) {
							if !others {
								// Another caller's load lands, so that this one looks again.
								others = true
								l.Get(context.Background(), "k")
								others = false
							}
							return r.store.local.Snapshot(ctx, key)
						})
						done := make(chan struct{})
						go func() {
							defer close(done)
							defer func() { recover() }()
							others = false
							get(l)
						}()
						<-done
						others = true
						start := time.Now()
						if v, err := l.Get(t.Context(), "k"); v != "v" || err != nil {
							t.Errorf("the next caller is served: got %q, %v", v, err)
						}
						if took := time.Since(start); took != 0 {
							t.Errorf("nobody waits for a load that has not begun: waited %v", took)
						}
						synctest.Wait()
						l.flights.mu.Lock()
						defer l.flights.mu.Unlock()
						if len(l.flights.byKey) != 0 || l.flights.turns.free != DefaultMaxLoads {
							t.Errorf("no flight is left over: %d are known, %d turns free", len(l.flights.byKey), l.flights.turns.free)
						}
					})
				})
			}
			if calls < 4 {
				t.Errorf("%s calls hooks and the provider more often than %d times", name, calls)
			}
		}
	}
}

// steppingProvider calls step in each Get.
type steppingProvider struct {
	Provider
	step func()
}

func (p *steppingProvider) Get(ctx context.Context, key string) ([]byte, bool, error) {
	p.step()
	return p.Provider.Get(ctx, key)
}
