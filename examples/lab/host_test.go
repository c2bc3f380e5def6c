package main

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/unkn0wn-root/cascache/examples/internal/shop"
)

// probe is a cache that looks at the host as it is called.
type probe struct {
	onRead       func() Row
	onInvalidate func(Row) error
}

func (p probe) read(context.Context, int64, loader) (Row, error) { return p.onRead(), nil }
func (p probe) invalidate(_ context.Context, row Row) error      { return p.onInvalidate(row) }
func (probe) close(context.Context) error                        { return nil }

// probed returns a host of one lane, which is p.
func probed(t *testing.T, p *probe) (*host, *hosted) {
	t.Helper()
	store, err := shop.Create(t.Context(), filepath.Join(t.TempDir(), "products.db"), 1, products)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	h := newHost(newBoard(1, 1, products), store, 0, 1)
	if err := h.open(lane{Key: "probe", open: func(surroundings) (cache, error) { return p, nil }}, 0, surroundings{}); err != nil {
		t.Fatal(err)
	}
	return h, h.lanes[0]
}

func TestReaderNotesTheFloorBeforeItsReadBegins(t *testing.T) {
	p := &probe{}
	h, l := probed(t, p)
	id := h.ids[0]
	version := int64(1)
	p.onRead = func() Row {
		served := rowOf(version, h.board.next(), false)
		version++
		h.board.invalidated(0, id, version, h.board.next()) // while the read is under way
		return served
	}
	for range 50 {
		h.readOnce(t.Context(), l, 0, id)
	}
	if c := h.board.counted(0); c.reads != 50 || c.stale != 0 {
		t.Errorf("what is invalidated during a read does not make it stale: got %d stale of %d", c.stale, c.reads)
	}
	p.onRead = func() Row { return rowOf(version-1, 1, false) }
	h.readOnce(t.Context(), l, 0, id)
	if c := h.board.counted(0); c.stale != 1 {
		t.Errorf("a row below the floor is stale: got %d", c.stale)
	}
}

func TestOracleLearnsOfAnInvalidationOnceItHasReturned(t *testing.T) {
	p := &probe{}
	h, l := probed(t, p)
	id := h.ids[0]
	tries := 0
	p.onInvalidate = func(row Row) error {
		if floor := h.board.floor(0, id); floor.version >= row.Version {
			t.Errorf("version %d is expected of readers although its invalidation is under way", floor.version)
		}
		if tries++; tries < 3 {
			return context.DeadlineExceeded
		}
		return nil
	}
	row := rowOf(2, 7, false)
	row.ID = id
	h.invalidate(t.Context(), l, written{row: row})
	if tries != 3 {
		t.Errorf("an invalidation that fails is tried again: got %d tries, want 3", tries)
	}
	if floor := h.board.floor(0, id); floor.version != 2 {
		t.Errorf("an invalidation that has returned is expected of readers: the floor is %d, want 2", floor.version)
	}
}
