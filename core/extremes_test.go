package cascache

import (
	"context"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

const year = 365 * 24 * time.Hour

// extremes are durations that somebody passes for "at once", "never" or by
// mistake.
var extremes = []time.Duration{
	0, 1, time.Millisecond - 1, time.Millisecond, year,
	math.MaxInt64 / 2, math.MaxInt64 - 1, math.MaxInt64,
}

var negatives = []time.Duration{-1, -time.Millisecond, -year, math.MinInt64 + 1, math.MinInt64}

// lasts reports whether what lives for d is still there after a day.
func lasts(d time.Duration) bool { return d >= year }

// fading keeps values until their TTLs have passed.
type fading[V any] struct {
	mu      sync.Mutex
	entries map[string]faded[V]
}

type faded[V any] struct {
	value V
	gen   uint64
	until time.Time
}

func (f *fading[V]) put(key string, value V, gen uint64, ttl time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.entries == nil {
		f.entries = make(map[string]faded[V])
	}
	f.entries[key] = faded[V]{value, gen, time.Now().Add(ttl)}
}

func (f *fading[V]) look(key string) (faded[V], bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	e, ok := f.entries[key]
	return e, ok && time.Now().Before(e.until)
}

func (f *fading[V]) Del(key string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.entries, key)
}

type fadingProvider struct{ fading[[]byte] }

func (p *fadingProvider) Get(_ context.Context, key string) ([]byte, bool, error) {
	e, ok := p.look(key)
	return e.value, ok, nil
}

func (p *fadingProvider) Set(_ context.Context, key string, value []byte, _ int64, ttl time.Duration) (bool, error) {
	p.put(key, value, 0, ttl)
	return true, nil
}

func (p *fadingProvider) Del(_ context.Context, key string) error {
	p.fading.Del(key)
	return nil
}

func (p *fadingProvider) Close(context.Context) error { return nil }

type fadingNear struct{ fading[string] }

func (n *fadingNear) Get(key string) (string, uint64, bool) {
	e, ok := n.look(key)
	return e.value, e.gen, ok
}

func (n *fadingNear) Set(key, value string, gen uint64, ttl time.Duration) {
	n.put(key, value, gen, ttl)
}
func (n *fadingNear) Close() error { return nil }

// remoteStore is timed like a store that blocks.
type remoteStore struct{ *LocalGenStore }

func (remoteStore) NonBlocking() bool { return false }

// assemblies are the ways in which a value is kept, each over its own storage.
func assemblies() map[string]func() Options[string] {
	return map[string]func() Options[string]{
		"provider": func() Options[string] {
			return Options[string]{Namespace: "n", Provider: &fadingProvider{}, Codec: String{}}
		},
		"near": func() Options[string] {
			return Options[string]{Namespace: "n", Near: &fadingNear{}}
		},
		"near and provider": func() Options[string] {
			return Options[string]{Namespace: "n", Provider: &fadingProvider{}, Codec: String{}, Near: &fadingNear{}}
		},
		"jitter": func() Options[string] {
			return Options[string]{Namespace: "n", Provider: &fadingProvider{}, Codec: String{}, TTLJitter: 0.5}
		},
		"striped generations": func() Options[string] {
			return Options[string]{Namespace: "n", Provider: &fadingProvider{}, Codec: String{}, GenStore: NewStripedGenStore(16)}
		},
		"generations over a network": func() Options[string] {
			return Options[string]{Namespace: "n", Provider: &fadingProvider{}, Codec: String{}, GenStore: remoteStore{NewLocalGenStore(0, 0)}}
		},
	}
}

// durationFields returns the names of the fields of a struct that are durations.
func durationFields(options any) []string {
	var names []string
	t := reflect.TypeOf(options)
	for i := range t.NumField() {
		if t.Field(i).Type == reflect.TypeFor[time.Duration]() {
			names = append(names, t.Field(i).Name)
		}
	}
	return names
}

func setDuration(options any, field string, d time.Duration) {
	reflect.ValueOf(options).Elem().FieldByName(field).SetInt(int64(d))
}

// eachExtreme runs f for every assembly and every duration, each time by a clock
// of its own.
func eachExtreme(t *testing.T, f func(t *testing.T, opts Options[string], d time.Duration)) {
	for name, assembly := range assemblies() {
		for _, d := range extremes {
			t.Run(fmt.Sprintf("%s/%d", name, int64(d)), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { f(t, assembly(), d) })
			})
		}
	}
}

func mustClose(t *testing.T, h *Handle[string]) {
	t.Helper()
	if err := h.Close(t.Context()); err != nil {
		t.Errorf("Close: got %v, want nil", err)
	}
}

// fillsAndServes fails the test unless a fill is served afterwards, and not
// after an invalidation.
func fillsAndServes(t *testing.T, h *Handle[string]) {
	t.Helper()
	ctx := t.Context()
	if err := h.SetWithGen(ctx, "k", "v", h.SnapshotGen("k"), 0); err != nil {
		t.Fatalf("a fill: %v", err)
	}
	if v, ok, err := h.Get(ctx, "k"); v != "v" || !ok || err != nil {
		t.Errorf("a fill is served: got %q, %v, %v", v, ok, err)
	}
	if err := h.Invalidate(ctx, "k"); err != nil {
		t.Fatalf("an invalidation: %v", err)
	}
	if _, ok, err := h.Get(ctx, "k"); ok || err != nil {
		t.Errorf("nothing is served after an invalidation: got %v, %v", ok, err)
	}
}

func TestExtremeOptions(t *testing.T) {
	for _, field := range durationFields(Options[string]{}) {
		t.Run(field, func(t *testing.T) {
			eachExtreme(t, func(t *testing.T, opts Options[string], d time.Duration) {
				setDuration(&opts, field, d)
				h, err := New(opts)
				if err != nil {
					t.Fatalf("Options.%s may be %d: got %v", field, int64(d), err)
				}
				defer mustClose(t, h)
				if d != 0 && d < year {
					return // short on purpose: that it can be made is all
				}
				fillsAndServes(t, h)
				obs := h.SnapshotGens([]string{"a", "b"})
				if err := h.SetBulkWithGens(t.Context(), map[string]string{"a": "1", "b": "2"}, obs, 0); err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Minute)
				values, missing, err := h.GetBulk(t.Context(), []string{"a", "b"})
				if len(values) != 2 || len(missing) != 0 || err != nil {
					t.Errorf("with an Options.%s of %d a bulk is served a minute later: got %v, %v, %v", field, int64(d), values, missing, err)
				}
				if err := h.Mutate(t.Context(), []string{"a"}, func(ctx context.Context) error { return ctx.Err() }); err != nil {
					t.Errorf("with an Options.%s of %d a write has time: got %v", field, int64(d), err)
				}
			})
			for _, d := range negatives {
				opts := assemblies()["provider"]()
				setDuration(&opts, field, d)
				if h, err := New(opts); err == nil {
					mustClose(t, h)
					t.Errorf("Options.%s may not be %v", field, d)
				} else if !strings.Contains(err.Error(), field) || !strings.Contains(err.Error(), d.String()) {
					t.Errorf("the error names field and value: %q lacks %s or %v", err, field, d)
				}
			}
		})
	}
}

func TestExtremeTTLs(t *testing.T) {
	eachExtreme(t, func(t *testing.T, opts Options[string], d time.Duration) {
		h := open(t, opts)
		defer mustClose(t, h)
		ctx := t.Context()
		if err := h.SetWithGen(ctx, "k", "v", h.SnapshotGen("k"), d); err != nil {
			t.Fatalf("a TTL of %d: got %v", int64(d), err)
		}
		// A second one takes another way in some storages.
		if err := h.SetWithGen(ctx, "k", "w", h.SnapshotGen("k"), d); err != nil {
			t.Fatalf("a TTL of %d: got %v", int64(d), err)
		}
		if err := h.SetBulkWithGens(ctx, map[string]string{"a": "1", "b": "2"}, h.SnapshotGens([]string{"a", "b"}), d); err != nil {
			t.Fatalf("a TTL of %d for a bulk: got %v", int64(d), err)
		}
		if lasts(d) {
			time.Sleep(24 * time.Hour)
		}
		if !lasts(d) && d != 0 {
			return
		}
		if v, ok, err := h.Get(ctx, "k"); v != "w" || !ok || err != nil {
			t.Errorf("a value with a TTL of %d is served: got %q, %v, %v", int64(d), v, ok, err)
		}
		values, missing, err := h.GetBulk(ctx, []string{"a", "b"})
		if len(values) != 2 || len(missing) != 0 || err != nil {
			t.Errorf("a bulk with a TTL of %d is served: got %v, %v, %v", int64(d), values, missing, err)
		}
	})
	for name, assembly := range assemblies() {
		h := open(t, assembly())
		for _, d := range negatives {
			if err := h.SetWithGen(t.Context(), "k", "v", h.SnapshotGen("k"), d); !errors.Is(err, ErrInvalidTTL) {
				t.Errorf("%s: a TTL of %v: got %v, want ErrInvalidTTL", name, d, err)
			}
			err := h.SetBulkWithGens(t.Context(), map[string]string{"a": "1"}, h.SnapshotGens([]string{"a"}), d)
			if !errors.Is(err, ErrInvalidTTL) {
				t.Errorf("%s: a TTL of %v for a bulk: got %v, want ErrInvalidTTL", name, d, err)
			}
		}
	}
}

// TestExtremeLeases looks at the key while the write runs, and a day later, when
// the write has failed.
func TestExtremeLeases(t *testing.T) {
	eachExtreme(t, func(t *testing.T, opts Options[string], d time.Duration) {
		opts.MutateLease = d
		h := open(t, opts)
		defer mustClose(t, h)
		ctx := t.Context()
		held := func(when string) {
			t.Helper()
			if gen := h.SnapshotGen("k"); gen != 0 {
				t.Errorf("a lease of %d holds the key %s: got the generation %d", int64(d), when, gen)
			}
			if _, ok, err := h.Get(ctx, "k"); ok || err != nil {
				t.Errorf("a lease of %d holds the key %s: got %v, %v", int64(d), when, ok, err)
			}
		}
		if err := h.SetWithGen(ctx, "k", "old", h.SnapshotGen("k"), 0); err != nil {
			t.Fatal(err)
		}
		lost := errors.New("the connection was lost")
		ran := false
		err := h.Mutate(ctx, []string{"k"}, func(writeCtx context.Context) error {
			ran = true
			if d == 0 || lasts(d) {
				held("while the write runs")
			}
			if lasts(d) {
				time.Sleep(24 * time.Hour)
				held("after a day of writing")
				if writeCtx.Err() != nil {
					t.Errorf("a lease of %d leaves time for a write of a day: %v", int64(d), writeCtx.Err())
				}
			}
			return lost
		})
		if ran != errors.Is(err, lost) || !ran && err == nil {
			t.Errorf("Mutate returns the error of the write, or why there was none: got %v, ran %v", err, ran)
		}
		if lasts(d) {
			time.Sleep(24 * time.Hour)
			held("a day after the write failed")
			return
		}
		time.Sleep(time.Minute)
		if gen := h.SnapshotGen("k"); gen == 0 {
			t.Errorf("a lease of %d ends by itself", int64(d))
		}
	})
}

func TestExtremesOfLoaders(t *testing.T) {
	const ttl = "TTL"
	for _, field := range append(durationFields(LoaderOptions[string]{}), ttl) {
		t.Run(field, func(t *testing.T) {
			eachExtreme(t, func(t *testing.T, opts Options[string], d time.Duration) {
				h := open(t, opts)
				defer mustClose(t, h)
				loads := 0
				loaderOpts := LoaderOptions[string]{
					Load: func(ctx context.Context, key string) (string, error) {
						loads++
						if key == "absent" {
							return "", ErrNotFound
						}
						return "v", ctx.Err()
					},
				}
				if field == ttl {
					loaderOpts.TTL = func(string, string) time.Duration { return d }
				} else {
					setDuration(&loaderOpts, field, d)
				}
				l, err := NewLoader(h, loaderOpts)
				if err != nil {
					t.Fatalf("LoaderOptions.%s may be %d: got %v", field, int64(d), err)
				}
				if d != 0 && d < year {
					return
				}
				for range 2 {
					if v, err := l.Get(t.Context(), "k"); v != "v" || err != nil {
						t.Fatalf("with a LoaderOptions.%s of %d: got %q, %v", field, int64(d), v, err)
					}
					time.Sleep(time.Second)
				}
				if loads != 1 {
					t.Errorf("with a LoaderOptions.%s of %d a loaded value is served: got %d loads, want 1", field, int64(d), loads)
				}
				if field != "AbsentTTL" || d == 0 || opts.Provider == nil {
					return
				}
				loads = 0
				for range 2 {
					if _, err := l.Get(t.Context(), "absent"); !errors.Is(err, ErrNotFound) {
						t.Fatalf("got %v, want ErrNotFound", err)
					}
					time.Sleep(24 * time.Hour)
				}
				if loads != 1 {
					t.Errorf("with an AbsentTTL of %d absence is remembered for a day: got %d loads, want 1", int64(d), loads)
				}
			})
			if field == ttl {
				return
			}
			for _, d := range negatives {
				loaderOpts := LoaderOptions[string]{Load: func(context.Context, string) (string, error) { return "", nil }}
				setDuration(&loaderOpts, field, d)
				_, err := NewLoader(open(t, assemblies()["provider"]()), loaderOpts)
				if err == nil || !strings.Contains(err.Error(), field) || !strings.Contains(err.Error(), d.String()) {
					t.Errorf("LoaderOptions.%s may not be %v, and the error says so: got %v", field, d, err)
				}
			}
		})
	}
}

func TestExtremesOfLocalGenerations(t *testing.T) {
	for _, interval := range append(extremes, negatives...) {
		for _, retention := range append(extremes, negatives...) {
			if interval > 0 && interval < time.Second {
				continue // too many prunings in two hours; see TestAShortCleanupInterval
			}
			synctest.Test(t, func(t *testing.T) {
				s := NewLocalGenStore(interval, retention)
				defer s.Close(t.Context())
				gen, err := s.Bump(t.Context(), "k")
				if err != nil {
					t.Fatal(err)
				}
				if retention > 0 && retention < year {
					return
				}
				time.Sleep(2 * DefaultCleanupInterval)
				if got, err := s.Current(t.Context(), "k"); got != gen || err != nil {
					t.Errorf("NewLocalGenStore(%d, %d) keeps a generation for two hours: got %d, %v, want %d",
						int64(interval), int64(retention), got, err, gen)
				}
				s.Cleanup(math.MaxInt64)
				if got := s.Len(); got != 1 {
					t.Errorf("Cleanup(MaxInt64) prunes nothing: %d generations are left, want 1", got)
				}
				s.Cleanup(math.MinInt64)
				if got := s.Len(); got != 0 {
					t.Errorf("Cleanup of a negative retention prunes all: %d generations are left", got)
				}
			})
		}
	}
}

func TestAShortCleanupInterval(t *testing.T) {
	for _, interval := range []time.Duration{1, time.Microsecond, MinCleanupInterval} {
		synctest.Test(t, func(t *testing.T) {
			s := NewLocalGenStore(interval, 1)
			defer s.Close(t.Context())
			if _, err := s.Bump(t.Context(), "k"); err != nil {
				t.Fatal(err)
			}
			time.Sleep(MinCleanupInterval - 1)
			if got := s.Len(); got != 1 {
				t.Errorf("an interval of %v is %v: it pruned before", interval, MinCleanupInterval)
			}
			time.Sleep(time.Nanosecond)
			synctest.Wait()
			if got := s.Len(); got != 0 {
				t.Errorf("an interval of %v is %v: it has not pruned by then", interval, MinCleanupInterval)
			}
		})
	}
}

func TestStripedSizes(t *testing.T) {
	for slots, want := range map[int]int{
		math.MinInt: DefaultStripedSlots, -1: DefaultStripedSlots, 0: DefaultStripedSlots, 1: 1, 3: 4, 1 << 20: 1 << 20,
		MaxStripedSlots: MaxStripedSlots, MaxStripedSlots + 1: MaxStripedSlots, math.MaxInt: MaxStripedSlots,
	} {
		if got := stripedSize(slots); got != want {
			t.Errorf("a store of %d slots has %d: got %d", slots, want, got)
		}
	}
}
