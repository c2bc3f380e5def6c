package redisgen

import (
	"context"
	"fmt"
	"sync"

	"github.com/redis/go-redis/v9"

	cascache "github.com/unkn0wn-root/cascache/core"
)

// GetBulkWithGens implements the method of [cascache.Combined].
func (v Values) GetBulkWithGens(ctx context.Context, bulk string, keys []string, wanted bool) (cascache.BulkReading, error) {
	s := v.store
	r := cascache.BulkReading{Gens: make([]uint64, len(keys))}
	if err := s.begin(ctx); err != nil {
		r.GenErr = err
		return r, err
	}
	if wanted {
		r.Values = make([][]byte, len(keys))
	}
	if len(keys) == 0 {
		return r, nil
	}
	b := &bulkRead{store: s, bulk: ValueKey(bulk), keys: keys, reading: &r, genErrs: make([]error, len(keys)), valueErrs: make([]error, len(keys)+1)}
	switch {
	case s.client.node != nil:
		if !s.together() || !b.fromNode(ctx) {
			b.readPart(ctx, s.client.node, b.places())
		}
	case s.client.cluster != nil && !s.client.batching:
		b.fromNodes(ctx)
	default:
		b.byScript(ctx)
	}
	r.GenErr = joined("read", keys, b.genErrs)
	return r, joined("read", append(keys[:len(keys):len(keys)], bulk), b.valueErrs)
}

// bulkRead is one GetBulkWithGens under way.
type bulkRead struct {
	store     *Store
	bulk      string
	keys      []string
	reading   *cascache.BulkReading
	genErrs   []error // one per key
	valueErrs []error // one per key, and that of the bulk entry
}

// wanted tells whether the values are.
func (b *bulkRead) wanted() bool { return b.reading.Values != nil }

// fromNode reads everything from one server, by one MGET. That is no write, so
// a GETEX follows it, over the same connection: a server that refuses that one
// has not been asked at all. After these comes the replication id, as in
// readNode. It reports false, and has read nothing, if the server is one of a
// Cluster, which takes no keys of several slots in one command.
func (b *bulkRead) fromNode(ctx context.Context) bool {
	s, n := b.store, len(b.keys)
	names := s.keys.appendNames(make([]string, 0, 2*n+1), b.keys)
	if b.wanted() {
		names = append(names, ValueKeys(b.keys)...)
	}
	if b.bulk != "" {
		names = append(names, b.bulk)
	}
	pipe := s.client.node.Pipeline()
	all := pipe.MGet(ctx, names...)
	asked := awaitText(pipe.GetEx(ctx, names[0], bare))
	var info *redis.StringCmd
	if s.guarded {
		info = awaitText(pipe.Info(ctx, "replication"))
	}
	exec(ctx, pipe)
	items, err := all.Result()
	if err == nil && len(items) != len(names) {
		err = fmt.Errorf("MGET answered %d values for %d keys", len(items), len(names))
	}
	if s.crossed(err) {
		return false
	}
	if err != nil {
		b.failAll(err)
		return true
	}
	id, genErr := "", asked.Err()
	if missing(genErr) {
		genErr = nil
	}
	if genErr == nil && info != nil {
		id, genErr = idIn(info)
	}
	for i, item := range items[:n] {
		if genErr != nil {
			b.genErrs[i] = genErr
		} else if record, found := item.(string); found {
			b.reading.Gens[i] = boundTo(record, id)
		}
	}
	items = items[n:]
	if b.wanted() {
		for i, item := range items[:n] {
			b.reading.Values[i] = valueOf(item)
		}
		items = items[n:]
	}
	if b.bulk != "" {
		b.reading.Bulk = valueOf(items[0])
	}
	return true
}

// places returns those of all that is read.
func (b *bulkRead) places() []int {
	n := len(b.keys)
	if b.bulk != "" {
		n++
	}
	places := make([]int, n)
	for i := range places {
		places[i] = i
	}
	return places
}

// failAll says that nothing could be read.
func (b *bulkRead) failAll(err error) {
	for i := range b.genErrs {
		b.genErrs[i], b.valueErrs[i] = err, err
	}
	b.valueErrs[len(b.keys)] = err
}

// fromNodes reads from the masters of a Cluster, each in one round trip. What a
// node does not answer, since its slot has moved for example, goes by the way on
// which the client follows redirections.
func (b *bulkRead) fromNodes(ctx context.Context) {
	s, n := b.store, len(b.keys)
	stop := s.watchSlots()
	parts := make(map[*redis.Client][]int)
	place := func(i int, key string) error {
		node, err := s.client.cluster.MasterForKey(ctx, ValueKey(key))
		if err == nil {
			parts[node] = append(parts[node], i)
		}
		return err
	}
	for i, key := range b.keys {
		if err := place(i, key); err != nil {
			b.genErrs[i] = err
		}
	}
	if b.bulk != "" {
		b.valueErrs[n] = place(n, b.bulk)
	}
	var running sync.WaitGroup
	for node, part := range parts {
		running.Go(func() { b.readPart(ctx, node, part) })
	}
	running.Wait()
	stop()
	var unread []int
	for i := range b.keys {
		if err := b.genErrs[i]; err != nil || b.valueErrs[i] != nil {
			s.noteFailure(err)
			unread = append(unread, i)
		}
	}
	for _, i := range unread {
		value, gen, valueErr, genErr := Values{s}.GetWithGen(ctx, b.keys[i], false)
		b.reading.Gens[i], b.genErrs[i] = gen, genErr
		if b.wanted() {
			b.reading.Values[i], b.valueErrs[i] = value, valueErr
		}
	}
	if err := b.valueErrs[n]; err != nil {
		s.noteFailure(err)
		b.readBulk(ctx)
	}
}

// readBulk reads the bulk entry alone.
func (b *bulkRead) readBulk(ctx context.Context) {
	text, err := b.store.get(ctx, b.bulk)
	switch at := len(b.keys); {
	case err == nil:
		b.reading.Bulk, b.valueErrs[at] = bytesOf(text), nil
	case missing(err):
		b.valueErrs[at] = nil
	default:
		b.valueErrs[at] = err
	}
}

// readPart reads what is in these places from one node; the place after the
// keys is that of the bulk entry.
func (b *bulkRead) readPart(ctx context.Context, node *redis.Client, part []int) {
	s, n := b.store, len(b.keys)
	pipe := node.Pipeline()
	values, records := make([]*redis.StringCmd, len(part)), make([]*redis.StringCmd, len(part))
	for j, i := range part {
		if i == n {
			values[j] = awaitText(pipe.Get(ctx, b.bulk))
			continue
		}
		if b.wanted() {
			values[j] = awaitText(pipe.Get(ctx, ValueKey(b.keys[i])))
		}
		records[j] = awaitText(pipe.GetEx(ctx, s.keys.name(b.keys[i]), bare))
	}
	var info *redis.StringCmd
	if s.guarded {
		info = awaitText(pipe.Info(ctx, "replication"))
	}
	exec(ctx, pipe)
	id := ""
	var unproven error
	if info != nil {
		id, unproven = idIn(info)
	}
	for j, i := range part {
		if values[j] != nil {
			text, err := values[j].Result()
			switch {
			case missing(err):
			case err != nil:
				b.valueErrs[i] = err
			case i == n:
				b.reading.Bulk = bytesOf(text)
			default:
				b.reading.Values[i] = bytesOf(text)
			}
		}
		if records[j] == nil {
			continue
		}
		record, err := records[j].Result()
		switch {
		case missing(err):
		case err != nil:
			b.genErrs[i] = err
		case unproven != nil:
			b.genErrs[i] = unproven
		default:
			b.reading.Gens[i] = boundTo(record, id)
		}
	}
}

// byScript reads by scripts, one for each slot where slots may be on different
// servers.
func (b *bulkRead) byScript(ctx context.Context) {
	s := b.store
	at := -1 // the group that reads the bulk entry last
	var running sync.WaitGroup
	defer running.Wait()
	list, replies := s.grouped(ctx, nil, currentsScript, b.keys, maxGroup, func(list []group, together bool) {
		if b.wanted() {
			for i := range list {
				list[i].names = append(list[i].names, ValueKeys(list[i].keys(b.keys))...)
			}
		}
		switch {
		case b.bulk == "":
		case together:
			at = len(list) - 1
			list[at].names = append(list[at].names, b.bulk)
		default:
			// Not in the pipeline: go-redis sends a command of it twice at
			// once, to two servers, if it finds that the slot of that one has
			// moved and that the first of all is to be tried again.
			at = -1
			running.Go(func() { b.readBulk(ctx) })
		}
	}, s.guardFlag())
	for i, reply := range replies {
		b.take(ctx, list[i], i == at, reply)
	}
}

// take takes what a currentsScript answered for a group.
func (b *bulkRead) take(ctx context.Context, g group, bulk bool, reply *redis.Cmd) {
	n := len(b.keys)
	items, err := reply.Slice()
	if err == nil && len(items) != len(g.names)+1 {
		err = errNoReading
	}
	if moving(err) {
		for _, at := range g.at {
			value, gen, valueErr, genErr := Values{b.store}.readApart(ctx, b.keys[at], false)
			b.reading.Gens[at], b.genErrs[at], b.valueErrs[at] = gen, genErr, valueErr
			if b.wanted() {
				b.reading.Values[at] = value
			}
		}
		if bulk {
			b.readBulk(ctx)
		}
		return
	}
	if err != nil {
		for _, at := range g.at {
			if b.genErrs[at] = err; fromNetwork(err) {
				b.valueErrs[at] = err
			}
		}
		if bulk && fromNetwork(err) {
			b.valueErrs[n] = err
		}
		return
	}
	id, _ := items[len(g.names)].(string)
	for i, at := range g.at {
		if record, found := items[i].(string); found {
			b.reading.Gens[at] = boundTo(record, id)
		}
		if b.wanted() {
			b.reading.Values[at] = valueOf(items[len(g.at)+i])
		}
	}
	if bulk {
		b.reading.Bulk = valueOf(items[len(g.names)-1])
	}
}
