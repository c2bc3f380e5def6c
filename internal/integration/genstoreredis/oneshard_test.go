package genstoreredis

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	cascache "github.com/unkn0wn-root/cascache/core"
	redisgenstore "github.com/unkn0wn-root/cascache/genstore-redis"
	"github.com/unkn0wn-root/cascache/internal/redistest"
)

// startOneShard runs a Cluster of one node, which refuses commands with keys of
// several slots although it has them all.
func startOneShard(t *testing.T) *redistest.Server {
	server := redistest.Start(t, "--cluster-enabled", "yes")
	server.Do("CLUSTER", "ADDSLOTSRANGE", "0", "16383")
	redistest.Eventually(t, redistest.Patience, "the Cluster of one node is fine", func() bool {
		info, _ := server.Do("CLUSTER", "INFO").(string)
		return strings.Contains(info, "cluster_state:ok")
	})
	return server
}

// bulkCalls are all calls that take many keys. They return an error too when they
// answer what is wrong.
var bulkCalls = map[string]func(ctx context.Context, s store, keys []string) error{
	"CurrentBulk": func(ctx context.Context, s store, keys []string) error {
		gens, err := s.CurrentBulk(ctx, keys)
		return wantAll(gens, err)
	},
	"CurrentToCommitBulk": func(ctx context.Context, s store, keys []string) error {
		gens, err := s.CurrentToCommitBulk(ctx, keys)
		return wantAll(gens, err)
	},
	"SnapshotBulk": func(ctx context.Context, s store, keys []string) error {
		gens, err := s.SnapshotBulk(ctx, keys)
		return wantAll(gens, err)
	},
	"BumpBulk": func(ctx context.Context, s store, keys []string) error {
		gens, err := s.BumpBulk(ctx, keys)
		return wantAll(gens, err)
	},
	"Hold": func(ctx context.Context, s store, keys []string) error {
		if err := s.Hold(ctx, keys, "token", time.Minute); err != nil {
			return err
		}
		for _, key := range keys {
			if gen, err := s.Current(ctx, key); gen != 0 || err != nil {
				return fmt.Errorf("%q is not held: got %d, %w", key, gen, err)
			}
		}
		for _, key := range keys {
			if err := s.Release(ctx, []string{key}, "token"); err != nil {
				return err
			}
		}
		return nil
	},
	"Release": func(ctx context.Context, s store, keys []string) error {
		for _, key := range keys {
			if err := s.Hold(ctx, []string{key}, "token", time.Minute); err != nil {
				return err
			}
		}
		if err := s.Release(ctx, keys, "token"); err != nil {
			return err
		}
		for _, key := range keys {
			if gen, err := s.Current(ctx, key); gen == 0 || err != nil {
				return fmt.Errorf("%q was not released: got %d, %w", key, gen, err)
			}
		}
		return nil
	},
}

// bulkValueCalls are those of values and generations together.
var bulkValueCalls = map[string]func(ctx context.Context, s cascache.Combined, keys []string) error{
	"GetBulkWithGens": func(ctx context.Context, s cascache.Combined, keys []string) error {
		for _, wanted := range []bool{false, true} {
			r, err := s.GetBulkWithGens(ctx, "bulk", keys, wanted)
			if err := wantAll(r.Gens, errors.Join(err, r.GenErr)); err != nil {
				return err
			}
			if string(r.Bulk) != "value" {
				return fmt.Errorf("the bulk entry was read as %q", r.Bulk)
			}
			for i := range r.Values {
				if string(r.Values[i]) != "value" {
					return fmt.Errorf("%q was read as %q", keys[i], r.Values[i])
				}
			}
		}
		return nil
	},
	"SetBulkIfGens": func(ctx context.Context, s cascache.Combined, keys []string) error {
		gens := make([]uint64, len(keys))
		items := make([]cascache.Item, len(keys), len(keys)+1)
		for i, key := range keys {
			var err error
			if gens[i], err = s.Current(ctx, key); err != nil {
				return err
			}
			items[i] = item(key, "value")
		}
		current, stored, err := s.SetBulkIfGens(ctx, append(items, item("bulk", "value")), gens)
		if err == nil && (!slices.Equal(current, gens) || slices.Contains(stored, false)) {
			err = fmt.Errorf("got %v, %v under %v", current, stored, gens)
		}
		return err
	},
	"BumpAndDel": func(ctx context.Context, s cascache.Combined, keys []string) error {
		gens, bumpErr, delErr := s.BumpAndDel(ctx, keys)
		return errors.Join(wantAll(gens, bumpErr), delErr, wantValues(ctx, s, keys, false))
	},
	"DelEqual": func(ctx context.Context, s cascache.Combined, keys []string) error {
		values := make([][]byte, len(keys))
		for i := range values {
			values[i] = []byte("value")
		}
		return errors.Join(s.DelEqual(ctx, keys, values), wantValues(ctx, s, keys, false))
	},
	"GetBulk": func(ctx context.Context, s cascache.Combined, keys []string) error {
		values, err := s.(cascache.BulkProvider).GetBulk(ctx, keys)
		for i := range values {
			if string(values[i]) != "value" {
				return fmt.Errorf("%q was read as %q", keys[i], values[i])
			}
		}
		return err
	},
	"DelBulk": func(ctx context.Context, s cascache.Combined, keys []string) error {
		return errors.Join(s.(cascache.BulkProvider).DelBulk(ctx, keys), wantValues(ctx, s, keys, false))
	},
}

// wantAll returns an error unless all keys have a generation.
func wantAll(gens []uint64, err error) error {
	if err == nil && (len(gens) == 0 || slices.Contains(gens, 0)) {
		return fmt.Errorf("not all keys have a generation: got %v", gens)
	}
	return err
}

// wantValues returns an error unless all keys have values, or none.
func wantValues(ctx context.Context, s cascache.Combined, keys []string, want bool) error {
	for _, key := range keys {
		if _, found, err := s.Get(ctx, key); found != want || err != nil {
			return fmt.Errorf("%q has a value: %t, %w", key, found, err)
		}
	}
	return nil
}

// TestOneShardCluster makes each call on a store that does not know yet, and
// again on the one that has found out. Nobody needs a second try.
func TestOneShardCluster(t *testing.T) {
	server := startOneShard(t)
	never := func(o *redis.Options) { o.MaxRetries = -1 }
	client := connect(t, server.Addr(), never)
	batching, err := connect(t, server.Addr(), never).AutoPipeline()
	if err != nil {
		t.Fatal(err)
	}
	keys := names("k", 20)
	eachKind(t, func(t *testing.T, open opening) {
		for name, c := range map[string]redis.UniversalClient{"client": client, "autopipeliner": batching} {
			for guards, unguarded := range map[string]bool{"guarded": false, "unguarded": true} {
				try := func(call string, do func(s store) error) {
					t.Run(name+", "+guards+", "+call, func(t *testing.T) {
						s := open(t, c, func(c *redisgenstore.Config) { c.Unguarded = unguarded })
						for range 2 {
							fillOneByOne(t, s, keys)
							if err := do(s); err != nil {
								t.Error(err)
							}
						}
					})
				}
				for call, do := range bulkCalls {
					try(call, func(s store) error { return do(t.Context(), s, keys) })
				}
				if _, ok := open(t, c).(cascache.Combined); !ok {
					continue
				}
				for call, do := range bulkValueCalls {
					try(call, func(s store) error { return do(t.Context(), s.(cascache.Combined), keys) })
				}
			}
		}
	})
}

// fillOneByOne gives the keys generations, and values where s keeps them.
func fillOneByOne(t *testing.T, s store, keys []string) {
	t.Helper()
	for _, key := range keys {
		gen := snapshot(t, s, key)
		if both, ok := s.(cascache.Combined); ok {
			if _, stored, err := both.SetIfGen(t.Context(), item(key, "value"), gen); !stored || err != nil {
				t.Fatalf("%q was not stored: %v", key, err)
			}
		}
	}
	if both, ok := s.(cascache.Combined); ok {
		if _, err := both.Set(t.Context(), "bulk", []byte("value"), 1, time.Minute); err != nil {
			t.Fatal(err)
		}
	}
}

// testPlainClient has a client of one server ask a Cluster of several.
func testPlainClient(t *testing.T, cluster *redistest.Cluster) {
	ctx := t.Context()
	keys := names("plain", 20) // on all nodes
	check := func(call string, err error) {
		t.Helper()
		if err == nil || !strings.Contains(err.Error(), "redis.ClusterClient") || !strings.Contains(err.Error(), "MOVED") {
			t.Errorf("%s: a client of one server that asks a Cluster of several is told what to use: got %v", call, err)
		}
	}
	client := connect(t, cluster.Nodes[0].Addr())
	s := openBackend(t, client)
	both := s.(cascache.Combined)
	for _, key := range keys {
		if cluster.MasterOf(key).Addr() != cluster.Nodes[0].Addr() {
			_, err := s.Snapshot(ctx, key)
			check("Snapshot", err)
			_, _, err = both.Get(ctx, key)
			check("Get", err)
			break
		}
	}
	for call, do := range bulkCalls {
		check(call, do(ctx, s, keys))
	}
	_, err := both.GetBulkWithGens(ctx, "bulk", keys, true)
	check("GetBulkWithGens", err)
	_, bumpErr, delErr := both.BumpAndDel(ctx, keys)
	check("BumpAndDel, bump", bumpErr)
	check("BumpAndDel, delete", delErr)
	check("DelEqual", both.DelEqual(ctx, keys, make([][]byte, len(keys))))
	_, err = both.(cascache.BulkProvider).GetBulk(ctx, keys)
	check("GetBulk", err)
}
