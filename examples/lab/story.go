package main

import "slices"

// A story is what led to one stale read: the events of the load or write whose
// row was served, those of the write that had replaced it, and the read.
type story struct {
	Lane    int
	Product int64
	Version int64 // that was served
	Newest  int64 // whose invalidation had returned
	Events  []event
}

// tellStory finds among events, in their order, those that led to the stale
// read. It fails if some are no longer remembered.
func tellStory(read event, events []event) (story, bool) {
	s := story{Lane: read.Lane, Product: read.Product, Version: read.Version}
	var origin, replaced []event
	has := make(map[kind]bool)
	for _, e := range events {
		switch {
		case e.Seq > read.Seq:
		case e.Load == read.Load && (e.Kind == kindAsk || e.Kind == kindQuery || e.Kind == kindArrive):
			if has[e.Kind] {
				break
			}
			has[e.Kind] = true
			origin = append(origin, e)
		case e.Load == read.Load && (e.Kind == kindCommit || e.Kind == kindInvalidate || e.Kind == kindInvalidated):
			// The row came from a write that set what it had written.
			has[e.Kind] = true
			origin = append(origin, e)
		case e.Kind == kindCopy && e.Load == read.Load && e.Slot == read.Slot && e.Seq < read.Began:
			origin = append(origin, e)
		}
	}
	loaded := has[kindAsk] && has[kindQuery] && has[kindArrive]
	wrote := has[kindCommit] && has[kindInvalidate] && has[kindInvalidated]
	if !loaded && !wrote {
		return story{}, false
	}
	// The first write after it whose invalidation returned in time.
	for _, end := range events {
		if end.Kind != kindInvalidated && end.Kind != kindCrash || end.Version <= read.Version || end.Seq > read.Began {
			continue
		}
		replaced = replaced[:0]
		for _, e := range events {
			if e.Load == end.Load && (e.Kind == kindCommit || e.Kind == kindInvalidate || e.Kind == end.Kind) {
				replaced = append(replaced, e)
			}
		}
		if len(replaced) == 3 || end.Kind == kindCrash && len(replaced) == 2 {
			s.Newest = end.Version
			break
		}
	}
	if s.Newest == 0 {
		return story{}, false
	}
	// What a copy adds is that the reading process had one of its own before.
	origin = slices.DeleteFunc(origin, func(e event) bool {
		return e.Kind == kindCopy && (e.Seq > replaced[0].Seq || e.Slot == origin[0].Slot)
	})
	s.Events = slices.Concat(origin, replaced, []event{read})
	slices.SortFunc(s.Events, func(a, b event) int { return int(a.at() - b.at()) })
	return s, true
}

// at is when the event belongs in a story: a stale read, when it began, unless
// the row arrived after that.
func (e event) at() int64 {
	if e.Kind == kindStale {
		return e.Began
	}
	return e.Seq
}

// find returns the first event of a kind.
func (s story) find(k kind) (event, bool) {
	i := slices.IndexFunc(s.Events, func(e event) bool { return e.Kind == k })
	if i < 0 {
		return event{}, false
	}
	return s.Events[i], true
}

// rank says how easily a story is understood: 0 for none. Best is the very next
// version, and a load that the whole write falls into; or, in a lane whose
// entries may outlast an invalidation, one that was over before the write, in
// another process.
func (s story) rank(lasting bool) int {
	if len(s.Events) == 0 {
		return 0
	}
	rank := 1
	if s.Newest == s.Version+1 {
		rank += 4
	}
	query, loaded := s.find(kindQuery)
	arrive, _ := s.find(kindArrive)
	var invalidate, invalidated event
	for _, e := range s.Events {
		if e.Version == s.Newest {
			switch e.Kind {
			case kindInvalidate:
				invalidate = e
			case kindInvalidated:
				invalidated = e
			case kindCrash:
				invalidate, invalidated = e, e
				rank += 8 // rarer than the others, and asked for
			}
		}
	}
	read, _ := s.find(kindStale)
	switch {
	case !loaded:
		rank += 2
	case query.Seq < invalidate.Seq && invalidated.Seq < arrive.Seq && arrive.Seq < read.Began:
		rank += 3
	case arrive.Seq < invalidate.Seq && lasting:
		rank += 4
	}
	if lasting && read.Slot != query.Slot {
		rank++
	}
	return rank
}
