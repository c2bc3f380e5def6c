package protocol

import (
	"testing"
	"time"
)

// A bench is a replica with a clock that the test moves, and a server.
type bench struct {
	t   *testing.T
	now Instant
	at  func() // called when the clock is read, once
	srv server
	r   *Replica
	w   *Writer
}

const (
	lease = 100 * time.Millisecond
	tick  = Instant(time.Millisecond)
)

func newBench(t *testing.T) *bench {
	b := &bench{t: t, now: 1000 * tick, srv: server{spoilt: new(spoilt)}}
	b.r = NewReplica("r", lease, 100, func() Instant {
		now := b.now
		if at := b.at; at != nil {
			b.at = nil
			at()
		}
		return now
	})
	b.w = NewWriter("r", lease)
	return b
}

// beat sends a heartbeat that is answered at once.
func (b *bench) beat() (again bool) {
	beat := b.r.Beat()
	answer, _ := b.srv.beat(beat, 100)
	return b.r.Receive(beat, answer)
}

// bump is that of another process.
func (b *bench) bump(key string) uint64 {
	_, e := b.srv.change("", key, false, false, true)
	return e.Gen
}

// learn reads a generation on the server and offers it to the replica.
func (b *bench) learn(key string) uint64 {
	epoch, head, gen := b.srv.read(key)
	b.r.Learn(epoch, head, key, gen)
	return gen
}

// serving lets the replica join, and learn a generation of key.
func (b *bench) serving(key string) uint64 {
	b.t.Helper()
	b.beat()
	gen := b.bump(key)
	b.beat()
	b.learn(key)
	b.knows(key, gen, "a replica that has joined answers what it has learned")
	return gen
}

func (b *bench) knows(key string, want uint64, rule string) {
	b.t.Helper()
	if gen, ok := b.r.Current("", key); !ok || gen != want {
		b.t.Errorf("%s: got (%d, %v), want (%d, true)", rule, gen, ok, want)
	}
}

func (b *bench) knowsNot(key string, rule string) {
	b.t.Helper()
	if gen, ok := b.r.Current("", key); ok {
		b.t.Errorf("%s: got (%d, true), want (0, false)", rule, gen)
	}
}

func TestRule1LeaseRunsFromBeforeTheHeartbeat(t *testing.T) {
	b := newBench(t)
	b.serving("a")
	b.now += 200 * tick
	beat := b.r.Beat()
	answer, _ := b.srv.beat(beat, 100)
	b.now += 60 * tick // the answer takes this long
	b.r.Receive(beat, answer)
	b.now += 39 * tick
	b.knows("a", 1, "a lease of 100 ms that was asked for 99 ms ago")
	b.now += tick
	b.knowsNot("a", "rule 1: a lease of 100 ms that was asked for 100 ms ago, and granted 40 ms ago, has ended")
}

func TestRule1WritersWaitLongerThanTheLease(t *testing.T) {
	for _, lease := range []time.Duration{20 * time.Millisecond, 100 * time.Millisecond, 10 * time.Second} {
		if got, least := Stretch(lease), lease+lease/100+time.Millisecond; got < least {
			t.Errorf("rule 1: a writer waits %v for leases of %v, want 1 %% more and a margin, %v at least", got, lease, least)
		}
	}
}

func TestRule2WritersCountFromTheReceipt(t *testing.T) {
	w := NewWriter("w", lease)
	b := w.Begin(Change{Epoch: "e", Seq: 1, Others: true}, false, 500*tick)
	if got, least := b.Opens(), 500*tick+int64(Stretch(lease)); got < least {
		t.Errorf("rule 2: a writer that hears of its bump at 500 ms waits until %d, want %d at least", got/tick, least/tick)
	}
}

func TestRule3NoLeaseBeforeAllIsApplied(t *testing.T) {
	b := newBench(t)
	b.serving("b")
	b.now += 200 * tick
	b.bump("a")
	b.bump("b")
	beat := b.r.Beat()
	answer, _ := b.srv.beat(beat, 1)
	if again := b.r.Receive(beat, answer); !again {
		t.Error("a replica that has not all of the log must ask again at once")
	}
	b.knowsNot("b", "rule 3: the answer held one of two invalidations, and the one that is missing may be of this key")
	b.beat()
	b.knows("b", 3, "all is applied")
}

func TestRule4LeaseIsCheckedFirst(t *testing.T) {
	for name, current := range map[string]func(b *bench) (uint64, bool){
		"one": func(b *bench) (uint64, bool) { return b.r.Current("", "a") },
		"many": func(b *bench) (uint64, bool) {
			gens := make([]uint64, 1)
			b.r.CurrentBulk([]string{"a"}, gens)
			return gens[0], gens[0] != 0
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			old := b.serving("a")
			b.now += 200 * tick // the lease has ended, and a bump that waited for it returns
			b.bump("a")
			// The look-up stands still where it reads the clock, and goes on
			// when the next lease has begun.
			b.at = func() { b.now += tick; b.beat() }
			b.now += tick
			if gen, ok := current(b); ok && gen == old {
				t.Errorf("rule 4: a look-up that began after a bump had returned %d, want a later generation or none", gen)
			}
		})
	}
}

func TestRule4ClockIsReadAtEachLookUp(t *testing.T) {
	b := newBench(t)
	b.serving("a")
	b.now += 100 * tick
	b.knowsNot("a", "rule 4: nothing has happened since the last look-up but that the lease has ended")
	gens := make([]uint64, 1)
	b.r.CurrentBulk([]string{"a"}, gens)
	if gens[0] != 0 {
		t.Errorf("rule 4: a batch after the lease has ended got %d, want 0", gens[0])
	}
}

func TestRule5LateLearning(t *testing.T) {
	b := newBench(t)
	b.serving("a")
	epoch, head, gen := b.srv.read("a")
	b.bump("a")
	b.bump("b")
	b.r.table.clear() // as by other keys, so that no entry tells
	b.beat()
	b.r.Learn(epoch, head, "a", gen)
	b.knowsNot("a", "rule 5: this generation was read before the key's last invalidation, which is applied")
	b.learn("a")
	b.knows("a", 2, "rule 5: this one was read after it")
}

func TestRule5EpochIsTheSame(t *testing.T) {
	b := newBench(t)
	b.serving("a")
	epoch, head, gen := b.srv.read("a")
	b.srv.lose(losesAll)
	b.beat()
	b.r.Learn(epoch, head, "a", gen)
	b.knowsNot("a", "rule 5: this generation was read in another epoch")
}

func TestRule6NewEpochDropsTheTable(t *testing.T) {
	b := newBench(t)
	b.serving("a")
	b.srv.lose(losesState)
	b.beat()
	b.knowsNot("a", "rule 6: the table is of another epoch")
}

func TestRule6GapDropsTheTable(t *testing.T) {
	for name, more := range map[string]func(b *bench){
		"and all of it is lost": func(b *bench) { b.srv.lose(losesLog) },
		"and its beginning is lost": func(b *bench) {
			b.srv.lose(losesLog)
			b.bump("b")
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.serving("a")
			b.bump("a")
			more(b)
			b.beat()
			b.knowsNot("a", "rule 6: an invalidation of this key was in the part of the log that is missing")
		})
	}
}

func TestRule6FloorsBecomeTheHead(t *testing.T) {
	t.Run("on a gap", func(t *testing.T) {
		b := newBench(t)
		b.serving("a")
		epoch, head, gen := b.srv.read("a")
		b.bump("a")
		b.srv.lose(losesLog)
		b.beat()
		b.r.Learn(epoch, head, "a", gen)
		b.knowsNot("a", "rule 6: this generation was read before the gap in the log")
	})
	t.Run("on a new epoch", func(t *testing.T) {
		b := newBench(t)
		b.serving("a")
		b.srv.lose(losesAll)
		b.bump("a")
		epoch, head, gen := b.srv.read("a")
		b.bump("a")
		b.beat()
		b.r.Learn(epoch, head, "a", gen)
		b.knowsNot("a", "rule 6: this generation was read before the replica joined the epoch")
	})
	t.Run("whose floors start anew", func(t *testing.T) {
		b := newBench(t)
		b.serving("a")
		b.bump("a")
		b.beat()
		b.srv.lose(losesAll)
		b.bump("a")
		b.beat()
		gen := b.learn("a")
		b.knows("a", gen, "floors of another epoch say nothing in this one")
	})
	t.Run("but own changes keep theirs", func(t *testing.T) {
		b := newBench(t)
		b.serving("a")
		b.bump("b")
		b.srv.lose(losesLog)
		beat := b.r.Beat()
		answer, _ := b.srv.beat(beat, 100)
		epoch, head, old := b.srv.read("a")
		c, e := b.srv.change("r", "a", false, false, true)
		b.r.Changed(c.Epoch, []Invalidation{e})
		b.r.Receive(beat, answer) // tells of the gap, from before the own change
		b.r.Learn(epoch, head, "a", old)
		b.knowsNot("a", "rule 6: what was read before a change of this very process must not come back")
	})
}

func TestRule7AcknowledgesWhatIsApplied(t *testing.T) {
	b := newBench(t)
	b.serving("a")
	b.bump("a")
	arrived := b.r.Beat()
	answer, _ := b.srv.beat(arrived, 100)
	// The answer is on its way while the next heartbeat goes out.
	next := b.r.Beat()
	if next.Applied != 1 {
		t.Errorf("rule 7: a heartbeat says that %d is applied, want 1: the rest has not arrived", next.Applied)
	}
	if again := b.r.Receive(arrived, answer); !again {
		t.Error("what was applied must be acknowledged at once")
	}
	if b.r.Beat().Applied != 2 {
		t.Error("rule 7: a heartbeat must say what is applied")
	}
}

func TestRule7HeartbeatsCarryTheirEpoch(t *testing.T) {
	b := newBench(t)
	if beat := b.r.Beat(); beat.Epoch != "" {
		t.Errorf("rule 7: the first heartbeat carries the epoch %q, want none", beat.Epoch)
	}
	b.beat()
	if beat := b.r.Beat(); beat.Epoch != "e1" || beat.ID != "r" {
		t.Errorf("rule 7: a heartbeat of r carries (%q, %q), want (r, e1)", beat.ID, beat.Epoch)
	}
}

func TestRule7LateAnswersLeadNowhere(t *testing.T) {
	b := newBench(t)
	b.serving("a")
	first, second := b.r.Beat(), b.r.Beat()
	beforeLoss, _ := b.srv.beat(second, 100)
	b.srv.lose(losesAll)
	afterLoss, _ := b.srv.beat(first, 100)
	b.r.Receive(first, afterLoss)
	b.now += 50 * tick
	b.r.Receive(second, beforeLoss)
	if epoch := b.r.Epoch(); epoch != "e2" {
		t.Errorf("a late answer from before a loss led the replica to the epoch %q, want e2", epoch)
	}
	b.now += 60 * tick
	third := b.r.Beat()
	b.srv.bump("a")
	now, _ := b.srv.beat(third, 100)
	b.r.Receive(third, now)
	if again := b.r.Receive(third, now); again {
		t.Error("the same answer counts once")
	}
}

func (s *server) bump(key string) { s.change("", key, false, false, true) }

func TestRule9WritersWaitInANewEpoch(t *testing.T) {
	w := NewWriter("w", lease)
	alone := Change{Epoch: "e1", Seq: 1}
	span := int64(Stretch(lease))
	first := w.Begin(alone, true, 100*tick)
	if got, want := first.Opens(), 100*tick+span; got != want {
		t.Errorf("rule 9: a bump in an epoch that was not known may return at %d, want %d", got, want)
	}
	later := w.Begin(alone, true, 150*tick)
	if got, want := later.Opens(), 100*tick+span; got != want {
		t.Errorf("rule 9: a bump in an epoch known for 50 ms may return at %d, want %d", got, want)
	}
	settled := w.Begin(alone, true, 400*tick)
	if got, want := settled.Opens(), 400*tick; got > want {
		t.Errorf("a bump in an epoch known for long, of a lone process, may return at %d, want %d", got, want)
	}
	w.Saw("e2", 450*tick)
	again := w.Begin(Change{Epoch: "e2", Seq: 1}, true, 460*tick)
	if got, want := again.Opens(), 450*tick+span; got != want {
		t.Errorf("rule 9: a bump in an epoch known for 10 ms may return at %d, want %d", got, want)
	}
}

func TestRule10SilenceLastsAFullLease(t *testing.T) {
	w := NewWriter("w", lease)
	span := int64(Stretch(lease))
	view := func(number uint64) View {
		return View{Epoch: "e", Head: 1, Members: []Member{{ID: "r", Number: number}, {ID: "w", Number: 1}}}
	}
	for _, step := range []struct {
		number uint64
		at     Instant
		silent int
	}{
		{1, 1000 * tick, 0},
		{1, 1000*tick + span - 1, 0},
		{2, 1000*tick + span, 0}, // heard of again
		{2, 1000*tick + 2*span - 1, 0},
		{2, 1000*tick + 2*span, 1},
	} {
		if got := w.Silent(view(step.number), step.at); len(got) != step.silent {
			t.Errorf("rule 10: at %d ms, heartbeat %d: %d members are silent, want %d", step.at/tick, step.number, len(got), step.silent)
		}
	}
	w.Silent(View{Epoch: "e"}, 2000*tick)
	if got := w.Silent(view(2), 3000*tick); len(got) != 0 {
		t.Errorf("rule 10: a member that was gone and came back is silent at once")
	}
}

func TestRule10RemovalComparesTheHeartbeat(t *testing.T) {
	b := newBench(t)
	b.beat()
	silent := b.srv.members[0]
	b.beat()
	b.srv.remove(silent)
	if len(b.srv.members) != 1 {
		t.Error("rule 10: a member was removed that has sent a heartbeat since")
	}
}

func TestRule10StopIsFinal(t *testing.T) {
	b := newBench(t)
	b.serving("a")
	late := b.r.Beat()
	answer, _ := b.srv.beat(late, 100)
	b.r.Stop()
	b.knowsNot("a", "rule 10: a replica that leaves has stopped")
	b.r.Receive(late, answer)
	b.learn("a")
	b.knowsNot("a", "rule 10: a late answer revives nothing")
}

func TestRule12HeldKeysAreNotInTheTable(t *testing.T) {
	b := newBench(t)
	b.serving("a")
	epoch, head, gen := b.srv.read("a")
	b.srv.change("", "a", true, false, true)
	b.beat()
	b.knowsNot("a", "rule 12: the key is held")
	b.r.Learn(epoch, head, "a", gen)
	b.knowsNot("a", "rule 12: what was read before the hold proves nothing")
	b.learn("a")
	b.knowsNot("a", "rule 12: a read of a held key teaches nothing")
	b.bump("a")
	b.beat()
	b.learn("a")
	b.knowsNot("a", "rule 12: a bump of a held key leaves it held")
	_, released := b.srv.change("", "a", false, true, true)
	b.beat()
	b.learn("a")
	b.knows("a", released.Gen, "the hold was released")
}

func TestRule12ReadOfAHeldKeyTakesItOut(t *testing.T) {
	b := newBench(t)
	b.serving("a")
	b.srv.lose(losesLog)
	b.srv.gens[0] = 0 // evicted, say
	b.learn("a")
	b.knowsNot("a", "the server has none any more")
}

func TestBarrierWaitsForEveryMember(t *testing.T) {
	w := NewWriter("w", lease)
	w.Saw("e", 0)
	const now = 1000 * tick
	view := func(epoch string, head, one, other uint64) View {
		return View{Epoch: epoch, Head: head, Members: []Member{{ID: "o", Applied: other}, {ID: "r", Applied: one}, {ID: "w"}}}
	}
	for name, c := range map[string]struct {
		view View
		open bool
	}{
		"all have applied it":            {view("e", 7, 7, 8), true},
		"one has not":                    {view("e", 7, 6, 7), false},
		"the view is of another epoch":   {view("e2", 7, 7, 7), false},
		"the view is from before it":     {View{Epoch: "e", Head: 6}, false},
		"nobody is a member any more":    {View{Epoch: "e", Head: 7}, true},
		"one has joined and not applied": {view("e", 9, 9, 0), false},
	} {
		b := w.Begin(Change{Epoch: "e", Seq: 7, Others: true, Self: true}, true, now)
		b.Observe(c.view)
		if open := b.Opens() <= now; open != c.open {
			t.Errorf("%s: the barrier of change 7 is open: %v, want %v", name, open, c.open)
		}
	}
	b := w.Begin(Change{Epoch: "e", Seq: 7, Self: true}, false, now)
	if b.Opens() <= now {
		t.Error("a change that the own replica does not reflect must wait for it")
	}
	b.Observe(view("e", 7, 7, 7))
	if b.Opens() <= now {
		t.Error("a change that the own replica does not reflect must wait until it has acknowledged")
	}
	if b.Observe(View{Epoch: "e", Head: 7, Members: []Member{{ID: "w", Applied: 7}}}); b.Opens() > now {
		t.Error("the own replica has acknowledged")
	}
}

func TestOwnChangesAreServedAtOnce(t *testing.T) {
	b := newBench(t)
	b.serving("a")
	c, e := b.srv.change("r", "a", false, false, true)
	if !b.r.Changed(c.Epoch, []Invalidation{e}) {
		t.Fatal("a change in the replica's epoch is reflected")
	}
	b.knows("a", e.Gen, "a process sees its own bump at once")
	b.beat()
	b.knows("a", e.Gen, "and when the log brings it")

	b.srv.lose(losesAll)
	c, e = b.srv.change("r", "a", false, false, true)
	if b.r.Changed(c.Epoch, []Invalidation{e}) {
		t.Error("a change in an epoch that the replica has not entered is not reflected: it may enter it by an answer from before")
	}
}

func TestGenerationsDoNotGoBack(t *testing.T) {
	b := newBench(t)
	b.serving("a")
	epoch, head, old := b.srv.read("a")
	b.bump("a")
	late := b.r.Beat()
	answer, _ := b.srv.beat(late, 100)
	b.bump("a")
	gen := b.learn("a") // ahead of what is applied
	b.r.Receive(late, answer)
	b.knows("a", gen, "an older invalidation from the log leaves what was read after it")
	b.r.Learn(epoch, head, "a", old)
	b.knows("a", gen, "an older read leaves it too")

	b.beat()
	epoch, head, old = b.srv.read("a")
	b.bump("a")
	gen = b.learn("a")
	b.r.Learn(epoch, head, "a", old)
	b.knows("a", gen, "also one that no invalidation which is applied refuses")
}
