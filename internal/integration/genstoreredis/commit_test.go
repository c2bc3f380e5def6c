package genstoreredis

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	cascache "github.com/unkn0wn-root/cascache/core"
	redisgenstore "github.com/unkn0wn-root/cascache/genstore-redis"
	"github.com/unkn0wn-root/cascache/internal/redistest"
)

// commits is both ways to look up the generation of one key for a commit.
var commits = map[string]func(context.Context, store, string) (uint64, error){
	"CurrentToCommit": func(ctx context.Context, s store, key string) (uint64, error) {
		return s.CurrentToCommit(ctx, key)
	},
	"CurrentToCommitBulk": func(ctx context.Context, s store, key string) (uint64, error) {
		gens, err := s.CurrentToCommitBulk(ctx, []string{"beside-" + key, key})
		if err != nil {
			return 0, err
		}
		return gens[1], nil
	},
}

// checkCommits expects commits to keep generations for another ttl, if the
// store has one, and to leave everything else as it is.
func checkCommits(t *testing.T, s store, ttl time.Duration, raw redis.UniversalClient, nameOf func(string) string, prefix string) {
	ctx := t.Context()
	for op, commit := range commits {
		look := func(key string, want uint64) {
			t.Helper()
			if gen, err := commit(ctx, s, key); gen != want || err != nil {
				t.Fatalf("%s answered %d, %v for the generation %d: a commit is told what a read is", op, gen, err, want)
			}
		}
		none := prefix + op + "-none"
		look(none, 0)
		if gen := current(t, s, none); gen != 0 {
			t.Fatalf("G3: %s created the generation %d", op, gen)
		}

		key := prefix + op
		gen := snapshot(t, s, key)
		name := nameOf(key)
		if ttl == 0 {
			look(key, gen)
			if left := raw.PTTL(ctx, name).Val(); left != -1 {
				t.Fatalf("without a TTL generations are kept for ever: after %s %v are left", op, left)
			}
		} else {
			if err := raw.PExpire(ctx, name, time.Minute).Err(); err != nil {
				t.Fatal(err)
			}
			look(key, gen)
			if left := raw.PTTL(ctx, name).Val(); left <= ttl-time.Minute || left > ttl {
				t.Fatalf("a key that is filled keeps its generation: after %s %v are left of %v", op, left, ttl)
			}
		}
		if got := current(t, s, key); got != gen {
			t.Fatalf("%s changed the generation from %d to %d: it must not", op, gen, got)
		}
		look(key, gen)
		look(key, gen)

		hold(t, s, "a", 2*lease, key)
		before := raw.HGetAll(ctx, name).Val()
		look(key, 0)
		if left := raw.PTTL(ctx, name).Val(); left != -1 {
			t.Fatalf("a hold has no expiry of its own: after %s %v are left", op, left)
		}
		if after := raw.HGetAll(ctx, name).Val(); len(before) == 0 || len(after) != len(before) {
			t.Fatalf("%s changed a hold from %v to %v: it must leave it as it is", op, before, after)
		}
		release(t, s, "a", key)
	}
}

func TestCommits(t *testing.T) {
	server := redistest.Start(t)
	raw := connect(t, server.Addr())
	name := func(key string) string { return redisKey(t, raw, key) }
	pipeliner, err := connect(t, server.Addr()).AutoPipeline()
	if err != nil {
		t.Fatal(err)
	}
	for client, c := range map[string]redis.UniversalClient{
		"client": connect(t, server.Addr()), "autopipeliner": pipeliner, "client of another type": wrapped{connect(t, server.Addr())},
	} {
		for guards, unguarded := range map[string]bool{"guarded": false, "unguarded": true} {
			for _, ttl := range []time.Duration{0, time.Hour, time.Hour + time.Millisecond} {
				t.Run(client+", "+guards+", "+ttl.String(), func(t *testing.T) {
					raw.FlushAll(t.Context())
					checkCommits(t, open(t, c, func(c *redisgenstore.Config) { c.Unguarded, c.TTL = unguarded, ttl }), ttl, raw, name, "k")
				})
			}
		}
	}
}

func testClusterCommits(t *testing.T, cluster *redistest.Cluster) {
	raw := connectCluster(t, cluster.Addrs())
	name := func(key string) string {
		t.Helper()
		found := make(chan string, 3)
		if err := raw.ForEachMaster(t.Context(), func(ctx context.Context, node *redis.Client) error {
			for _, name := range node.Keys(ctx, "*:"+key).Val() {
				found <- name
			}
			return nil
		}); err != nil || len(found) != 1 {
			t.Fatalf("the generation of %q lies in %d Redis keys, not one (%v)", key, len(found), err)
		}
		return <-found
	}
	batching, err := connectCluster(t, cluster.Addrs()).AutoPipeline()
	if err != nil {
		t.Fatal(err)
	}
	for client, c := range map[string]redis.UniversalClient{"client": connectCluster(t, cluster.Addrs()), "autopipeliner": batching} {
		for guards, unguarded := range map[string]bool{"guarded": false, "unguarded": true} {
			for _, ttl := range []time.Duration{0, time.Hour} {
				t.Run(client+", "+guards+", "+ttl.String(), func(t *testing.T) {
					s := open(t, c, func(c *redisgenstore.Config) { c.Unguarded, c.TTL = unguarded, ttl })
					checkCommits(t, s, ttl, raw, name, "commits "+client+guards+ttl.String())
				})
			}
		}
	}
}

// TestFillsKeepTheGeneration snapshots a key once and then only fills it, for
// longer than the time to live. Another key is only read. A machine that stands
// still in between shows nothing, so it is tried again.
func TestFillsKeepTheGeneration(t *testing.T) {
	server := redistest.Start(t)
	const tries = 10
	for try := range tries {
		still := fillForLonger(t, server, fmt.Sprint("try ", try))
		if still == 0 {
			return
		}
		t.Logf("the machine stood still for %v", still)
	}
	t.Errorf("the machine stood still in each of %d tries", tries)
}

// fillForLonger returns for how long the machine stood still, if that was too
// long to show anything.
func fillForLonger(t *testing.T, server *redistest.Server, namespace string) (still time.Duration) {
	t.Helper()
	const ttl = 2 * time.Second
	cache, err := cascache.New(cascache.Options[string]{
		Namespace: namespace, Provider: new(values), Codec: cascache.String{}, GenTimeout: redistest.Patience,
		GenStore: redisgenstore.NewRedisGenStoreWithTTL(connect(t, server.Addr()), "test", ttl),
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	t.Cleanup(func() { _ = cache.Close(context.Background()) })
	obs := cache.SnapshotGens([]string{"filled", "filled in bulk", "too", "read"})
	if err := cache.SetWithGen(ctx, "read", "value", obs["read"], 0); err != nil {
		t.Fatal(err)
	}
	read := func() bool {
		_, ok, err := cache.Get(ctx, "read")
		if err != nil {
			t.Fatal(err)
		}
		return ok
	}
	last := time.Now()
	for end := last.Add(ttl + ttl/2); time.Now().Before(end); time.Sleep(ttl / 20) {
		if err := cache.SetWithGen(ctx, "filled", "value", obs["filled"], 0); err != nil {
			t.Fatal(err)
		}
		bulk := map[string]string{"filled in bulk": "value", "too": "value"}
		if err := cache.SetBulkWithGens(ctx, bulk, obs, 0); err != nil {
			t.Fatal(err)
		}
		read()
		if gap := time.Since(last); gap > ttl/2 {
			return gap
		}
		last = time.Now()
	}
	if read() {
		t.Error("G3: reads do not keep a generation: it is still there after its time to live")
	}
	for _, key := range []string{"filled", "filled in bulk", "too"} {
		if gen, err := cache.SnapshotGenContext(ctx, key); gen != obs[key] || err != nil {
			t.Errorf("a key that is filled keeps its generation: that of %q went from %d to %d (%v)", key, obs[key], gen, err)
		}
	}
	return 0
}
