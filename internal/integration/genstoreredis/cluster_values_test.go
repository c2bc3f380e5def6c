package genstoreredis

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	cascache "github.com/unkn0wn-root/cascache/core"
	"github.com/unkn0wn-root/cascache/internal/redistest"
)

// testClusterValues has a Cluster take every storage key with its generation:
// it refuses commands whose keys are not in one slot.
func testClusterValues(t *testing.T, cluster *redistest.Cluster, s cascache.Combined) {
	ctx := t.Context()
	storage := storageKeys()
	keys := slices.Clone(storage[:200])
	for _, key := range storage[:200] { // the same keys of a cache with a schema
		keys = append(keys, strings.Replace(key, "single:app:", "single:app%@v2:", 1))
	}
	for _, key := range keys {
		_, gen, valueErr, genErr := s.GetWithGen(ctx, key, true)
		if valueErr != nil || genErr != nil {
			t.Fatalf("%q: %v, %v", key, valueErr, genErr)
		}
		if _, stored, err := s.SetIfGen(ctx, item(key, "v"), gen); !stored || err != nil {
			t.Fatalf("%q was not stored: %v", key, err)
		}
		if value, now := look(t, s, key); string(value) != "v" || now != gen {
			t.Fatalf("%q was stored under %d, and read as %q, %d", key, gen, value, now)
		}
		if err := s.DelEqual(ctx, []string{key}, [][]byte{[]byte("v")}); err != nil {
			t.Fatal(err)
		}
		if _, bumpErr, delErr := s.BumpAndDel(ctx, []string{key}); bumpErr != nil || delErr != nil {
			t.Fatalf("%q: %v, %v", key, bumpErr, delErr)
		}
	}
	checkBulkOfValues(t, s, storage)
	testMigratingValues(t, cluster, s)
}

// testMigratingValues makes every call on keys of a slot that is on its way.
func testMigratingValues(t *testing.T, cluster *redistest.Cluster, s cascache.Combined) {
	ctx := t.Context()
	tag := "{moving values " + strconv.FormatInt(time.Now().UnixNano(), 36) + "}"
	keys := []string{tag + "moved", tag + "stays", tag + "new"}
	fill := func(when, key string) {
		t.Helper()
		redistest.Eventually(t, redistest.Patience, key+" is filled "+when, func() bool {
			_, gen, valueErr, genErr := s.GetWithGen(ctx, key, true)
			if valueErr != nil || genErr != nil {
				t.Logf("%s: %v, %v", when, valueErr, genErr)
				return false
			}
			_, stored, err := s.SetIfGen(ctx, item(key, when), gen)
			if !stored {
				t.Logf("%s: %v", when, err)
			}
			return stored
		})
	}
	fill("before", keys[0])
	from := cluster.MasterOf(keys[0])
	var to *redistest.Server
	for _, m := range masters(cluster) {
		if m.Addr() != from.Addr() {
			to = m
		}
	}
	m := cluster.BeginMigration(keys[0], to)
	look := func(key string) (value []byte, gen uint64) {
		t.Helper()
		// Slot states spread over the nodes at their own pace: what they
		// refuse for the moment is an error, and not a lie.
		redistest.Eventually(t, redistest.Patience, key+" can be read", func() bool {
			var err error
			value, gen, err = tryLook(t, s, key)
			return err == nil
		})
		return value, gen
	}
	call := func(when string) {
		t.Helper()
		for _, key := range keys {
			fill(when, key)
			if value, _ := look(key); string(value) != when {
				t.Fatalf("%s, %q was read as %q", when, key, value)
			}
		}
		var gens []uint64
		redistest.Eventually(t, redistest.Patience, "an invalidation goes through "+when, func() bool {
			var bumpErr, delErr error
			gens, bumpErr, delErr = s.BumpAndDel(ctx, keys)
			return bumpErr == nil && delErr == nil
		})
		for i, key := range keys {
			if value, now := look(key); value != nil || now != gens[i] {
				t.Fatalf("G4: %s %q was bumped to %d and deleted, and read as %q, %d", when, key, gens[i], value, now)
			}
		}
	}
	call("while the slot is open")
	m.MoveKeys()
	call("while the keys are on their way")
	m.Finish()
	call("after the slot has moved")
	cluster.MigrateSlot(keys[0], from)
}
