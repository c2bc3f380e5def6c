package redisgenstore

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/redis/go-redis/v9"
)

// Current implements [cascache.GenStore]. It writes nothing, yet counts as a
// write, so that no replica answers it, nor a master that lacks the replicas
// which min-replicas-to-write asks for.
func (s *Store) Current(ctx context.Context, key string) (uint64, error) {
	if err := s.begin(ctx); err != nil {
		return 0, err
	}
	name := s.keys.name(key)
	var record string
	var err error
	if s.guarded {
		list := []group{{names: []string{name}, at: []int{0}}}
		record, err = s.run(ctx, s.send, currentScript, list)[0].Text()
	} else {
		record, err = s.readAlone(ctx, name)
	}
	switch {
	case err == nil:
		return boundTo(record, ""), nil // the script has compared the ids
	case missing(err):
		return 0, nil
	}
	return 0, failed("current", key, err)
}

// readAlone reads a record without any script.
func (s *Store) readAlone(ctx context.Context, name string) (string, error) {
	defer s.watchSlots()()
	record, err := s.client.GetEx(ctx, name, bare).Result()
	s.noteFailure(err)
	return record, err
}

// bare makes go-redis send a GETEX that leaves the expiry alone: 0 would take
// it away.
const bare = -1

// missing reports whether a read failed because the key holds no record: it
// does not exist, or is held, which is of another type, or foreign.
func missing(err error) bool {
	return errors.Is(err, redis.Nil) || redis.HasErrorPrefix(err, "WRONGTYPE")
}

// CurrentBatch implements [cascache.BatchCurrenter].
func (s *Store) CurrentBatch(ctx context.Context, keys []string) ([]uint64, error) {
	if err := s.begin(ctx); err != nil {
		return nil, err
	}
	if len(keys) == 0 {
		return nil, nil
	}
	gens, errs := make([]uint64, len(keys)), make([]error, len(keys))
	var list []group
	if s.client.cluster != nil && !s.client.batching {
		// What a node does not answer, since a slot has moved for example,
		// goes by the way on which the client follows redirections.
		list = s.apart(keys, s.readNodes(ctx, keys, gens))
		if len(list) == 0 {
			return gens, nil
		}
	} else {
		list = s.groups(keys, maxGroup)
	}
	for {
		var later []int
		for i, reply := range s.run(ctx, s.send, currentsScript, list, s.guardFlag()) {
			err := fillRecords(gens, list[i], reply)
			if len(list[i].at) > 1 && redis.HasErrorPrefix(err, "TRYAGAIN") {
				later = append(later, list[i].at...) // as in collect
				continue
			}
			for _, at := range list[i].at {
				errs[at] = err
			}
		}
		if len(later) == 0 {
			return gens, joined("current", keys, errs)
		}
		list = s.apart(keys, later)
	}
}

// fillRecords puts the generations that the records of a currentsScript bear
// in the places of g.
func fillRecords(gens []uint64, g group, reply *redis.Cmd) error {
	items, err := reply.Slice()
	if err != nil {
		return err
	}
	if len(items) != len(g.at)+1 {
		return fmt.Errorf("the script answered %d records for %d keys", len(items)-1, len(g.at))
	}
	id, _ := items[len(g.at)].(string)
	for i, at := range g.at {
		if record, found := items[i].(string); found {
			gens[at] = boundTo(record, id)
		}
	}
	return nil
}

// readNodes reads the generations of keys from the masters of a Cluster, each
// in one round trip, and returns the places of those that it could not read.
//
// A node answers GETEX for each key and then INFO, over one connection, since
// scripts would have to be one per slot. Between two of these commands the
// node may lose its part as master, and take on the id of another one. So INFO
// is asked last, and must say that the node is a master at that time: it then
// has been one under this id ever since the records with this id were read,
// since a node that becomes a master takes an id that none had before.
func (s *Store) readNodes(ctx context.Context, keys []string, gens []uint64) (unread []int) {
	defer s.watchSlots()()
	byNode := make(map[*redis.Client][]int)
	for i, key := range keys {
		node, err := s.client.cluster.MasterForKey(ctx, s.keys.name(key))
		if err != nil {
			s.noteFailure(err)
			unread = append(unread, i)
			continue
		}
		byNode[node] = append(byNode[node], i)
	}
	var mu sync.Mutex // guards unread
	var running sync.WaitGroup
	for node, at := range byNode {
		running.Go(func() {
			if left := s.readNode(ctx, node, keys, at, gens); len(left) > 0 {
				mu.Lock()
				defer mu.Unlock()
				unread = append(unread, left...)
			}
		})
	}
	running.Wait()
	return unread
}

// readNode is readNodes for one node and the keys at these places.
func (s *Store) readNode(ctx context.Context, node *redis.Client, keys []string, at []int, gens []uint64) (unread []int) {
	pipe := node.Pipeline()
	records := make([]*redis.StringCmd, len(at))
	for i, place := range at {
		records[i] = pipe.GetEx(ctx, s.keys.name(keys[place]), bare)
	}
	var info *redis.StringCmd
	if s.guarded {
		info = pipe.Info(ctx, "replication")
	}
	_, _ = pipe.Exec(ctx) // each reply has its own error
	id := ""
	if s.guarded {
		if id = masterID(info.Val()); info.Err() != nil || id == "" {
			s.noteFailure(info.Err())
			return at
		}
	}
	for i, place := range at {
		record, err := records[i].Result()
		switch {
		case err == nil:
			gens[place] = boundTo(record, id)
		case !missing(err):
			s.noteFailure(err)
			unread = append(unread, place)
		}
	}
	return unread
}

// masterID returns the replication id in the text of INFO, as far as records
// are bound to it, or "" unless the server says that it is a master.
func masterID(info string) string {
	if !strings.Contains(info, "\nrole:master\r\n") {
		return ""
	}
	_, rest, _ := strings.Cut(info, "\nmaster_replid:")
	if len(rest) < idDigits {
		return ""
	}
	return rest[:idDigits]
}

// guardFlag is ARGV[1] of the scripts.
func (s *Store) guardFlag() string {
	if s.guarded {
		return "1"
	}
	return "0"
}
