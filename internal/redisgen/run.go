package redisgen

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"

	cascache "github.com/unkn0wn-root/cascache/core"
)

const (
	// maxGroup is how many keys one run of a script takes, so that no bulk call
	// keeps a server from its other callers for long, nor outgrows what Lua
	// can pass to one command.
	maxGroup = 1000

	// slowCall is after how long without an answer a Cluster client is told
	// to look where its keys are now. Its own calls would only return after
	// all their retries have run into timeouts.
	slowCall = 500 * time.Millisecond

	// held is what scripts answer for a held key.
	held = "0"
)

// group are keys that one run of a script may take together.
type group struct {
	names []string // of their generations
	at    []int    // where they are in the call's own list
	args  []any    // what the script takes after the arguments of all
}

// with returns the arguments of all and those of the group.
func (g *group) with(args []any) []any {
	if len(g.args) == 0 {
		return args
	}
	return slices.Concat(args, g.args)
}

// keys returns those of all that are in the group.
func (g *group) keys(all []string) []string {
	keys := make([]string, len(g.at), 2*len(g.at)+1)
	for i, at := range g.at {
		keys[i] = all[at]
	}
	return keys
}

// together reports whether keys of any slot may be in one command.
func (s *Store) together() bool { return s.client.oneServer && !s.spread.Load() }

// crossed reports whether err is the answer of a server of a Cluster to keys of
// several slots in one command, and remembers that.
func (s *Store) crossed(err error) bool {
	if !answers(err, "CROSSSLOT") {
		return false
	}
	s.spread.Store(true)
	return true
}

// groups splits keys for scripts: by slot unless they may be together, and into
// parts of at most limit.
func (s *Store) groups(keys []string, limit int, together bool) []group {
	var list []group
	open := make(map[uint16]int, 1) // slot: index in list of the group that still takes keys
	for i, key := range keys {
		var slot uint16
		if !together {
			slot = slotOf(cascache.GenKey(key))
		}
		at, known := open[slot]
		if !known || len(list[at].names) == limit {
			at = len(list)
			open[slot] = at
			list = append(list, group{})
		}
		g := &list[at]
		g.names, g.at = append(g.names, s.keys.name(key)), append(g.at, i)
	}
	return list
}

// apart returns a group for each of the keys at these places.
func (s *Store) apart(keys []string, at []int) []group {
	list := make([]group, len(at))
	for i, place := range at {
		list[i] = group{names: []string{s.keys.name(keys[place])}, at: []int{place}}
	}
	return list
}

// sender has the groups list[which…] run by call, and puts their replies in
// the same places of replies.
type sender func(ctx context.Context, list []group, which []int, replies []*redis.Cmd, call scriptCall)

// scriptCall runs a script for one group.
type scriptCall func(to redis.Scripter, g group) *redis.Cmd

// run runs a script for every group, all in one round trip per server, and
// returns the reply of each. No sender means that the client routes them.
func (s *Store) run(ctx context.Context, send sender, sc *script, list []group, args ...any) []*redis.Cmd {
	defer s.watchSlots()()
	if send == nil {
		send = s.send
	}
	all := make([]int, len(list))
	for i := range all {
		all[i] = i
	}
	replies := make([]*redis.Cmd, len(list))
	send(ctx, list, all, replies, func(to redis.Scripter, g group) *redis.Cmd {
		return to.EvalSha(ctx, sc.hash, g.names, g.with(args)...)
	})
	// A server that has started or was promoted since does not know the
	// script by its hash: once more, with the source, which it then keeps.
	var unknown []int
	for i, reply := range replies {
		if answers(reply.Err(), "NOSCRIPT") {
			unknown = append(unknown, i)
		}
	}
	if len(unknown) > 0 {
		send(ctx, list, unknown, replies, func(to redis.Scripter, g group) *redis.Cmd {
			return to.Eval(ctx, sc.source, g.names, g.with(args)...)
		})
	}
	for _, reply := range replies {
		s.noteFailure(reply.Err())
	}
	return replies
}

// grouped is run of all keys, in groups of at most limit that prepare has made
// ready. A client of one server may have one of a Cluster, which takes no keys of
// several slots in one script and has then done nothing: once more, by slot.
func (s *Store) grouped(ctx context.Context, send sender, sc *script, keys []string, limit int, prepare func(list []group, together bool), args ...any) ([]group, []*redis.Cmd) {
	for {
		together := s.together()
		list := s.groups(keys, limit, together)
		if prepare != nil {
			prepare(list, together)
		}
		replies := s.run(ctx, send, sc, list, args...)
		crossed := func(reply *redis.Cmd) bool { return s.crossed(reply.Err()) }
		if !together || !slices.ContainsFunc(replies, crossed) {
			return list, replies
		}
	}
}

// send is the sender that leaves the routing to the client.
func (s *Store) send(ctx context.Context, list []group, which []int, replies []*redis.Cmd, call scriptCall) {
	if len(which) == 1 {
		replies[which[0]] = call(s.client, list[which[0]])
		demandAnswer(replies[which[0]])
		return
	}
	pipe := s.client.Pipeline()
	for _, i := range which {
		replies[i] = call(pipe, list[i])
	}
	exec(ctx, pipe)
}

// collect runs a script that answers one generation per key, and returns them
// in the order of keys, 0 where there is an error, and the errors.
func (s *Store) collect(ctx context.Context, send sender, sc *script, keys []string, args ...any) ([]uint64, []error) {
	gens, errs := make([]uint64, len(keys)), make([]error, len(keys))
	list, replies := s.grouped(ctx, send, sc, keys, maxGroup, nil, args...)
	for {
		var later []int
		for i, reply := range replies {
			err := fill(gens, list[i], reply)
			if len(list[i].at) > 1 && answers(err, "TRYAGAIN") {
				// The slot is being moved and its keys are on two servers:
				// alone, each is found.
				later = append(later, list[i].at...)
				continue
			}
			for _, at := range list[i].at {
				errs[at] = err
			}
		}
		if len(later) == 0 {
			return gens, errs
		}
		list = s.apart(keys, later)
		replies = s.run(ctx, send, sc, list, args...)
	}
}

// one is collect for one key.
func (s *Store) one(ctx context.Context, send sender, sc *script, key string, args ...any) (uint64, error) {
	name := [...]string{s.keys.name(key)}
	g := group{names: name[:], at: []int{0}}
	var reply *redis.Cmd
	if send == nil {
		reply = s.runOne(ctx, sc, g.names, args...)
	} else {
		reply = s.run(ctx, send, sc, []group{g}, args...)[0]
	}
	gens := make([]uint64, 1)
	if err := fill(gens, g, reply); err != nil {
		return 0, failed(sc.op, key, err)
	}
	return gens[0], nil
}

// runOne is run for one key, by the client's own routing.
func (s *Store) runOne(ctx context.Context, sc *script, names []string, args ...any) *redis.Cmd {
	defer s.watchSlots()()
	reply := s.client.EvalSha(ctx, sc.hash, names, args...)
	if answers(reply.Err(), "NOSCRIPT") {
		reply = s.client.Eval(ctx, sc.source, names, args...)
	}
	demandAnswer(reply)
	s.noteFailure(reply.Err())
	return reply
}

// fill puts what a script answered for the keys of g in their places.
func fill(gens []uint64, g group, reply *redis.Cmd) error {
	items, err := reply.Slice()
	if err != nil {
		return err
	}
	if len(items) != len(g.at) {
		return fmt.Errorf("the script answered %d generations for %d keys", len(items), len(g.at))
	}
	for i, item := range items {
		digits, _ := item.(string)
		gen := parseGeneration(digits)
		if gen == 0 && digits != held {
			return errors.New("the script answered what is no generation")
		}
		gens[g.at[i]] = gen
	}
	return nil
}

// watchSlots lets a Cluster client look for its slots while a call takes long.
// The function that it returns ends that.
func (s *Store) watchSlots() func() bool {
	if s.client.cluster == nil {
		return func() bool { return false }
	}
	return time.AfterFunc(slowCall, s.reloadSlots).Stop
}

// noteFailure has a Cluster client reload its slot map after an error that a
// failover may explain. On its own it would only do so by the clock.
func (s *Store) noteFailure(err error) {
	if s.client.cluster != nil && (fromNetwork(err) || answers(err, "CLUSTERDOWN")) {
		s.reloadSlots()
	}
}

// reloadSlots returns at once: the client reloads in the background.
func (s *Store) reloadSlots() { s.client.cluster.ReloadState(context.Background()) }
