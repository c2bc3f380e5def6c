package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/unkn0wn-root/cascache/examples/internal/shop"
)

// A run is one measurement: a database, the lanes, and what is known of them.
type run struct {
	lanes     []lane
	redis     *redisServer // nil without
	board     *board
	store     *shop.Store
	host      *host
	fleet     *fleet // nil without Redis
	history   *history
	namespace string
	dir       string

	ctx    context.Context // of the run, for what is done to it
	cancel context.CancelFunc
	done   chan struct{} // closed once everything has ended
	faults sync.WaitGroup

	mu        sync.Mutex
	controls  controls
	released  bool
	started   time.Time
	writes    int64
	elapsed   time.Duration // of a run that is over, or until the last look
	series    []series
	explained map[int]explanation // by lane
	told      map[int]story       // that those explain
	notices   []string            // what was done to the run
	err       error               // why it ended
}

// startRun starts a run, which goes on until it is stopped.
func startRun(ctx context.Context, cfg config, all []lane, server *redisServer) (_ *run, err error) {
	r := &run{
		lanes: all, redis: server, history: newHistory(all),
		namespace: fmt.Sprintf("lab-%08x", rand.Uint32()),
		done:      make(chan struct{}), series: make([]series, len(all)),
		explained: make(map[int]explanation), told: make(map[int]story),
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, r.release(context.WithoutCancel(ctx)))
		}
	}()
	if r.dir, err = os.MkdirTemp("", "cascache-lab-"); err != nil {
		return nil, err
	}
	database := filepath.Join(r.dir, "products.db")
	if r.store, err = shop.Create(ctx, database, cfg.seed, products); err != nil {
		return nil, err
	}
	file := filepath.Join(r.dir, "board")
	ownWriters, around := writers, surroundings{namespace: r.namespace}
	if server == nil {
		r.board = newBoard(len(all), 1, products)
	} else {
		if r.board, err = mapBoard(file, len(all), cfg.replicas+1, products); err != nil {
			return nil, err
		}
		ownWriters = 0
		around.client, around.addr = server.client, server.addr
	}
	if err := r.control(cfg.controls); err != nil {
		return nil, err
	}
	r.host = newHost(r.board, r.store, 0, cfg.seed)
	r.host.record = r.history.add
	for i, l := range all {
		if l.Redis {
			continue
		}
		if err := r.host.open(l, i, around); err != nil {
			return nil, fmt.Errorf("%s: %w", l.Name, err)
		}
	}
	ctx, r.cancel = context.WithCancel(context.WithoutCancel(ctx))
	r.ctx = ctx
	if server != nil {
		r.fleet = &fleet{
			assignment: assignment{Slots: cfg.replicas + 1, Database: database, Board: file, Redis: server.addr,
				Namespace: r.namespace, Seed: cfg.seed, Writers: writers / cfg.replicas},
			receive: func(m message) { r.receive(ctx, m) },
			crashed: func(slot int) { r.afterCrash(ctx, slot) },
		}
		for slot := 1; slot <= cfg.replicas; slot++ {
			if err := r.fleet.launch(slot); err != nil {
				r.cancel()
				return nil, err
			}
		}
	}
	r.started = time.Now()
	go r.loop(ctx, ownWriters)
	return r, nil
}

// loop runs the run until ctx ends.
func (r *run) loop(ctx context.Context, ownWriters int) {
	defer close(r.done)
	var hosting sync.WaitGroup
	hosting.Go(func() { r.host.run(ctx, ownWriters) })
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	last := r.started
	look := func(now time.Time) {
		r.look(now, now.Sub(last))
		last = now
	}
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case now := <-ticker.C:
			look(now)
			r.history.settle(now)
			r.explain(ctx)
			if r.fleet != nil {
				if err := r.fleet.err(); err != nil {
					r.fail(err)
				}
			}
		}
	}
	r.board.set(wordStop, 1)
	if r.fleet != nil {
		r.fleet.close()
	}
	hosting.Wait()
	r.faults.Wait()
	look(time.Now())
	r.fail(r.release(context.WithoutCancel(ctx)))
}

func (r *run) fail(err error) {
	if err == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err == nil {
		r.err = err
		r.cancel()
	}
}

// stop ends the run and returns why it ended, nil if because of this.
func (r *run) stop() error {
	r.cancel()
	<-r.done
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.err
}

// over tells whether the run has ended.
func (r *run) over() bool {
	select {
	case <-r.done:
		return true
	default:
		return false
	}
}

// release gives back what the run held, except for the figures.
func (r *run) release(ctx context.Context) error {
	r.mu.Lock()
	r.released = true // nobody touches the board from here on
	r.mu.Unlock()
	var errs []error
	if r.fleet != nil {
		r.fleet.close()
	}
	if r.host != nil {
		errs = append(errs, r.host.close(ctx))
	}
	if r.store != nil {
		errs = append(errs, r.store.Close())
	}
	if r.board != nil {
		errs = append(errs, r.board.close())
	}
	if r.dir != "" {
		errs = append(errs, os.RemoveAll(r.dir))
	}
	return errors.Join(errs...)
}

// look notes what was counted by now, d after the last look.
func (r *run) look(now time.Time, d time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.elapsed = now.Sub(r.started)
	r.writes = r.board.get(wordWrites)
	for i := range r.lanes {
		r.series[i].add(r.board.counted(i), d)
	}
}

// explain puts new stories into words.
func (r *run) explain(ctx context.Context) {
	for i, l := range r.lanes {
		s, ok := r.history.story(i)
		r.mu.Lock()
		known := r.told[i]
		r.mu.Unlock()
		if !ok || s.rank(l.Lasting) <= known.rank(l.Lasting) {
			continue
		}
		around := surroundings{namespace: fmt.Sprintf("%s-replay-%08x", r.namespace, rand.Uint32())}
		if r.redis != nil {
			around.client, around.addr = r.redis.client, r.redis.addr
		}
		x, err := underCasCache(ctx, l, s, around)
		if err != nil {
			continue // Redis may be paused or gone; the next look tries again
		}
		r.mu.Lock()
		r.explained[i], r.told[i] = x, s
		r.mu.Unlock()
	}
}

// errOver is returned for what cannot be done to a run that has ended.
var errOver = errors.New("the run is over; start another")

// control sets the controls.
func (r *run) control(c controls) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.released {
		return errOver
	}
	r.controls = c
	r.board.set(wordWriteRate, int64(c.WriteRate))
	r.board.set(wordReaders, int64(c.Readers))
	r.board.set(wordLoadDelay, int64(c.LoadDelay))
	r.board.set(wordLag, int64(c.Lag))
	return nil
}

// receive takes what a replica said.
func (r *run) receive(ctx context.Context, m message) {
	switch {
	case m.Event != nil:
		r.history.add(*m.Event)
	case m.Row != nil:
		r.host.tell(ctx, *m.Row, m.Actor)
	}
}

// afterCrash tells the oracle of the write whose writer is dead: it has
// committed, nobody will invalidate after it any more, and no cache may serve
// what it replaced. The lanes of this process, which did not crash, are told.
func (r *run) afterCrash(ctx context.Context, slot int) {
	id, version := r.board.get(wordCrashID), r.board.get(wordCrashVersion)
	if id == 0 {
		return
	}
	began := r.board.next()
	e := event{Seq: began, At: time.Now().UnixNano(), Kind: kindCommit, Lane: allLanes, Product: id, Version: version,
		Slot: slot, Load: began, Doomed: true}
	r.history.add(e)
	e.Kind = kindCrash
	for i, l := range r.lanes {
		if !l.Redis {
			continue
		}
		r.board.invalidated(i, id, version, began)
		e.Lane, e.Seq, e.At = i, r.board.next(), time.Now().UnixNano()
		r.history.add(e)
	}
	if p, err := r.store.Product(ctx, id); err == nil {
		r.host.tell(ctx, Row{Product: p, Loaded: began}, 0)
	}
}

// note remembers what was done to the run.
func (r *run) note(text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.notices = append(r.notices, fmt.Sprintf("%.1f s: %s", time.Since(r.started).Seconds(), text))
	if len(r.notices) > 8 {
		r.notices = r.notices[len(r.notices)-8:]
	}
}
