// Command simulation runs the protocol of leased generations in virtual time,
// with up to a thousand replicas and a server that does one thing at a time,
// and prints how long invalidations take and how busy the server is. What
// replicas and writers do is package protocol; the server, the network and the
// times are made up here.
//
//	go run ./genstore-lease/internal/simulation
package main

import (
	"container/heap"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"

	"github.com/unkn0wn-root/cascache/genstore-lease/internal/protocol"
)

// What things cost. The server's times are for whole commands, with what it
// does for their connections.
const (
	lease     = 100 * time.Millisecond
	heartbeat = 20 * time.Millisecond
	pace      = 2 * time.Millisecond // of two hurried heartbeats

	network = 200 * time.Microsecond // one way, on average

	beatCost    = 40 * time.Microsecond
	changeCost  = 70 * time.Microsecond
	publishCost = 3 * time.Microsecond  // for each subscriber
	memberCost  = 300 * time.Nanosecond // for each member in a view
	relayCost   = 30 * time.Microsecond // of the head of a group, for each of it
	processing  = 50 * time.Microsecond // of a replica, for each answer
)

// A plan is one run.
type plan struct {
	replicas int
	perSec   float64 // invalidations
	groups   bool    // acknowledgements go to the heads of groups, which alone ask the server
}

// An event happens at a time.
type event struct {
	at    time.Duration
	order int
	do    func()
}

type agenda []event

func (a agenda) Len() int      { return len(a) }
func (a agenda) Swap(i, j int) { a[i], a[j] = a[j], a[i] }
func (a *agenda) Push(x any)   { *a = append(*a, x.(event)) }
func (a *agenda) Pop() any {
	last := len(*a) - 1
	e := (*a)[last]
	*a = (*a)[:last]
	return e
}
func (a agenda) Less(i, j int) bool {
	return a[i].at < a[j].at || a[i].at == a[j].at && a[i].order < a[j].order
}

// A world is the server, its members, and what is going to happen.
type world struct {
	plan   plan
	random *rand.Rand
	now    time.Duration
	agenda agenda
	events int

	free    time.Duration // the server is busy until then
	busy    time.Duration // in all
	beats   int
	head    uint64
	log     []protocol.Invalidation
	members []protocol.Member
	nodes   []*node

	took []time.Duration
}

// A node is a process that asks the server: a replica, or the head of a group
// of them.
type node struct {
	w        *world
	id       int
	r        *protocol.Replica
	writer   *protocol.Writer
	under    bool          // a heartbeat is
	hurry    bool          // another one should follow
	last     time.Duration // heartbeat
	before   time.Duration // and the one before it
	size     int           // of its group, itself included
	waiting  []*waiting
	timerSet int
}

type waiting struct {
	barrier protocol.Barrier
	began   time.Duration
	done    bool
}

func (w *world) after(d time.Duration, do func()) {
	w.events++
	heap.Push(&w.agenda, event{w.now + d, w.events, do})
}

// trip returns how long a message takes.
func (w *world) trip() time.Duration {
	return network/2 + time.Duration(w.random.Int64N(int64(network)))
}

// serve has the server do something that costs time when a message reaches it,
// and the answer come back.
func (w *world) serve(cost time.Duration, do func(), answer func()) {
	w.after(w.trip(), func() {
		w.free = max(w.free, w.now) + cost
		w.busy += cost
		w.after(w.free-w.now, func() {
			do()
			w.after(w.trip(), answer)
		})
	})
}

func (n *node) beatAt(at time.Duration) {
	n.timerSet++
	set := n.timerSet
	n.w.after(max(0, at-n.w.now), func() {
		if set == n.timerSet && !n.under {
			n.beat()
		}
	})
}

func (n *node) plan() {
	if n.under {
		return
	}
	if n.hurry {
		n.beatAt(n.before + pace)
	} else {
		n.beatAt(n.last + heartbeat)
	}
}

func (n *node) beat() {
	w := n.w
	n.under, n.hurry = true, false
	n.before, n.last = n.last, w.now
	watch := slices.ContainsFunc(n.waiting, func(x *waiting) bool { return !x.barrier.Acknowledged() })
	b := n.r.Beat()
	w.beats++
	cost := beatCost
	if watch {
		cost += time.Duration(len(w.members)) * memberCost
	}
	var a protocol.Answer
	var v protocol.View
	w.serve(cost, func() {
		m := &w.members[n.id]
		m.Number = b.Number
		if b.Epoch == "e" {
			m.Applied = max(m.Applied, b.Applied)
			a.Log = slices.Clone(w.log[min(b.Applied, w.head):])
		}
		a.Epoch, a.Head = "e", w.head
		if watch {
			v = protocol.View{Epoch: "e", Head: w.head, Members: slices.Clone(w.members)}
		}
	}, func() {
		// The head of a group passes on what is new before it acknowledges it.
		relay := processing
		if n.size > 1 && len(a.Log) > 0 {
			relay += time.Duration(n.size)*relayCost + w.trip() + w.trip()
		}
		w.after(relay, func() {
			n.under = false
			if n.r.Receive(b, a) {
				n.hurry = true
			}
			for _, x := range n.waiting {
				if watch {
					x.barrier.Observe(v)
				}
				if !x.barrier.Acknowledged() {
					n.hurry = true
				}
			}
			n.settle()
			n.plan()
		})
	})
}

// settle ends what has waited long enough.
func (n *node) settle() {
	n.waiting = slices.DeleteFunc(n.waiting, func(x *waiting) bool {
		if !x.done && x.barrier.Opens() <= int64(n.w.now) {
			x.done = true
			n.w.took = append(n.w.took, n.w.now-x.began)
		}
		return x.done
	})
}

func (n *node) wake() {
	n.hurry = true
	n.plan()
}

// invalidate bumps a key.
func (n *node) invalidate() {
	w := n.w
	began := w.now
	var c protocol.Change
	var e protocol.Invalidation
	w.serve(changeCost+time.Duration(len(w.members))*publishCost, func() {
		w.head++
		e = protocol.Invalidation{Seq: w.head, Key: strconv.Itoa(int(w.head % 8)), Gen: w.head}
		w.log = append(w.log, e)
		c = protocol.Change{Epoch: "e", Seq: w.head, Others: len(w.members) > 1, Self: true}
		for _, m := range w.nodes {
			w.after(w.trip(), m.wake)
		}
	}, func() {
		reflected := n.r.Changed("e", []protocol.Invalidation{e})
		x := &waiting{barrier: n.writer.Begin(c, reflected, int64(w.now)), began: began}
		n.waiting = append(n.waiting, x)
		w.after(time.Duration(max(0, x.barrier.Opens()-int64(w.now))), n.settle)
		n.wake()
	})
}

// run simulates for a time, after as much to warm up.
func run(p plan, length time.Duration) (took []time.Duration, busy float64, beats float64) {
	w := &world{plan: p, random: rand.New(rand.NewPCG(1, 2)), now: time.Hour}
	n := p.replicas
	if p.groups {
		n = int(math.Ceil(math.Sqrt(float64(p.replicas))))
	}
	for i := range n {
		id := strconv.Itoa(i)
		m := &node{w: w, id: i, size: 1, last: w.now, before: w.now}
		if p.groups {
			m.size = (p.replicas + n - 1) / n
		}
		m.r = protocol.NewReplica(id, lease, 8, func() protocol.Instant { return int64(w.now) })
		m.writer = protocol.NewWriter(id, lease)
		m.writer.Saw("e", 0)
		w.members = append(w.members, protocol.Member{ID: id})
		w.nodes = append(w.nodes, m)
		m.beatAt(w.now + time.Duration(w.random.Int64N(int64(heartbeat))))
	}
	start := w.now + length
	end := start + length
	var next func()
	next = func() {
		w.nodes[w.random.IntN(n)].invalidate()
		w.after(time.Duration(w.random.ExpFloat64()/p.perSec*float64(time.Second)), next)
	}
	w.after(100*time.Millisecond, next)
	warm := false
	for len(w.agenda) > 0 {
		e := heap.Pop(&w.agenda).(event)
		if e.at > end {
			break
		}
		if !warm && e.at >= start {
			warm, w.busy, w.beats, w.took = true, 0, 0, nil
		}
		w.now = e.at
		e.do()
	}
	slices.Sort(w.took)
	seconds := length.Seconds()
	return w.took, w.busy.Seconds() / seconds, float64(w.beats) / seconds
}

func main() {
	length := flag.Duration("for", 5*time.Second, "how long each run goes on, in virtual time")
	flag.Parse()
	fmt.Println("replicas  invalidations/s  form           p50       p99       server busy  heartbeats/s")
	for _, perSec := range []float64{10, 100, 1000} {
		for _, replicas := range []int{3, 8, 30, 100, 300, 1000} {
			forms := []struct {
				name string
				plan plan
			}{{"plain", plan{replicas, perSec, false}}}
			if replicas >= 100 {
				forms = append(forms, struct {
					name string
					plan plan
				}{"8 shards", plan{replicas, perSec / 8, false}}, struct {
					name string
					plan plan
				}{"groups", plan{replicas, perSec, true}})
			}
			for _, f := range forms {
				took, busy, beats := run(f.plan, *length)
				if len(took) == 0 {
					continue
				}
				at := func(p float64) time.Duration {
					return took[min(len(took)-1, int(p*float64(len(took))))].Round(100 * time.Microsecond)
				}
				fmt.Printf("%8d  %15.0f  %-10s %9v %9v  %10.0f %%  %12.0f\n", replicas, perSec, f.name, at(0.5), at(0.99), 100*min(1, busy), beats)
			}
		}
	}
}
