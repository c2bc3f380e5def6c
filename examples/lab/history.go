package main

import (
	"slices"
	"sync"
	"time"
)

const (
	// remembered is how many events of one product in one lane are kept.
	remembered = 512

	// settling is how long after a stale read its story is put together: by
	// then the events of the other processes have come in.
	settling = 300 * time.Millisecond

	// waiting bounds the stale reads of a lane whose stories are due.
	waiting = 16
)

// A history keeps the latest events, and finds in them how a stale read came
// about.
type history struct {
	mu      sync.Mutex
	events  map[place][]event // in the order they came in
	pending []event           // stale reads
	stories map[int]story     // the best of each lane
	lasting []bool            // by lane: its entries may outlast an invalidation
}

type place struct {
	lane    int
	product int64
}

func newHistory(all []lane) *history {
	h := &history{events: make(map[place][]event), stories: make(map[int]story)}
	for _, l := range all {
		h.lasting = append(h.lasting, l.Lasting)
	}
	return h
}

// add notes an event.
func (h *history) add(e event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if e.Kind == kindStale {
		queued := 0
		for _, p := range h.pending {
			if p.Lane == e.Lane {
				queued++
			}
		}
		if queued < waiting {
			h.pending = append(h.pending, e)
		}
		return
	}
	at := place{e.Lane, e.Product}
	list := h.events[at]
	if len(list) >= remembered {
		list = append(list[:0], list[len(list)/2:]...)
	}
	h.events[at] = append(list, e)
}

// settle puts together the stories that are due.
func (h *history) settle(now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	later := h.pending[:0:0]
	for _, e := range h.pending {
		if now.UnixNano()-e.At < int64(settling) {
			later = append(later, e)
			continue
		}
		s, ok := tellStory(e, h.about(e))
		lasting := h.lasting[e.Lane]
		if ok && s.rank(lasting) > h.stories[e.Lane].rank(lasting) {
			h.stories[e.Lane] = s
		}
	}
	h.pending = later
}

// about returns the events that a stale read may have come of, in the order in
// which they happened. The caller holds mu.
func (h *history) about(e event) []event {
	list := slices.Concat(h.events[place{e.Lane, e.Product}], h.events[place{allLanes, e.Product}])
	slices.SortFunc(list, func(a, b event) int { return int(a.Seq - b.Seq) })
	return list
}

// story returns the lane's best story so far.
func (h *history) story(lane int) (story, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	s, ok := h.stories[lane]
	return s, ok
}
