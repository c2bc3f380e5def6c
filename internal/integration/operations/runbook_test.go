package operations

import (
	"context"
	"encoding/binary"
	"strconv"
	"strings"
	"testing"
	"time"

	cascache "github.com/unkn0wn-root/cascache/core"
	"github.com/unkn0wn-root/cascache/internal/redistest"
	redisprovider "github.com/unkn0wn-root/cascache/provider-redis"
)

// TestRunbook looks at an entry and its generation in Redis with the commands
// of the runbook in docs/operations.md, and compares with what a read says.
func TestRunbook(t *testing.T) {
	server := redistest.Start(t)
	client := connect(t, server)
	values, err := redisprovider.New(redisprovider.Config{Client: client})
	if err != nil {
		t.Fatal(err)
	}
	cache, err := cascache.New(cascache.Options[string]{
		Namespace: "user", Provider: values, Codec: cascache.String{}, GenStore: openStore(t, client), GenTimeout: time.Minute,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cache.Close(context.Background()) })
	ctx := t.Context()
	began := time.Now().Add(-time.Second) // of the server's clock, which may be a little behind
	if err := cache.SetWithGen(ctx, "42", "Ada", cache.SnapshotGen("42"), 0); err != nil {
		t.Fatal(err)
	}

	names := server.Do("KEYS", "gen:{*}:shop:single:user:42").([]any)
	if len(names) != 1 {
		t.Fatalf("the pattern finds the generation: got %v", names)
	}
	name := names[0].(string)
	look := func() (generation string, entry uint64) {
		t.Helper()
		generation, id, _ := strings.Cut(server.Do("GET", name).(string), ":")
		if len(id) != 20 || !strings.HasPrefix(server.Info("master_replid"), id) {
			t.Errorf("a generation is bound to the first 20 digits of the master's replication id, %s: got %q", server.Info("master_replid"), id)
		}
		return generation, binary.BigEndian.Uint64([]byte(server.Do("GETRANGE", "single:user:42", "6", "13").(string)))
	}
	generation, entry := look()
	if _, ok, err := cache.Get(ctx, "42"); !ok || err != nil || generation != strconv.FormatUint(entry, 10) {
		t.Errorf("an entry is served while bytes 7 to 14 are its key's generation: served %t, %v, generation %s, entry %d", ok, err, generation, entry)
	}
	seconds, err := strconv.ParseInt(generation[:10], 10, 64)
	if drawn := time.Unix(seconds, 0); err != nil || drawn.Before(began.Add(-time.Second)) || drawn.After(time.Now().Add(time.Second)) {
		t.Errorf("the first ten digits of a generation are the second in which it was drawn: got %v, at %v", drawn, time.Now())
	}

	server.Do("COPY", "single:user:42", "copy")
	if err := cache.Invalidate(ctx, "42"); err != nil {
		t.Fatal(err)
	}
	server.Do("RENAME", "copy", "single:user:42")
	generation, entry = look()
	if _, ok, _ := cache.Get(ctx, "42"); ok || generation == strconv.FormatUint(entry, 10) {
		t.Errorf("an entry from before an invalidation is not served, and the numbers differ: served %t, generation %s, entry %d", ok, generation, entry)
	}

	// The drill for one key: without its generation nobody serves it.
	if err := cache.SetWithGen(ctx, "42", "Ada", cache.SnapshotGen("42"), 0); err != nil {
		t.Fatal(err)
	}
	server.Do("DEL", name)
	if _, ok, err := cache.Get(ctx, "42"); ok || err != nil {
		t.Errorf("a key whose generation was deleted by hand is a miss: served %t, %v", ok, err)
	}

	// A held key has a hash in the place of its generation.
	err = cache.Mutate(ctx, []string{"42"}, func(context.Context) error {
		if kind := server.Do("TYPE", name); kind != "hash" {
			t.Errorf("the generation of a held key is a hash: got %v", kind)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
