package shop

import (
	"path/filepath"
	"testing"
)

func TestSnapshotDoesNotSeeLaterCommits(t *testing.T) {
	db := testStore(t, 1)
	snapshot, err := db.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Write(t.Context(), Change{ID: 1, PriceCents: 100, Sold: 1}); err != nil {
		t.Fatal(err)
	}
	if p, err := snapshot.Product(t.Context(), 1); err != nil || p.Version != 1 {
		t.Errorf("a snapshot sees what had committed when it was taken: got version %d, %v, want 1", p.Version, err)
	}
	if err := snapshot.Close(); err != nil {
		t.Fatal(err)
	}
	later, err := db.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer later.Close()
	if p, err := later.Product(t.Context(), 1); err != nil || p.Version != 2 {
		t.Errorf("a later snapshot sees later commits: got version %d, %v, want 2", p.Version, err)
	}
}

func TestOpenSeesWhatAnotherStoreCreated(t *testing.T) {
	file := filepath.Join(t.TempDir(), "products.db")
	if db, err := Open(t.Context(), file); err == nil {
		db.Close()
		t.Error("a database that nobody created is opened, want an error")
	}
	first, err := Create(t.Context(), file, 1, 3)
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	second, err := Open(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	if _, err := second.Write(t.Context(), Change{ID: 2, PriceCents: 100, Sold: 1}); err != nil {
		t.Fatal(err)
	}
	if p, err := first.Product(t.Context(), 2); err != nil || p.Version != 2 {
		t.Errorf("what one store commits the other sees: got version %d, %v, want 2", p.Version, err)
	}
}
