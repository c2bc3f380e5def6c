package redisgenstore

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"sync"
	"time"
	"unsafe"

	"github.com/redis/go-redis/v9"
	cascache "github.com/unkn0wn-root/cascache/core"
)

var (
	//go:embed scripts/fetch.lua
	fetchSource string
	//go:embed scripts/drop.lua
	dropSource string
	//go:embed scripts/store.lua
	storeSource string
	//go:embed scripts/heal.lua
	healSource string
)

// within makes a script a function of scripts that go on after it.
func within(name, source string) string {
	return "local function " + name + "(KEYS)\n" + source + "end\n"
}

var (
	fetchScript = newScript("read", prelude+within("snapshot", snapshotSource)+fetchSource)
	dropScript  = newScript("bump and delete", prelude+within("bump", bumpSource)+dropSource)
	storeScript = newScript("store", storeSource)
	healScript  = newScript("delete", healSource)
)

// Values are the entries that lie beside the generations of a store: in the
// same Redis, as strings under their storage keys as they are, each in the
// Cluster slot of its generation, as provider-redis keeps them. Its methods are
// those of [cascache.Combined] that take both; module backend-redis makes a
// whole one of them. What holds other than a string has no value here.
//
// Each is one round trip, or one per node of a Cluster, unless it says
// otherwise; while a slot is on its way to another node, what several keys are
// needed for may take two.
type Values struct{ store *Store }

// Values returns the entries beside the generations of s.
func (s *Store) Values() Values { return Values{s} }

// GetWithGen implements the method of [cascache.Combined]. With create it
// begins the generation's time to live anew, as Snapshot does.
func (v Values) GetWithGen(ctx context.Context, key string, create bool) (value []byte, gen uint64, valueErr, genErr error) {
	s := v.store
	var err error
	if create {
		err = s.beginChange(ctx, fetchScript.op, key)
	} else {
		err = s.begin(ctx)
	}
	if err != nil {
		return nil, 0, err, err
	}
	switch {
	case create:
		value, gen, genErr = v.fetch(ctx, key)
	case s.guarded && s.client.node == nil, s.client.batching:
		value, gen, genErr = v.readByScript(ctx, key)
	default:
		value, gen, valueErr, genErr = v.readPair(ctx, key)
	}
	if moving(genErr) {
		return v.readApart(ctx, key, create)
	}
	if genErr != nil {
		// A server that refuses a script says nothing of the value. If none
		// has answered, the value could not be read either.
		if valueErr == nil && fromNetwork(genErr) && !errors.Is(genErr, errNoMaster) {
			valueErr = genErr
		}
		genErr = failed("read", key, genErr)
	}
	if valueErr != nil {
		valueErr = failed("read", key, valueErr)
	}
	return value, gen, valueErr, genErr
}

// fetch reads a value and creates its generation if need be.
func (v Values) fetch(ctx context.Context, key string) ([]byte, uint64, error) {
	s := v.store
	items, err := s.runOne(ctx, fetchScript, []string{s.keys.name(key), key}, s.guardFlag(), s.ttl, tail()).Slice()
	if err != nil {
		return nil, 0, err
	}
	if len(items) != 2 {
		return nil, 0, errNoReading
	}
	digits, _ := items[0].(string)
	gen := parseGeneration(digits)
	if gen == 0 && digits != held {
		return nil, 0, errNoReading
	}
	return valueOf(items[1]), gen, nil
}

var errNoReading = errors.New("the script answered what is no generation and value")

// readByScript reads a value and its generation in one command, which the
// client can route, redirect and merge with those of other callers.
func (v Values) readByScript(ctx context.Context, key string) ([]byte, uint64, error) {
	s := v.store
	items, err := s.runOne(ctx, currentsScript, []string{s.keys.name(key), key}, s.guardFlag()).Slice()
	if err != nil {
		return nil, 0, err
	}
	if len(items) != 3 {
		return nil, 0, errNoReading
	}
	record, _ := items[0].(string)
	id, _ := items[2].(string)
	return valueOf(items[1]), boundTo(record, id), nil
}

// readPair reads a value and its generation in a pipeline. Where generations
// are bound to the replication id, it is for one server, and that id comes
// last: see readNode.
func (v Values) readPair(ctx context.Context, key string) (value []byte, gen uint64, valueErr, genErr error) {
	s := v.store
	defer s.watchSlots()()
	// What a typed call would allocate piece by piece, since this one is made
	// for every read.
	a := &struct{ get, getEx, info [2]any }{
		[2]any{"get", key}, [2]any{"getex", s.keys.name(key)}, [2]any{"info", "replication"},
	}
	got, record := redis.NewStringCmd(ctx, a.get[:]...), redis.NewStringCmd(ctx, a.getEx[:]...)
	pipe, reused := s.pipes.Get().(redis.Pipeliner)
	if !reused {
		pipe = s.client.Pipeline()
	}
	var info *redis.StringCmd
	if s.guarded {
		info = redis.NewStringCmd(ctx, a.info[:]...)
		_ = pipe.BatchProcess(ctx, got, record, info)
	} else {
		_ = pipe.BatchProcess(ctx, got, record)
	}
	_, _ = pipe.Exec(ctx) // each reply has its own error; the pipeline is empty again
	s.pipes.Put(pipe)
	text, err := got.Result()
	switch {
	case err == nil:
		value = bytesOf(text)
	case !missing(err):
		valueErr = err
		s.noteFailure(err)
	}
	text, err = record.Result()
	switch {
	case missing(err):
		return value, 0, valueErr, nil
	case err != nil:
		s.noteFailure(err)
		return value, 0, valueErr, err
	case info == nil:
		return value, boundTo(text, ""), valueErr, nil
	}
	id, err := idIn(info)
	if err != nil {
		return value, 0, valueErr, err
	}
	return value, boundTo(text, id), valueErr, nil
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

// readApart reads a value and its generation in two round trips: while their
// slot is being moved they may be on two servers.
func (v Values) readApart(ctx context.Context, key string, create bool) (value []byte, gen uint64, valueErr, genErr error) {
	s := v.store
	text, err := s.get(ctx, key)
	switch {
	case err == nil:
		value = bytesOf(text)
	case !missing(err):
		valueErr = failed("read", key, err)
	}
	if create {
		gen, genErr = s.Snapshot(ctx, key)
	} else {
		gen, genErr = s.Current(ctx, key)
	}
	return value, gen, valueErr, genErr
}

// get reads a value alone.
func (s *Store) get(ctx context.Context, key string) (string, error) {
	defer s.watchSlots()()
	text, err := s.client.Get(ctx, key).Result()
	s.noteFailure(err)
	return text, err
}

// valueOf returns the bytes in an item of a reply, nil where there are none.
func valueOf(item any) []byte {
	if text, found := item.(string); found {
		return bytesOf(text)
	}
	return nil
}

// bytesOf returns the bytes of a reply, never nil, without copying them: nobody
// may write to them.
func bytesOf(reply string) []byte {
	if reply == "" {
		return []byte{}
	}
	return unsafe.Slice(unsafe.StringData(reply), len(reply))
}

// GetBatchWithGens implements the method of [cascache.Combined].
func (v Values) GetBatchWithGens(ctx context.Context, bulk string, keys []string, wanted bool) (cascache.BatchReading, error) {
	s := v.store
	r := cascache.BatchReading{Gens: make([]uint64, len(keys))}
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
	b := &batchRead{store: s, bulk: bulk, keys: keys, reading: &r, genErrs: make([]error, len(keys)), valueErrs: make([]error, len(keys)+1)}
	switch {
	case s.client.node != nil:
		b.fromNode(ctx)
	case s.client.cluster != nil && !s.client.batching:
		b.fromNodes(ctx)
	default:
		b.byScript(ctx)
	}
	r.GenErr = joined("read", keys, b.genErrs)
	return r, joined("read", append(keys[:len(keys):len(keys)], bulk), b.valueErrs)
}

// batchRead is one GetBatchWithGens under way.
type batchRead struct {
	store     *Store
	bulk      string
	keys      []string
	reading   *cascache.BatchReading
	genErrs   []error // one per key
	valueErrs []error // one per key, and that of the bulk entry
}

// wanted tells whether the values are.
func (b *batchRead) wanted() bool { return b.reading.Values != nil }

// fromNode reads everything from one server, by one MGET. That is no write, so
// a GETEX follows it, over the same connection: a server that refuses that one
// has not been asked at all. After these comes the replication id, as in
// readNode.
func (b *batchRead) fromNode(ctx context.Context) {
	s, n := b.store, len(b.keys)
	names := s.keys.appendNames(make([]string, 0, 2*n+1), b.keys)
	if b.wanted() {
		names = append(names, b.keys...)
	}
	if b.bulk != "" {
		names = append(names, b.bulk)
	}
	pipe := s.client.node.Pipeline()
	all := pipe.MGet(ctx, names...)
	asked := pipe.GetEx(ctx, names[0], bare)
	var info *redis.StringCmd
	if s.guarded {
		info = pipe.Info(ctx, "replication")
	}
	_, _ = pipe.Exec(ctx) // each reply has its own error
	items, err := all.Result()
	if err == nil && len(items) != len(names) {
		err = fmt.Errorf("MGET answered %d values for %d keys", len(items), len(names))
	}
	if err != nil {
		b.failAll(err)
		return
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
}

// failAll says that nothing could be read.
func (b *batchRead) failAll(err error) {
	for i := range b.genErrs {
		b.genErrs[i], b.valueErrs[i] = err, err
	}
	b.valueErrs[len(b.keys)] = err
}

// fromNodes reads from the masters of a Cluster, each in one round trip. What a
// node does not answer, since its slot has moved for example, goes by the way on
// which the client follows redirections.
func (b *batchRead) fromNodes(ctx context.Context) {
	s, n := b.store, len(b.keys)
	stop := s.watchSlots()
	parts := make(map[*redis.Client][]int)
	place := func(i int, key string) error {
		node, err := s.client.cluster.MasterForKey(ctx, key)
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
func (b *batchRead) readBulk(ctx context.Context) {
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

// moving reports whether err says that a slot is on its way to another server:
// its keys are found one by one.
func moving(err error) bool {
	kind, _ := redirection(err)
	return kind != "" || answers(err, "TRYAGAIN")
}

// readPart reads what is in these places from one node; the place after the
// keys is that of the bulk entry.
func (b *batchRead) readPart(ctx context.Context, node *redis.Client, part []int) {
	s, n := b.store, len(b.keys)
	pipe := node.Pipeline()
	values, records := make([]*redis.StringCmd, len(part)), make([]*redis.StringCmd, len(part))
	for j, i := range part {
		if i == n {
			values[j] = pipe.Get(ctx, b.bulk)
			continue
		}
		if b.wanted() {
			values[j] = pipe.Get(ctx, b.keys[i])
		}
		records[j] = pipe.GetEx(ctx, s.keys.name(b.keys[i]), bare)
	}
	var info *redis.StringCmd
	if s.guarded {
		info = pipe.Info(ctx, "replication")
	}
	_, _ = pipe.Exec(ctx) // each reply has its own error
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
func (b *batchRead) byScript(ctx context.Context) {
	s := b.store
	list := s.groups(b.keys, maxGroup)
	for i := range list {
		if b.wanted() {
			list[i].names = append(list[i].names, list[i].keys(b.keys)...)
		}
	}
	at := -1 // the group that reads the bulk entry last
	if b.bulk != "" && s.client.oneServer {
		at = len(list) - 1
		list[at].names = append(list[at].names, b.bulk)
	}
	var running sync.WaitGroup
	if b.bulk != "" && at < 0 {
		// Not in the pipeline: go-redis sends a command of it twice at once, to
		// two servers, if it finds that the slot of that one has moved and that
		// the first of all is to be tried again.
		running.Go(func() { b.readBulk(ctx) })
	}
	defer running.Wait()
	for i, reply := range s.run(ctx, nil, currentsScript, list, s.guardFlag()) {
		b.take(ctx, list[i], i == at, reply)
	}
}

// take takes what a currentsScript answered for a group.
func (b *batchRead) take(ctx context.Context, g group, bulk bool, reply *redis.Cmd) {
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

// SetBatchIfGens implements the method of [cascache.Combined]. On one server a
// batch of up to 1,000 is one atomic script. In a Cluster each slot has a script
// of its own, and the bulk entry is stored beside them, in the same round trip:
// where a member turns out to have moved, it is deleted again in a second one. No
// read serves it meanwhile, since it carries the generation of each member.
func (v Values) SetBatchIfGens(ctx context.Context, items []cascache.Item, gens []uint64) (current []uint64, stored []bool, err error) {
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
		running.Go(func() { stored[n], errs[n] = v.set(ctx, items[n]) }) // apart, as in byScript
	}
	replies := s.run(ctx, nil, storeScript, list)
	running.Wait()
	for i, reply := range replies {
		g := list[i]
		err := fillStored(current, stored, gens, g, bulk && !beside, reply)
		switch {
		case err == nil:
		case redis.IsOOMError(err):
			partGens, partErr := s.CurrentToCommitBatch(ctx, g.keys(keys))
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
	list := s.groups(keys, maxGroup)
	for i := range list {
		list[i].names = append(list[i].names, list[i].keys(keys)...)
	}
	for i, reply := range s.run(ctx, s.writer(), dropScript, list, s.guardFlag(), s.ttl, tail()) {
		err := fill(gens, list[i], reply)
		if moving(err) {
			// The bump comes first, as everywhere.
			for _, at := range list[i].at {
				gens[at], bumpErrs[at] = s.Bump(ctx, keys[at])
				delErrs[at] = s.client.Del(ctx, keys[at]).Err()
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
	list := s.groups(keys, maxGroup)
	for len(list) > 0 {
		for i := range list {
			g := &list[i]
			g.names, g.args = g.keys(keys), make([]any, len(g.at))
			for j, at := range g.at {
				g.args[j] = values[at]
			}
		}
		var later []int
		for i, reply := range s.run(ctx, nil, healScript, list) {
			err := reply.Err()
			if len(list[i].at) > 1 && answers(err, "TRYAGAIN") {
				later = append(later, list[i].at...) // as in collect
				continue
			}
			for _, at := range list[i].at {
				errs[at] = err
			}
		}
		list = s.apart(keys, later)
	}
	return joined(healScript.op, keys, errs)
}

// keys returns those of all that are in the group.
func (g *group) keys(all []string) []string {
	keys := make([]string, len(g.at), 2*len(g.at)+1)
	for i, at := range g.at {
		keys[i] = all[at]
	}
	return keys
}
