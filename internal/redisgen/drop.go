package redisgen

import (
	"context"
	"fmt"

	"github.com/redis/go-redis/v9"
)

// BumpAndDel implements the method of [cascache.Combined].
func (v Values) BumpAndDel(ctx context.Context, keys []string) (gens []uint64, bumpErr, delErr error) {
	s := v.store
	if err := s.beginChange(ctx, dropScript.op, keys...); err != nil {
		return nil, err, err
	}
	if len(keys) == 0 {
		return nil, nil, nil
	}
	gens = make([]uint64, len(keys))
	bumpErrs, delErrs := make([]error, len(keys)), make([]error, len(keys))
	list, replies := s.grouped(ctx, s.writer(), dropScript, keys, maxGroup, func(list []group, _ bool) {
		for i := range list {
			list[i].names = append(list[i].names, ValueKeys(list[i].keys(keys))...)
		}
	}, s.guardFlag(), s.ttl, tail())
	for i, reply := range replies {
		err := fill(gens, list[i], reply)
		if moving(err) {
			// The bump comes first, as everywhere.
			for _, at := range list[i].at {
				gens[at], bumpErrs[at] = s.Bump(ctx, keys[at])
				del := awaitNumber(redis.NewIntCmd(ctx, "del", ValueKey(keys[at])))
				s.process(ctx, del)
				delErrs[at] = del.Err()
				s.noteFailure(delErrs[at])
			}
			continue
		}
		for _, at := range list[i].at {
			bumpErrs[at], delErrs[at] = err, err
		}
	}
	return gens, joined(dropScript.op, keys, bumpErrs), joined(dropScript.op, keys, delErrs)
}

// DelEqual implements the method of [cascache.Combined].
func (v Values) DelEqual(ctx context.Context, keys []string, values [][]byte) error {
	s := v.store
	if err := s.begin(ctx); err != nil {
		return err
	}
	if len(keys) != len(values) {
		return fmt.Errorf("redisgenstore: %s of %d keys by %d values; there must be as many", healScript.op, len(keys), len(values))
	}
	errs := make([]error, len(keys))
	prepare := func(list []group, _ bool) {
		for i := range list {
			g := &list[i]
			g.names, g.args = ValueKeys(g.keys(keys)), make([]any, len(g.at))
			for j, at := range g.at {
				g.args[j] = values[at]
			}
		}
	}
	list, replies := s.grouped(ctx, nil, healScript, keys, maxGroup, prepare)
	for {
		var later []int
		for i, reply := range replies {
			err := reply.Err()
			if len(list[i].at) > 1 && answers(err, "TRYAGAIN") {
				later = append(later, list[i].at...) // as in collect
				continue
			}
			for _, at := range list[i].at {
				errs[at] = err
			}
		}
		if len(later) == 0 {
			return joined(healScript.op, keys, errs)
		}
		list = s.apart(keys, later)
		prepare(list, false)
		replies = s.run(ctx, nil, healScript, list)
	}
}
