package redisprovider

import (
	"context"
	"errors"
	"fmt"
	"unsafe"

	"github.com/redis/go-redis/v9"
)

// Get implements [cascache.Provider.Get]. A key that holds something other
// than a string is an error.
func (p *Provider) Get(ctx context.Context, key string) ([]byte, bool, error) {
	if err := p.usable(ctx); err != nil {
		return nil, false, refused("get", err, key)
	}
	cmd := awaitText(redis.NewStringCmd(ctx, "get", key))
	if err := p.process(ctx, cmd); err != nil {
		if errors.Is(err, redis.Nil) {
			return nil, false, nil
		}
		return nil, false, p.fail(ctx, "get", err, key)
	}
	return bytesOf(cmd.Val()), true, nil
}

// GetBulk implements [cascache.BulkProvider.GetBulk], by MGET where one node
// has all keys and by pipelined GETs where not. A key that holds something
// other than a string is a miss here, as MGET has it.
func (p *Provider) GetBulk(ctx context.Context, keys []string) ([][]byte, error) {
	if len(keys) == 0 {
		return nil, nil
	}
	if err := p.usable(ctx); err != nil {
		return nil, refused("get", err, keys...)
	}
	if !p.spread.Load() {
		cmd := p.client.MGet(ctx, keys...)
		demandAnswer(cmd)
		replies, err := cmd.Result()
		if err == nil && len(replies) != len(keys) {
			err = fmt.Errorf("MGET answered %d values for %d keys", len(replies), len(keys))
		}
		if err == nil {
			return valuesOf(replies), nil
		}
		if !p.takesOneNode(err) {
			return nil, p.fail(ctx, "get", err, keys...)
		}
	}

	pipe := p.client.Pipeline()
	for _, key := range keys {
		awaitText(pipe.Get(ctx, key))
	}
	replies, err := p.exec(ctx, pipe)
	if err != nil {
		return nil, p.fail(ctx, "get", err, keys...)
	}
	values := make([][]byte, len(keys))
	var failed failures
	for i, reply := range replies {
		value, err := reply.(*redis.StringCmd).Result()
		switch {
		case err == nil:
			values[i] = bytesOf(value)
		case errors.Is(err, redis.Nil), redis.HasErrorPrefix(err, "WRONGTYPE"):
		default:
			failed.add(keys[i], err)
		}
	}
	return values, p.failAll(ctx, "get", failed)
}

// valuesOf turns the reply of an MGET into values.
func valuesOf(replies []any) [][]byte {
	values := make([][]byte, len(replies))
	for i, reply := range replies {
		if value, ok := reply.(string); ok {
			values[i] = bytesOf(value)
		}
	}
	return values
}

// bytesOf returns the bytes of a reply, never nil, without copying them:
// nobody may write to what a provider returns.
func bytesOf(reply string) []byte {
	if reply == "" {
		return []byte{}
	}
	return unsafe.Slice(unsafe.StringData(reply), len(reply))
}
