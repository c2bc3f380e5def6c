package protocol

import (
	"encoding/binary"
	"flag"
	"fmt"
	"hash/maphash"
	"maps"
	"slices"
	"sort"
	"strings"
)

// The explorer tries every order of the steps that two replicas, their writers
// and the server can take: every heartbeat, read and change is a request that
// is executed later, if ever, and an answer that is delivered later, if ever.
// Between any two steps time may pass, a process may stand still, the server
// lose what it has, and a replica crash and come back. A look-up is two steps.
// Found in any order is a look-up that answers a generation older than the last
// change that had returned when it began.

// exploreLease is how long leases last in the explorer, whose clock ticks by
// one. Writers wait that long and not longer, so that nothing hides in a margin.
const exploreLease = 2

// A scenario says what there is to explore, and how much of it.
type scenario struct {
	name    string
	keys    int
	beats   [2]int // heartbeats of each replica, over all its lives
	reads   [2]int // reads of the server that teach each replica
	changes [2]int // bumps by each process
	holds   [2]int // holds by each process, each of which it may release
	losses  []loss
	crashes [2]int // after each it joins again, as another member
	leaves  [2]int
	ends    [2]int // contexts that end while a change waits
	repeats int    // heartbeats that are executed twice
	ticks   int
	limit   int // entries of the log in an answer; 0 means all

	// joined tells which replicas have joined when it begins: they have
	// learned of key "a", and their leases have just begun.
	joined [2]bool

	prologue func(w *world) // what has happened then, beside that; nil for nothing

	large bool // only with -explore.large
}

type messageKind byte

const (
	beatMessage messageKind = iota
	readMessage
	changeMessage
	removeMessage
	leaveMessage
)

// A message is on its way: a request, and once executed its answer.
type message struct {
	kind     messageKind
	node     int
	life     int
	executed bool

	beat   Beat
	answer Answer
	view   View

	key   string
	epoch string
	head  uint64
	gen   uint64

	hold, release bool
	sent          Instant
	change        Change
	entry         Invalidation
	version       uint64

	member Member
}

// A node is a process with its replica.
type node struct {
	r    *Replica
	w    *Writer
	life int

	// A look-up under way: it began when min was the oldest generation that
	// may be answered.
	looking bool
	min     uint64
	found   uint64 // of the twin that looks first

	// A change under way.
	changing bool
	waiting  bool
	barrier  Barrier
	key      string
	version  uint64
	holding  bool // it is a hold
	holds    bool // a hold has returned, to be released
}

type world struct {
	left     scenario // what may still happen
	now      Instant
	srv      server
	nodes    [2]node
	messages []message
	returned [modelKeys]uint64
}

// A move is one step. The server has no node.
type move struct {
	node, life int
	what       string
}

const theServer = -1

func (m move) String() string {
	if m.node == theServer {
		return m.what
	}
	return fmt.Sprintf("n%d.%d %s", m.node, m.life, m.what)
}

// step is a move that was taken, and those before it.
type step struct {
	move
	prev *step
}

func (s *step) String() string {
	var names []string
	for ; s != nil; s = s.prev {
		names = append(names, s.move.String())
	}
	slices.Reverse(names)
	return strings.Join(names, "\n  ")
}

func newWorld(s scenario, twin *spoilt) *world {
	w := &world{left: s, srv: server{spoilt: twin}}
	w.left.losses = slices.Clone(s.losses)
	w.now = 10
	for i := range w.nodes {
		w.start(i)
	}
	for i := range w.nodes {
		if s.joined[i] {
			w.exchange(i)
			w.exchange(i)
		}
	}
	if s.joined[0] || s.joined[1] {
		for i := range w.nodes {
			w.nodes[i].w.since = 0 // the epoch is old
		}
		c, _ := w.srv.change("", "a", false, false, true)
		w.returned[0] = w.srv.drawn
		for i := range w.nodes {
			if s.joined[i] {
				w.exchange(i)
				w.exchange(i)
				w.nodes[i].r.Learn(c.Epoch, c.Seq, "a", w.srv.gens[0])
			}
		}
	}
	if s.prologue != nil {
		s.prologue(w)
	}
	return w
}

func (w *world) exchange(i int) {
	n := &w.nodes[i]
	b := n.r.Beat()
	a, v := w.srv.beat(b, 100)
	n.r.Receive(b, a)
	n.w.Saw(v.Epoch, w.now)
	n.w.Silent(v, w.now)
}

func (w *world) start(i int) {
	n := &w.nodes[i]
	id := fmt.Sprintf("n%d.%d", i, n.life)
	*n = node{life: n.life, r: NewReplica(id, exploreLease, 1, func() Instant { return w.now }), w: NewWriter(id, exploreLease)}
	n.w.span = exploreLease
	n.r.table.seed = exploreSeed
}

var exploreSeed = maphash.MakeSeed()

func (w *world) clone() *world {
	c := *w
	c.left.losses = slices.Clone(w.left.losses)
	c.messages = slices.Clone(w.messages)
	for i := range w.nodes {
		c.nodes[i].r = w.nodes[i].r.clone(func() Instant { return c.now })
		writer := *w.nodes[i].w
		writer.seen = maps.Clone(writer.seen)
		c.nodes[i].w = &writer
	}
	return &c
}

func (r *Replica) clone(clock func() Instant) *Replica {
	c := &Replica{
		id: r.id, lease: r.lease, clock: clock,
		epoch: r.epoch, applied: r.applied, floors: slices.Clone(r.floors),
		beats: r.beats, answered: r.answered, stopped: r.stopped,
	}
	c.until.Store(r.until.Load())
	c.table = table{seed: r.table.seed, mask: r.table.mask, next: r.table.next, buckets: make([]bucket, len(r.table.buckets))}
	for i := range r.table.buckets {
		c.table.buckets[i].tags.Store(r.table.buckets[i].tags.Load())
		for way := range ways {
			c.table.buckets[i].ways[way].Store(r.table.buckets[i].ways[way].Load())
		}
	}
	return c
}

// A successor is a world that one step leads to.
type successor struct {
	world *world
	move  move
	stale string // what is wrong with it
}

// successors returns all that can happen next.
func (w *world) successors() []successor {
	var all []successor
	add := func(m move, take func(c *world) string) {
		c := w.clone()
		stale := take(c)
		all = append(all, successor{c, m, stale})
	}
	if w.left.ticks > 0 {
		add(move{theServer, 0, "time passes"}, func(c *world) string { c.left.ticks--; c.now++; return "" })
	}
	for _, l := range w.left.losses {
		add(move{theServer, 0, lossNames[l]}, func(c *world) string {
			at := slices.Index(c.left.losses, l)
			c.left.losses = slices.Delete(c.left.losses, at, at+1)
			c.srv.lose(l)
			return ""
		})
	}
	for i := range w.nodes {
		w.nodeSteps(i, add)
	}
	for m := range w.messages {
		w.messageSteps(m, add)
	}
	return all
}

func (w *world) nodeSteps(i int, add func(move, func(*world) string)) {
	n := &w.nodes[i]
	twin := w.srv.spoilt
	stopped := n.r.stopped
	if w.left.beats[i] > 0 && !stopped {
		add(move{i, n.life, "sends a heartbeat"}, func(c *world) string {
			c.left.beats[i]--
			c.send(message{kind: beatMessage, node: i, beat: c.nodes[i].r.Beat()})
			return ""
		})
	}
	for k := range w.left.keys {
		key := string(rune('a' + k))
		if w.left.reads[i] > 0 && !stopped {
			add(move{i, n.life, "asks for " + key}, func(c *world) string {
				c.left.reads[i]--
				c.send(message{kind: readMessage, node: i, key: key})
				return ""
			})
		}
		if w.left.changes[i] > 0 && !n.changing && !stopped {
			add(move{i, n.life, "bumps " + key}, func(c *world) string {
				c.left.changes[i]--
				c.begin(i, message{key: key})
				return ""
			})
		}
	}
	if w.left.holds[i] > 0 && !n.changing && !n.holds && !stopped {
		add(move{i, n.life, "holds a"}, func(c *world) string {
			c.left.holds[i]--
			c.begin(i, message{key: "a", hold: true})
			return ""
		})
	}
	if n.holds && !n.changing {
		add(move{i, n.life, "releases a"}, func(c *world) string {
			c.nodes[i].holds = false
			c.begin(i, message{key: "a", release: true})
			return ""
		})
	}
	if n.waiting && (w.now >= n.barrier.Opens() || twin.noBarrier || twin.holdReturns && n.holding) {
		add(move{i, n.life, "sees that its change returns"}, func(c *world) string { c.done(i); return "" })
	} else if n.waiting && w.left.ends[i] > 0 {
		add(move{i, n.life, "sees that its context ends"}, func(c *world) string {
			c.left.ends[i]--
			if twin.endedIsDone {
				c.done(i)
			} else {
				c.nodes[i].changing, c.nodes[i].waiting = false, false
			}
			return ""
		})
	}
	if !n.looking {
		began := n.r.serves()
		found, known := n.r.look("", "a")
		if twin.looksFirst {
			began = known
		}
		if began {
			add(move{i, n.life, "begins to look a up"}, func(c *world) string {
				c.nodes[i].looking, c.nodes[i].min, c.nodes[i].found = true, c.returned[0], 0
				if twin.looksFirst {
					c.nodes[i].found = found
				}
				return ""
			})
		}
	} else {
		add(move{i, n.life, "ends its look-up"}, func(c *world) string {
			n := &c.nodes[i]
			n.looking = false
			gen, ok := n.r.look("", "a")
			if twin.looksFirst {
				gen, ok = n.found, n.r.serves()
			}
			if ok && gen < n.min {
				return fmt.Sprintf("%s answered %d, and %d had returned when the look-up began", n.r.id, gen, n.min)
			}
			n.min, n.found = 0, 0
			return ""
		})
	}
	if w.left.crashes[i] > 0 {
		add(move{i, n.life, "crashes and starts again"}, func(c *world) string {
			c.left.crashes[i]--
			c.nodes[i].life++
			c.start(i)
			return ""
		})
	}
	if w.left.leaves[i] > 0 && !stopped {
		add(move{i, n.life, "leaves"}, func(c *world) string {
			c.left.leaves[i]--
			if !twin.leavesServing {
				c.nodes[i].r.Stop()
			}
			c.send(message{kind: leaveMessage, node: i, member: Member{ID: c.nodes[i].r.id}})
			return ""
		})
	}
}

func (w *world) send(m message) {
	m.life = w.nodes[m.node].life
	m.sent = w.now
	w.messages = append(w.messages, m)
}

func (w *world) begin(i int, m message) {
	n := &w.nodes[i]
	n.changing, n.key, n.holding = true, m.key, m.hold
	m.kind, m.node = changeMessage, i
	w.send(m)
}

func (w *world) done(i int) {
	n := &w.nodes[i]
	k := modelIndex(n.key)
	w.returned[k] = max(w.returned[k], n.version)
	n.changing, n.waiting = false, false
	n.holds = n.holds || n.holding
	n.holding, n.barrier, n.version = false, Barrier{}, 0
}

func (w *world) messageSteps(at int, add func(move, func(*world) string)) {
	m := &w.messages[at]
	if !m.executed {
		add(move{m.node, m.life, gets[m.kind]}, func(c *world) string { c.execute(at); return "" })
		return
	}
	if m.kind == beatMessage && w.left.repeats > 0 {
		add(move{m.node, m.life, "has its heartbeat repeated at the server"}, func(c *world) string {
			c.left.repeats--
			c.execute(at)
			return ""
		})
	}
	if m.life == w.nodes[m.node].life {
		add(move{m.node, m.life, answered[m.kind]}, func(c *world) string { c.deliver(at); return "" })
	}
}

var (
	gets = [...]string{
		"has its heartbeat executed", "has its question executed", "has its change executed",
		"has its removal executed", "has its leaving executed",
	}
	answered  = [...]string{"gets the answer to its heartbeat", "gets the answer to its question", "gets the answer to its change"}
	lossNames = map[loss]string{
		losesAll: "the server loses everything", losesState: "the server loses the hash", losesLog: "the server loses the log",
		losesMembers: "the server loses the members", goesBack: "the server goes back to an older copy",
	}
)

func (m *message) name() string { return fmt.Sprintf("n%d.%d", m.node, m.life) }

func (w *world) execute(at int) {
	m := &w.messages[at]
	m.executed = true
	s := &w.srv
	switch m.kind {
	case beatMessage:
		limit := w.left.limit
		if limit == 0 {
			limit = 100
		}
		m.answer, m.view = s.beat(m.beat, limit)
	case readMessage:
		m.epoch, m.head, m.gen = s.read(m.key)
	case changeMessage:
		m.change, m.entry = s.change(m.name(), m.key, m.hold, m.release, !m.hold || !s.spoilt.unloggedHold)
		m.version = s.drawn
	case removeMessage, leaveMessage:
		if m.kind == leaveMessage {
			if i := s.member(m.member.ID); i >= 0 {
				m.member = s.members[i]
			}
		}
		s.remove(m.member)
		w.drop(at)
		return
	}
	if m.life != w.nodes[m.node].life && m.kind != beatMessage {
		w.drop(at) // nobody waits for the answer
	}
}

func (w *world) drop(at int) {
	w.messages = slices.Delete(slices.Clone(w.messages), at, at+1)
}

func (w *world) deliver(at int) {
	m := w.messages[at]
	w.drop(at)
	n := &w.nodes[m.node]
	twin := w.srv.spoilt
	switch m.kind {
	case beatMessage:
		n.r.Receive(m.beat, m.answer)
		silent := n.w.Silent(m.view, w.now)
		if twin.removesEarly {
			silent = slices.DeleteFunc(slices.Clone(m.view.Members), func(o Member) bool { return o.ID == n.r.id })
		}
		if n.waiting {
			n.barrier.Observe(m.view)
			for _, o := range silent {
				w.send(message{kind: removeMessage, node: m.node, member: o})
			}
		}
	case readMessage:
		n.w.Saw(m.epoch, w.now)
		n.r.Learn(m.epoch, m.head, m.key, m.gen)
	case changeMessage:
		received := w.now
		if twin.writerFromSend {
			received = m.sent
		}
		reflected := n.r.Changed(m.change.Epoch, []Invalidation{m.entry}) || twin.selfUnreflected
		n.waiting, n.version = true, m.version
		n.barrier = n.w.Begin(m.change, reflected, received)
		if twin.unsettled {
			n.barrier.settled = 0
		}
	}
}

// encode writes all that the future depends on.
func (w *world) encode(b []byte) []byte {
	num := func(ns ...uint64) {
		for _, n := range ns {
			b = binary.AppendUvarint(b, n)
		}
	}
	str := func(s string) { num(uint64(len(s))); b = append(b, s...) }
	flags := func(fs ...bool) {
		for _, f := range fs {
			if f {
				num(1)
			} else {
				num(0)
			}
		}
	}
	ahead := func(t Instant) { num(uint64(max(0, t-w.now))) }
	view := func(v View) {
		str(v.Epoch)
		num(v.Head, uint64(len(v.Members)))
		for _, m := range v.Members {
			str(m.ID)
			num(m.Applied, m.Number)
		}
	}
	entries := func(log []Invalidation) {
		num(uint64(len(log)))
		for _, e := range log {
			num(e.Seq, e.Gen)
			str(e.Key)
		}
	}
	l := &w.left
	num(uint64(l.ticks), uint64(l.repeats), uint64(len(l.losses)))
	for _, c := range l.losses {
		num(uint64(c))
	}
	for i := range w.nodes {
		num(uint64(l.beats[i]), uint64(l.reads[i]), uint64(l.changes[i]), uint64(l.holds[i]), uint64(l.crashes[i]), uint64(l.leaves[i]), uint64(l.ends[i]))
	}
	s := &w.srv
	view(s.view())
	entries(s.log)
	num(s.gens[:]...)
	flags(s.held[:]...)
	num(s.epochs, s.drawn)
	num(w.returned[:]...)
	for i := range w.nodes {
		n := &w.nodes[i]
		num(uint64(n.life))
		ahead(n.r.until.Load())
		str(n.r.epoch)
		num(n.r.applied, n.r.beats, n.r.answered)
		num(n.r.floors...)
		for k := range l.keys {
			key := string(rune('a' + k))
			if e := n.r.table.find(n.r.table.hash("", key), "", key); e != nil {
				num(e.gen+1, e.at)
			} else {
				num(0)
			}
		}
		flags(n.r.stopped, n.looking, n.changing, n.waiting, n.holding, n.holds)
		num(n.min, n.found, n.version)
		str(n.key)
		str(n.w.epoch)
		ahead(n.w.since + n.w.span)
		for _, id := range slices.Sorted(maps.Keys(n.w.seen)) {
			str(id)
			num(n.w.seen[id].number)
			ahead(n.w.seen[id].since + n.w.span)
		}
		if n.waiting {
			str(n.barrier.self)
			str(n.barrier.epoch)
			num(n.barrier.seq)
			ahead(n.barrier.passed)
			ahead(n.barrier.settled)
			flags(n.barrier.acked)
		}
	}
	// Messages are a set: which was sent first does not matter.
	parts := make([]string, len(w.messages))
	whole := b
	for i := range w.messages {
		m := &w.messages[i]
		b = nil
		num(uint64(m.kind), uint64(m.node), uint64(m.life))
		flags(m.executed)
		switch m.kind {
		case beatMessage:
			num(m.beat.Number, m.beat.Applied)
			str(m.beat.Epoch)
			ahead(m.beat.sent + exploreLease)
			if m.executed {
				str(m.answer.Epoch)
				num(m.answer.Head)
				entries(m.answer.Log)
				view(m.view)
			}
		case readMessage:
			str(m.key)
			str(m.epoch)
			num(m.head, m.gen)
		case changeMessage:
			str(m.key)
			flags(m.hold, m.release)
			if w.srv.spoilt.writerFromSend {
				ahead(m.sent + exploreLease)
			}
			if m.executed {
				str(m.change.Epoch)
				num(m.change.Seq, m.version, m.entry.Gen)
				flags(m.change.Others, m.change.Self)
			}
		default:
			str(m.member.ID)
			num(m.member.Number)
		}
		parts[i] = string(b)
	}
	sort.Strings(parts)
	b = whole
	for _, p := range parts {
		str(p)
	}
	return b
}

// An outcome is what an exploration found.
type outcome struct {
	states int
	stale  string // "" for none
	trace  *step
}

var stateSeed = maphash.MakeSeed()

// explore takes every order of steps, until a stale look-up.
func explore(s scenario, twin *spoilt) outcome {
	type pending struct {
		w *world
		s *step
	}
	seen := make(map[uint64]struct{})
	var buf []byte
	first := newWorld(s, twin)
	stack := []pending{{first, nil}}
	for len(stack) > 0 {
		p := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		for _, next := range p.w.successors() {
			took := &step{next.move, p.s}
			if next.stale != "" {
				return outcome{states: len(seen), stale: next.stale, trace: took}
			}
			buf = next.world.encode(buf[:0])
			state := maphash.Bytes(stateSeed, buf)
			if _, known := seen[state]; known {
				continue
			}
			seen[state] = struct{}{}
			stack = append(stack, pending{next.world, took})
		}
	}
	return outcome{states: len(seen)}
}

var large = flag.Bool("explore.large", false, "explore the large scenarios too, for as long as it takes")
