package cascache

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// uncomparable is an error that panics when it is compared, as those of some
// database drivers do.
type uncomparable struct{ causes []string }

func (e uncomparable) Error() string { return strings.Join(e.causes, ", ") }

// loadsOf returns what the Load hook of a rig is told.
func loadsOf(r *rig) *[]LoadEvent {
	var mu sync.Mutex
	events := new([]LoadEvent)
	r.emit.hooks.Load = func(_ context.Context, e LoadEvent) {
		mu.Lock()
		defer mu.Unlock()
		*events = append(*events, e)
	}
	return events
}

func TestLoaderGetBulkWithErrorsThatCannotBeCompared(t *testing.T) {
	r := newRig(t)
	fail := func(keys ...string) error { return uncomparable{append([]string{"broken"}, keys...)} }
	for name, change := range map[string]func(*LoaderOptions[string]){
		"a load each": func(o *LoaderOptions[string]) {
			o.Load = func(_ context.Context, key string) (string, error) { return "", fail(key) }
		},
		"one load": func(o *LoaderOptions[string]) {
			o.LoadBulk = func(_ context.Context, keys []string) (map[string]string, error) { return nil, fail(keys...) }
		},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLoader(t, r.Handle, newSource(nil), func(o *LoaderOptions[string]) {
				o.Load, o.LoadBulk = nil, nil
				change(o)
			})
			_, err := l.GetBulk(t.Context(), []string{"a", "b", "c"})
			var cause uncomparable
			if !errors.As(err, &cause) || errors.Is(err, ErrNotFound) {
				t.Errorf("the error wraps that of a load: got %v", err)
			}
		})
	}
}

func TestLoaderGetBulkCountsItsErrors(t *testing.T) {
	const n = 10_000
	r := newRig(t)
	errs, keys := map[string]error{}, make([]string, n)
	for i := range keys {
		keys[i] = "k" + strconv.Itoa(i)
		errs[keys[i]] = errors.New("no row of " + keys[i])
	}
	l := newLoader(t, r.Handle, newSource(nil), func(o *LoaderOptions[string]) {
		o.LoadBulk = nil
		o.Load = func(_ context.Context, key string) (string, error) { return "", errs[key] }
	})
	got, err := l.GetBulk(t.Context(), keys)
	var failed *BulkLoadError
	if len(got) != 0 || !errors.As(err, &failed) || !slices.Equal(failed.Keys, keys) {
		t.Fatalf("the error lists the keys that could not be loaded, in order: got %v", err)
	}
	text := err.Error()
	if len(text) > 500 || strings.Count(text, "\n") > 0 || !strings.Contains(text, "and 9997 more") || !strings.Contains(text, "no row of k0") {
		t.Errorf("the error of many keys counts and shows a few: got %d bytes, %.500s", len(text), text)
	}
	if !errors.Is(err, errs["k7777"]) {
		t.Error("each of the errors can be found")
	}
}

func TestLoaderGetBulkErrorsOfOneFlightAreOne(t *testing.T) {
	broken := errors.New("broken")
	r := newRig(t)
	l := newLoader(t, r.Handle, newSource(nil), func(o *LoaderOptions[string]) {
		o.LoadBulk = func(context.Context, []string) (map[string]string, error) { return nil, broken }
	})
	_, err := l.GetBulk(t.Context(), []string{"a", "b"})
	var failed *BulkLoadError
	if !errors.As(err, &failed) || failed.Err != broken || err.Error() != `cascache: load "a", "b": broken` {
		t.Errorf("one load that fails is one error: got %v", err)
	}
}

func TestLoaderGetBulkErrorOfItsOwnContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		l := newLoader(t, r.Handle, newSource(nil), func(o *LoaderOptions[string]) {
			o.LoadBulk = nil
			o.Load = func(ctx context.Context, key string) (string, error) {
				if key == "slow" || key == "slower" {
					<-ctx.Done()
					return "", ctx.Err()
				}
				return key, nil
			}
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		got, err := l.GetBulk(ctx, []string{"slow", "a", "slower", "b"})
		var failed *BulkLoadError
		if !errors.As(err, &failed) || !errors.Is(err, context.DeadlineExceeded) || !slices.Equal(failed.Keys, []string{"slow", "slower"}) {
			t.Errorf("the error lists the keys that did not come in time: got %v", err)
		}
		if !maps.Equal(got, map[string]string{"a": "a", "b": "b"}) {
			t.Errorf("what came in time is in the result: got %v", got)
		}
	})
}

// isNotFound says by a method that it is ErrNotFound, and wraps another error.
type isNotFound struct{}

func (isNotFound) Unwrap() error { return sql.ErrNoRows }

func (isNotFound) Error() string        { return "no rows" }
func (isNotFound) Is(target error) bool { return target == ErrNotFound }

func TestLoadBulkReturnsValuesAndAnError(t *testing.T) {
	broken := errors.New("broken")
	keys := []string{"a", "b", "c"}
	for name, c := range map[string]struct {
		values map[string]string
		err    error
		want   map[string]string
		failed []string // others without a value are absent
	}{
		"values and an error":            {map[string]string{"b": "2"}, broken, map[string]string{"b": "2"}, []string{"a", "c"}},
		"two values and an error":        {map[string]string{"a": "1", "c": "3"}, broken, map[string]string{"a": "1", "c": "3"}, []string{"b"}},
		"two values":                     {map[string]string{"a": "1", "c": "3"}, nil, map[string]string{"a": "1", "c": "3"}, nil},
		"all values and an error":        {map[string]string{"a": "1", "b": "2", "c": "3"}, broken, map[string]string{"a": "1", "b": "2", "c": "3"}, nil},
		"an error":                       {nil, broken, nil, keys},
		"values":                         {map[string]string{"b": "2"}, nil, map[string]string{"b": "2"}, nil},
		"nothing":                        {nil, nil, nil, nil},
		"not found":                      {nil, fmt.Errorf("rows: %w", ErrNotFound), nil, nil},
		"values and not found":           {map[string]string{"c": "3"}, ErrNotFound, map[string]string{"c": "3"}, nil},
		"not found, by a method":         {nil, fmt.Errorf("rows: %w", isNotFound{}), nil, nil},
		"not found, joined":              {nil, errors.Join(ErrNotFound, fmt.Errorf("b: %w", ErrNotFound)), nil, nil},
		"not found, joined with another": {nil, errors.Join(ErrNotFound, fmt.Errorf("b: %w", broken)), nil, keys},
		"values that were not asked for": {map[string]string{"a": "1", "x": "9", "": "8"}, nil, map[string]string{"a": "1"}, nil},
		"an error that cannot be compared": {map[string]string{"a": "1"}, uncomparable{[]string{"x"}},
			map[string]string{"a": "1"}, []string{"b", "c"}},
		"another error's keys": {map[string]string{"a": "1"}, &BulkLoadError{Keys: []string{"b"}, Err: broken},
			map[string]string{"a": "1"}, []string{"b", "c"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := newBulkRig(t)
			events := loadsOf(r)
			l := newLoader(t, r.Handle, newSource(nil), func(o *LoaderOptions[string]) {
				o.AbsentTTL = time.Minute
				o.LoadBulk = func(context.Context, []string) (map[string]string, error) { return c.values, c.err }
			})
			got, err := l.GetBulk(t.Context(), keys)
			if !maps.Equal(got, c.want) {
				t.Errorf("what came is kept: got %v, want %v", got, c.want)
			}
			var failed *BulkLoadError
			switch {
			case len(c.failed) == 0:
				if err != nil {
					t.Errorf("nobody has to hear of an error if all keys came or are absent: got %v", err)
				}
			case !errors.As(err, &failed) || !slices.Equal(failed.Keys, c.failed):
				t.Errorf("the error lists the keys without a value, %q: got %v", c.failed, err)
			}
			for _, key := range keys {
				read, ok, _ := r.Get(t.Context(), key)
				want, came := c.want[key]
				if ok != came || read != want {
					t.Errorf("a value that came beside an error is stored: Get(%q) = %q, %v", key, read, ok)
				}
				_, found, _, _ := l.cache.lookUp(t.Context(), key)
				absent := !came && !slices.Contains(c.failed, key)
				if (found == foundAbsent) != absent {
					t.Errorf("a key is absent if the source says so, and not because it failed: %q is %v", key, found)
				}
			}
			bulks := 0
			for entry := range r.provider.entries {
				if strings.HasPrefix(entry, "bulk:") {
					bulks++
				}
			}
			if (bulks == 1) != (len(c.want) == len(keys)) || bulks > 1 {
				t.Errorf("a bulk entry is of all keys that were asked for: got %d", bulks)
			}
			if e := (*events)[0]; (len(c.failed) > 0) != (e.Err != nil) && len(c.want) < len(keys) || e.StoreErr != nil {
				t.Errorf("the load's event has its error: got %+v", e)
			}
		})
	}
}

// A load that joins several errors into one tells them apart by joining, one that
// describes an error twice does not: then the keys fail, which is safe.
func TestOnlyNotFound(t *testing.T) {
	for err, want := range map[error]bool{
		ErrNotFound: true,
		fmt.Errorf("%w: %w", ErrNotFound, sql.ErrNoRows):   false,
		errors.Join(errors.Join(ErrNotFound), ErrNotFound): true,
		sql.ErrNoRows: false,
	} {
		if onlyNotFound(err) != want {
			t.Errorf("onlyNotFound(%v): want %v", err, want)
		}
	}
}

// What follows a load must not cost its callers the value, nor be taken for the
// load's fault, nor keep others waiting.
func TestWhatPanicsAfterALoad(t *testing.T) {
	cause := errors.New("cause")
	for end, stop := range map[string]func(){
		"panic":       func() { panic(cause) },
		"nil pointer": func() { var p *rig; _ = p.log },
		"Goexit":      runtime.Goexit,
	} {
		for where, c := range map[string]struct {
			opts   func(*Options[string], func())
			loader func(*LoaderOptions[string], func())
			held   bool
		}{
			"TTL": {loader: func(o *LoaderOptions[string], f func()) {
				o.TTL = func(string, string) time.Duration { f(); return 0 }
			}},
			"cost": {opts: func(o *Options[string], f func()) {
				o.ComputeSetCost = func(string, []byte, bool, int) int64 { f(); return 0 }
			}},
			"provider": {opts: func(o *Options[string], f func()) { o.Provider = &settingProvider{o.Provider, f} }},
			"SetSkipped": {held: true, opts: func(o *Options[string], f func()) {
				o.Hooks.SetSkipped = func(context.Context, SetSkippedEvent) { f() }
			}},
		} {
			t.Run(end+" in "+where, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					broken := true
					f := func() {
						if broken {
							stop()
						}
					}
					r := newRig(t, func(o *Options[string]) {
						if c.opts != nil {
							c.opts(o, f)
						}
					})
					if c.held {
						r.store.replace(GenSnapshot, answer(0, nil))
					}
					events := loadsOf(r)
					s := newSource(map[string]string{"k": "v", "l": "w"})
					l := newLoader(t, r.Handle, s, func(o *LoaderOptions[string]) {
						o.MaxLoads = 1
						if c.loader != nil {
							c.loader(o, f)
						}
					})
					start := time.Now()
					if v, err := l.Get(t.Context(), "k"); v != "v" || err != nil {
						t.Errorf("a caller gets what the source had: got %q, %v", v, err)
					}
					got, err := l.GetBulk(t.Context(), []string{"k", "l"})
					if err != nil || !maps.Equal(got, s.rows) {
						t.Errorf("a caller gets what the source had: got %v, %v", got, err)
					}
					synctest.Wait()
					for _, e := range *events {
						var ofLoad *LoadPanicError
						if e.Err != nil || e.StoreErr == nil || errors.As(e.StoreErr, &ofLoad) || end == "panic" && !errors.Is(e.StoreErr, cause) {
							t.Errorf("the load's event has it as StoreErr: got %+v", e)
						}
					}
					if len(*events) != 2 {
						t.Errorf("each load is told: got %d events for 2", len(*events))
					}
					broken = false
					r.store.replace(GenSnapshot, nil)
					if v, err := l.Get(t.Context(), "k"); v != "v" || err != nil {
						t.Errorf("nothing stays wedged: got %q, %v", v, err)
					}
					if took := time.Since(start); took != 0 {
						t.Errorf("nobody has to wait: took %v", took)
					}
				})
			})
		}
	}
}

// settingProvider calls f in each Set.
type settingProvider struct {
	Provider
	f func()
}

func (p *settingProvider) Set(ctx context.Context, key string, value []byte, cost int64, ttl time.Duration) (bool, error) {
	p.f()
	return p.Provider.Set(ctx, key, value, cost, ttl)
}

func TestAPanicInTheLoadHook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		cause := errors.New("cause")
		broken := true
		r.emit.hooks.Load = func(context.Context, LoadEvent) {
			if broken {
				panic(cause)
			}
		}
		s := newSource(map[string]string{"k": "v", "a": "1", "b": "2"})
		l := newLoader(t, r.Handle, s)
		var ofLoad *LoadPanicError
		v, err := l.Get(t.Context(), "k")
		if v != "v" || !errors.Is(err, cause) || errors.As(err, &ofLoad) {
			t.Errorf("a panic in Hooks.Load reaches the caller, who gets the value all the same: got %q, %v", v, err)
		}
		got, err := l.GetBulk(t.Context(), []string{"a", "b"})
		if !maps.Equal(got, map[string]string{"a": "1", "b": "2"}) || !errors.Is(err, cause) {
			t.Errorf("a panic in Hooks.Load reaches the caller, who gets the values all the same: got %v, %v", got, err)
		}
		var failed *BulkLoadError
		if errors.As(err, &failed) {
			t.Errorf("no key could not be loaded: got %v", err)
		}
		broken = false
		wantHit(t, r.Handle, "what was loaded is stored", "k", "v")
	})
}

func TestALoadThatPanicsIsTold(t *testing.T) {
	for name, end := range map[string]func(){
		"panic":     func() { panic("p") },
		"panic nil": func() { panic(nil) },
		"Goexit":    runtime.Goexit,
	} {
		for _, bulk := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, bulk: %v", name, bulk), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					r := newRig(t)
					events := loadsOf(r)
					l := newLoader(t, r.Handle, newSource(nil), func(o *LoaderOptions[string]) {
						o.Load, o.LoadBulk = nil, nil
						if bulk {
							o.LoadBulk = func(context.Context, []string) (map[string]string, error) {
								time.Sleep(time.Second)
								end()
								return nil, nil
							}
							return
						}
						o.Load = func(context.Context, string) (string, error) { time.Sleep(time.Second); end(); return "", nil }
					})
					_, err := l.Get(t.Context(), "k")
					synctest.Wait()
					var panicked *LoadPanicError
					if errors.As(err, &panicked) != (name != "Goexit") {
						t.Errorf("a panic reaches the caller: got %v", err)
					}
					if len(*events) != 1 || (*events)[0].Err != err || (*events)[0].Duration != time.Second || (*events)[0].StoreErr != nil {
						t.Errorf("a load that panics is told, with its error: got %+v", *events)
					}
				})
			})
		}
	}
}
