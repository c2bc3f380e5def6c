package main

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	cascache "github.com/unkn0wn-root/cascache/core"
	"github.com/unkn0wn-root/cascache/examples/internal/pause"
	"github.com/unkn0wn-root/cascache/examples/internal/shop"
)

const (
	// products is how many rows the table has.
	products = 2_000

	// writers is how many goroutines write, in all processes together.
	writers = 4

	// recorded is how many of the most popular products have their history
	// recorded.
	recorded = 32

	// readerPause is how long a reader waits on average between two reads, so
	// that the lanes share the machine's cores rather than fight for them.
	readerPause = 4 * time.Millisecond

	// backlog is how many invalidations a lane may be behind before the
	// writers wait for it.
	backlog = 4096
)

// A host runs lanes in one process: their readers, and what they do after a
// write.
type host struct {
	board   *board
	source  *source
	slot    int
	seed    uint64
	ids     []int64 // the most popular first
	watched map[int64]int
	lanes   []*hosted

	record    func(event)    // may be called concurrently
	committed func(Row, int) // tells another process of a write by this writer
}

// A hosted lane is one in this process.
type hosted struct {
	lane    lane
	index   int
	cache   cache
	tally   tally
	queue   chan written
	copies  []atomic.Int64 // by rank: the load that was served last
	reports atomic.Int64   // Unix time in nanoseconds of the last stale read told
}

// written is a commit that a lane has yet to be told of.
type written struct {
	row   Row
	actor int
}

func newHost(b *board, store *shop.Store, slot int, seed uint64) *host {
	h := &host{
		board:     b,
		source:    &source{board: b, store: store},
		slot:      slot,
		seed:      seed,
		ids:       shop.Popularity(seed, products, products),
		watched:   make(map[int64]int, recorded),
		record:    func(event) {},
		committed: func(Row, int) {},
	}
	for rank, id := range h.ids[:recorded] {
		h.watched[id] = rank
	}
	return h
}

// open opens a lane in this process.
func (h *host) open(l lane, index int, s surroundings) error {
	hosted := &hosted{lane: l, index: index, tally: h.board.tally(index, h.slot), queue: make(chan written, backlog),
		copies: make([]atomic.Int64, recorded)}
	s.namespace += ":" + l.Key
	s.hooks = &cascache.Hooks{SetSkipped: func(context.Context, cascache.SetSkippedEvent) { hosted.tally.add(countRefuse) }}
	c, err := l.open(s)
	if err != nil {
		return err
	}
	hosted.cache = c
	h.lanes = append(h.lanes, hosted)
	return nil
}

// run runs the readers, and so many writers of all, until ctx ends.
func (h *host) run(ctx context.Context, ownWriters int) {
	var working sync.WaitGroup
	for _, l := range h.lanes {
		for i := range maxReaders {
			working.Go(func() { h.read(ctx, l, i) })
		}
		for range writers {
			working.Go(func() { h.follow(ctx, l) })
		}
	}
	for i := range ownWriters {
		working.Go(func() { h.write(ctx, i) })
	}
	working.Wait()
}

// close closes the caches of lanes that run no more.
func (h *host) close(ctx context.Context) error {
	var errs []error
	for _, l := range h.lanes {
		errs = append(errs, l.cache.close(ctx))
	}
	return errors.Join(append(errs, h.source.close())...)
}

// read is the i-th reader of a lane.
func (h *host) read(ctx context.Context, l *hosted, i int) {
	pick := shop.NewPicker(h.seed, shop.StreamReaders+uint64(h.slot*maxReaders+i), h.ids)
	for ctx.Err() == nil {
		if h.board.get(wordReaders) <= int64(i) {
			_ = pause.For(ctx, 50*time.Millisecond)
			continue
		}
		h.readOnce(ctx, l, i, pick.ID())
		_ = pause.For(ctx, pick.Jitter(readerPause))
	}
}

func (h *host) readOnce(ctx context.Context, l *hosted, i int, id int64) {
	rank, watched := h.watched[id]
	began := event{Kind: kindAsk, Lane: l.index, Product: id, Slot: h.slot, Actor: i}
	if watched {
		began.Seq, began.At = h.board.next(), time.Now().UnixNano()
	}
	floor := h.board.floor(l.index, id) // before the read begins
	start := time.Now()
	row, err := l.cache.read(ctx, id, func(ctx context.Context, id int64) (Row, error) {
		return h.load(ctx, l, id, began)
	})
	took := time.Since(start)
	if err != nil {
		if ctx.Err() == nil {
			l.tally.add(countErrors)
		}
		return
	}
	l.tally.took(took)
	switch floor.judge(row) {
	case stale:
		l.tally.add(countStale)
	case old:
		l.tally.add(countOld)
	}
	l.tally.add(countReads)
	if !watched {
		return
	}
	e := began
	e.Seq, e.At, e.Version, e.Load = h.board.next(), time.Now().UnixNano(), row.Version, row.Loaded
	if l.copies[rank].Swap(row.Loaded) != row.Loaded {
		e.Kind = kindCopy
		h.record(e)
	}
	if floor.judge(row) == stale && h.mayReport(l) {
		e.Kind, e.Began, e.BeganAt = kindStale, began.Seq, began.At
		h.record(e)
	}
}

// mayReport bounds how many stale reads are told in detail; all are counted.
func (h *host) mayReport(l *hosted) bool {
	now, last := time.Now().UnixNano(), l.reports.Load()
	return now-last > int64(20*time.Millisecond) && l.reports.CompareAndSwap(last, now)
}

// load reads a row for the read that began as the event says. It may be called
// on a goroutine of the cache.
func (h *host) load(ctx context.Context, l *hosted, id int64, e event) (Row, error) {
	l.tally.add(countLoads)
	row, err := h.source.query(ctx, id)
	if err != nil {
		return Row{}, err
	}
	_, watched := h.watched[id]
	if watched {
		e.Load, e.Version = row.Loaded, row.Version
		h.record(e)
		e.Kind, e.Seq, e.At = kindQuery, row.Loaded, time.Now().UnixNano()
		h.record(e)
	}
	if err := h.source.arrive(ctx); err != nil {
		return Row{}, err
	}
	if watched {
		e.Kind, e.Seq, e.At = kindArrive, h.board.next(), time.Now().UnixNano()
		h.record(e)
	}
	return row, nil
}

// write is the i-th writer of this process.
func (h *host) write(ctx context.Context, i int) {
	pick := shop.NewPicker(h.seed, shop.StreamWriters+uint64(h.slot*writers+i), h.ids)
	due := time.Now()
	for ctx.Err() == nil {
		rate := h.board.get(wordWriteRate)
		if rate == 0 {
			_ = pause.For(ctx, 50*time.Millisecond)
			due = time.Now()
			continue
		}
		// Nothing is caught up: a writer that was held up goes on from now.
		due = due.Add(writers * time.Second / time.Duration(rate))
		if late := time.Since(due); late > 100*time.Millisecond {
			due = due.Add(late)
		}
		if pause.For(ctx, min(time.Until(due), time.Second)) != nil {
			return
		}
		if h.board.get(wordCrash) == int64(h.slot) && h.slot > 0 {
			h.crash(ctx)
		}
		change := pick.Change()
		if h.spared(change.ID) {
			continue
		}
		p, err := h.source.store.Write(ctx, change)
		if err != nil {
			continue // the database is being closed
		}
		h.commit(ctx, Row{Product: p, Loaded: h.board.next()}, i)
	}
}

// spared tells whether writers leave the product alone for now.
func (h *host) spared(id int64) bool {
	return h.board.get(wordSpareID) == id && time.Now().UnixNano() < h.board.get(wordSpareUntil)
}

// commit tells the lanes of a row that has been written just now.
func (h *host) commit(ctx context.Context, row Row, actor int) {
	h.board.words[wordWrites].Add(1)
	at := time.Now().UnixNano()
	if _, watched := h.watched[row.ID]; watched {
		h.record(event{Seq: row.Loaded, At: at, Kind: kindCommit, Lane: allLanes, Product: row.ID,
			Version: row.Version, Slot: h.slot, Actor: actor, Load: row.Loaded})
	}
	h.committed(row, actor)
	h.tell(ctx, row, actor)
}

// tell has every lane of this process invalidate what the row replaces.
func (h *host) tell(ctx context.Context, row Row, actor int) {
	for _, l := range h.lanes {
		select {
		case l.queue <- written{row, actor}:
		case <-ctx.Done():
		}
	}
}

// follow invalidates in a lane what was written, until ctx ends.
func (h *host) follow(ctx context.Context, l *hosted) {
	for {
		select {
		case <-ctx.Done():
			return
		case w := <-l.queue:
			h.invalidate(ctx, l, w)
		}
	}
}

// invalidate invalidates until it succeeds, and then tells the oracle.
func (h *host) invalidate(ctx context.Context, l *hosted, w written) {
	began := h.board.next()
	e := event{Seq: began, At: time.Now().UnixNano(), Kind: kindInvalidate, Lane: l.index, Product: w.row.ID,
		Version: w.row.Version, Slot: h.slot, Actor: w.actor, Load: w.row.Loaded}
	for {
		err := l.cache.invalidate(ctx, w.row)
		if err == nil {
			break
		}
		if ctx.Err() != nil {
			return
		}
		l.tally.add(countErrors)
		_ = pause.For(ctx, 100*time.Millisecond)
	}
	h.board.invalidated(l.index, w.row.ID, w.row.Version, began)
	if _, watched := h.watched[w.row.ID]; watched {
		h.record(e)
		e.Kind, e.Seq, e.At = kindInvalidated, h.board.next(), time.Now().UnixNano()
		h.record(e)
	}
}

// describe names a process for people.
func describe(slot int) string {
	if slot == 0 {
		return ""
	}
	return "replica " + strconv.Itoa(slot)
}
