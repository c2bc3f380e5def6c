package leasegenstore

import (
	"context"
	"slices"
	"sync"
	"time"
)

const (
	// maxAsking is how many scripts a gathering has under way. While one
	// connection hangs, the others go on.
	maxAsking = 4

	// askTimeout bounds each of them, where the client heeds contexts.
	askTimeout = 5 * time.Second
)

// A gathering lets concurrent callers of one key each share round trips: who
// comes while all scripts are under way goes with the next. No caller ever gets
// an answer to a script that was sent before the call began.
type gathering struct {
	ask func(ctx context.Context, keys []string) ([]uint64, error)

	mu     sync.Mutex // guards what follows
	queue  []*asked
	asking int
}

// asked is one caller's question.
type asked struct {
	key  string
	gen  uint64
	err  error
	done chan struct{}
}

func newGathering(ask func(context.Context, []string) ([]uint64, error)) *gathering {
	return &gathering{ask: ask}
}

// one asks for one key.
func (g *gathering) one(ctx context.Context, key string) (uint64, error) {
	a := &asked{key: key, done: make(chan struct{})}
	g.mu.Lock()
	g.queue = append(g.queue, a)
	if g.asking < maxAsking {
		g.asking++
		go g.serve(context.WithoutCancel(ctx))
	}
	g.mu.Unlock()
	select {
	case <-a.done:
		return a.gen, a.err
	case <-ctx.Done():
		g.mu.Lock()
		defer g.mu.Unlock()
		if i := slices.Index(g.queue, a); i >= 0 {
			g.queue = slices.Delete(g.queue, i, i+1)
		}
		return 0, ctx.Err()
	}
}

// serve asks for what is queued until nothing is.
func (g *gathering) serve(ctx context.Context) {
	for {
		g.mu.Lock()
		n := min(len(g.queue), maxGroup)
		part := slices.Clone(g.queue[:n])
		g.queue = slices.Delete(g.queue, 0, n)
		if n == 0 {
			g.asking--
			g.mu.Unlock()
			return
		}
		g.mu.Unlock()
		g.answer(ctx, part)
	}
}

func (g *gathering) answer(ctx context.Context, part []*asked) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	// Callers may ask for the same key.
	at := make(map[string]int, len(part))
	var keys []string
	for _, a := range part {
		if _, known := at[a.key]; !known {
			at[a.key] = len(keys)
			keys = append(keys, a.key)
		}
	}
	gens, err := g.ask(ctx, keys)
	for _, a := range part {
		if gens != nil {
			a.gen = gens[at[a.key]]
		}
		if a.gen == 0 {
			a.err = err // one that was found is not missing because others are
		}
		close(a.done)
	}
}
