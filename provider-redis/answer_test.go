package redisprovider

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

// TestUnansweredCallsHaveFailed makes every call through a hook that sends
// nothing.
func TestUnansweredCallsHaveFailed(t *testing.T) {
	type embedding struct{ redis.UniversalClient }
	ctx, keys := t.Context(), []string{"k", "l"}
	items := []cascache.Item{{Key: "k", TTL: time.Minute}, {Key: "l", TTL: time.Minute}}
	for name, c := range map[string]struct {
		hook refusing
		want error
	}{
		"refused":   {refusing{}, errRefused},
		"swallowed": {refusing{swallow: true}, errUnanswered},
	} {
		client := redis.NewClient(&redis.Options{Addr: "127.0.0.1:1"})
		t.Cleanup(func() { _ = client.Close() })
		client.AddHook(c.hook)
		batching, err := client.AutoPipeline()
		if err != nil {
			t.Fatal(err)
		}
		cluster := redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{"127.0.0.1:1"}})
		t.Cleanup(func() { _ = cluster.Close() })
		cluster.AddHook(c.hook)
		for kind, client := range map[string]redis.UniversalClient{
			"client": client, "autopipeliner": batching, "client of another type": embedding{client}, "Cluster": cluster,
		} {
			p, err := New(Config{Client: client})
			if err != nil {
				t.Fatal(err)
			}
			check := func(call string, answered bool, err error) {
				t.Helper()
				if answered || !errors.Is(err, c.want) {
					t.Errorf("%s, %s: a call that nobody answered has failed: %s: answered %t, got %v, want %v", name, kind, call, answered, err, c.want)
				}
			}
			value, ok, err := p.Get(ctx, "k")
			check("Get", ok || value != nil, err)
			ok, err = p.Set(ctx, "k", []byte("v"), 1, time.Minute)
			check("Set", ok, err)
			check("Del", false, p.Del(ctx, "k"))
			values, err := p.GetBulk(ctx, keys)
			check("GetBulk", slices.ContainsFunc(values, func(v []byte) bool { return v != nil }), err)
			stored, err := p.SetBulk(ctx, items)
			check("SetBulk", slices.Contains(stored, true), err)
			check("DelBulk", false, p.DelBulk(ctx, keys))
		}
	}
}
