package genstoreredis

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	cascache "github.com/unkn0wn-root/cascache/core"
	redisgenstore "github.com/unkn0wn-root/cascache/genstore-redis"
	"github.com/unkn0wn-root/cascache/internal/redistest"
)

// noRetries makes a client pass on what a server refuses at once.
func noRetries(o *redis.Options) { o.MaxRetries = -1 }

// TestReplicaRefuses asks a replica, which may lag behind: it must not answer
// any call, whether or not the store binds generations to the replication id.
func TestReplicaRefuses(t *testing.T) { eachKind(t, testReplicaRefuses) }

func testReplicaRefuses(t *testing.T, open opening) {
	master := redistest.Start(t)
	replica := master.StartReplica()
	writer := open(t, connect(t, master.Addr()))
	snapshot(t, writer, "k")
	snapshot(t, writer, "l")
	master.WaitReplicated(replica)
	for _, unguarded := range []bool{false, true} {
		s := open(t, connect(t, replica.Addr(), noRetries), func(c *redisgenstore.Config) { c.Unguarded = unguarded })
		for name, err := range everyCall(t.Context(), s) {
			if !redis.HasErrorPrefix(err, "READONLY") {
				t.Errorf("G4: %s on a replica returned %v; it must be refused (Unguarded %t)", name, err, unguarded)
			}
		}
	}
}

// TestCutOffMasterRefuses asks a master that lacks the replicas which
// min-replicas-to-write demands: another one may have taken its place.
func TestCutOffMasterRefuses(t *testing.T) { eachKind(t, testCutOffMasterRefuses) }

func testCutOffMasterRefuses(t *testing.T, open opening) {
	master := redistest.Start(t, "--min-replicas-to-write", "1", "--min-replicas-max-lag", "1")
	for _, unguarded := range []bool{false, true} {
		s := open(t, connect(t, master.Addr(), noRetries), func(c *redisgenstore.Config) { c.Unguarded = unguarded })
		for name, err := range everyCall(t.Context(), s) {
			if !redis.HasErrorPrefix(err, "NOREPLICAS") {
				t.Errorf("G4: %s on a master without its replicas returned %v; it must be refused (Unguarded %t)", name, err, unguarded)
			}
		}
	}
}

// TestNewReplicationID changes the id of a master by its first replica, and
// expects that nothing from before is taken for current.
func TestNewReplicationID(t *testing.T) { eachKind(t, testNewReplicationID) }

func testNewReplicationID(t *testing.T, open opening) {
	master := redistest.Start(t)
	s := open(t, connect(t, master.Addr()))
	unguarded := open(t, connect(t, master.Addr()), unguarded)
	before := snapshot(t, s, "k")
	held := snapshot(t, s, "held")
	hold(t, s, "a", lease, "held")
	id := master.Info("master_replid")
	master.StartReplica()
	if id == master.Info("master_replid") {
		t.Fatal("the replication id has not changed: the test tests nothing")
	}

	if gen := current(t, s, "k"); gen != 0 {
		t.Fatalf("G1: generation %d is bound to another replication id and was taken for current", gen)
	}
	gens, err := s.CurrentBulk(t.Context(), []string{"k", "held"})
	if err != nil || gens[0] != 0 || gens[1] != 0 {
		t.Fatalf("G1: a batch took generations %v (error %v) of another replication id for current", gens, err)
	}
	if gen := current(t, unguarded, "k"); gen != before {
		t.Fatalf("a store without guards read %d, not %d", gen, before)
	}
	if both, ok := s.(cascache.Combined); ok {
		_, one, _, err := both.GetWithGen(t.Context(), "k", false)
		reading, _ := both.GetBulkWithGens(t.Context(), "b", []string{"k", "held"}, true)
		if one != 0 || err != nil || reading.GenErr != nil || reading.Gens[0] != 0 || reading.Gens[1] != 0 {
			t.Fatalf("G1: generations of another replication id were taken for current: %d (%v), in a batch %v (%v)", one, err, reading.Gens, reading.GenErr)
		}
		item := cascache.Item{Key: "k", Value: []byte("v"), TTL: time.Minute}
		if gen, stored, err := both.SetIfGen(t.Context(), item, before); gen != 0 || stored || err != nil {
			t.Fatalf("G1: a value was stored under generation %d of another replication id: %d, %v, %v", before, gen, stored, err)
		}
	}
	after := snapshot(t, s, "k")
	if after <= before {
		t.Fatalf("G1: a snapshot over generation %d of another replication id answered %d, not a greater one", before, after)
	}
	if gen := current(t, s, "k"); gen != after {
		t.Fatalf("the generation drawn under the new replication id is %d, read as %d", after, gen)
	}

	checkHeld(t, s, "held")
	release(t, s, "a", "held")
	if gen := current(t, s, "held"); gen <= held {
		t.Fatalf("G1: a hold over a change of the replication id led from %d to %d", held, gen)
	}
}

// TestMixedGuards has stores with and without guards share generations, as
// while a fleet is being changed over: that may cost misses.
func TestMixedGuards(t *testing.T) {
	server := redistest.Start(t)
	guarded := open(t, connect(t, server.Addr()))
	unguarded := open(t, connect(t, server.Addr()), unguarded)
	first := snapshot(t, guarded, "k")
	if gen := snapshot(t, unguarded, "k"); gen != first {
		t.Fatalf("a store without guards took %d for the generation %d", gen, first)
	}
	second := bump(t, unguarded, "k")
	if gen := current(t, guarded, "k"); gen != 0 {
		t.Fatalf("a generation without an id, %d, proved something to a guarded store: it read %d", second, gen)
	}
	if third := snapshot(t, guarded, "k"); third <= second || second <= first {
		t.Fatalf("G1: generations went %d, %d, %d", first, second, third)
	}
}

// TestOutOfMemory: nobody makes a full server fuller by asking for keys, and
// whoever invalidates or writes is not refused.
func TestOutOfMemory(t *testing.T) {
	eachForm(t, func(t *testing.T, s store, raw *redis.Client) {
		ctx := t.Context()
		first := snapshot(t, s, "k")
		raw.ScriptFlush(ctx)
		t.Cleanup(func() { raw.ConfigSet(context.Background(), "maxmemory", "0") })
		raw.ConfigSet(ctx, "maxmemory", "1")
		if err := raw.Set(ctx, "any", "thing", 0).Err(); !redis.HasErrorPrefix(err, "OOM") {
			t.Fatalf("the server is not out of memory: %v", err)
		}
		if gen := current(t, s, "k"); gen != first {
			t.Fatalf("out of memory, the generation %d was read as %d", first, gen)
		}
		checkNothingIsCreated(t, s, first)
		second := bump(t, s, "k")
		if second <= first {
			t.Fatalf("G1: out of memory, a bump led from %d to %d", first, second)
		}
		hold(t, s, "a", time.Minute, "k", "new")
		if gens, err := s.CurrentBulk(ctx, []string{"k", "new"}); err != nil || gens[0] != 0 || gens[1] != 0 {
			t.Fatalf("G2: out of memory, keys that are held were read as %d, %v", gens, err)
		}
		release(t, s, "a", "k", "new")
		if gen := current(t, s, "k"); gen <= second {
			t.Fatalf("G1: out of memory, a hold and release led from %d to %d", second, gen)
		}
		raw.ConfigSet(ctx, "maxmemory", "0")
		if gen := snapshot(t, s, "unknown"); gen == 0 {
			t.Fatal("with memory again, a snapshot creates a generation")
		}
	})
}

// checkNothingIsCreated makes each call that creates generations on a server that
// is out of memory, where the key k has this one.
func checkNothingIsCreated(t *testing.T, s store, known uint64) {
	t.Helper()
	ctx := t.Context()
	if gen, err := s.Snapshot(ctx, "k"); gen != known || err != nil {
		t.Errorf("out of memory, a snapshot returns what there is: got %d, %v, want %d", gen, err, known)
	}
	if gen, err := s.Snapshot(ctx, "unknown"); gen != 0 || !redis.IsOOMError(err) {
		t.Errorf("out of memory, a snapshot creates nothing (G2): got %d, %v", gen, err)
	}
	gens, err := s.SnapshotBulk(ctx, []string{"unknown", "k", "unknown too"})
	if !redis.IsOOMError(err) || len(gens) != 3 || gens[0] != 0 || gens[1] != known || gens[2] != 0 {
		t.Errorf("out of memory, a snapshot returns what there is and creates nothing: got %d, %v, want %d between zeros", gens, err, known)
	}
	if gens, err := s.SnapshotBulk(ctx, []string{"k"}); err != nil || len(gens) != 1 || gens[0] != known {
		t.Errorf("out of memory, a snapshot of what there is works: got %d, %v, want %d", gens, err, known)
	}
	if both, ok := s.(cascache.Combined); ok {
		if _, gen, valueErr, genErr := both.GetWithGen(ctx, "k", true); gen != known || valueErr != nil || genErr != nil {
			t.Errorf("out of memory, a read that creates returns what there is: got %d, %v, %v, want %d", gen, valueErr, genErr, known)
		}
		if _, gen, valueErr, genErr := both.GetWithGen(ctx, "unknown", true); gen != 0 || valueErr != nil || !redis.IsOOMError(genErr) {
			t.Errorf("out of memory, a read creates nothing, and reads the value: got %d, %v, %v", gen, valueErr, genErr)
		}
	}
	if gen := current(t, s, "unknown"); gen != 0 {
		t.Errorf("out of memory, the generation %d was created", gen)
	}
}

// TestUnknownKeysDoNotFillTheServer asks for more keys than a server has memory
// for.
func TestUnknownKeysDoNotFillTheServer(t *testing.T) {
	server := redistest.Start(t, "--maxmemory-policy", "noeviction")
	raw := connect(t, server.Addr())
	eachKind(t, func(t *testing.T, open opening) {
		ctx := t.Context()
		server.Config("maxmemory", "0")
		raw.FlushAll(ctx)
		s := open(t, raw)
		first := snapshot(t, s, "k")
		limit := number(t, server.Info("used_memory")) + 2<<20
		server.Config("maxmemory", strconv.Itoa(limit))
		refused := 0
		for i := range 40 {
			gens, err := s.SnapshotBulk(ctx, names(fmt.Sprint("unknown", i, "-"), 1000))
			if err != nil && !redis.IsOOMError(err) || len(gens) != 1000 {
				t.Fatalf("a snapshot of unknown keys answered %d generations, %v", len(gens), err)
			}
			if err != nil {
				refused++
			}
		}
		if refused == 0 {
			t.Fatal("the server has room for all: nothing was tried")
		}
		if both, ok := s.(cascache.Combined); ok {
			for _, key := range names("asked for", 1000) {
				if _, _, valueErr, genErr := both.GetWithGen(ctx, key, true); valueErr != nil || genErr != nil && !redis.IsOOMError(genErr) {
					t.Fatalf("a read of an unknown key: %v, %v", valueErr, genErr)
				}
			}
		}
		if used := number(t, server.Info("used_memory")); used > limit+1<<20 {
			t.Errorf("asking for unknown keys took a server with maxmemory %d to %d bytes", limit, used)
		}
		if gen := current(t, s, "k"); gen != first {
			t.Errorf("on a full server, the generation %d was read as %d", first, gen)
		}
		if gen := bump(t, s, "k"); gen <= first {
			t.Errorf("G1: on a full server, a bump led from %d to %d", first, gen)
		}
		hold(t, s, "a", time.Minute, "k")
		if gen := current(t, s, "k"); gen != 0 {
			t.Errorf("G2: on a full server, a held key was read as %d", gen)
		}
		release(t, s, "a", "k")
	})
}

func number(t *testing.T, text string) int {
	t.Helper()
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestRepeatedBump applies one bump twice, as a client does that lost the
// reply, with another one in between.
func TestRepeatedBump(t *testing.T) {
	server := redistest.Start(t)
	proxy := server.Proxy()
	proxy.NameScript("bump", source(t, "bump"))
	direct := open(t, connect(t, server.Addr()))
	s := open(t, connect(t, proxy.Addr()))
	bump(t, s, "warm")
	seen := []uint64{bump(t, direct, "k")}
	dropped := proxy.DropReply(redistest.Named("bump"))
	first := true
	proxy.OnCommand(func(c redistest.Command) {
		if c.Script != "bump" {
			return
		}
		if first {
			first = false
			return
		}
		<-dropped
		seen = append(seen, current(t, direct, "k"), bump(t, direct, "k"))
	})
	seen = append(seen, bump(t, s, "k"))
	if len(seen) != 4 {
		t.Fatalf("the bump was not repeated: %v", seen)
	}
	for i := 1; i < len(seen); i++ {
		if seen[i] <= seen[i-1] {
			t.Fatalf("G1: a repeated bump made the generations %v; each must be greater than the one before", seen)
		}
	}
}

func TestWaitReplicas(t *testing.T) { eachKind(t, testWaitReplicas) }

func testWaitReplicas(t *testing.T, open opening) {
	master := redistest.Start(t)
	between := master.Proxy()
	redistest.StartReplicaOf(t, between.Addr())
	s := open(t, connect(t, master.Addr()), func(c *redisgenstore.Config) {
		c.WaitReplicas, c.WaitTimeout = 1, 50*time.Millisecond
	})
	calls := map[string]func() error{
		"Bump":     func() error { _, err := s.Bump(t.Context(), "k"); return err },
		"BumpBulk": func() error { _, err := s.BumpBulk(t.Context(), []string{"k", "l"}); return err },
		"Hold":     func() error { return s.Hold(t.Context(), []string{"h"}, "a", lease) },
		"Release":  func() error { return s.Release(t.Context(), []string{"h"}, "a") },
	}
	if both, ok := s.(cascache.Combined); ok {
		calls["BumpAndDel"] = func() error { _, err, _ := both.BumpAndDel(t.Context(), []string{"k", "l"}); return err }
	}
	for name, call := range calls {
		redistest.Eventually(t, redistest.Patience, name+" reaches the replica in time", func() bool { return call() == nil })
	}
	// WAIT is about the last write that its own connection has seen: asked on
	// this one, it will say that the replica has everything.
	idle := connect(t, master.Addr(), func(o *redis.Options) { o.PoolSize = 1 })
	redistest.Eventually(t, redistest.Patience, "the replica has everything", func() bool {
		return idle.Wait(context.Background(), 1, time.Second).Val() == 1
	})
	between.Freeze()
	for name, call := range calls {
		err := call()
		if err == nil || !strings.Contains(err.Error(), "0 of the 1 replicas") {
			t.Errorf("G4: %s that no replica has returned %v; WaitReplicas is 1", name, err)
		}
	}
	if gen := current(t, open(t, connect(t, master.Addr())), "h"); gen == 0 {
		t.Error("a hold that the replicas did not get stayed")
	}
	if n, err := idle.Wait(t.Context(), 1, 10*time.Millisecond).Result(); err != nil || n != 1 {
		t.Fatalf("WAIT on a connection that wrote nothing answered %d, %v: the test tests nothing", n, err)
	}
	between.Thaw()
	for name, call := range calls {
		redistest.Eventually(t, redistest.Patience, name+" reaches the replica again", func() bool { return call() == nil })
	}
}

// TestUnknownScripts lets the server forget the scripts, as every restart and
// failover does.
func TestUnknownScripts(t *testing.T) {
	eachForm(t, func(t *testing.T, s store, raw *redis.Client) {
		for range 2 {
			raw.ScriptFlush(t.Context())
			for name, err := range everyCall(t.Context(), s) {
				if err != nil {
					t.Errorf("%s after SCRIPT FLUSH returned %v", name, err)
				}
			}
		}
	})
}
