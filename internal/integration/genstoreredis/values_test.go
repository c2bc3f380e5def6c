package genstoreredis

import (
	"bytes"
	"context"
	"errors"
	"strconv"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	cascache "github.com/unkn0wn-root/cascache/core"
	redisgenstore "github.com/unkn0wn-root/cascache/genstore-redis"
	"github.com/unkn0wn-root/cascache/internal/redistest"
)

// What is in this file is about calls that take values and generations
// together.

// eachValueForm runs a test for each form of a Backend.
func eachValueForm(t *testing.T, test func(t *testing.T, s cascache.Combined, raw *redis.Client)) {
	server := redistest.Start(t)
	raw := connect(t, server.Addr())
	for _, form := range forms {
		t.Run(form.name, func(t *testing.T) {
			raw.FlushAll(t.Context())
			test(t, form.open(t, server.Addr(), openBackend).(cascache.Combined), raw)
		})
	}
}

func item(key, value string) cascache.Item {
	return cascache.Item{Key: key, Value: []byte(value), TTL: time.Minute}
}

// look reads a key in each way there is, and fails the test unless these agree.
func look(t *testing.T, s cascache.Combined, key string) (value []byte, gen uint64) {
	t.Helper()
	value, gen, err := tryLook(t, s, key)
	if err != nil {
		t.Fatalf("a read of %q failed: %v", key, err)
	}
	return value, gen
}

// tryLook is look where a read may fail.
func tryLook(t *testing.T, s cascache.Combined, key string) (value []byte, gen uint64, err error) {
	t.Helper()
	value, gen, valueErr, genErr := s.GetWithGen(t.Context(), key, false)
	plain, found, plainErr := s.Get(t.Context(), key)
	now, nowErr := s.Current(t.Context(), key)
	r, err := s.GetBulkWithGens(t.Context(), key, []string{key, "no-" + key}, true)
	if err := errors.Join(valueErr, genErr, plainErr, nowErr, err, r.GenErr); err != nil {
		return nil, 0, err
	}
	if found != (value != nil) || !bytes.Equal(plain, value) {
		t.Fatalf("%q holds %q, and Get answered %q, %t", key, value, plain, found)
	}
	if now != gen {
		t.Fatalf("%q was read with generation %d, and Current answered %d", key, gen, now)
	}
	for _, got := range [][]byte{r.Bulk, r.Values[0]} {
		if (got == nil) != (value == nil) || !bytes.Equal(got, value) {
			t.Fatalf("%q holds %q, and GetBulkWithGens answered %q", key, value, got)
		}
	}
	if r.Gens[0] != gen || r.Gens[1] != 0 || r.Values[1] != nil {
		t.Fatalf("%q has generation %d, and the key beside it none: GetBulkWithGens answered %v, %q", key, gen, r.Gens, r.Values[1])
	}
	return value, gen, nil
}

func TestValues(t *testing.T) {
	eachValueForm(t, func(t *testing.T, s cascache.Combined, raw *redis.Client) {
		ctx := t.Context()
		if value, gen := look(t, s, "k"); value != nil || gen != 0 {
			t.Fatalf("G2: a key that holds nothing answered %q and generation %d", value, gen)
		}
		if n := raw.DBSize(ctx).Val(); n != 0 {
			t.Fatalf("G3: reads wrote: there are %d Redis keys", n)
		}
		_, gen, _, err := s.GetWithGen(ctx, "k", true)
		if again, now := look(t, s, "k"); gen == 0 || now != gen || again != nil || err != nil {
			t.Fatalf("G3: a read that creates answered %d, %v, and the generation is %d", gen, err, now)
		}
		if _, again, _, err := s.GetWithGen(ctx, "k", true); again != gen || err != nil {
			t.Fatalf("a second read that creates answered %d, %v, not the generation %d", again, err, gen)
		}
		for _, wrong := range []uint64{1, gen - 1, gen + 1} {
			if current, stored, err := s.SetIfGen(ctx, item("k", "wrong"), wrong); current != gen || stored || err != nil {
				t.Fatalf("a value was stored under %d, the generation being %d: %d, %t, %v", wrong, gen, current, stored, err)
			}
		}
		if current, stored, err := s.SetIfGen(ctx, item("k", "v"), gen); current != gen || !stored || err != nil {
			t.Fatalf("a value under the current generation %d was not stored: %d, %t, %v", gen, current, stored, err)
		}
		if value, now := look(t, s, "k"); string(value) != "v" || now != gen {
			t.Fatalf("what was stored is %q, %d; it was read as %q, %d", "v", gen, value, now)
		}
		if d := raw.PTTL(ctx, "k").Val(); d <= 0 || d > time.Minute {
			t.Fatalf("a value lives for its TTL of a minute: %v are left", d)
		}
		if _, stored, err := s.SetIfGen(ctx, item("k", ""), gen); !stored || err != nil {
			t.Fatalf("an empty value was not stored: %v", err)
		}
		if value, _ := look(t, s, "k"); value == nil || len(value) != 0 {
			t.Fatalf("an empty value is no miss: it was read as %v", value)
		}
		if err := s.DelEqual(ctx, []string{"k", "none"}, [][]byte{[]byte("v"), {}}); err != nil {
			t.Fatal(err)
		}
		if value, _ := look(t, s, "k"); value == nil {
			t.Fatal("a self-heal deleted what it had not read")
		}
		if err := s.DelEqual(ctx, []string{"none", "k"}, [][]byte{{}, {}}); err != nil {
			t.Fatal(err)
		}
		if value, now := look(t, s, "k"); value != nil || now != gen {
			t.Fatalf("a self-heal deletes what it read, and no generation: %q and %d are left", value, now)
		}
		if _, stored, err := s.SetIfGen(ctx, item("k", "v"), gen); !stored || err != nil {
			t.Fatal(stored, err)
		}
		bumped, bumpErr, delErr := s.BumpAndDel(ctx, []string{"k", "new"})
		if bumpErr != nil || delErr != nil || bumped[0] <= gen || bumped[1] == 0 {
			t.Fatalf("G1: BumpAndDel led from %d to %v: %v, %v", gen, bumped, bumpErr, delErr)
		}
		if value, now := look(t, s, "k"); value != nil || now != bumped[0] {
			t.Fatalf("after BumpAndDel to %d, %q and generation %d are left", bumped[0], value, now)
		}
		raw.RPush(ctx, "list", "1")
		if value, _, valueErr, genErr := s.GetWithGen(ctx, "list", false); value != nil || valueErr != nil || genErr != nil {
			t.Fatalf("what is no string has no value: got %q, %v, %v", value, valueErr, genErr)
		}
		if _, _, err := s.SetIfGen(ctx, cascache.Item{Key: "k", Value: []byte("v")}, 7); err == nil {
			t.Fatal("a value without a time to live was taken")
		}
	})
}

func TestHeldKeysAndValues(t *testing.T) {
	eachValueForm(t, func(t *testing.T, s cascache.Combined, _ *redis.Client) {
		ctx := t.Context()
		held := s.(store)
		gen := snapshot(t, held, "k")
		if _, stored, err := s.SetIfGen(ctx, item("k", "v"), gen); !stored || err != nil {
			t.Fatal(stored, err)
		}
		hold(t, held, "a", lease, "k")
		if value, now := look(t, s, "k"); now != 0 || string(value) != "v" {
			t.Fatalf("G2: a held key was read with generation %d (value %q)", now, value)
		}
		if _, created, _, err := s.GetWithGen(ctx, "k", true); created != 0 || err != nil {
			t.Fatalf("a read created generation %d of a held key (%v): a fill could begin", created, err)
		}
		if current, stored, err := s.SetIfGen(ctx, item("k", "w"), gen); current != 0 || stored || err != nil {
			t.Fatalf("a value of a held key was stored: %d, %t, %v", current, stored, err)
		}
		if gens, bumpErr, _ := s.BumpAndDel(ctx, []string{"k"}); bumpErr != nil || gens[0] != 0 {
			t.Fatalf("a bump of a held key is done and leaves it held: %v, %v", gens, bumpErr)
		}
		checkHeld(t, held, "k")
		if value, _ := look(t, s, "k"); value != nil {
			t.Fatalf("an invalidation deletes the value of a held key: %q is left", value)
		}
		release(t, held, "a", "k")
		if _, now := look(t, s, "k"); now <= gen {
			t.Fatalf("G1: a hold led from %d to %d", gen, now)
		}
	})
}

func TestBulksOfValues(t *testing.T) {
	eachValueForm(t, func(t *testing.T, s cascache.Combined, _ *redis.Client) {
		for _, n := range []int{2, 50, 2500} {
			checkBulkOfValues(t, s, names("k"+strconv.Itoa(n)+"-", n))
		}
	})
}

// checkBulkOfValues stores items of which nothing has moved, and one of which
// one key has.
func checkBulkOfValues(t *testing.T, s cascache.Combined, keys []string) {
	t.Helper()
	ctx, n := t.Context(), len(keys)
	gens, err := s.(store).SnapshotBulk(ctx, keys)
	if err != nil {
		t.Fatal(err)
	}
	bulk := "bulk:" + keys[0]
	items := make([]cascache.Item, 0, n+1)
	for _, key := range keys {
		items = append(items, item(key, "of "+key))
	}
	items = append(items, item(bulk, "all"))
	current, stored, err := s.SetBulkIfGens(ctx, items, gens)
	if err != nil {
		t.Fatal(err)
	}
	for i := range items {
		if !stored[i] || i < n && current[i] != gens[i] {
			t.Fatalf("of %d whose generations are current, %q was not stored", n, items[i].Key)
		}
	}
	for _, wanted := range []bool{false, true} {
		r, err := s.GetBulkWithGens(ctx, bulk, keys, wanted)
		if err != nil || r.GenErr != nil || string(r.Bulk) != "all" || wanted != (r.Values != nil) {
			t.Fatalf("%d keys were read with bulk entry %q, %d values, %v, %v", n, r.Bulk, len(r.Values), err, r.GenErr)
		}
		for i, key := range keys {
			if r.Gens[i] != gens[i] || wanted && string(r.Values[i]) != "of "+key {
				t.Fatalf("%q was read as %d, not %d", key, r.Gens[i], gens[i])
			}
		}
	}
	moved := n / 2
	if _, err := s.Bump(ctx, keys[moved]); err != nil {
		t.Fatal(err)
	}
	for i := range items {
		items[i].Value = []byte("later")
	}
	if current, stored, err = s.SetBulkIfGens(ctx, items, gens); err != nil {
		t.Fatal(err)
	}
	for i := range keys {
		if stored[i] != (i != moved) || (current[i] == gens[i]) != (i != moved) {
			t.Fatalf("all are stored but the one that has moved, %d: %d is %t", moved, i, stored[i])
		}
	}
	r, err := s.GetBulkWithGens(ctx, bulk, keys, true)
	if err != nil || stored[n] || string(r.Bulk) == "later" {
		t.Fatalf("a bulk entry was stored although a member has moved: %t, %q, %v", stored[n], r.Bulk, err)
	}
	for i, key := range keys {
		want := "later"
		if i == moved {
			want = "of " + key
		}
		if string(r.Values[i]) != want {
			t.Fatalf("%q holds %q, want %q", key, r.Values[i], want)
		}
	}
	bumped, bumpErr, delErr := s.BumpAndDel(ctx, keys)
	if bumpErr != nil || delErr != nil {
		t.Fatal(bumpErr, delErr)
	}
	r, err = s.GetBulkWithGens(ctx, "", keys, true)
	if err != nil {
		t.Fatal(err)
	}
	for i, key := range keys {
		if bumped[i] <= gens[i] || r.Gens[i] != bumped[i] || r.Values[i] != nil {
			t.Fatalf("%q was bumped from %d to %d and deleted: it holds %d and %q", key, gens[i], bumped[i], r.Gens[i], r.Values[i])
		}
	}
}

// TestFullMemoryDeclines fills a server that has no memory left: values are
// declined, and that is no error.
func TestFullMemoryDeclines(t *testing.T) {
	eachValueForm(t, func(t *testing.T, s cascache.Combined, raw *redis.Client) {
		ctx := t.Context()
		gens, err := s.(store).SnapshotBulk(ctx, []string{"k", "l"})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { raw.ConfigSet(context.Background(), "maxmemory", "0") })
		raw.ConfigSet(ctx, "maxmemory", "1")
		if current, stored, err := s.SetIfGen(ctx, item("k", "v"), gens[0]); current != gens[0] || stored || err != nil {
			t.Errorf("a value that finds no room is declined: got %d, %t, %v", current, stored, err)
		}
		current, stored, err := s.SetBulkIfGens(ctx, []cascache.Item{item("k", "v"), item("l", "v"), item("b", "v")}, gens)
		if err != nil || current[0] != gens[0] || current[1] != gens[1] || stored[0] || stored[1] || stored[2] {
			t.Errorf("values that find no room are declined: got %v, %v, %v", current, stored, err)
		}
		if _, bumpErr, delErr := s.BumpAndDel(ctx, []string{"k"}); bumpErr != nil || delErr != nil {
			t.Errorf("an invalidation takes no memory: %v, %v", bumpErr, delErr)
		}
	})
}

// TestValuesKeepTheirGeneration looks at which calls begin its time to live
// anew.
func TestValuesKeepTheirGeneration(t *testing.T) {
	server := redistest.Start(t)
	raw := connect(t, server.Addr())
	const ttl = time.Hour
	s := openBackend(t, connect(t, server.Addr()), func(c *redisgenstore.Config) { c.TTL = ttl }).(cascache.Combined)
	ctx := t.Context()
	gen := snapshot(t, s.(store), "k")
	name := generationKey(t, raw)
	for call, c := range map[string]struct {
		do    func() error
		keeps bool
	}{
		"GetWithGen":           {func() error { _, _, _, err := s.GetWithGen(ctx, "k", false); return err }, false},
		"GetBulkWithGens":      {func() error { _, err := s.GetBulkWithGens(ctx, "", []string{"k"}, true); return err }, false},
		"GetWithGen to create": {func() error { _, _, _, err := s.GetWithGen(ctx, "k", true); return err }, true},
		"SetIfGen":             {func() error { _, _, err := s.SetIfGen(ctx, item("k", "v"), gen); return err }, true},
		"SetBulkIfGens": {func() error {
			_, _, err := s.SetBulkIfGens(ctx, []cascache.Item{item("k", "v")}, []uint64{gen})
			return err
		}, true},
		"SetIfGen of another": {func() error { _, _, err := s.SetIfGen(ctx, item("k", "v"), gen+1); return err }, false},
	} {
		raw.PExpire(ctx, name, time.Minute)
		if err := c.do(); err != nil {
			t.Fatal(err)
		}
		if left := raw.PTTL(ctx, name).Val(); c.keeps != (left > time.Minute) || left > ttl {
			t.Errorf("fills keep a generation, reads do not (G3): after %s %v are left of %v", call, left, ttl)
		}
	}
}
