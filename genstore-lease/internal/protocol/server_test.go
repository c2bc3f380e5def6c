package protocol

import (
	"fmt"
	"slices"
)

// modelKeys is how many keys the model has. Their names are "a", "b".
const modelKeys = 2

func modelIndex(key string) int { return int(key[0] - 'a') }

// A server is the Redis side of the protocol: what each script does, in one
// step. TestScriptsAgreeWithModel holds the scripts to it.
type server struct {
	spoilt *spoilt

	epoch   string
	head    uint64
	members []Member // by ID
	log     []Invalidation
	gens    [modelKeys]uint64 // 0 for none
	held    [modelKeys]bool

	epochs, drawn uint64
}

// spoilt names what a twin of the server or of the store gets wrong.
type spoilt struct {
	acksArrived     bool // rule 7: an acknowledgement says what was sent
	acksAnyEpoch    bool // rule 7: it is taken whatever epoch it carries
	losesMembers    bool // rule 8: members can be lost alone
	keepsEpoch      bool // rule 8: a server with another past goes on with the epoch
	removesAnyway   bool // rule 10: whatever the member's last heartbeat
	removesEarly    bool // rule 10: without waiting
	leavesServing   bool // rule 10: deregisters before it stops
	writerFromSend  bool // rule 2
	noBarrier       bool
	looksFirst      bool // rule 4
	unsettled       bool // rule 9
	unloggedHold    bool // rule 11
	holdReturns     bool // rule 12: a hold is not waited for
	endedIsDone     bool // rule 13
	selfUnreflected bool // the own replica counts as having seen a change that it has not
}

func (s *server) ensure() {
	if s.epoch != "" {
		return
	}
	s.epochs++
	s.epoch = fmt.Sprint("e", s.epochs)
	s.head, s.members, s.log = 0, nil, nil
}

func (s *server) member(id string) int {
	at, found := slices.BinarySearchFunc(s.members, id, func(m Member, id string) int {
		switch {
		case m.ID < id:
			return -1
		case m.ID > id:
			return 1
		}
		return 0
	})
	if !found {
		return -at - 1
	}
	return at
}

// beat is what beat.lua does.
func (s *server) beat(b Beat, limit int) (Answer, View) {
	s.ensure()
	s.members = slices.Clone(s.members)
	at := s.member(b.ID)
	if at < 0 {
		at = -at - 1
		s.members = slices.Insert(s.members, at, Member{ID: b.ID})
	}
	m := &s.members[at]
	m.Number = b.Number
	if b.Epoch == s.epoch || s.spoilt.acksAnyEpoch {
		m.Applied = max(m.Applied, b.Applied)
	}
	answer := Answer{Epoch: s.epoch, Head: s.head}
	if b.Epoch == s.epoch {
		answer.Log = s.after(b.Applied, limit)
	}
	if s.spoilt.acksArrived {
		m.Applied = s.head
	}
	return answer, s.view()
}

// after returns what the log has after seq. It counts from the end, so that of
// a log whose beginning is lost it returns another part, or none.
func (s *server) after(seq uint64, limit int) []Invalidation {
	if seq >= s.head {
		return nil
	}
	from := len(s.log) - int(s.head-seq)
	to := min(len(s.log), from+limit)
	if to <= 0 {
		return nil
	}
	return slices.Clone(s.log[max(0, from):to])
}

func (s *server) view() View {
	return View{Epoch: s.epoch, Head: s.head, Members: slices.Clone(s.members)}
}

// change is what bump.lua, hold.lua and release.lua do for one key.
func (s *server) change(self, key string, hold, release, logged bool) (Change, Invalidation) {
	s.ensure()
	s.drawn++
	i := modelIndex(key)
	switch {
	case hold:
		s.gens[i], s.held[i] = 0, true
	case s.held[i] && !release:
	default:
		s.gens[i], s.held[i] = s.drawn, false
	}
	e := Invalidation{Key: key, Gen: s.gens[i]}
	c := Change{Epoch: s.epoch}
	if logged {
		s.head++
		e.Seq = s.head
		s.log = append(slices.Clone(s.log), e)
	}
	c.Seq = s.head
	for _, m := range s.members {
		if m.ID == self {
			c.Self = true
		} else {
			c.Others = true
		}
	}
	return c, e
}

// read is what read.lua does for one key.
func (s *server) read(key string) (epoch string, head, gen uint64) {
	return s.epoch, s.head, s.gens[modelIndex(key)]
}

// remove is what remove.lua does for one member.
func (s *server) remove(m Member) {
	if at := s.member(m.ID); at >= 0 && (s.members[at].Number == m.Number || s.spoilt.removesAnyway) {
		s.members = slices.Delete(slices.Clone(s.members), at, at+1)
	}
}

// A loss is a way in which the server forgets.
type loss byte

const (
	losesAll     loss = 'A' // a flush, or a restart without data
	losesState   loss = 'S' // the hash alone
	losesLog     loss = 'L' // the log alone
	losesMembers loss = 'M' // the members alone: only of a twin
	goesBack     loss = 'B' // a restart from an older copy, or a failover
)

func (s *server) lose(l loss) {
	switch l {
	case losesAll:
		s.epoch, s.head, s.members, s.log = "", 0, nil, nil
		s.gens, s.held = [modelKeys]uint64{}, [modelKeys]bool{}
	case losesState:
		s.epoch, s.head, s.members = "", 0, nil
	case losesLog:
		s.log = nil
	case losesMembers:
		s.members = nil
	case goesBack:
		// Generations come back bound to another id: nobody reads them. A
		// hold stays one. The epoch is bound like that too.
		s.gens = [modelKeys]uint64{}
		if s.spoilt.keepsEpoch {
			// An older copy, from before the last change and all members.
			if s.head > 0 {
				s.head--
				s.log = slices.Clone(s.log[:max(0, len(s.log)-1)])
			}
			s.members = nil
			return
		}
		s.epoch, s.head, s.members, s.log = "", 0, nil, nil
	}
}
