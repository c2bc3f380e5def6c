package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	cascache "github.com/unkn0wn-root/cascache/core"
	"github.com/unkn0wn-root/cascache/examples/internal/shop"
)

// replayPatience bounds one step of a replay.
const replayPatience = 5 * time.Second

// A replay runs the events of a story once more, one after the other, over
// caches of its own: each reader and writer does what it did, in that order.
type replay struct {
	open   func(slot int) (cache, error)
	caches map[int]cache // by process

	mu      sync.Mutex
	current Row      // what the database holds
	noticed []notice // by the hooks since the last step
}

// A notice is what CasCache said to a hook.
type notice struct {
	what   string // "miss", "heal", "skip"
	reason cascache.Reason
}

// outcome is what came of one event in a replay.
type outcome struct {
	version int64 // that a read returned
	hit     bool  // without asking the database
	notices []notice
}

func (o outcome) has(what string, reasons ...cascache.Reason) bool {
	for _, n := range o.notices {
		if n.what != what {
			continue
		}
		for _, r := range reasons {
			if n.reason == r {
				return true
			}
		}
		if len(reasons) == 0 {
			return true
		}
	}
	return false
}

// hooks returns hooks that the replay listens to.
func (r *replay) hooks() *cascache.Hooks {
	note := func(what string, reason cascache.Reason) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.noticed = append(r.noticed, notice{what, reason})
	}
	return &cascache.Hooks{
		Miss:       func(_ context.Context, e cascache.MissEvent) { note("miss", e.Reason) },
		SelfHeal:   func(_ context.Context, e cascache.SelfHealEvent) { note("heal", e.Reason) },
		SetSkipped: func(_ context.Context, e cascache.SetSkippedEvent) { note("skip", e.Reason) },
	}
}

func (r *replay) cache(slot int) (cache, error) {
	if c := r.caches[slot]; c != nil {
		return c, nil
	}
	c, err := r.open(slot)
	if err == nil {
		r.caches[slot] = c
	}
	return c, err
}

// query returns what the database holds.
func (r *replay) query() Row {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.current
}

// A gated read waits before its query and before its arrival.
type gated struct {
	asked, queried chan struct{}
	query, arrive  chan struct{}
	done           chan error
	row            Row
	loaded         bool
}

// run replays the story and returns what came of each of its events.
func (r *replay) run(ctx context.Context, s story) (_ []outcome, err error) {
	r.caches = make(map[int]cache)
	ctx, cancel := context.WithTimeout(ctx, replayPatience)
	defer cancel()
	defer func() {
		for _, c := range r.caches {
			err = errors.Join(err, c.close(context.WithoutCancel(ctx)))
		}
	}()
	r.current = Row{Product: shop.Product{ID: s.Product, Version: s.Version}}
	if _, loaded := s.find(kindQuery); !loaded {
		r.current.Version-- // the story begins with the write
	}
	outcomes := make([]outcome, len(s.Events))
	var filling *gated
	for i, e := range s.Events {
		var c cache
		if e.Kind != kindCommit || e.Doomed { // else it is the database's alone
			if c, err = r.cache(e.Slot); err != nil {
				return nil, err
			}
		}
		o := &outcomes[i]
		switch e.Kind {
		case kindAsk:
			filling, err = r.begin(ctx, c, s.Product)
		case kindQuery:
			if filling.loaded {
				close(filling.query)
				err = wait(ctx, filling.queried)
			}
		case kindArrive:
			if filling.loaded {
				close(filling.arrive)
				err = errors.Join(wait(ctx, nil), first(ctx, filling.done))
				if err == nil { // else the read may still be under way
					o.version = filling.row.Version
				}
			}
		case kindCommit:
			err = r.commit(ctx, c, e)
		case kindInvalidated:
			row := r.query()
			row.Version = e.Version // a slower writer's is not the newest
			err = c.invalidate(ctx, row)
		case kindCopy, kindStale:
			var row Row
			o.hit = true
			row, err = c.read(ctx, s.Product, func(context.Context, int64) (Row, error) {
				o.hit = false
				return r.query(), nil
			})
			o.version = row.Version
		}
		if err != nil {
			return nil, fmt.Errorf("replay: step %d, %s: %w", i+1, e.Kind, err)
		}
		settle(c)
		r.mu.Lock()
		o.notices, r.noticed = r.noticed, nil
		r.mu.Unlock()
	}
	return outcomes, nil
}

// errDied is what a writer that died in its write would have returned.
var errDied = errors.New("died")

// commit commits a version. A writer that is to die does so in the middle of
// its mutation, if the cache has that: the keys stay held as if it were gone.
func (r *replay) commit(ctx context.Context, c cache, e event) error {
	write := func(context.Context) error {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.current.Version = e.Version
		return errDied
	}
	m, ok := c.(mutator)
	if !e.Doomed || !ok {
		_ = write(ctx)
		return nil
	}
	if err := m.mutate(ctx, e.Product, write); !errors.Is(err, errDied) {
		return err
	}
	return nil
}

// begin begins a read, and returns once it is about to query the database or
// has hit.
func (r *replay) begin(ctx context.Context, c cache, id int64) (*gated, error) {
	g := &gated{asked: make(chan struct{}), queried: make(chan struct{}), query: make(chan struct{}), arrive: make(chan struct{}), done: make(chan error, 1)}
	go func() {
		row, err := c.read(ctx, id, func(ctx context.Context, _ int64) (Row, error) {
			close(g.asked)
			if err := wait(ctx, g.query); err != nil {
				return Row{}, err
			}
			row := r.query()
			close(g.queried)
			return row, wait(ctx, g.arrive)
		})
		g.row = row
		g.done <- err
	}()
	select {
	case <-g.asked:
		g.loaded = true
		return g, nil
	case err := <-g.done:
		return g, err
	case <-ctx.Done():
		return g, ctx.Err()
	}
}

// wait waits for c, which may be nil for not at all.
func wait(ctx context.Context, c <-chan struct{}) error {
	if c == nil {
		return ctx.Err()
	}
	select {
	case <-c:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func first(ctx context.Context, c <-chan error) error {
	select {
	case err := <-c:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// words says what the outcome of an event was, for a replay over CasCache. The
// mark is "refuses" where CasCache refused something.
func (o outcome) words(s story, e event) (text, mark string) {
	refused := []string{}
	switch e.Kind {
	case kindAsk:
		return "Finds nothing. Takes a snapshot of the generation, then asks the database.", ""
	case kindQuery:
		return fmt.Sprintf("Gets version %d.", s.Version), ""
	case kindArrive:
		if o.has("skip") {
			return fmt.Sprintf("Refused: version %d was read under a generation that is no longer current. Nothing is stored.", s.Version), "refuses"
		}
		return fmt.Sprintf("Version %d is stored under the generation it was read under.", s.Version), ""
	case kindCommit:
		if e.Doomed {
			return fmt.Sprintf("Holds the key with Mutate, and commits version %d.", e.Version), ""
		}
		return fmt.Sprintf("Commits version %d.", e.Version), ""
	case kindCrash:
		return "Is dead. The hold stands until its lease ends, and no entry from before it is ever served again.", ""
	case kindInvalidate:
		return "Begins to invalidate.", ""
	case kindInvalidated:
		return "Gives the key a new generation and deletes the entry.", ""
	case kindCopy:
		if o.hit {
			return fmt.Sprintf("Gets version %d from the cache.", o.version), ""
		}
		return fmt.Sprintf("Gets version %d from the database, and stores it under the generation from before.", o.version), ""
	}
	// The read that was stale.
	switch {
	case o.hit:
		refused = append(refused, fmt.Sprintf("Gets version %d from the cache.", o.version))
	case o.has("miss", cascache.ReasonNoGen):
		refused = append(refused, "Refused: the key is held.")
		mark = "refuses"
	case o.has("heal", cascache.ReasonStale) || o.has("miss", cascache.ReasonStale):
		refused = append(refused, "Refused: the entry here carries a generation that is no longer current. It is deleted.")
		mark = "refuses"
	case o.has("miss"):
		refused = append(refused, "Finds nothing it may serve.")
	}
	if !o.hit {
		refused = append(refused, fmt.Sprintf("Reads version %d from the database.", o.version))
	}
	if o.version < s.Newest {
		return strings.Join(refused, " "), "stale"
	}
	if mark == "" {
		mark = "fresh"
	}
	return strings.Join(refused, " "), mark
}
