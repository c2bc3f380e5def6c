package writing

import (
	"context"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/unkn0wn-root/cascache/internal/redistest"
)

// loaderCase says what happens to the server of the generations around a load
// in one process and an invalidation by another one. nil: nothing.
type loaderCase struct {
	name string

	beforeLoad         func(*redistest.Server)
	beforeInvalidation func(*redistest.Server)
	beforeCallers      func(*redistest.Server) // who come after the invalidation
	afterCallers       func(*redistest.Server)

	absent bool // the row does not exist until the write
}

var loaderCases = []loaderCase{
	{name: "server up"},
	{name: "server up, row inserted", absent: true},
	{name: "server paused after the invalidation", beforeCallers: (*redistest.Server).Pause, afterCallers: (*redistest.Server).Resume},
	{name: "server killed after the invalidation", beforeCallers: (*redistest.Server).Kill, afterCallers: (*redistest.Server).Restart},
	{name: "server away for the load, and again for the callers", beforeLoad: (*redistest.Server).Pause, beforeInvalidation: (*redistest.Server).Resume,
		beforeCallers: (*redistest.Server).Pause, afterCallers: (*redistest.Server).Resume},
	{name: "server paused when the load began", beforeLoad: (*redistest.Server).Pause, beforeInvalidation: (*redistest.Server).Resume},
	{name: "server killed when the load began", beforeLoad: (*redistest.Server).Kill, beforeInvalidation: (*redistest.Server).Restart},
}

// TestLoaderAcrossProcesses begins a load in one process, invalidates in
// another one, and then asks both.
func TestLoaderAcrossProcesses(t *testing.T) {
	t.Parallel()
	for _, c := range loaderCases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			h, old, got := c.try(t, false)
			if slices.Contains(got, old) {
				h.broken(t, "a load that began before an invalidation never feeds a caller who came after it", got, textOf(versionOf(old)+1)+" each")
			}
		})
	}
}

// TestPlainSingleFlightAcrossProcesses shows that the same test tells a plain
// single-flight from the loader.
func TestPlainSingleFlightAcrossProcesses(t *testing.T) {
	t.Parallel()
	for _, c := range loaderCases {
		if c.absent {
			continue // to it, absence is one version among others
		}
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			h, old, got := c.try(t, true)
			if !slices.Contains(got, old) {
				h.broken(t, "a plain single-flight feeds a caller with a load from before: the test must see that", got, old+" among them")
			}
		})
	}
}

// try returns the version from before the invalidation, and those that callers
// got who came after it.
func (c loaderCase) try(t *testing.T, plain bool) (h *history, old string, got []string) {
	server, shared := redistest.Start(t), redistest.Start(t)
	turn := func(f func(*redistest.Server), when string) {
		if f != nil {
			f(server)
			h.note("server", "is not as before, %s", when)
		}
	}
	h = newHistory()
	path, db := newDatabase(t)
	if c.absent {
		atomic.StoreUint64(&db.cells[row], 0)
	}
	s := setup{Redis: server.Addr(), Values: shared.Addr(), Namespace: "loader"}
	b := startReplica(t, h, db, "process B", s)
	fetchB := newFetcher(b.cache, func(context.Context, string) (string, error) { return textOf(db.read(row)), nil }, plain, func() {})
	a := startChild(t, h, task{Run: "serve", Setup: s, Database: path, Plain: plain})
	kind := func(kinds ...string) func(message) bool {
		return func(m message) bool { return slices.Contains(kinds, m.Kind) }
	}
	gotBy := func(n int) string {
		t.Helper()
		m := a.await("what a caller got", func(m message) bool { return m.Kind == "got" && m.N == n })
		if m.Err != "" {
			h.broken(t, "a load that succeeds is no error for its callers", m.Err, "none")
		}
		return m.Value
	}

	turn(c.beforeLoad, "before the load")
	a.send(message{Kind: "get", N: 1})
	first := a.await("it loads", kind("loading"))
	old = first.Value
	turn(c.beforeInvalidation, "before the invalidation")
	version := db.commit(row)
	h.note("database", "commits version %d", version)
	eventually(t, h, "an invalidation succeeds", func() bool { return b.cache.Invalidate(context.Background(), key) == nil })
	h.note("process B", "has invalidated")
	turn(c.beforeCallers, "before the callers come")

	a.send(message{Kind: "get", N: 2})
	second := a.await("that who came after an invalidation loads anew, and waits for no load from before it", kind("loading", "joined"))
	value, err := fetchB.Get(context.Background(), key)
	if err != nil {
		h.broken(t, "a load that succeeds is no error for its callers", err, nil)
	}
	got = append(got, value)
	turn(c.afterCallers, "after the callers came")
	// The load from before lands last, when it can do the greatest harm.
	if second.Kind == "loading" {
		a.send(message{Kind: "land", N: second.N})
		got = append(got, gotBy(2))
	}
	a.send(message{Kind: "land", N: first.N})
	if first := gotBy(1); first != old {
		h.broken(t, "a caller gets what its load has read", first, old)
	}
	if second.Kind == "joined" {
		got = append(got, gotBy(2))
	}

	// Later callers, until some are served from the cache.
	n, hits := 2, 0
	eventually(t, h, "process A serves the row from its cache", func() bool {
		n++
		a.send(message{Kind: "get", N: n})
		m := a.await("what a later caller got", func(m message) bool { return m.Kind == "loading" || m.Kind == "got" && m.N == n })
		if m.Kind == "got" {
			hits++
			got = append(got, m.Value)
			return hits == 5
		}
		a.send(message{Kind: "land", N: m.N})
		got = append(got, gotBy(n))
		return false
	})
	eventually(t, h, "process B serves the row from its cache", func() bool {
		hit := b.read()
		b.fill()
		return hit
	})
	wantNoneStale(t, h, b)
	return h, old, got
}
