package shop

import (
	"path/filepath"
	"reflect"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestStoreHoldsTheProducts(t *testing.T) {
	const products = 300
	db, again := testStore(t, products), testStore(t, products)
	var rows int
	if err := db.reading.QueryRow("SELECT count(*) FROM products").Scan(&rows); err != nil {
		t.Fatal(err)
	}
	if rows != products {
		t.Errorf("the table holds as many products as asked for: got %d, want %d", rows, products)
	}
	names := make(map[string]bool)
	for id := int64(1); id <= products; id++ {
		p, err := db.Product(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		if p.ID != id || p.Version != 1 || p.Name == "" || len(p.Description) < 30 || p.PriceCents <= 0 || p.UpdatedAt.IsZero() {
			t.Fatalf("product %d is not as a product is at first: %+v", id, p)
		}
		names[p.Name] = true
		q, err := again.Product(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		p.UpdatedAt, q.UpdatedAt = time.Time{}, time.Time{}
		if !reflect.DeepEqual(p, q) {
			t.Fatalf("the same seed makes the same products: got %+v and %+v", p, q)
		}
	}
	if len(names) < products*3/4 {
		t.Errorf("the products differ: %d names among %d", len(names), products)
	}
}

func TestStoreIsInWALMode(t *testing.T) {
	db := testStore(t, 1)
	var mode string
	if err := db.reading.QueryRow("PRAGMA journal_mode").Scan(&mode); err != nil {
		t.Fatal(err)
	}
	if mode != "wal" {
		t.Errorf("readers and the writer must not wait for each other: journal_mode is %q, want wal", mode)
	}
	if _, err := db.reading.Exec("DELETE FROM products"); err == nil {
		t.Error("the reading connections can write, want an error")
	}
}

func TestStoreWritesTheNextVersion(t *testing.T) {
	db := testStore(t, 2)
	first, err := db.Product(t.Context(), 2)
	if err != nil {
		t.Fatal(err)
	}
	written, err := db.Write(t.Context(), Change{ID: 2, PriceCents: 1234, Sold: 3})
	if err != nil {
		t.Fatal(err)
	}
	if written.Version != first.Version+1 || written.PriceCents != 1234 || written.Name != first.Name {
		t.Errorf("a write changes what it says and counts the version up: %+v became %+v", first, written)
	}
	read, err := db.Product(t.Context(), 2)
	if err != nil {
		t.Fatal(err)
	}
	if read != written {
		t.Errorf("a write returns what it committed: got %+v, in the database is %+v", written, read)
	}
	if _, err := db.Write(t.Context(), Change{ID: 3}); err == nil {
		t.Error("a write of a product that does not exist returns nil, want an error")
	}
}

// The oracle takes it for granted that a query sees what had committed when it
// began, on whatever connection.
func TestStoreReadsSeeEarlierCommits(t *testing.T) {
	const writes, readers = 300, readConnections * 2
	db := testStore(t, 1)
	var committed atomic.Int64
	var done atomic.Bool
	var reading sync.WaitGroup
	for range readers {
		reading.Go(func() {
			for !done.Load() {
				floor := committed.Load()
				p, err := db.Product(t.Context(), 1)
				if err != nil {
					t.Error(err)
					return
				}
				if p.Version < floor {
					t.Errorf("a query returned version %d although version %d had committed before it began", p.Version, floor)
					return
				}
			}
		})
	}
	for range writes {
		p, err := db.Write(t.Context(), Change{ID: 1, PriceCents: 100, Sold: 1})
		if err != nil {
			t.Error(err)
			break
		}
		committed.Store(p.Version)
	}
	done.Store(true)
	reading.Wait()
}

func TestStoreFileNames(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, file := range []string{"products.db", "a b%20c?d#e.db"} {
		db, err := Create(t.Context(), file, 1, 1)
		if err != nil {
			t.Errorf("%q: %v", file, err)
			continue
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
		if found, _ := filepath.Glob("*"); len(found) == 0 || found[0] != file {
			t.Errorf("the database lies in the file asked for: got %q, want %q", found, file)
		}
		t.Chdir(t.TempDir())
	}
	if _, err := Create(t.Context(), filepath.Join("no", "such", "folder.db"), 1, 1); err == nil {
		t.Error("a database in a folder that does not exist is created, want an error")
	}
}

func testStore(t *testing.T, products int) *Store {
	t.Helper()
	db, err := Create(t.Context(), filepath.Join(t.TempDir(), "products.db"), 1, products)
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
