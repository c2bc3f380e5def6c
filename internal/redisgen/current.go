package redisgen

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// Current implements [cascache.GenStore]. It writes nothing, yet counts as a
// write, so that no replica answers it, nor a master that lacks the replicas
// which min-replicas-to-write asks for.
func (s *Store) Current(ctx context.Context, key string) (uint64, error) {
	return s.current(ctx, key, bare)
}

// CurrentToCommit implements [cascache.CommitReader]. It is Current, and
// begins the time to live of the generation anew.
func (s *Store) CurrentToCommit(ctx context.Context, key string) (uint64, error) {
	return s.current(ctx, key, s.expiry)
}

func (s *Store) current(ctx context.Context, key string, expiry time.Duration) (uint64, error) {
	if err := s.begin(ctx); err != nil {
		return 0, err
	}
	gen, err := s.currentOf(ctx, s.keys.name(key), expiry)
	if err != nil {
		return 0, failed("current", key, err)
	}
	return gen, nil
}

func (s *Store) currentOf(ctx context.Context, name string, expiry time.Duration) (uint64, error) {
	var record string
	var err error
	switch {
	case !s.guarded:
		record, err = s.readAlone(ctx, name, expiry)
	case s.client.node != nil:
		var gens [1]uint64
		var errs [1]error
		readNode(ctx, s.client.node, true, expiry, []string{name}, gens[:], errs[:])
		return gens[0], errs[0]
	default:
		// One command, which the client can route, redirect and merge with
		// those of other callers. The script compares the ids itself.
		record, err = s.runOne(ctx, currentScript, []string{name}, s.expiryArgs(expiry)...).Text()
	}
	if missing(err) {
		return 0, nil
	}
	return boundTo(record, ""), err
}

// readAlone reads a record without any script.
func (s *Store) readAlone(ctx context.Context, name string, expiry time.Duration) (string, error) {
	defer s.watchSlots()()
	args := [...]any{"getex", name, "px", s.ttl}
	n := len(args)
	if expiry == bare {
		n = 2
	}
	cmd := awaitText(redis.NewStringCmd(ctx, args[:n]...))
	s.process(ctx, cmd)
	s.noteFailure(cmd.Err())
	return cmd.Result()
}

// bare makes go-redis send a GETEX that leaves the expiry alone: 0 would take
// it away.
const bare time.Duration = -1

// expiryArgs returns what scripts that read take last: the time to live to
// begin anew, and nothing where the expiry is to be left alone.
func (s *Store) expiryArgs(expiry time.Duration) []any {
	if expiry == bare {
		return nil
	}
	return []any{s.ttl}
}

// missing reports whether a read failed because the key holds no record: it
// does not exist, or is held, which is of another type, or foreign.
func missing(err error) bool {
	return errors.Is(err, redis.Nil) || answers(err, "WRONGTYPE")
}

// CurrentBulk implements [cascache.BulkGenStore].
func (s *Store) CurrentBulk(ctx context.Context, keys []string) ([]uint64, error) {
	return s.currentBulk(ctx, keys, bare)
}

// CurrentToCommitBulk implements [cascache.CommitReader].
func (s *Store) CurrentToCommitBulk(ctx context.Context, keys []string) ([]uint64, error) {
	return s.currentBulk(ctx, keys, s.expiry)
}

func (s *Store) currentBulk(ctx context.Context, keys []string, expiry time.Duration) ([]uint64, error) {
	if err := s.begin(ctx); err != nil {
		return nil, err
	}
	if len(keys) == 0 {
		return nil, nil
	}
	gens, errs := make([]uint64, len(keys)), make([]error, len(keys))
	switch {
	case s.client.node != nil:
		names := make([]string, len(keys))
		for i, key := range keys {
			names[i] = s.keys.name(key)
		}
		readNode(ctx, s.client.node, s.guarded, expiry, names, gens, errs)
	case s.client.cluster != nil && !s.client.batching:
		s.readNodes(ctx, keys, expiry, gens, errs)
		var unread []int
		for i, err := range errs {
			if err != nil {
				unread = append(unread, i)
			}
		}
		// What a node did not answer, since its slot has moved for example,
		// goes by the way on which the client follows redirections.
		s.readApart(ctx, keys, unread, expiry, gens, errs)
	default:
		list, replies := s.grouped(ctx, nil, currentsScript, keys, maxGroup, nil, s.readArgs(expiry)...)
		s.readApart(ctx, keys, takeRecords(list, replies, gens, errs), expiry, gens, errs)
	}
	return gens, joined("current", keys, errs)
}

// readArgs returns what a currentsScript takes.
func (s *Store) readArgs(expiry time.Duration) []any {
	return append([]any{s.guardFlag()}, s.expiryArgs(expiry)...)
}

// readApart reads the generations of the keys at these places one by one, in one
// pipeline.
func (s *Store) readApart(ctx context.Context, keys []string, at []int, expiry time.Duration, gens []uint64, errs []error) {
	if len(at) > 0 {
		list := s.apart(keys, at)
		takeRecords(list, s.run(ctx, nil, currentsScript, list, s.readArgs(expiry)...), gens, errs)
	}
}

// takeRecords takes the replies of a currentsScript, and returns the places of
// keys to be read one by one, since their slot is being moved.
func takeRecords(list []group, replies []*redis.Cmd, gens []uint64, errs []error) (later []int) {
	for i, reply := range replies {
		err := fillRecords(gens, list[i], reply)
		if len(list[i].at) > 1 && answers(err, "TRYAGAIN") {
			later = append(later, list[i].at...) // as in collect
			continue
		}
		for _, at := range list[i].at {
			errs[at] = err
		}
	}
	return later
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
// in one round trip.
func (s *Store) readNodes(ctx context.Context, keys []string, expiry time.Duration, gens []uint64, errs []error) {
	defer s.watchSlots()()
	parts := make(map[*redis.Client]*group)
	for i, key := range keys {
		name := s.keys.name(key)
		node, err := s.client.cluster.MasterForKey(ctx, name)
		if err != nil {
			errs[i] = err
			continue
		}
		p := parts[node]
		if p == nil {
			p = new(group)
			parts[node] = p
		}
		p.names, p.at = append(p.names, name), append(p.at, i)
	}
	var running sync.WaitGroup
	for node, p := range parts {
		running.Go(func() {
			partGens, partErrs := make([]uint64, len(p.at)), make([]error, len(p.at))
			readNode(ctx, node, s.guarded, expiry, p.names, partGens, partErrs)
			for i, at := range p.at {
				gens[at], errs[at] = partGens[i], partErrs[i]
			}
		})
	}
	running.Wait()
	for _, err := range errs {
		s.noteFailure(err)
	}
}

var errNoMaster = errors.New("INFO replication does not tell that the server is a master, and its master_replid")

// readNode reads generations from one server, in one round trip: GETEX for
// each name and then INFO, over one connection.
//
// Between two of these commands the server may lose its part as master, and
// take on the replication id of another one. So INFO comes last, and must say
// that the server is a master at that time. A server that becomes a master
// always begins a new id, to which no record is bound yet. So if INFO shows a
// master under the id X, and a record read before is bound to X, the server was
// that master already when it answered with the record.
//
// With an expiry, GETEX begins that anew, before the id is known: also of a
// record that turns out to be bound to another one, which does no harm.
func readNode(ctx context.Context, node *redis.Client, guarded bool, expiry time.Duration, names []string, gens []uint64, errs []error) {
	pipe := node.Pipeline()
	records := make([]*redis.StringCmd, len(names))
	for i, name := range names {
		records[i] = awaitText(pipe.GetEx(ctx, name, expiry))
	}
	var info *redis.StringCmd
	if guarded {
		info = awaitText(pipe.Info(ctx, "replication"))
	}
	exec(ctx, pipe)
	id := ""
	var unproven error
	if guarded {
		id, unproven = idIn(info)
	}
	for i, reply := range records {
		record, err := reply.Result()
		switch {
		case missing(err):
		case err != nil:
			errs[i] = err
		case unproven != nil:
			errs[i] = unproven
		default:
			gens[i] = boundTo(record, id)
		}
	}
}

// idIn returns the replication id that INFO tells of a master.
func idIn(info *redis.StringCmd) (string, error) {
	text, err := info.Result()
	if err != nil {
		return "", err
	}
	if id := masterID(text); id != "" {
		return id, nil
	}
	return "", errNoMaster
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
