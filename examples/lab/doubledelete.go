package main

import (
	"context"
	"sync"
	"time"

	"github.com/unkn0wn-root/cascache/examples/internal/strategy"
)

// secondDelete is how long after the first the second delete comes.
const secondDelete = 100 * time.Millisecond

// doubleDelete deletes once more some time after a write has returned, which
// ends what a late fill has brought back meanwhile.
type doubleDelete struct {
	cache
	pending sync.WaitGroup
	closed  chan struct{}
}

func openDoubleDelete(s surroundings) (cache, error) {
	inner, err := overRistretto(strategy.DeleteThenSet[Row])(s)
	if err != nil {
		return nil, err
	}
	return &doubleDelete{cache: inner, closed: make(chan struct{})}, nil
}

func (d *doubleDelete) invalidate(ctx context.Context, row Row) error {
	if err := d.cache.invalidate(ctx, row); err != nil {
		return err
	}
	d.pending.Go(func() {
		timer := time.NewTimer(secondDelete)
		defer timer.Stop()
		select {
		case <-timer.C:
			// Nobody waits for it, so nobody is told if it fails.
			_ = d.cache.invalidate(context.WithoutCancel(ctx), row)
		case <-d.closed:
		}
	})
	return nil
}

func (d *doubleDelete) settle() { settle(d.cache) }

func (d *doubleDelete) close(ctx context.Context) error {
	close(d.closed)
	d.pending.Wait()
	return d.cache.close(ctx)
}
