package cascache

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
)

// lineage is a flight as other flights see it, whatever the type of its values.
// The context of a load carries it, so that a call of any loader that is given
// this context is known to be nested in that load.
type lineage struct {
	loader any      // the *flights it belongs to
	keys   []string // of the flight; complete before the flight begins
	parent *lineage // the load that the call which began this flight is nested in, or nil

	tracker *tracker // of what it depends on; nil: the loader's cache cannot tell

	over atomic.Bool // the flight has landed

	once sync.Once
	set  map[string]struct{} // of keys, if there are many; made at the first need

	// Guarded by nesting.

	awaits map[*lineage]int // flights that calls nested in this load wait for, and how many calls do
	turns  map[any]any      // by *flights[V]: the *turns[V] of what this load begins there
}

// nesting guards which loads wait for which, in all loaders together: a cycle
// may go through several.
var nesting sync.Mutex

type lineageKey struct{}

// lineageOf returns the load that ctx was given to, if that is still under way.
func lineageOf(ctx context.Context) *lineage {
	n, _ := ctx.Value(lineageKey{}).(*lineage)
	if n == nil || n.over.Load() {
		return nil
	}
	return n
}

// loads reports whether this load, or one that it is nested in, is one of key in
// the loader. Beside await it finds cycles of flights that are not shared, since
// they have no generation or it has changed in between.
func (n *lineage) loads(loader any, key string) bool {
	for ; n != nil; n = n.parent {
		if n.loader == loader && n.has(key) {
			return true
		}
	}
	return false
}

func (n *lineage) has(key string) bool {
	if len(n.keys) <= 8 {
		return slices.Contains(n.keys, key)
	}
	n.once.Do(func() {
		n.set = make(map[string]struct{}, len(n.keys))
		for _, key := range n.keys {
			n.set[key] = struct{}{}
		}
	})
	_, ok := n.set[key]
	return ok
}

// await notes that a call nested in n waits for other, and reports whether it
// may: not if other waits for n.
func (n *lineage) await(other *lineage) bool {
	nesting.Lock()
	defer nesting.Unlock()
	if other.reaches(n, make(map[*lineage]bool)) {
		return false
	}
	if n.awaits == nil {
		n.awaits = make(map[*lineage]int)
	}
	n.awaits[other]++
	return true
}

// reaches reports whether n is other, or waits for it through any number of
// flights. nesting is held.
func (n *lineage) reaches(other *lineage, seen map[*lineage]bool) bool {
	switch {
	case n == other:
		return true
	case seen[n] || n.over.Load(): // what has landed waits for nothing
		return false
	}
	seen[n] = true
	for next := range n.awaits {
		if next.reaches(other, seen) {
			return true
		}
	}
	return false
}

// turnsOf returns the turns of the flights that calls nested in n begin in the
// loader. They are no turns of the loader's own: a load that waits for others
// holds one already, and would wait for ever once all are held by such loads.
func turnsOf[V any](n *lineage, loader *flights[V]) *turns[V] {
	nesting.Lock()
	defer nesting.Unlock()
	t, ok := n.turns[loader].(*turns[V])
	if !ok {
		t = &turns[V]{free: loader.atOnce}
		if n.turns == nil {
			n.turns = make(map[any]any)
		}
		n.turns[loader] = t
	}
	return t
}

// depart ends what await noted.
func (n *lineage) depart(other *lineage) {
	nesting.Lock()
	defer nesting.Unlock()
	if n.awaits[other]--; n.awaits[other] == 0 {
		delete(n.awaits, other)
	}
}
