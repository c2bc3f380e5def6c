package redisgen

import (
	"context"
	"errors"
	"unsafe"

	"github.com/redis/go-redis/v9"
)

// GetWithGen implements the method of [cascache.Combined]. With create it
// begins the generation's time to live anew, as Snapshot does, and creates none
// when Redis is out of memory.
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
	if moving(genErr) || redis.IsOOMError(genErr) {
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
	items, err := s.runOne(ctx, fetchScript, []string{s.keys.name(key), ValueKey(key)}, s.guardFlag(), s.ttl, tail()).Slice()
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
	items, err := s.runOne(ctx, currentsScript, []string{s.keys.name(key), ValueKey(key)}, s.guardFlag()).Slice()
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
		[2]any{"get", ValueKey(key)}, [2]any{"getex", s.keys.name(key)}, [2]any{"info", "replication"},
	}
	got, record := awaitText(redis.NewStringCmd(ctx, a.get[:]...)), awaitText(redis.NewStringCmd(ctx, a.getEx[:]...))
	pipe, reused := s.pipes.Get().(redis.Pipeliner)
	if !reused {
		pipe = s.client.Pipeline()
	}
	var info *redis.StringCmd
	if s.guarded {
		info = awaitText(redis.NewStringCmd(ctx, a.info[:]...))
		_ = pipe.BatchProcess(ctx, got, record, info)
	} else {
		_ = pipe.BatchProcess(ctx, got, record)
	}
	exec(ctx, pipe) // the pipeline is empty again
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

// readApart reads a value and its generation one by one: while their slot is
// being moved they may be on two servers, and a server that is out of memory
// creates no generation and still has the value.
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
	cmd := awaitText(redis.NewStringCmd(ctx, "get", ValueKey(key)))
	s.process(ctx, cmd)
	s.noteFailure(cmd.Err())
	return cmd.Result()
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
