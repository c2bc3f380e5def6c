package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/unkn0wn-root/cascache/examples/internal/pause"
	"github.com/unkn0wn-root/cascache/examples/internal/shop"
)

// replicaEnv is set in a process that is a replica, to its assignment.
const replicaEnv = "CASCACHE_LAB_REPLICA"

// An assignment is what a replica is told when it starts.
type assignment struct {
	Slot      int    `json:"slot"`
	Slots     int    `json:"slots"`
	Database  string `json:"database"`
	Board     string `json:"board"`
	Redis     string `json:"redis"`
	Namespace string `json:"namespace"`
	Seed      uint64 `json:"seed"`
	Writers   int    `json:"writers"`
}

// A message is a line that a replica prints.
type message struct {
	Event *event  `json:"event,omitempty"`
	Row   *Row    `json:"row,omitempty"` // that was committed, by Actor
	Actor int     `json:"actor,omitempty"`
	Error *string `json:"error,omitempty"`
}

// replicaMain is main in a replica: it runs its lanes until its standard input
// ends.
func replicaMain(told string, stdin io.Reader, stdout io.Writer) int {
	redis.SetLogger(quiet{})
	out := bufio.NewWriter(stdout)
	var mu sync.Mutex // guards out
	say := func(m message) {
		mu.Lock()
		defer mu.Unlock()
		// A reader of this that is gone ends the process by its standard input.
		_ = json.NewEncoder(out).Encode(m)
	}
	flush := func() {
		mu.Lock()
		defer mu.Unlock()
		_ = out.Flush()
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		_, _ = io.Copy(io.Discard, stdin)
		cancel()
	}()
	go func() {
		for pause.For(ctx, 10*time.Millisecond) == nil {
			flush()
		}
	}()
	err := runReplica(ctx, told, say)
	defer flush()
	if err != nil && ctx.Err() == nil {
		text := err.Error()
		say(message{Error: &text})
		return 1
	}
	return 0
}

func runReplica(ctx context.Context, told string, say func(message)) (err error) {
	var a assignment
	if err := json.Unmarshal([]byte(told), &a); err != nil {
		return fmt.Errorf("%s: %w", replicaEnv, err)
	}
	all := lanes(true)
	b, err := mapBoard(a.Board, len(all), a.Slots, products)
	if err != nil {
		return err
	}
	store, err := shop.Open(ctx, a.Database)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	client := redis.NewClient(&redis.Options{Addr: a.Redis})
	defer client.Close()
	h := newHost(b, store, a.Slot, a.Seed)
	h.record = func(e event) { say(message{Event: &e}) }
	h.committed = func(row Row, actor int) { say(message{Row: &row, Actor: actor}) }
	defer func() { err = errors.Join(err, h.close(context.WithoutCancel(ctx))) }()
	for i, l := range all {
		if !l.Redis {
			continue
		}
		if err := h.open(l, i, surroundings{namespace: a.Namespace, client: client, addr: a.Redis}); err != nil {
			return fmt.Errorf("%s: %w", l.Name, err)
		}
	}
	h.run(ctx, a.Writers)
	return nil
}

// crash writes the hottest product and dies before anybody is told of it. Lanes
// that can mutate do so, nested around the one commit.
func (h *host) crash(ctx context.Context) {
	if !h.board.words[wordCrash].CompareAndSwap(int64(h.slot), 0) {
		return // another writer of this process has been quicker
	}
	id := h.ids[0]
	h.board.set(wordSpareID, id)
	h.board.set(wordSpareUntil, time.Now().Add(entryTTL+time.Second).UnixNano())
	write := func(ctx context.Context) error {
		p, err := h.source.store.Write(ctx, shop.Change{ID: id, PriceCents: 999, Sold: 1})
		if err != nil {
			return err
		}
		h.board.set(wordCrashID, p.ID)
		h.board.set(wordCrashVersion, p.Version)
		killSelf()
		return nil
	}
	for _, l := range h.lanes {
		m, ok := l.cache.(mutator)
		if !ok {
			continue
		}
		inner := write
		write = func(ctx context.Context) error { return m.mutate(ctx, id, inner) }
	}
	// A hold that came too late leaves no time for the write; the next write of
	// this process tries again.
	if write(ctx) != nil {
		h.board.set(wordCrash, int64(h.slot))
	}
}
