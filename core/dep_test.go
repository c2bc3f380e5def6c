package cascache

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/unkn0wn-root/cascache/wire"
)

// shelf is two caches over one generation store: products, which are rows, and pages,
// each of which a load makes of the products named in its key.
type shelf struct {
	products, pages *Handle[string]
	product, page   *Loader[string]
	rows            *source
	store           *stubStore
	log             *eventLog // of pages

	mu       sync.Mutex
	during   func() // called once, after a page has read its products
	pageRuns int
}

// shelfForms is each way in which the caches of a shelf can be put together.
var shelfForms = map[string]func(products, pages *Options[string]) *stubStore{
	"apart": func(products, pages *Options[string]) *stubStore {
		store := newStubStore()
		products.Provider, pages.Provider = newMapProvider(), newMapProvider()
		products.GenStore, pages.GenStore = store, store
		return store
	},
	"apart, in bulks": func(products, pages *Options[string]) *stubStore {
		store := bulkStore{newStubStore()}
		products.Provider, pages.Provider = newBulkProvider(), newBulkProvider()
		products.GenStore, pages.GenStore = store, store
		return store.stubStore
	},
	"near, in front of a provider": func(products, pages *Options[string]) *stubStore {
		store := newStubStore()
		products.Provider, pages.Provider = newMapProvider(), newMapProvider()
		products.Near, pages.Near = newEntryNear(), newEntryNear()
		products.GenStore, pages.GenStore = store, store
		return store
	},
	"near alone": func(products, pages *Options[string]) *stubStore {
		store := newStubStore()
		products.Provider, pages.Provider = nil, nil
		products.Near, pages.Near = newEntryNear(), newEntryNear()
		products.GenStore, pages.GenStore = store, store
		return store
	},
	"together": func(products, pages *Options[string]) *stubStore {
		both, _, store := newSpy()
		products.Provider, pages.Provider = both, both
		products.GenStore, pages.GenStore = both, both
		return store
	},
}

func newShelf(t testing.TB, form func(products, pages *Options[string]) *stubStore, change ...func(products, pages *Options[string], page *LoaderOptions[string])) *shelf {
	t.Helper()
	s := &shelf{rows: newSource(map[string]string{"a": "a1", "b": "b1"}), log: new(eventLog)}
	products := Options[string]{Namespace: "product", Codec: String{}}
	pages := Options[string]{Namespace: "page", Codec: String{}, Hooks: s.log.hooks()}
	s.store = form(&products, &pages)
	page := LoaderOptions[string]{Load: s.loadPage, AbsentTTL: time.Minute}
	for _, f := range change {
		f(&products, &pages, &page)
	}
	s.products, s.pages = open(t, products), open(t, pages)
	s.product = newLoader(t, s.products, s.rows, func(o *LoaderOptions[string]) { o.AbsentTTL = time.Minute })
	var err error
	if s.page, err = NewLoader(s.pages, page); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, op := range []GenOp{GenCurrent, GenSnapshot, GenBump} {
			s.store.replace(op, nil)
		}
	})
	return s
}

// loadPage makes a page of the products in its key, such as "a b"; one that does not
// exist is a dash.
func (s *shelf) loadPage(ctx context.Context, key string) (string, error) {
	s.mu.Lock()
	s.pageRuns++
	s.mu.Unlock()
	var parts []string
	for _, id := range strings.Fields(key) {
		part, err := s.product.Get(ctx, id)
		if errors.Is(err, ErrNotFound) {
			part, err = "-", nil
		}
		if err != nil {
			return "", err
		}
		parts = append(parts, part)
	}
	s.mu.Lock()
	during := s.during
	s.during = nil
	s.mu.Unlock()
	if during != nil {
		during()
	}
	return strings.Join(parts, " "), nil
}

func (s *shelf) write(t testing.TB, key, value string) {
	t.Helper()
	s.rows.write(key, value)
	if err := s.products.Invalidate(context.Background(), key); err != nil {
		t.Fatalf("nothing in the way of an invalidation: %v", err)
	}
}

func (s *shelf) want(t testing.TB, rule, key, want string) {
	t.Helper()
	if got, err := s.page.Get(context.Background(), key); got != want || err != nil {
		t.Errorf("%s: the page %q is %q, %v, want %q", rule, key, got, err, want)
	}
}

// wantRuns holds the number of page loads so far against what it should be.
func (s *shelf) wantRuns(t testing.TB, rule string, want int) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.pageRuns != want {
		t.Errorf("%s: got %d loads of pages, want %d", rule, s.pageRuns, want)
	}
}

func (s *shelf) wantSkipped(t testing.TB, rule string, want ...Reason) {
	t.Helper()
	var got []Reason
	for _, e := range eventsOf[SetSkippedEvent](s.log) {
		got = append(got, e.Reason)
	}
	if !slices.Equal(got, want) {
		t.Errorf("%s: fills were skipped for %q, want %q", rule, got, want)
	}
}

func onEachShelf(t *testing.T, f func(t *testing.T, form func(products, pages *Options[string]) *stubStore)) {
	for _, name := range slices.Sorted(maps.Keys(shelfForms)) {
		t.Run(name, func(t *testing.T) { f(t, shelfForms[name]) })
	}
}

func TestAPageDiesWithItsRows(t *testing.T) {
	onEachShelf(t, func(t *testing.T, form func(products, pages *Options[string]) *stubStore) {
		s := newShelf(t, form)
		s.want(t, "the first read loads", "a b", "a1 b1")
		s.want(t, "the second read is a hit", "a b", "a1 b1")
		s.wantRuns(t, "the second read is a hit", 1)
		s.write(t, "b", "b2")
		s.want(t, "a page that depends on a row dies with it", "a b", "a1 b2")
		s.want(t, "and is cached again", "a b", "a1 b2")
		s.wantRuns(t, "one load for each change", 2)
		s.write(t, "c", "c1") // which no page depends on
		s.want(t, "other rows leave it alone", "a b", "a1 b2")
		s.wantRuns(t, "other rows leave it alone", 2)
		s.wantSkipped(t, "nothing moved during a load")
	})
}

func TestAPageDependsOnRowsThatDoNotExist(t *testing.T) {
	onEachShelf(t, func(t *testing.T, form func(products, pages *Options[string]) *stubStore) {
		s := newShelf(t, form)
		for range 2 {
			s.want(t, "a page of a missing row", "a x", "a1 -")
		}
		s.wantRuns(t, "it is cached", 1)
		s.write(t, "x", "x1")
		s.want(t, "the row was inserted", "a x", "a1 x1")
	})
}

func TestADependencyThatMovesDuringTheLoad(t *testing.T) {
	onEachShelf(t, func(t *testing.T, form func(products, pages *Options[string]) *stubStore) {
		t.Run("it is not stored", func(t *testing.T) {
			s := newShelf(t, form)
			s.during = func() { s.write(t, "a", "a2") }
			s.want(t, "a caller that came before gets what was loaded", "a b", "a1 b1")
			s.wantSkipped(t, "it is not stored", ReasonDependency)
			s.want(t, "who comes later does not", "a b", "a2 b1")
		})
		t.Run("nor shared with those who came after it moved", func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newShelf(t, form)
				got := make(chan string, 1)
				s.during = func() {
					s.write(t, "a", "a2")
					go func() { // boards the same flight: the page's own generation is as it was
						page, err := s.page.Get(context.Background(), "a b")
						got <- fmt.Sprint(page, err)
					}()
					synctest.Wait()
				}
				s.want(t, "a caller that came before gets what was loaded", "a b", "a1 b1")
				if page := <-got; page != "a2 b1<nil>" {
					t.Errorf("a caller that came after the invalidation had returned got %q, want the new row", page)
				}
			})
		})
		t.Run("in bulks neither", func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newShelf(t, form)
				got := make(chan string, 1)
				s.during = func() {
					s.write(t, "a", "a2")
					go func() {
						pages, err := s.page.GetBulk(context.Background(), []string{"a b", "b"})
						got <- fmt.Sprint(pages, err)
					}()
					synctest.Wait()
				}
				s.want(t, "a caller that came before gets what was loaded", "a b", "a1 b1")
				if pages := <-got; pages != "map[a b:a2 b1 b:b1] <nil>" {
					t.Errorf("a caller that came after the invalidation had returned got %q, want the new row", pages)
				}
			})
		})
	})
}

// A page whose row was read under a generation that has moved since, and whose load
// therefore refused the row's fill, must not be stored either.
func TestANestedLoadWhoseFillWasRefused(t *testing.T) {
	onEachShelf(t, func(t *testing.T, form func(products, pages *Options[string]) *stubStore) {
		synctest.Test(t, func(t *testing.T) {
			s := newShelf(t, form)
			s.rows.gate = make(chan struct{})
			done := background(context.Background(), s.page, "a b")
			synctest.Wait() // the load has read a1
			s.write(t, "a", "a2")
			close(s.rows.gate)
			if got := <-done; got.value != "a1 b1" || got.err != nil {
				t.Errorf("a caller that came before gets what was loaded: got %q, %v", got.value, got.err)
			}
			if _, ok, _ := s.pages.Get(context.Background(), "a b"); ok {
				t.Error("a page of a row that had moved when it was loaded is served")
			}
			s.want(t, "the row moved", "a b", "a2 b1")
		})
	})
}

// shopper makes a second tier of pages: each is made of one page.
func shopper(t testing.TB, s *shelf) *Loader[string] {
	t.Helper()
	opts := Options[string]{Namespace: "shop", Codec: String{}, Provider: newMapProvider(), GenStore: s.store}
	if both, ok := s.pages.gens.store.(spy); ok {
		opts.Provider, opts.GenStore = both, both
	} else {
		opts.GenStore = s.pages.gens.store
	}
	l, err := NewLoader(open(t, opts), LoaderOptions[string]{Load: func(ctx context.Context, key string) (string, error) {
		page, err := s.page.Get(ctx, key)
		return "<" + page + ">", err
	}})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestDependenciesAreInherited(t *testing.T) {
	onEachShelf(t, func(t *testing.T, form func(products, pages *Options[string]) *stubStore) {
		for _, warm := range []bool{false, true} {
			s := newShelf(t, form)
			shops := shopper(t, s)
			if warm { // the page is a hit then, and its dependencies are those of its entry
				s.want(t, "a page", "a b", "a1 b1")
			}
			want := func(rule, want string) {
				t.Helper()
				if got, err := shops.Get(t.Context(), "a b"); got != want || err != nil {
					t.Errorf("warm %v: %s: got %q, %v, want %q", warm, rule, got, err, want)
				}
			}
			want("the first read loads", "<a1 b1>")
			want("the second read is a hit", "<a1 b1>")
			s.wantRuns(t, "the second read is a hit", 1)
			s.write(t, "a", "a2")
			want("nobody bumped the page, but a row of it", "<a2 b1>")
		}
	})
}

func TestTagsAndClear(t *testing.T) {
	known := func(products, _ *Options[string], _ *LoaderOptions[string]) {
		products.Tags = func(key string) []string { return []string{"letter:" + key[:1], "all letters"} }
		products.Clearable = true
	}
	onEachShelf(t, func(t *testing.T, form func(products, pages *Options[string]) *stubStore) {
		s := newShelf(t, form, known)
		get := func(rule, key, want string, loads int) {
			t.Helper()
			before := len(s.rows.loads())
			if got, err := s.product.Get(t.Context(), key); got != want || err != nil {
				t.Errorf("%s: got %q, %v, want %q", rule, got, err, want)
			}
			if n := len(s.rows.loads()) - before; n != loads {
				t.Errorf("%s: got %d loads, want %d", rule, n, loads)
			}
		}
		bulk := func(rule string, loads int) {
			t.Helper()
			before := len(s.rows.loads())
			if got, err := s.product.GetBulk(t.Context(), []string{"a", "b"}); len(got) != 2 || err != nil {
				t.Errorf("%s: got %v, %v", rule, got, err)
			}
			if n := len(s.rows.loads()) - before; n != loads {
				t.Errorf("%s: got %d loads, want %d", rule, n, loads)
			}
		}
		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Errorf("nothing in the way of it: %v", err)
			}
		}
		get("a miss", "a", "a1", 1)
		get("a hit", "a", "a1", 0)
		s.want(t, "a page", "a b", "a1 b1")
		s.wantRuns(t, "a page", 1)

		must(s.products.InvalidateTags(t.Context(), "letter:b", "no such tag"))
		get("the tag of another key", "a", "a1", 0)
		get("its tag", "b", "b1", 1)
		s.want(t, "a page inherits tags", "a b", "a1 b1")
		s.wantRuns(t, "a page inherits tags", 2)

		must(s.products.InvalidateTags(t.Context(), "all letters"))
		bulk("a tag of both", 1)
		bulk("a bulk hit", 0)
		must(s.products.Clear(t.Context()))
		bulk("all are gone", 1)
		get("a hit", "b", "b1", 0)
		s.want(t, "a page inherits the namespace", "a b", "a1 b1")
		s.wantRuns(t, "a page inherits the namespace", 3)

		must(s.products.Invalidate(t.Context(), "a"))
		bulk("the key itself", 1)
	})
}

func TestClearWantsClearable(t *testing.T) {
	r := newRig(t)
	if err := r.Clear(t.Context()); !errors.Is(err, ErrNotClearable) {
		t.Errorf("a cache that is not Clearable has nothing to clear by: got %v", err)
	}
}

func TestFillsByHandUnderTags(t *testing.T) {
	onBothRigs(t, func(t *testing.T, r *rig) {
		for name, invalidate := range map[string]func() error{
			"clear": func() error { return r.Clear(t.Context()) },
			"tag":   func() error { return r.InvalidateTags(t.Context(), "t") },
			"key":   func() error { return r.Invalidate(t.Context(), "k") },
		} {
			obs := r.SnapshotGen("k")
			if obs == 0 || obs != r.SnapshotGen("k") {
				t.Errorf("%s: a number stands for the same generations until one of them moves", name)
			}
			if err := invalidate(); err != nil {
				t.Error(err)
			}
			got, err := r.SetWithGenResult(t.Context(), "k", "old", obs, 0)
			if got.Outcome != SetSkipped || got.Reason != ReasonStale || err != nil {
				t.Errorf("%s during a fill by hand: got %+v, %v, want it skipped", name, got, err)
			}
			wantMiss(t, r.Handle, name, "k")
			fill(t, r.Handle, "k", "new")
			wantHit(t, r.Handle, name, "k", "new")
			if err := invalidate(); err != nil {
				t.Error(err)
			}
			wantMiss(t, r.Handle, name+" after a fill", "k")
			fillBulk(t, r.Handle, map[string]string{"k": "1", "l": "2"})
			wantBulk(t, r.Handle, name, []string{"k", "l"}, map[string]string{"k": "1", "l": "2"})
			if err := invalidate(); err != nil {
				t.Error(err)
			}
			if got, _, _ := r.GetBulk(t.Context(), []string{"k", "l"}); got["k"] != "" {
				t.Errorf("%s after a bulk fill: k is served all the same: %v", name, got)
			}
		}
	}, func(o *Options[string]) {
		o.Clearable, o.Tags = true, func(key string) []string { return []string{"t", "t", "u"} }
	})
}

// An entry from before Tags or Clearable was set lacks their dependencies: what they
// promise would not hold for it.
func TestEntriesFromBeforeTags(t *testing.T) {
	for name, change := range map[string]func(*Options[string]){
		"Tags":      func(o *Options[string]) { o.Tags = func(string) []string { return []string{"t"} } },
		"Clearable": func(o *Options[string]) { o.Clearable = true },
		"one tag more": func(o *Options[string]) {
			o.Tags = func(string) []string { return []string{"t0", "t"} }
		},
	} {
		t.Run(name, func(t *testing.T) {
			onBothRigs(t, func(t *testing.T, r *rig) {
				old := *r.Handle.theProofs() // the same cache with its new options
				fill(t, r.Handle, "a", "old")
				fillBulk(t, r.Handle, map[string]string{"b": "old", "c": "old"})
				opts := Options[string]{Tags: func(string) []string { return []string{"t0"} }}
				change(&opts)
				r.Handle.derived = derived{opts.Tags, opts.Clearable}
				defer func() { r.Handle.derived = old.derived }()
				wantMiss(t, r.Handle, "an entry without the dependency", "a")
				wantBulk(t, r.Handle, "a bulk entry without it", []string{"b", "c"}, map[string]string{}, "b", "c")
			}, func(o *Options[string]) { o.Tags = func(string) []string { return []string{"t0"} } })
		})
	}
}

func TestDependOn(t *testing.T) {
	onEachShelf(t, func(t *testing.T, form func(products, pages *Options[string]) *stubStore) {
		var s *shelf
		var deps func() []Dep
		runs := 0
		s = newShelf(t, form, func(_, _ *Options[string], page *LoaderOptions[string]) {
			page.NoTracking = true
			page.Load = func(ctx context.Context, key string) (string, error) {
				runs++
				if err := DependOn(ctx, deps()...); err != nil {
					return "", err
				}
				return s.loadPage(ctx, key)
			}
		})
		deps = func() []Dep { return []Dep{s.products.KeyDep("b"), s.products.TagDep("t"), s.pages.TagDep("u")} }
		for i, invalidate := range []func() error{
			func() error { return nil },
			func() error { return s.products.Invalidate(t.Context(), "b") },
			func() error { return s.products.InvalidateTags(t.Context(), "t") },
			func() error { return s.pages.InvalidateTags(t.Context(), "u") },
		} {
			if err := invalidate(); err != nil {
				t.Error(err)
			}
			s.want(t, "a page", "a b", "a1 b1")
			s.want(t, "a page", "a b", "a1 b1")
			if runs != i+1 {
				t.Errorf("after change %d: got %d loads, want one for each change", i, runs)
			}
		}
		if err := s.products.Invalidate(t.Context(), "a"); err != nil {
			t.Error(err)
		}
		s.want(t, "NoTracking leaves reads out", "a b", "a1 b1")
		if runs != 4 {
			t.Errorf("NoTracking leaves reads out: got %d loads, want 4", runs)
		}
	})
}

func TestDependOnErrors(t *testing.T) {
	r, other := newRig(t), newRig(t)
	if err := DependOn(t.Context(), r.KeyDep("a")); !errors.Is(err, ErrNotLoading) {
		t.Errorf("outside of a load: got %v", err)
	}
	disabled := open(t, Options[string]{Disabled: true})
	var leaked context.Context
	for name, c := range map[string]struct {
		dep  Dep
		want error
		why  Reason
	}{
		"a zero Dep":                {Dep{}, ErrInvalidKey, ReasonNoGen},
		"an empty key":              {r.KeyDep(""), ErrInvalidKey, ReasonNoGen},
		"an empty tag":              {r.TagDep(""), ErrInvalidKey, ReasonNoGen},
		"a tag that is too long":    {r.TagDep(strings.Repeat("t", maxStorageKey)), ErrInvalidKey, ReasonNoGen},
		"another store":             {other.KeyDep("a"), nil, ReasonForeignDep},
		"a disabled cache":          {disabled.KeyDep("a"), nil, ReasonDisabled},
		"all of it, which is fine":  {r.AllDep(), nil, ""},
		"itself, which is harmless": {r.KeyDep("k"), nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			r.log.reset()
			l, err := NewLoader(r.Handle, LoaderOptions[string]{Load: func(ctx context.Context, _ string) (string, error) {
				leaked = ctx
				if err := DependOn(ctx, c.dep); !errors.Is(err, c.want) || c.want == nil && err != nil {
					t.Errorf("DependOn(%v) = %v, want %v", c.dep, err, c.want)
				}
				return "v", nil
			}})
			if err != nil {
				t.Fatal(err)
			}
			if err := r.Invalidate(t.Context(), "k"); err != nil {
				t.Fatal(err)
			}
			if got, err := l.Get(t.Context(), "k"); got != "v" || err != nil {
				t.Errorf("what was loaded is returned: got %q, %v", got, err)
			}
			_, ok, _ := r.Get(t.Context(), "k")
			if ok != (c.why == "") {
				t.Errorf("stored: %v", ok)
			}
			if c.why != "" {
				r.log.wantOf(t, "the hook tells why it was not stored", SetSkippedEvent{Namespace: "n", Key: "k", Reason: c.why})
			}
			if err := DependOn(leaked, r.KeyDep("a")); !errors.Is(err, ErrNotLoading) {
				t.Errorf("after the load: got %v", err)
			}
		})
	}
}

// wantOf wants exactly this one event of its kind.
func (l *eventLog) wantOf(t testing.TB, rule string, want SetSkippedEvent) {
	t.Helper()
	if got := eventsOf[SetSkippedEvent](l); len(got) != 1 || got[0] != want {
		t.Errorf("%s: got %+v, want %+v", rule, got, want)
	}
}

func TestCachesOverAnotherStore(t *testing.T) {
	s := newShelf(t, shelfForms["apart"], func(products, _ *Options[string], _ *LoaderOptions[string]) {
		products.GenStore = nil
	})
	for range 2 {
		s.want(t, "a page of foreign rows", "a b", "a1 b1")
	}
	s.wantRuns(t, "it is not stored", 2)
	s.wantSkipped(t, "the hook tells why", ReasonForeignDep, ReasonForeignDep)
	s.write(t, "a", "a2")
	s.want(t, "and is fresh therefore", "a b", "a2 b1")
}

// The same store in two wrappers is the same store.
func TestCachesOverOneStoreInWrappers(t *testing.T) {
	s := newShelf(t, shelfForms["apart"], func(products, pages *Options[string], _ *LoaderOptions[string]) {
		products.GenStore = wrappedStore{products.GenStore}
	})
	for range 2 {
		s.want(t, "a page", "a b", "a1 b1")
	}
	s.wantRuns(t, "it is stored", 1)
}

func TestLoadsThatReadByHand(t *testing.T) {
	onEachShelf(t, func(t *testing.T, form func(products, pages *Options[string]) *stubStore) {
		var s *shelf
		runs := 0
		s = newShelf(t, form, func(_, _ *Options[string], page *LoaderOptions[string]) {
			page.Load = func(ctx context.Context, key string) (string, error) {
				runs++
				keys := strings.Fields(key)
				got, missing, err := s.products.GetBulk(ctx, keys)
				if err != nil {
					return "", err
				}
				for _, k := range missing {
					if v, ok, err := s.products.Get(ctx, k); ok || err != nil {
						return v, err
					}
					obs := s.products.SnapshotGen(k)
					row, err := s.rows.one(ctx, k)
					if err != nil {
						return "", err
					}
					if err := s.products.SetWithGen(ctx, k, row, obs, 0); err != nil {
						return "", err
					}
					got[k] = row
				}
				return got[keys[0]] + " " + got[keys[1]], nil
			}
		})
		for i, change := range []string{"", "a", "b"} {
			if change != "" {
				s.write(t, change, change+"2")
			}
			want := []string{"a1 b1", "a2 b1", "a2 b2"}[i]
			s.want(t, "a page", "a b", want)
			s.want(t, "a page", "a b", want)
			if runs != i+1 {
				t.Errorf("after %q: got %d loads, want %d", change, runs, i+1)
			}
		}
	})
}

func TestLostAndHeldDependencies(t *testing.T) {
	onEachShelf(t, func(t *testing.T, form func(products, pages *Options[string]) *stubStore) {
		for name, spoil := range map[string]func(*shelf) (mend func()){
			"lost": func(s *shelf) func() {
				s.store.local.Cleanup(0)
				return func() {}
			},
			"unreadable": func(s *shelf) func() {
				s.store.replace(GenCurrent, func(ctx context.Context, key string) (uint64, error) {
					if strings.HasSuffix(key, ":b") {
						return 0, errBroken
					}
					return s.store.local.Current(ctx, key)
				})
				return func() { s.store.replace(GenCurrent, nil) }
			},
			"held": func(s *shelf) func() {
				key := []string{s.products.keys.entry("b")}
				if err := s.store.local.Hold(context.Background(), key, "t", time.Hour); err != nil {
					t.Error(err)
				}
				return func() {
					if err := s.store.local.Release(context.Background(), key, "t"); err != nil {
						t.Error(err)
					}
				}
			},
		} {
			t.Run(name, func(t *testing.T) {
				s := newShelf(t, form)
				s.want(t, "a page", "a b", "a1 b1")
				s.want(t, "a page of one row", "a", "a1")
				mend := spoil(s)
				if got, ok, err := s.pages.Get(t.Context(), "a b"); ok || err != nil {
					t.Errorf("a generation that cannot be known proves nothing (G2): got %q, %v, %v", got, ok, err)
				}
				if got, _, err := s.pages.GetBulk(t.Context(), []string{"a b", "a"}); got["a b"] != "" || err != nil {
					t.Errorf("a generation that cannot be known proves nothing (G2): got %v, %v", got, err)
				}
				s.rows.write("b", "b2")
				mend()
				if name != "lost" {
					if err := s.products.Invalidate(t.Context(), "b"); err != nil {
						t.Error(err)
					}
				}
				s.want(t, "the next load is stored again", "b", "b2")
				s.want(t, "the next load is stored again", "a b", "a1 b2")
				runs := s.pageRuns
				s.want(t, "the next load is stored again", "a b", "a1 b2")
				s.wantRuns(t, "the next load is stored again", runs)
			})
		}
	})
}

// A key whose invalidation failed is suspect for what depends on it, too, in every
// cache of the process.
func TestSuspectDependencies(t *testing.T) {
	onEachShelf(t, func(t *testing.T, form func(products, pages *Options[string]) *stubStore) {
		synctest.Test(t, func(t *testing.T) {
			s := newShelf(t, form, func(products, _ *Options[string], _ *LoaderOptions[string]) { products.Clearable = true })
			for name, invalidate := range map[string]func() error{
				"the key":       func() error { return s.products.Invalidate(context.Background(), "a") },
				"a tag":         func() error { return s.pages.InvalidateTags(context.Background(), "t") },
				"the namespace": func() error { return s.products.Clear(context.Background()) },
			} {
				s.want(t, "a page", "a b", "a1 b1")
				s.store.fail(GenBump, errBroken)
				if err := invalidate(); err == nil {
					t.Errorf("%s: the bump failed", name)
				}
				if name != "a tag" {
					if got, ok, _ := s.pages.Get(t.Context(), "a b"); ok {
						t.Errorf("%s is suspect: got %q", name, got)
					}
					if got, _, _ := s.pages.GetBulk(t.Context(), []string{"a b", "b"}); got["a b"] != "" {
						t.Errorf("%s is suspect: got %v", name, got)
					}
					s.log.reset()
					s.want(t, "it is loaded, and not stored", "a b", "a1 b1")
					s.wantSkipped(t, "a suspect dependency", ReasonSuspect)
				}
				s.store.fail(GenBump, nil)
				time.Sleep(time.Minute) // for the retry
				s.want(t, "a page", "a b", "a1 b1")
				if _, ok, _ := s.pages.Get(t.Context(), "a b"); !ok {
					t.Errorf("%s was invalidated after all: the page is cached again", name)
				}
			}
		})
	})
}

func TestTooManyDependencies(t *testing.T) {
	for _, n := range []int{MaxDeps, MaxDeps + 1} {
		s := newShelf(t, shelfForms["apart, in bulks"])
		ids := make([]string, n)
		for i := range ids {
			ids[i] = fmt.Sprint("r", i)
			s.rows.write(ids[i], "v")
		}
		for range 2 {
			if _, err := s.page.Get(t.Context(), strings.Join(ids, " ")); err != nil {
				t.Fatal(err)
			}
		}
		if n <= MaxDeps {
			s.wantRuns(t, "as many as may be", 1)
		} else {
			s.wantRuns(t, "one too many is not stored", 2)
			s.wantSkipped(t, "one too many", ReasonTooManyDeps, ReasonTooManyDeps)
		}
	}
}

// A cache that uses none of this writes versions 1 and 2.
func TestEntriesWithoutDependencies(t *testing.T) {
	for _, checksum := range []bool{false, true} {
		s := newShelf(t, shelfForms["apart"], func(products, pages *Options[string], _ *LoaderOptions[string]) {
			products.Checksum, pages.Checksum = checksum, checksum
		})
		s.want(t, "a page", "a b", "a1 b1")
		for _, c := range []struct {
			h    *Handle[string]
			key  string
			want wire.Version
			deps int
		}{
			{s.products, "a", map[bool]wire.Version{false: wire.Version1, true: wire.Version2}[checksum], 0},
			{s.pages, "a b", map[bool]wire.Version{false: wire.Version3, true: wire.Version3Checked}[checksum], 2},
		} {
			entry := c.h.keys.entry(c.key)
			raw, _, err := c.h.values.provider.Get(t.Context(), entry)
			var e wire.Entry
			if decodeErr := c.want.Decode(raw, entry, &e); err != nil || decodeErr != nil || e.Deps.Len() != c.deps {
				t.Errorf("%s is of version %d with %d dependencies: got %x, %v, %v", entry, c.want, c.deps, raw, err, decodeErr)
			}
		}
	}
}

func TestBadTags(t *testing.T) {
	for name, tags := range map[string]func(string) []string{
		"empty":    func(string) []string { return []string{""} },
		"too long": func(string) []string { return []string{strings.Repeat("x", maxStorageKey)} },
		"too many": func(string) []string {
			tags := make([]string, MaxDeps+1)
			for i := range tags {
				tags[i] = fmt.Sprint(i)
			}
			return tags
		},
		"a panic": func(string) []string { panic("tags") },
	} {
		t.Run(name, func(t *testing.T) {
			onBothRigs(t, func(t *testing.T, r *rig) {
				if obs, err := r.SnapshotGenContext(t.Context(), "k"); obs != 0 || err == nil || !strings.Contains(err.Error(), "Options.Tags") {
					t.Errorf("the error names the option: got %d, %v", obs, err)
				}
				l := newLoader(t, r.Handle, newSource(map[string]string{"k": "v"}))
				if got, err := l.Get(t.Context(), "k"); got != "v" || err != nil {
					t.Errorf("what was loaded is returned: got %q, %v", got, err)
				}
				if got, err := l.GetBulk(t.Context(), []string{"k"}); got["k"] != "v" || err != nil {
					t.Errorf("what was loaded is returned: got %q, %v", got, err)
				}
				if _, ok, _ := r.Get(t.Context(), "k"); ok {
					t.Error("and is not stored")
				}
			}, func(o *Options[string]) { o.Tags = tags })
		})
	}
}

func TestDepNames(t *testing.T) {
	r := newRig(t)
	if r.KeyDep("a") != r.KeyDep("a") || r.KeyDep("a") == r.TagDep("a") || r.KeyDep("a") == r.KeyDep("b") {
		t.Error("deps are equal if they name the same thing")
	}
	for _, c := range []struct {
		dep  Dep
		want string
	}{
		{r.KeyDep("a"), `key "a" of "n"`},
		{r.TagDep("a"), `tag "a" of "n"`},
		{r.AllDep(), `all of "n"`},
		{Dep{}, "nothing"},
	} {
		if got := c.dep.String(); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}
