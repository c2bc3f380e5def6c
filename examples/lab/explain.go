package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// An explanation is a story in words, step by step, beside the same schedule
// under CasCache.
type explanation struct {
	Lane    string `json:"lane"` // its key
	Name    string `json:"name"`
	Product int64  `json:"product"`
	Summary string `json:"summary"`
	Steps   []step `json:"steps"`
	CasNote string `json:"cas_note"`
}

// A step is one line of an explanation.
type step struct {
	At      string `json:"at"` // since the first step
	Who     string `json:"who"`
	Role    string `json:"role"` // "reader", "writer" or "later": who it is in the story
	Text    string `json:"text"`
	Mark    string `json:"mark,omitempty"` // "stale"
	Cas     string `json:"cas"`
	CasMark string `json:"cas_mark,omitempty"` // "refuses", "fresh" or "stale"
}

// explain puts a story into words, with what came of it in a replay under
// CasCache.
func explain(l lane, s story, outcomes []outcome) explanation {
	x := explanation{Lane: l.Key, Name: l.Name, Product: s.Product}
	start := s.Events[0].clock()
	read, _ := s.find(kindStale)
	arrive, loaded := s.find(kindArrive)
	joined := loaded && read.Began < arrive.Seq
	var end event // of the invalidation that should have ended the version
	for _, e := range s.Events {
		if (e.Kind == kindInvalidated || e.Kind == kindCrash) && e.Version == s.Newest {
			end = e
		}
	}
	for i, e := range s.Events {
		if e.Kind == kindInvalidate && i+1 < len(s.Events) && s.Events[i+1].Kind == kindInvalidated && s.Events[i+1].Load == e.Load {
			continue // one step with its end, where nothing lies in between
		}
		st := step{At: sinceStart(e.clock() - start)}
		st.Who, st.Role = s.who(e)
		st.Text = l.words(s, e, joined)
		if e.Kind == kindStale && !joined {
			st.Mark = "stale"
		}
		st.Cas, st.CasMark = outcomes[i].words(s, e)
		x.Steps = append(x.Steps, st)
	}
	if joined {
		who, role := s.who(read)
		x.Steps = append(x.Steps, step{At: sinceStart(read.At - start), Who: who, Role: role, Mark: "stale",
			Text: fmt.Sprintf("Is given version %d by that load.", s.Version),
			Cas:  "Has been served already."})
	}
	if end.Kind == kindCrash {
		x.Summary = fmt.Sprintf("Product %d: a read that began %s after the writer of version %d had died was given version %d.",
			s.Product, milliseconds(read.BeganAt-end.At), s.Newest, s.Version)
	} else {
		x.Summary = fmt.Sprintf("Product %d: a read that began %s after the invalidation of version %d had returned was given version %d.",
			s.Product, milliseconds(read.BeganAt-end.At), s.Newest, s.Version)
	}
	x.CasNote = casNote(x.Steps)
	return x
}

// casNote says at which step CasCache refuses.
func casNote(steps []step) string {
	for _, mark := range []string{"stale", "refuses", "fresh"} {
		i := slices.IndexFunc(steps, func(s step) bool { return s.CasMark == mark })
		if i < 0 {
			continue
		}
		switch mark {
		case "stale":
			return fmt.Sprintf("The same schedule under CasCache was stale at step %d. That is a bug: please report it with this page.", i+1)
		case "refuses":
			return fmt.Sprintf("The same schedule, replayed under CasCache: refused at step %d.", i+1)
		}
		return fmt.Sprintf("The same schedule, replayed under CasCache: the entry is gone by step %d, and the database is read.", i+1)
	}
	return ""
}

// clock is when the event belongs in a story, in nanoseconds.
func (e event) clock() int64 {
	if e.Kind == kindStale {
		return e.BeganAt
	}
	return e.At
}

// who names the actor of an event, and its role in the story.
func (s story) who(e event) (name, role string) {
	switch e.Kind {
	case kindCommit, kindInvalidate, kindInvalidated, kindCrash:
		name, role = "Writer "+strconv.Itoa(e.Actor+1), "writer"
	case kindStale, kindCopy:
		name, role = "Reader "+strconv.Itoa(e.Actor+1), "later"
	default:
		name, role = "Reader "+strconv.Itoa(e.Actor+1), "reader"
	}
	if e.Slot > 0 {
		name += ", " + describe(e.Slot)
	}
	return name, role
}

// words says what an event was in this lane.
func (l lane) words(s story, e event, joined bool) string {
	switch e.Kind {
	case kindAsk:
		return "Finds nothing in the cache and asks the database."
	case kindQuery:
		return fmt.Sprintf("The query returns version %d. It is on its way.", e.Version)
	case kindArrive:
		return fmt.Sprintf("Version %d arrives and goes into the cache.", e.Version)
	case kindCommit:
		return fmt.Sprintf("Commits version %d.", e.Version)
	case kindInvalidate:
		return fmt.Sprintf("Begins to invalidate after version %d.", e.Version)
	case kindInvalidated:
		return strings.ToUpper(l.After[:1]) + l.After[1:] + fmt.Sprintf(". From here on, version %d or later is expected.", e.Version)
	case kindCrash:
		return fmt.Sprintf("Is dead, and has invalidated nothing. Nobody else will: from here on, version %d is expected.", e.Version)
	case kindCopy:
		return fmt.Sprintf("Gets version %d from the cache.", e.Version)
	}
	if joined {
		return "Asks for the product, and joins the load that is under way."
	}
	return fmt.Sprintf("Asks for the product, and gets version %d from the cache.", s.Version)
}

func sinceStart(ns int64) string { return "+" + milliseconds(max(ns, 0)) }

func milliseconds(ns int64) string {
	return strconv.FormatFloat(float64(ns)/float64(time.Millisecond), 'f', 2, 64) + " ms"
}

// underCasCache replays the story of a lane under CasCache: in process, or in
// as many replicas as took part, with generations in their Redis.
func underCasCache(ctx context.Context, l lane, s story, around surroundings) (explanation, error) {
	r := &replay{}
	around.hooks = r.hooks()
	r.open = func(int) (cache, error) {
		if l.Redis {
			return openCASGens(around)
		}
		return openCASLocal(around)
	}
	outcomes, err := r.run(ctx, s)
	if err != nil {
		return explanation{}, err
	}
	return explain(l, s, outcomes), nil
}
