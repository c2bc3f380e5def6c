package redisprovider

import (
	"context"

	"github.com/redis/go-redis/v9"
)

// Del implements [cascache.Provider.Del]. It sends DEL, not UNLINK, which
// frees strings on the spot as well.
func (p *Provider) Del(ctx context.Context, key string) error {
	if err := p.usable(ctx); err != nil {
		return refused("delete", err, key)
	}
	if err := p.process(ctx, awaitNumber(redis.NewIntCmd(ctx, "del", key))); err != nil {
		return p.fail(ctx, "delete", err, key)
	}
	return nil
}

// DelBulk implements [cascache.BulkProvider.DelBulk], by one DEL where one
// node has all keys and by pipelined ones where not.
func (p *Provider) DelBulk(ctx context.Context, keys []string) error {
	if len(keys) == 0 {
		return nil
	}
	if err := p.usable(ctx); err != nil {
		return refused("delete", err, keys...)
	}
	if !p.spread.Load() {
		args := make([]any, 1, 1+len(keys))
		args[0] = "del"
		for _, key := range keys {
			args = append(args, key)
		}
		err := p.process(ctx, awaitNumber(redis.NewIntCmd(ctx, args...)))
		if err == nil {
			return nil
		}
		if !p.takesOneNode(err) {
			return p.fail(ctx, "delete", err, keys...)
		}
	}

	pipe := p.client.Pipeline()
	for _, key := range keys {
		awaitNumber(pipe.Del(ctx, key))
	}
	replies, err := p.exec(ctx, pipe)
	if err != nil {
		return p.fail(ctx, "delete", err, keys...)
	}
	var failed failures
	for i, reply := range replies {
		if err := reply.Err(); err != nil {
			failed.add(keys[i], err)
		}
	}
	return p.failAll(ctx, "delete", failed)
}
