package redisgen

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	cascache "github.com/unkn0wn-root/cascache/core"
)

// SetIfGen implements the method of [cascache.Combined]. A server that is short
// of memory declines, after a second round trip.
func (v Values) SetIfGen(ctx context.Context, item cascache.Item, gen uint64) (current uint64, stored bool, err error) {
	s := v.store
	if err := s.begin(ctx); err != nil {
		return 0, false, err
	}
	ttl, err := lifetime(item)
	if err != nil {
		return 0, false, err
	}
	reply := s.runOne(ctx, storeScript, []string{s.keys.name(item.Key), ValueKey(item.Key)}, 1, s.guardFlag(), s.ttl,
		gen, ttl, item.Value)
	var gens [1]uint64
	var stores [1]bool
	g := group{at: []int{0}}
	switch err := fillStored(gens[:], stores[:], []uint64{gen}, g, false, reply); {
	case err == nil:
		return gens[0], stores[0], nil
	case redis.IsOOMError(err):
		current, err = s.CurrentToCommit(ctx, item.Key)
		return current, false, err
	case moving(err):
		return v.setApart(ctx, item, gen)
	default:
		return 0, false, failed(storeScript.op, item.Key, err)
	}
}

// setApart compares and sets in two round trips: while a slot is being moved,
// the generation and the value may be on two servers. An invalidation may come
// in between; the entry then carries a generation that is not current any more.
func (v Values) setApart(ctx context.Context, item cascache.Item, gen uint64) (current uint64, stored bool, err error) {
	s := v.store
	if current, err = s.CurrentToCommit(ctx, item.Key); err != nil || current != gen {
		return current, false, err
	}
	stored, err = v.set(ctx, item)
	return current, stored, err
}

// set stores an item, whatever its generation.
func (v Values) set(ctx context.Context, item cascache.Item) (stored bool, err error) {
	s := v.store
	defer s.watchSlots()()
	cmd := s.client.Set(ctx, ValueKey(item.Key), item.Value, max(item.TTL, time.Millisecond))
	demandAnswer(cmd)
	err = cmd.Err()
	s.noteFailure(err)
	if redis.IsOOMError(err) {
		return false, nil
	}
	if err != nil {
		return false, failed(storeScript.op, item.Key, err)
	}
	return true, nil
}

// lifetime returns the time to live of an item in milliseconds, rounded up.
func lifetime(item cascache.Item) (string, error) {
	if item.TTL <= 0 {
		return "", failed(storeScript.op, item.Key, fmt.Errorf("%w: %v is not positive", cascache.ErrInvalidTTL, item.TTL))
	}
	return milliseconds(item.TTL), nil
}

// largeRequest is the lowest limit that a server can be given for one value
// (proto-max-bulk-len) and for one request (client-query-buffer-limit).
const largeRequest = 1 << 20

// SetBulkIfGens implements the method of [cascache.Combined]. On one server a
// call of up to 1,000 items is one atomic script. In a Cluster each slot has a script
// of its own, and the bulk entry is stored beside them, in the same round trip:
// where a member turns out to have moved, it is deleted again in a second one. No
// read serves it meanwhile, since it carries the generation of each member.
//
// A server that refuses the bulk entry refuses the whole script. So a bulk entry
// that makes the request larger than a server may allow is stored after the
// others, by itself, and so is each one whose script was refused.
func (v Values) SetBulkIfGens(ctx context.Context, items []cascache.Item, gens []uint64) (current []uint64, stored []bool, err error) {
	s, n := v.store, len(gens)
	if len(items) != n && len(items) != n+1 {
		return nil, nil, fmt.Errorf("redisgenstore: %s of %d items under %d generations; there must be as many, or one item more", storeScript.op, len(items), n)
	}
	if err := s.begin(ctx); err != nil {
		return nil, nil, err
	}
	if n == 0 {
		return nil, make([]bool, len(items)), nil
	}
	b := &bulkStore{
		values: v, items: items, gens: gens, keys: make([]string, len(items)), ttls: make([]any, len(items)),
		current: make([]uint64, n), stored: make([]bool, len(items)), errs: make([]error, len(items)),
	}
	size := 0
	for i, item := range items {
		b.keys[i] = item.Key
		size += len(item.Value) + 2*len(item.Key) + len("gen:{xxxx}::") + len(s.keys.namespace) + 100
		if i > 0 && item.TTL == items[i-1].TTL {
			b.ttls[i] = b.ttls[i-1]
			continue
		}
		if b.ttls[i], err = lifetime(item); err != nil {
			return nil, nil, err
		}
	}
	if len(items) > n {
		b.bulk = inScript
		if size >= largeRequest {
			b.bulk = afterwards
		}
	}
	b.run(ctx)
	return b.current, b.stored, joined(storeScript.op, b.keys, b.errs)
}

// place says where a bulk entry is stored.
type place int

const (
	noBulk     place = iota
	inScript         // in the script that stores the others
	besideThem       // at the same time
	afterwards       // once the others are stored
)

// bulkStore is one SetBulkIfGens under way.
type bulkStore struct {
	values  Values
	items   []cascache.Item
	gens    []uint64
	keys    []string // of the items
	ttls    []any    // of the items, as the script takes them
	bulk    place
	current []uint64
	stored  []bool
	errs    []error // one per item
}

func (b *bulkStore) run(ctx context.Context) {
	s, n := b.values.store, len(b.gens)
	var running sync.WaitGroup
	list, replies := s.grouped(ctx, nil, storeScript, b.keys[:n], maxGroup, func(list []group, together bool) {
		b.prepare(list)
		switch {
		case b.bulk != inScript:
		case len(list) == 1 && together:
			g := &list[0]
			g.names = append(g.names, ValueKey(b.keys[n]))
			g.args = append(g.args, b.ttls[n], b.items[n].Value)
		default:
			b.bulk = besideThem
			running.Go(func() { b.stored[n], b.errs[n] = b.values.set(ctx, b.items[n]) }) // apart, as in bulkRead.byScript
		}
	})
	running.Wait()
	if err := replies[0].Err(); b.bulk == inScript && err != nil && !fromNetwork(err) && !moving(err) {
		b.bulk = afterwards
		list, replies = s.grouped(ctx, nil, storeScript, b.keys[:n], maxGroup, func(list []group, _ bool) { b.prepare(list) })
	}
	same, all := true, true // have the generations stayed, and are all stored
	for i, reply := range replies {
		b.take(ctx, list[i], reply)
		for _, at := range list[i].at {
			same = same && b.current[at] == b.gens[at]
			all = all && b.stored[at]
		}
	}
	switch {
	case b.bulk == afterwards && same && all:
		b.stored[n], b.errs[n] = b.values.set(ctx, b.items[n])
	case b.bulk == besideThem && !same && (b.stored[n] || b.errs[n] != nil):
		b.stored[n] = false
		b.errs[n] = b.values.DelEqual(ctx, b.keys[n:], [][]byte{b.items[n].Value})
	}
}

// prepare gives each group the values of its keys.
func (b *bulkStore) prepare(list []group) {
	s := b.values.store
	for i := range list {
		g := &list[i]
		g.names = append(g.names, ValueKeys(g.keys(b.keys))...)
		g.args = make([]any, 0, 3+3*len(g.at)+2)
		g.args = append(g.args, len(g.at), s.guardFlag(), s.ttl)
		for _, at := range g.at {
			g.args = append(g.args, b.gens[at])
		}
		for _, at := range g.at {
			g.args = append(g.args, b.ttls[at])
		}
		for _, at := range g.at {
			g.args = append(g.args, b.items[at].Value)
		}
	}
}

// take takes what a storeScript answered for a group.
func (b *bulkStore) take(ctx context.Context, g group, reply *redis.Cmd) {
	s := b.values.store
	err := fillStored(b.current, b.stored, b.gens, g, b.bulk == inScript, reply)
	switch {
	case err == nil:
	case redis.IsOOMError(err):
		partGens, partErr := s.CurrentToCommitBulk(ctx, g.keys(b.keys))
		for j, at := range g.at {
			if b.errs[at] = partErr; len(partGens) == len(g.at) {
				b.current[at] = partGens[j]
			}
		}
	case moving(err):
		for _, at := range g.at {
			b.current[at], b.stored[at], b.errs[at] = b.values.setApart(ctx, b.items[at], b.gens[at])
		}
	default:
		for _, at := range g.at {
			b.errs[at] = err
		}
	}
}

// fillStored puts what a storeScript answered in the places of g, and what it
// says of the bulk entry, if that was the last of its keys, in the last place.
func fillStored(gens []uint64, stored []bool, observed []uint64, g group, bulk bool, reply *redis.Cmd) error {
	items, err := reply.Slice()
	if err != nil {
		return err
	}
	n := len(g.at)
	if len(items) == 1 {
		for _, at := range g.at {
			gens[at], stored[at] = observed[at], true
		}
		if bulk {
			stored[len(stored)-1] = true
		}
		return nil
	}
	if len(items) != n+2 {
		return errors.New("the script answered what is no result of a store")
	}
	id, _ := items[n].(string)
	digits, _ := items[n+1].(string)
	want := n
	if bulk {
		want++
	}
	if len(digits) != want {
		return errors.New("the script answered what is no result of a store")
	}
	for i, at := range g.at {
		if record, found := items[i].(string); found {
			gens[at] = boundTo(record, id)
		}
		stored[at] = digits[i] == '1'
	}
	if bulk {
		stored[len(stored)-1] = digits[n] == '1'
	}
	return nil
}
