package redisgenstore

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
	reply := s.runOne(ctx, storeScript, []string{s.keys.name(item.Key), item.Key}, 1, s.guardFlag(), s.ttl,
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
	err = s.client.Set(ctx, item.Key, item.Value, max(item.TTL, time.Millisecond)).Err()
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

// SetBulkIfGens implements the method of [cascache.Combined]. On one server a
// call of up to 1,000 items is one atomic script. In a Cluster each slot has a script
// of its own, and the bulk entry is stored beside them, in the same round trip:
// where a member turns out to have moved, it is deleted again in a second one. No
// read serves it meanwhile, since it carries the generation of each member.
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
	keys, ttls := make([]string, len(items)), make([]any, len(items))
	for i, item := range items {
		keys[i] = item.Key
		if i > 0 && item.TTL == items[i-1].TTL {
			ttls[i] = ttls[i-1]
			continue
		}
		if ttls[i], err = lifetime(item); err != nil {
			return nil, nil, err
		}
	}
	list := s.groups(keys[:n], maxGroup)
	bulk := len(items) > n
	beside := bulk && (len(list) > 1 || !s.client.oneServer) // the bulk entry, which is not in a script then
	for i := range list {
		g := &list[i]
		g.names = append(g.names, g.keys(keys)...)
		g.args = make([]any, 0, 3+3*len(g.at)+2)
		g.args = append(g.args, len(g.at), s.guardFlag(), s.ttl)
		for _, at := range g.at {
			g.args = append(g.args, gens[at])
		}
		for _, at := range g.at {
			g.args = append(g.args, ttls[at])
		}
		for _, at := range g.at {
			g.args = append(g.args, items[at].Value)
		}
		if bulk && !beside {
			g.names = append(g.names, keys[n])
			g.args = append(g.args, ttls[n], items[n].Value)
		}
	}
	current, stored = make([]uint64, n), make([]bool, len(items))
	errs := make([]error, len(items))
	moved := false
	var running sync.WaitGroup
	if beside {
		running.Go(func() { stored[n], errs[n] = v.set(ctx, items[n]) }) // apart, as in bulkRead.byScript
	}
	replies := s.run(ctx, nil, storeScript, list)
	running.Wait()
	for i, reply := range replies {
		g := list[i]
		err := fillStored(current, stored, gens, g, bulk && !beside, reply)
		switch {
		case err == nil:
		case redis.IsOOMError(err):
			partGens, partErr := s.CurrentToCommitBulk(ctx, g.keys(keys))
			for j, at := range g.at {
				if errs[at] = partErr; len(partGens) == len(g.at) {
					current[at] = partGens[j]
				}
			}
		case moving(err):
			for _, at := range g.at {
				current[at], stored[at], errs[at] = v.setApart(ctx, items[at], gens[at])
			}
		default:
			for _, at := range g.at {
				errs[at] = err
			}
		}
		for _, at := range g.at {
			moved = moved || current[at] != gens[at]
		}
	}
	if beside && moved && (stored[n] || errs[n] != nil) {
		stored[n] = false
		errs[n] = v.DelEqual(ctx, keys[n:], [][]byte{items[n].Value})
	}
	return current, stored, joined(storeScript.op, keys, errs)
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
