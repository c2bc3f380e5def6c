package leasegenstore

import (
	"context"
	"time"

	"github.com/unkn0wn-root/cascache/genstore-lease/internal/protocol"
)

const (
	// maxTail is how many entries of the log a heartbeat asks for.
	maxTail = 1000

	// maxBeats is how many heartbeats may be unanswered.
	maxBeats = 3

	// pace is the least time in which two heartbeats follow upon each other
	// in a hurry, for Redis' sake.
	pace = 2 * time.Millisecond

	// beatTimeout bounds a heartbeat, where the client heeds contexts.
	beatTimeout = 2 * time.Second
)

// join makes this process a replica, once. It answers from memory as soon as
// its first heartbeats were answered.
func (s *engine) join() {
	if s.joined.Load() {
		return
	}
	if !s.joined.Swap(true) {
		s.start()
		s.wake()
	}
}

// start begins the heartbeats, once.
func (s *engine) start() {
	s.starting.Do(func() {
		s.ending.Lock() // so that nothing starts while Close waits
		defer s.ending.Unlock()
		if s.life.Err() != nil {
			return
		}
		s.running.Go(s.beatOn)
		go s.listen()
	})
}

// wake makes the next heartbeat go out soon.
func (s *engine) wake() {
	select {
	case s.woken <- struct{}{}:
	default:
	}
}

// listen wakes the heartbeats when the log has grown. Nothing rests on it but
// the time that others wait.
func (s *engine) listen() {
	sub := s.client.SSubscribe(s.life, s.names.state)
	defer sub.Close()
	messages := sub.Channel()
	for {
		select {
		case _, open := <-messages:
			if !open {
				return
			}
			s.wake()
		case <-s.life.Done():
			return
		}
	}
}

// beatOn sends heartbeats until the store is closed.
func (s *engine) beatOn() {
	timer := time.NewTimer(0)
	defer timer.Stop()
	answered := make(chan bool, maxBeats) // whether to go on at once
	under := 0                            // heartbeats that are not answered
	var last, before time.Time            // of the last one, and the one before it
	hurry := true
	for {
		now := time.Now()
		due := last.Add(s.heartbeat)
		if under > 0 {
			due = last.Add(s.lease / 2) // it may be lost, and a lease is at stake
		} else if hurry {
			due = before.Add(pace)
		}
		watch, _ := s.watching()
		idle := !watch && !s.joined.Load()
		if !idle && under < maxBeats && !now.Before(due) {
			before, last = last, now
			hurry = false
			under++
			s.running.Go(func() { answered <- s.beat(watch) })
			continue
		}
		var tick <-chan time.Time
		if !idle && under < maxBeats {
			timer.Reset(due.Sub(now))
			tick = timer.C
		}
		select {
		case <-tick:
		case <-s.woken:
			hurry = true
		case again := <-answered:
			under--
			_, soon := s.watching()
			hurry = hurry || again || soon
		case <-s.life.Done():
			return
		}
	}
}

// beat sends one heartbeat and takes its answer. It reports whether the next
// one should follow at once.
func (s *engine) beat(watch bool) (again bool) {
	ctx, cancel := context.WithTimeout(s.life, beatTimeout)
	defer cancel()
	// Who has not joined looks at the members and is none.
	joined := s.joined.Load()
	var b protocol.Beat
	if joined {
		b = s.replica.Beat() // rule 1: before it is sent
	}
	wanted := ""
	if watch {
		wanted = "1"
	}
	items, err := s.run(ctx, beatScript, s.names.all(nil), s.args("", "", b.ID, b.Number, b.Epoch, b.Applied, maxTail, wanted)...)
	if err != nil {
		return false
	}
	r := reader{items: items}
	a := protocol.Answer{Epoch: r.text(), Head: r.count()}
	entries, fields := r.list(), r.list()
	if r.end() != nil {
		return false
	}
	a.Log = make([]protocol.Invalidation, 0, len(entries))
	for _, entry := range entries {
		text, _ := entry.(string)
		e, ok := parseEntry(text)
		if !ok {
			break // a gap
		}
		a.Log = append(a.Log, e)
	}
	if joined {
		again = s.replica.Receive(b, a)
	}
	if watch {
		s.observe(protocol.View{Epoch: a.Epoch, Head: a.Head, Members: parseMembers(fields)})
	} else {
		s.saw(a.Epoch)
	}
	return again
}
