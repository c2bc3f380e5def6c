package main

import (
	"context"
	"sync"
	"time"

	"github.com/unkn0wn-root/cascache/examples/internal/pause"
	"github.com/unkn0wn-root/cascache/examples/internal/shop"
)

// A source is the database as readers see it: some time away, and behind by
// the lag that the board says.
type source struct {
	board *board
	store *shop.Store

	mu       sync.RWMutex // held for reading while a query uses snapshot
	snapshot *shop.Snapshot
	taken    time.Time
}

// query reads the row. Its Loaded number was drawn after the query returned.
func (s *source) query(ctx context.Context, id int64) (Row, error) {
	lag := s.board.duration(wordLag)
	var p shop.Product
	var err error
	if lag > 0 {
		p, err = s.lagging(ctx, id, lag)
	} else {
		p, err = s.store.Product(ctx, id)
	}
	return Row{Product: p, Loaded: s.board.next(), Lagged: lag > 0}, err
}

// lagging reads from a snapshot that is up to lag old.
func (s *source) lagging(ctx context.Context, id int64, lag time.Duration) (shop.Product, error) {
	s.mu.RLock()
	if s.snapshot != nil && time.Since(s.taken) < lag {
		defer s.mu.RUnlock()
		return s.snapshot.Product(ctx, id)
	}
	s.mu.RUnlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.snapshot == nil || time.Since(s.taken) >= lag {
		if err := s.replace(ctx); err != nil {
			return shop.Product{}, err
		}
	}
	return s.snapshot.Product(ctx, id)
}

// replace takes a new snapshot. The caller holds mu.
func (s *source) replace(ctx context.Context) error {
	if err := s.close(); err != nil {
		return err
	}
	snapshot, err := s.store.Snapshot(ctx)
	if err != nil {
		return err
	}
	s.snapshot, s.taken = snapshot, time.Now()
	return nil
}

// close gives the snapshot's connection back. No query may be under way.
func (s *source) close() error {
	if s.snapshot == nil {
		return nil
	}
	snapshot := s.snapshot
	s.snapshot = nil
	return snapshot.Close()
}

// arrive returns when what was queried just now reaches the cache.
func (s *source) arrive(ctx context.Context) error {
	if err := pause.For(ctx, s.board.duration(wordLoadDelay)); err != nil {
		return err
	}
	return pause.For(ctx, time.Until(time.Unix(0, s.board.get(wordStall))))
}
