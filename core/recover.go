package cascache

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"
)

// Failed invalidations are retried after retryMin, then twice as long each time
// up to retryMax, each pause shortened by up to half at random.
const (
	retryMin = 50 * time.Millisecond
	retryMax = 5 * time.Second
)

// retryBulk is how many suspect entries one retry bumps at once.
const retryBulk = 512

var errNoGen = errors.New("the generation store drew none")

// recovery retries failed invalidations in the background, on one goroutine
// that lives while anything is suspect.
type recovery struct {
	*proofs

	mu      sync.Mutex // guards what follows
	running bool
	stop    context.CancelFunc // ends the goroutine
	done    chan struct{}      // closed when it has ended
	closed  bool
}

// mark makes entries suspect and sees to it that they are retried.
func (r *recovery) mark(entries ...string) {
	for _, entry := range entries {
		r.suspects.mark(r.keys.genKey(entry), r)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.running || r.closed {
		return
	}
	ctx, stop := context.WithCancel(context.Background())
	r.running, r.stop, r.done = true, stop, make(chan struct{})
	go r.run(ctx, r.done)
}

func (r *recovery) run(ctx context.Context, done chan struct{}) {
	defer close(done)
	pause := time.NewTimer(0)
	defer pause.Stop()
	for wait := retryMin; ; wait = min(2*wait, retryMax) {
		pause.Reset(wait - time.Duration(rand.Int64N(int64(wait/2))))
		select {
		case <-pause.C:
		case <-ctx.Done():
			return
		}
		if r.attempt(ctx) == nil {
			wait = retryMin
		}
		if r.finished() {
			return
		}
	}
}

// finished ends the goroutine's turn if nothing is suspect any more.
func (r *recovery) finished() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.pending() {
		return false
	}
	r.running = false
	r.stop()
	return true
}

// pending reports whether there is anything to retry.
func (r *recovery) pending() bool {
	if !r.suspects.any.Load() {
		return false
	}
	overflowed, _ := r.suspects.overflowed()
	return overflowed || len(r.suspects.list(r)) > 0
}

// attempt bumps what is suspect, and returns an error for what remains. Each
// clearing bump begins after its key was marked.
func (r *recovery) attempt(ctx context.Context) error {
	var failed failures
	if overflowed, began := r.suspects.overflowed(); overflowed {
		if err := r.refuseOld(ctx); err != nil {
			return err
		}
		r.suspects.clearOverflow(began)
	}
	entries := r.suspects.list(r)
	for len(entries) > 0 {
		batch := entries[:min(len(entries), retryBulk)]
		entries = entries[len(batch):]
		began := r.suspects.now()
		bumpErrs := r.bump(ctx, batch)
		before := failed.n
		for i, entry := range batch {
			if bumpErrs != nil && bumpErrs[i] != nil {
				failed.add(&InvalidateError{Key: r.keys.nameOf(entry), BumpErr: bumpErrs[i]})
				continue
			}
			r.cleared(ctx, entry, began)
		}
		if failed.n-before == len(batch) && len(entries) > 0 {
			// The store is down: no use in waiting for it part by part.
			return errors.Join(failed.err(), fmt.Errorf("cascache: %d more keys were not attempted", len(entries)))
		}
	}
	return failed.err()
}

// bump bumps a batch of suspects.
func (r *recovery) bump(ctx context.Context, batch []string) []error {
	if slices.ContainsFunc(batch, func(key string) bool { return strings.HasPrefix(key, r.keys.tag) }) {
		if err := r.gens.bump(ctx, r.keys.tags); err != nil { // first, as in bumpTags
			return repeated(err, len(batch))
		}
	}
	return r.gens.bumpBulk(ctx, batch)
}

// cleared notes that a bump of entry which began at the point in time `began`
// is done.
func (r *recovery) cleared(ctx context.Context, entry string, began uint64) {
	if key := r.keys.genKey(entry); r.suspects.clear(key, began) {
		r.emit.invalidateRecovered(ctx, r.keys.nameOf(key))
	}
}

// refuseOld draws a generation and makes every lower one count as none, since
// there were more failed invalidations than could be remembered. Fills of a
// key below it bump, so that each key comes back with its next fill.
func (r *recovery) refuseOld(ctx context.Context) error {
	gen, err := r.gens.bumpGen(ctx, r.keys.floor)
	if err == nil && gen == 0 {
		err = errNoGen
	}
	if err != nil {
		return fmt.Errorf("cascache: recover from more than %d failed invalidations: %w", maxSuspects, err)
	}
	r.suspects.raiseFloor(gen)
	return nil
}

// close ends the goroutine and tries once more what is left.
func (r *recovery) close(ctx context.Context) error {
	r.mu.Lock()
	r.closed = true
	done := r.done
	if r.running {
		r.stop()
	}
	r.mu.Unlock()
	if done != nil {
		select {
		case <-done:
		case <-ctx.Done():
		}
	}
	if !r.pending() {
		return nil
	}
	if err := r.attempt(ctx); err != nil {
		return fmt.Errorf("cascache: close: failed invalidations remain: %w", err)
	}
	return nil
}
