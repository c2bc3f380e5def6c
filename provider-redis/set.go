package redisprovider

import (
	"context"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	cascache "github.com/unkn0wn-root/cascache/core"
)

// Set implements [cascache.Provider.Set]. Redis knows no shorter life than a
// millisecond, so a shorter ttl is taken as one; cost is ignored, since Redis
// weighs its entries itself. A server that is out of memory and may evict
// nothing declines, (false, nil): it is pressure, not a fault, and passes.
func (p *Provider) Set(ctx context.Context, key string, value []byte, cost int64, ttl time.Duration) (bool, error) {
	if err := p.usable(ctx); err != nil {
		return false, refused("set", err, key)
	}
	ttl, err := lifetime(ttl)
	if err != nil {
		return false, refused("set", err, key)
	}
	cmd := p.client.Set(ctx, key, value, ttl)
	demandAnswer(cmd)
	if err := cmd.Err(); err != nil {
		if redis.IsOOMError(err) {
			return false, nil
		}
		return false, p.fail(ctx, "set", err, key)
	}
	return true, nil
}

// SetBulk implements [cascache.BulkProvider.SetBulk], by pipelined SETs. A
// ttl that is not positive fails the whole call before anything is sent.
func (p *Provider) SetBulk(ctx context.Context, items []cascache.Item) ([]bool, error) {
	if len(items) == 0 {
		return nil, nil
	}
	if err := p.usable(ctx); err != nil {
		return nil, refused("set", err, keysOf(items)...)
	}
	pipe := p.client.Pipeline()
	for _, item := range items {
		ttl, err := lifetime(item.TTL)
		if err != nil {
			return nil, refused("set", err, item.Key)
		}
		pipe.Set(ctx, item.Key, item.Value, ttl)
	}
	replies, err := p.exec(ctx, pipe)
	if err != nil {
		return nil, p.fail(ctx, "set", err, keysOf(items)...)
	}
	stored := make([]bool, len(items))
	var failed failures
	for i, reply := range replies {
		switch err := reply.Err(); {
		case err == nil:
			stored[i] = true
		case redis.IsOOMError(err):
		default:
			failed.add(items[i].Key, err)
		}
	}
	return stored, p.failAll(ctx, "set", failed)
}

// lifetime returns ttl as Redis can keep it. The client must not see one that
// is not positive: it would take it as "for ever" or "as long as the entry
// before". One below a millisecond it would round up itself, and log that.
func lifetime(ttl time.Duration) (time.Duration, error) {
	if ttl <= 0 {
		return 0, fmt.Errorf("%w: %v is not positive", cascache.ErrInvalidTTL, ttl)
	}
	return max(ttl, time.Millisecond), nil
}

func keysOf(items []cascache.Item) []string {
	keys := make([]string, len(items))
	for i, item := range items {
		keys[i] = item.Key
	}
	return keys
}
