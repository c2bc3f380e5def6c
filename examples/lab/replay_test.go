package main

import (
	"context"
	"strings"
	"testing"

	cascache "github.com/unkn0wn-root/cascache/core"
)

// script builds the events of a story in the order in which it is told.
type script struct {
	events []event
	seq    int64
}

func (s *script) add(k kind, version, load int64, slot int) *script {
	s.seq++
	s.events = append(s.events, event{Seq: s.seq, At: s.seq * 1e6, Kind: k, Product: 1, Version: version, Load: load, Slot: slot,
		Began: s.seq, BeganAt: s.seq * 1e6})
	return s
}

func (s *script) write(version, load int64, slot int) *script {
	return s.add(kindCommit, version, load, slot).add(kindInvalidate, version, load, slot).add(kindInvalidated, version, load, slot)
}

// The shapes in which stale reads come.
var shapes = map[string]struct {
	events *script
	refuse kind // the event at which CasCache refuses or has nothing to serve

	stale []string // lanes in process that the schedule makes stale
}{
	"a fill crosses a write": {
		new(script).add(kindAsk, 1, 2, 0).add(kindQuery, 1, 2, 0).write(2, 3, 0).add(kindArrive, 1, 2, 0).add(kindStale, 1, 2, 0),
		kindArrive, []string{"ttl", "delete", "double", "through", "flight", "sturdyc"},
	},
	"an entry outlasts a write": {
		new(script).add(kindAsk, 1, 2, 0).add(kindQuery, 1, 2, 0).add(kindArrive, 1, 2, 0).write(2, 5, 0).add(kindStale, 1, 2, 0),
		kindStale, []string{"ttl"},
	},
	"writers overtake": {
		new(script).add(kindCommit, 1, 1, 0).write(2, 2, 0).add(kindInvalidate, 1, 1, 0).add(kindInvalidated, 1, 1, 0).add(kindStale, 1, 1, 0),
		kindStale, []string{"through"},
	},
}

func (s *script) story(t *testing.T) story {
	t.Helper()
	last := s.events[len(s.events)-1]
	told, ok := tellStory(last, s.events[:len(s.events)-1])
	if !ok {
		t.Fatalf("the events hold a story, and none is found in them: %+v", s.events)
	}
	return told
}

func replayed(t *testing.T, s story, open func(surroundings) (cache, error)) []outcome {
	t.Helper()
	r := &replay{}
	around := surroundings{namespace: "test", hooks: r.hooks()}
	r.open = func(int) (cache, error) { return open(around) }
	outcomes, err := r.run(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	return outcomes
}

func TestReplayUnderCasCache(t *testing.T) {
	for name, shape := range shapes {
		t.Run(name, func(t *testing.T) {
			s := shape.events.story(t)
			outcomes := replayed(t, s, openCASLocal)
			last := outcomes[len(outcomes)-1]
			if last.hit || last.version != s.Newest {
				t.Errorf("after an invalidation has returned, CasCache serves version %d or nothing: got version %d (hit: %v)", s.Newest, last.version, last.hit)
			}
			x := explain(lane{Key: "delete", Name: "x", After: "deletes"}, s, outcomes)
			var refused kind
			for i, e := range s.Events {
				if _, mark := outcomes[i].words(s, e); mark == "refuses" || mark == "fresh" {
					refused = e.Kind
					break
				}
			}
			if refused != shape.refuse {
				t.Errorf("CasCache refuses at the step %q: got %q\n%s", shape.refuse, refused, x.CasNote)
			}
			if !strings.HasPrefix(x.CasNote, "The same schedule, replayed under CasCache: ") {
				t.Errorf("the explanation names the step: got %q", x.CasNote)
			}
		})
	}
}

// The schedule alone, and nothing else, makes the other lanes stale.
func TestReplayUnderTheOthers(t *testing.T) {
	for name, shape := range shapes {
		for _, l := range lanes(false) {
			want := false
			for _, key := range shape.stale {
				want = want || key == l.Key
			}
			t.Run(name+"/"+l.Key, func(t *testing.T) {
				s := shape.events.story(t)
				outcomes := replayed(t, s, l.open)
				last := outcomes[len(outcomes)-1]
				if got := last.version < s.Newest; got != want {
					t.Errorf("this schedule makes %s stale (%v): got version %d where %d is expected", l.Name, want, last.version, s.Newest)
				}
			})
		}
	}
}

// brokenGens breaks rule G1: a bump changes nothing, so every fill looks
// current for ever.
type brokenGens struct{}

func (brokenGens) Current(context.Context, string) (uint64, error)  { return 1, nil }
func (brokenGens) Snapshot(context.Context, string) (uint64, error) { return 1, nil }
func (brokenGens) Bump(context.Context, string) (uint64, error)     { return 1, nil }
func (brokenGens) Close(context.Context) error                      { return nil }

func openBroken(s surroundings) (cache, error) {
	provider, err := newRistretto()
	if err != nil {
		return nil, err
	}
	return newCAS(s, provider, cascache.GenStore(brokenGens{}))
}

func TestReplayShowsABrokenCasCache(t *testing.T) {
	s := shapes["a fill crosses a write"].events.story(t)
	x := explain(lane{Name: "x", After: "deletes"}, s, replayed(t, s, openBroken))
	if !strings.Contains(x.CasNote, "bug") || x.Steps[len(x.Steps)-1].CasMark != "stale" {
		t.Errorf("a replay hides nothing: a CasCache whose bumps change nothing must be shown as stale, got %q", x.CasNote)
	}
}

func TestReplayOfACrash(t *testing.T) {
	events := new(script).add(kindAsk, 1, 2, 0).add(kindQuery, 1, 2, 0).add(kindArrive, 1, 2, 0).
		add(kindCommit, 2, 5, 0).add(kindCrash, 2, 5, 0).add(kindStale, 1, 2, 0)
	events.events[3].Doomed = true
	s := events.story(t)
	last := func(open func(surroundings) (cache, error)) outcome {
		outcomes := replayed(t, s, open)
		return outcomes[len(outcomes)-1]
	}
	if o := last(openCASLocal); o.hit || o.version != 2 || !o.has("miss", cascache.ReasonNoGen) {
		t.Errorf("a key whose writer died in Mutate is held, and not served: got version %d (hit: %v, %+v)", o.version, o.hit, o.notices)
	}
	if o := last(lanes(false)[1].open); !o.hit || o.version != 1 {
		t.Errorf("where nobody invalidates, the old version is served: got version %d (hit: %v)", o.version, o.hit)
	}
}

// A reader that comes after an invalidation and joins a load from before it.
func TestStoryOfAReaderThatJoins(t *testing.T) {
	s := new(script).add(kindAsk, 1, 2, 0).add(kindQuery, 1, 2, 0).write(2, 3, 0)
	s.seq++
	began := s.seq
	s.add(kindArrive, 1, 2, 0).add(kindStale, 1, 2, 0)
	s.events[len(s.events)-1].Began, s.events[len(s.events)-1].BeganAt = began, began*1e6
	told := s.story(t)
	outcomes := replayed(t, told, openCASLocal)
	x := explain(lane{Name: "x", After: "deletes"}, told, outcomes)
	last := x.Steps[len(x.Steps)-1]
	if last.Mark != "stale" || !strings.Contains(last.Text, "by that load") {
		t.Errorf("the story ends with what the reader was given: got %+v", last)
	}
	for i, e := range told.Events {
		if e.Kind == kindStale && (outcomes[i].hit || outcomes[i].version != 2) {
			t.Errorf("under CasCache a reader never joins a load from before the invalidation: got version %d (hit: %v)", outcomes[i].version, outcomes[i].hit)
		}
	}
}

func TestNoStoryWithoutItsEvents(t *testing.T) {
	whole := shapes["a fill crosses a write"].events.events
	read := whole[len(whole)-1]
	for i, missing := range whole[:len(whole)-1] {
		var rest []event
		rest = append(append(rest, whole[:i]...), whole[i+1:len(whole)-1]...)
		if s, ok := tellStory(read, rest); ok {
			t.Errorf("a story without %q is told all the same: %+v", missing.Kind, s.Events)
		}
	}
}
