package cascache

import (
	"sync"
	"time"

	"github.com/unkn0wn-root/cascache/wire"
)

// derive finds out what the results of a flight depend on beside what was known
// before. If there is anything, it lets nobody board the flight any more: who comes
// later may come after one of these has moved.
func (l *Loader[V]) derive(f *flight[V], took *time.Duration) (err error) {
	if l.opts.TagsOf != nil {
		err = guard("LoaderOptions.TagsOf", func() error { return l.findTags(f, took) })
	}
	taken, why := f.tracker.collected()
	derived := false
	for i := range f.results {
		r := &f.results[i]
		r.taken = append(r.taken, taken...)
		if r.refused == "" {
			r.refused = why
		}
		derived = derived || len(r.taken) > 0 || r.refused != ""
	}
	if !derived {
		return err
	}
	for i := range f.results {
		f.results[i].derived = true
	}
	l.flights.close(f)
	return err
}

// tagsToTake returns the tags of a key that are worth taking before it is loaded:
// those that its value had before.
func (l *Loader[V]) tagsToTake(key string) []string {
	if l.opts.TagsOf == nil {
		return nil
	}
	return append(l.tags.of(key), l.cache.anyTag())
}

// findTags takes the tags of what was loaded. Where that is too late, it loads once
// more, and where it is too late again, the value cannot be stored.
func (l *Loader[V]) findTags(f *flight[V], took *time.Duration) (err error) {
	indices := make([]int, 0, len(f.results))
	for i := range f.results {
		f.results[i].refused = ReasonDependency // unless it is found out below
		indices = append(indices, i)
	}
	before := make([]map[string]uint64, len(f.results))
	for i := range before {
		before[i] = f.wants[i].tags
	}
	late, err := l.takeTags(f, indices, before)
	if len(late) == 0 || err != nil || f.ctx.Err() != nil {
		return err
	}
	var names []string
	keys := make([]string, len(late))
	for j, i := range late {
		keys[j] = f.keys[i]
		names = append(names, l.tagsToTake(f.keys[i])...)
	}
	now := l.cache.takeTags(f.ctx, distinct(names))
	for _, i := range late {
		before[i] = now
	}
	start := time.Now()
	again, err := l.ask(f.ctx, keys)
	*took += time.Since(start)
	for j, i := range late {
		if again[j].err == nil || again[j].absent {
			again[j].refused = ReasonDependency
			f.results[i] = again[j]
		}
	}
	if err != nil {
		return err
	}
	_, err = l.takeTags(f, late, before)
	return err
}

// takeTags notes the tags of those results, and returns the indices of those that
// have a tag whose generation is not known to be from before the load. What is in
// order is no longer refused.
func (l *Loader[V]) takeTags(f *flight[V], indices []int, before []map[string]uint64) (late []int, err error) {
	tags := make([][]string, len(f.results))
	var unknown []string
	for _, i := range indices {
		r := &f.results[i]
		switch {
		case f.wants[i].gen == 0: // it is not stored
			continue
		case r.err != nil: // there is no value to have tags
			r.refused = ""
			continue
		}
		if tags[i], err = l.cache.tagKeys(l.opts.TagsOf(f.keys[i], r.value)); err != nil {
			return nil, err
		}
		l.tags.remember(f.keys[i], tags[i])
		for _, tag := range tags[i] {
			if before[i][tag] == 0 {
				unknown = append(unknown, tag)
			}
		}
	}
	// First the generations, then what moves before them: see bumpTags.
	taken := l.cache.takeTags(f.ctx, distinct(unknown))
	var anyTag uint64
	if len(taken) > 0 {
		anyTag = l.cache.currentTag(f.ctx, l.cache.anyTag())
	}
	for _, i := range indices {
		r := &f.results[i]
		if r.err != nil || f.wants[i].gen == 0 {
			continue
		}
		r.taken, r.refused = nil, ""
		for _, tag := range tags[i] {
			gen := before[i][tag]
			if gen == 0 {
				if gen = taken[tag]; gen == 0 || anyTag == 0 || anyTag != before[i][l.cache.anyTag()] {
					late = append(late, i)
					r.taken, r.refused = nil, ReasonDependency
					break
				}
			}
			r.taken = append(r.taken, wire.Dep{Key: tag, Gen: gen})
		}
	}
	return late, nil
}

// tagMemoryHalf is how many keys are remembered before the older half is forgotten.
const tagMemoryHalf = 1 << 15

// tagMemory remembers the tags of keys, by the names of their generations, for as
// many keys as twice tagMemoryHalf.
type tagMemory struct {
	mu         sync.Mutex // guards what follows
	young, old map[string][]string
}

// of returns the tags that a key last had, in a slice of its own.
func (m *tagMemory) of(key string) []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	tags, ok := m.young[key]
	if !ok {
		if tags, ok = m.old[key]; ok {
			m.put(key, tags)
		}
	}
	return append(make([]string, 0, len(tags)+1), tags...)
}

func (m *tagMemory) remember(key string, tags []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.put(key, tags)
}

// put remembers tags. m.mu is held.
func (m *tagMemory) put(key string, tags []string) {
	if len(m.young) >= tagMemoryHalf {
		m.old, m.young = m.young, nil
	}
	if m.young == nil {
		m.young = make(map[string][]string)
	}
	m.young[key] = tags
}
