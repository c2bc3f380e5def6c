package genstoreredis

import (
	"context"
	"strconv"
	"sync"
	"testing"
	"time"

	cascache "github.com/unkn0wn-root/cascache/core"
	"github.com/unkn0wn-root/cascache/internal/redistest"
)

// values is a provider in memory: what it was given, it still has.
type values struct {
	mu sync.Mutex
	m  map[string][]byte
}

func (p *values) Get(_ context.Context, key string) ([]byte, bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	v, ok := p.m[key]
	return v, ok, nil
}

func (p *values) Set(_ context.Context, key string, value []byte, _ int64, _ time.Duration) (bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.m == nil {
		p.m = make(map[string][]byte)
	}
	p.m[key] = append([]byte(nil), value...)
	return true, nil
}

func (p *values) Del(_ context.Context, key string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.m, key)
	return nil
}

func (p *values) Close(context.Context) error { return nil }

// A database has one row. Every write makes another value.
type database struct{ version int }

func (d *database) write()       { d.version++ }
func (d *database) read() string { return "version " + strconv.Itoa(d.version) }

// node is a process with a cache of its own, in which values stay until that
// cache itself drops them.
type node struct {
	tb     testing.TB
	source *database
	cache  *cascache.Handle[string]
	beside bool // values are kept beside the generations
}

const row = "{user}:1"

func startNode(tb testing.TB, db *database, store cascache.GenStore) *node {
	tb.Helper()
	cache, err := cascache.New(cascache.Options[string]{
		Namespace: "app", Provider: providerFor(store), Codec: cascache.String{}, GenStore: store,
		GenTimeout: 2 * time.Second,
	})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { cache.Close(context.Background()) })
	_, beside := store.(cascache.Combined)
	return &node{tb: tb, source: db, cache: cache, beside: beside}
}

// fill is the three steps of a fill.
func (n *node) fill() {
	n.tb.Helper()
	observed := n.cache.SnapshotGen(row)
	value := n.source.read()
	if err := n.cache.SetWithGen(n.tb.Context(), row, value, observed, 0); err != nil {
		n.tb.Fatal(err)
	}
}

// reads says what one or more reads have found.
type reads struct{ hits, stale int }

// read reads once.
func (n *node) read() (r reads) {
	value, hit, _ := n.cache.Get(n.tb.Context(), row)
	switch {
	case hit && value != n.source.read():
		r.stale++
	case hit:
		r.hits++
	}
	return r
}

// works fails the test unless a fill leads to a hit before long.
func (n *node) works(when string) {
	n.tb.Helper()
	redistest.Eventually(n.tb, redistest.Patience, "a fill leads to a hit "+when, func() bool {
		n.fill()
		return n.read().hits > 0
	})
}

// change writes to the source and invalidates.
func (n *node) change() {
	n.tb.Helper()
	n.source.write()
	if err := n.cache.Invalidate(n.tb.Context(), row); err != nil {
		n.tb.Fatalf("Invalidate: %v", err)
	}
}
