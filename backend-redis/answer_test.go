package redisbackend

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	cascache "github.com/unkn0wn-root/cascache/core"
)

var errRefused = errors.New("refused by a hook")

// refusing is a hook that sends nothing. With swallow, it says that it has.
type refusing struct{ swallow bool }

func (refusing) DialHook(next redis.DialHook) redis.DialHook { return next }

func (r refusing) answer() error {
	if r.swallow {
		return nil
	}
	return errRefused
}

func (r refusing) ProcessHook(redis.ProcessHook) redis.ProcessHook {
	return func(context.Context, redis.Cmder) error { return r.answer() }
}

func (r refusing) ProcessPipelineHook(redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(context.Context, []redis.Cmder) error { return r.answer() }
}

// TestUnansweredCallsHaveFailed makes the calls of a backend through a hook that
// sends nothing, those of the provider, of the store and of both.
func TestUnansweredCallsHaveFailed(t *testing.T) {
	for name, hook := range map[string]refusing{"refused": {}, "swallowed": {swallow: true}} {
		for _, unguarded := range []bool{false, true} {
			client := redis.NewClient(&redis.Options{Addr: "localhost:1"})
			t.Cleanup(func() { client.Close() })
			client.AddHook(hook)
			b, err := New(Config{Client: client, Unguarded: unguarded})
			if err != nil {
				t.Fatal(err)
			}
			ctx, keys := t.Context(), []string{"k", "l"}
			item := cascache.Item{Key: "k", Value: []byte("v"), TTL: time.Minute}
			errs := make(map[string]error)
			value, ok, err := b.Get(ctx, "k")
			errs["Get"] = err
			stored, err := b.Set(ctx, "k", item.Value, 1, time.Minute)
			errs["Set"], errs["Del"] = err, b.Del(ctx, "k")
			read, gen, err, genErr := b.GetWithGen(ctx, "k", false)
			errs["GetWithGen, value"], errs["GetWithGen, generation"] = err, genErr
			_, created, _, genErr := b.GetWithGen(ctx, "k", true)
			errs["GetWithGen to create"] = genErr
			reading, err := b.GetBulkWithGens(ctx, "b", keys, true)
			errs["GetBulkWithGens, values"], errs["GetBulkWithGens, generations"] = err, reading.GenErr
			_, set, err := b.SetIfGen(ctx, item, 7)
			errs["SetIfGen"] = err
			_, sets, err := b.SetBulkIfGens(ctx, []cascache.Item{item}, []uint64{7})
			errs["SetBulkIfGens"] = err
			_, errs["BumpAndDel, bump"], errs["BumpAndDel, delete"] = b.BumpAndDel(ctx, keys)
			errs["DelEqual"] = b.DelEqual(ctx, keys, [][]byte{{1}, {2}})
			errs["Hold"], errs["Release"] = b.Hold(ctx, keys[:1], "token", time.Minute), b.Release(ctx, keys[:1], "token")
			_, errs["Bump"] = b.Bump(ctx, "k")
			_, errs["Snapshot"] = b.Snapshot(ctx, "k")
			_, errs["Current"] = b.Current(ctx, "k")
			for call, err := range errs {
				if err == nil || name == "refused" && !errors.Is(err, errRefused) {
					t.Errorf("a call that nobody answered has failed: %s, %s, unguarded %t: got %v", name, call, unguarded, err)
				}
			}
			if ok || value != nil || read != nil || gen != 0 || created != 0 || stored || set || slices.Contains(sets, true) {
				t.Errorf("%s, unguarded %t: nobody answered, and there are a value, a generation or something stored", name, unguarded)
			}
		}
	}
}
