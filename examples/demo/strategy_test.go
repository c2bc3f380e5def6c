package main

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/unkn0wn-root/cascache/examples/internal/shop"
	"github.com/unkn0wn-root/cascache/examples/internal/strategy"
	ristrettoprovider "github.com/unkn0wn-root/cascache/provider-ristretto"
)

// A stage is a strategy before a database of one product, for scripts of reads
// and writes that leave nothing to chance.
type stage struct {
	t        *testing.T
	cache    cache
	provider *ristrettoprovider.Provider
	db       *shop.Store
	oracle   *oracle
}

func newStage(t *testing.T, open func(*ristrettoprovider.Provider) (cache, error)) *stage {
	t.Helper()
	provider, err := newProvider()
	if err != nil {
		t.Fatal(err)
	}
	s, err := open(provider)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(context.Background()); err != nil {
			t.Errorf("close the strategy: %v", err)
		}
	})
	return &stage{t: t, cache: s, provider: provider, db: testStore(t, 1), oracle: newOracle(1)}
}

func testStore(t *testing.T, products int) *shop.Store {
	t.Helper()
	db, err := shop.Create(t.Context(), filepath.Join(t.TempDir(), "products.db"), 1, products)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("close the database: %v", err)
		}
	})
	return db
}

// read reads the product and tells what the oracle says of it.
func (s *stage) read() (p shop.Product, hit, stale bool) {
	s.t.Helper()
	s.provider.Wait() // what was set is visible
	floor := s.oracle.floor(1)
	p, hit, err := s.cache.Read(s.t.Context(), 1, s.db.Product)
	if err != nil {
		s.t.Fatal(err)
	}
	if hit {
		_, stale = s.oracle.judge(1, p.Version, floor)
	}
	return p, hit, stale
}

func (s *stage) commit() shop.Product {
	s.t.Helper()
	p, err := s.db.Write(s.t.Context(), shop.Change{ID: 1, PriceCents: 999, Sold: 1})
	if err != nil {
		s.t.Fatal(err)
	}
	return p
}

func (s *stage) invalidate(p shop.Product) {
	s.t.Helper()
	if err := s.cache.Invalidate(s.t.Context(), p.ID, p); err != nil {
		s.t.Fatal(err)
	}
	s.oracle.invalidated(p.ID, p.Version)
}

// beginRead begins a read that has loaded the product when this returns, and
// fills the cache with it when finish is called.
func (s *stage) beginRead() (finish func()) {
	s.t.Helper()
	loaded, proceed, done := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		_, hit, err := s.cache.Read(s.t.Context(), 1, func(ctx context.Context, id int64) (shop.Product, error) {
			p, err := s.db.Product(ctx, id)
			close(loaded)
			<-proceed
			return p, err
		})
		if hit {
			close(loaded) // so that the test fails rather than hangs: it expects a miss
		}
		done <- err
	}()
	<-loaded
	return func() {
		s.t.Helper()
		close(proceed)
		if err := <-done; err != nil {
			s.t.Fatal(err)
		}
	}
}

// staged lists the strategies as the demo has them, but over a given provider.
var staged = map[string]func(*ristrettoprovider.Provider) (cache, error){
	"TTL only":        func(p *ristrettoprovider.Provider) (cache, error) { return strategy.TTLOnly(storage(p)), nil },
	"delete-then-set": func(p *ristrettoprovider.Provider) (cache, error) { return strategy.DeleteThenSet(storage(p)), nil },
	"write-through":   func(p *ristrettoprovider.Provider) (cache, error) { return strategy.WriteThrough(storage(p)), nil },
	"CasCache":        func(p *ristrettoprovider.Provider) (cache, error) { return strategy.CAS(storage(p), nil) },
}

func TestEveryContenderIsStaged(t *testing.T) {
	for _, c := range contenders() {
		if staged[c.name] == nil {
			t.Errorf("the scripts leave out %s", c.name)
		}
		if want := c.name == "CasCache"; c.promises != want {
			t.Errorf("only CasCache promises to serve nothing stale: %s has %v", c.name, c.promises)
		}
	}
}

// The race that the demo waits for, as a script: a reader loads version 1, a
// writer replaces it and invalidates, and only then the reader fills the cache.
func TestFillThatCrossesAWrite(t *testing.T) {
	for name, open := range staged {
		t.Run(name, func(t *testing.T) {
			s := newStage(t, open)
			finish := s.beginRead()
			s.invalidate(s.commit())
			finish()

			p, hit, stale := s.read()
			if name != "CasCache" {
				if !hit || !stale || p.Version != 1 {
					t.Fatalf("the script must make %s stale, or the demo compares nothing: got version %d (hit: %v, stale: %v)",
						name, p.Version, hit, stale)
				}
				return
			}
			if hit || p.Version != 2 {
				t.Fatalf("a fill must not be served after an invalidation that began after its load: got version %d (hit: %v)",
					p.Version, hit)
			}
			// That read filled the cache, and nothing has changed since.
			if p, hit, stale := s.read(); !hit || stale || p.Version != 2 {
				t.Fatalf("an undisturbed fill must be served: got version %d (hit: %v, stale: %v)", p.Version, hit, stale)
			}
		})
	}
}

// Without a race only the cache that is told nothing is stale.
func TestWriteAfterAFill(t *testing.T) {
	for name, open := range staged {
		t.Run(name, func(t *testing.T) {
			s := newStage(t, open)
			s.read()
			if p, hit, _ := s.read(); !hit || p.Version != 1 {
				t.Fatalf("what a read has filled, the next one hits: got version %d (hit: %v)", p.Version, hit)
			}
			s.invalidate(s.commit())
			p, hit, stale := s.read()
			if want := name == "TTL only"; stale != want {
				t.Errorf("after a write that nothing crosses %s must be stale (%v): got version %d (hit: %v, stale: %v)",
					name, want, p.Version, hit, stale)
			}
			if want := name == "TTL only" || name == "write-through"; hit != want {
				t.Errorf("after a write %s must hit (%v): got %v", name, want, hit)
			}
		})
	}
}

// Two writers that commit in one order and reach the cache in the other.
func TestWritersThatOvertake(t *testing.T) {
	for name, open := range staged {
		t.Run(name, func(t *testing.T) {
			s := newStage(t, open)
			s.read()
			second, third := s.commit(), s.commit()
			s.invalidate(third)
			s.invalidate(second)
			p, _, stale := s.read()
			if want := name == "TTL only" || name == "write-through"; stale != want {
				t.Errorf("after two writes that overtake each other %s must be stale (%v): got version %d, stale: %v",
					name, want, p.Version, stale)
			}
		})
	}
}
