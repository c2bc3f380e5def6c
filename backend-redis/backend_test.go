package redisbackend

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	cascache "github.com/unkn0wn-root/cascache/core"
)

func TestConfigIsChecked(t *testing.T) {
	client := redis.NewClient(&redis.Options{Addr: "localhost:1"})
	t.Cleanup(func() { client.Close() })
	for field, config := range map[string]Config{
		"Client":        {},
		"Client is nil": {Client: (*redis.ClusterClient)(nil)},
		"TTL":           {Client: client, TTL: -1},
		"WaitReplicas":  {Client: client, WaitReplicas: -1},
		"WaitTimeout":   {Client: client, WaitTimeout: time.Second},
	} {
		_, err := New(config)
		if err == nil || !strings.HasPrefix(err.Error(), "redisbackend: ") || !strings.Contains(err.Error(), "Config."+field) {
			t.Errorf("what cannot work is refused by the name of its field: got %v, want one about Config.%s", err, field)
		}
	}
}

func TestACacheUsesItAsOne(t *testing.T) {
	client := redis.NewClient(&redis.Options{Addr: "localhost:1", MaxRetries: -1})
	t.Cleanup(func() { client.Close() })
	b, err := New(Config{Client: client})
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := cascache.AbilityOf[cascache.Combined](b); !ok {
		t.Error("a backend answers value and generation in one call: it is no cascache.Combined")
	}
	if !b.Shared() {
		t.Error("other processes see the same entries: Shared reports false")
	}
}

func TestNothingIsAskedAfterClose(t *testing.T) {
	client := redis.NewClient(&redis.Options{Addr: "localhost:1", MaxRetries: -1})
	t.Cleanup(func() { client.Close() })
	b, err := New(Config{Client: client, CloseClient: true})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := b.Close(t.Context()); err != nil {
			t.Fatalf("Close returned %v; further calls must return nil", err)
		}
	}
	ctx, keys := t.Context(), []string{"k", "l"}
	errs := make(map[string]error)
	_, _, errs["GetWithGen, value"], errs["GetWithGen, generation"] = b.GetWithGen(ctx, "k", false)
	_, _, _, errs["GetWithGen, created"] = b.GetWithGen(ctx, "k", true)
	reading, err := b.GetBulkWithGens(ctx, "b", keys, true)
	errs["GetBulkWithGens, values"], errs["GetBulkWithGens, generations"] = err, reading.GenErr
	item := cascache.Item{Key: "k", Value: []byte("v"), TTL: time.Second}
	_, _, errs["SetIfGen"] = b.SetIfGen(ctx, item, 7)
	_, _, errs["SetBulkIfGens"] = b.SetBulkIfGens(ctx, []cascache.Item{item}, []uint64{7})
	_, errs["BumpAndDel, bump"], errs["BumpAndDel, delete"] = b.BumpAndDel(ctx, keys)
	errs["DelEqual"] = b.DelEqual(ctx, keys, [][]byte{{1}, {2}})
	_, _, errs["Get"] = b.Get(ctx, "k")
	_, errs["Current"] = b.Current(ctx, "k")
	for name, err := range errs {
		if !errors.Is(err, cascache.ErrClosed) {
			t.Errorf("%s after Close returned %v, not ErrClosed", name, err)
		}
	}
	if err := client.Ping(ctx).Err(); !errors.Is(err, redis.ErrClosed) {
		t.Errorf("with CloseClient the client is closed: a ping returned %v", err)
	}
}

// A cache that was given it would fail at each call.
func TestClosedIsTold(t *testing.T) {
	client := redis.NewClient(&redis.Options{Addr: "localhost:1", MaxRetries: -1})
	t.Cleanup(func() { client.Close() })
	b, err := New(Config{Client: client})
	if err != nil {
		t.Fatal(err)
	}
	if b.Closed() {
		t.Error("what is open is not closed: Closed reports true")
	}
	_ = b.Close(t.Context())
	h, err := cascache.New(cascache.Options[string]{Namespace: "n", Codec: cascache.String{}, Provider: b, GenStore: b})
	if !b.Closed() || err == nil || h != nil {
		t.Errorf("New refuses what is closed: Closed reports %v, New returned %v, %v", b.Closed(), h, err)
	}
}
