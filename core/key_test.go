package cascache

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

// bulkOfAB is the bulk entry of the keys "a" and "b" in the namespace "n":
// printf '\0\1a\0\1b' | sha256sum | head -c 32
const bulkOfAB = "bulk:n:e168af95ee8e070a78b202450c429f92"

func TestSingleEntryNames(t *testing.T) {
	for _, c := range []struct{ namespace, key, want string }{
		{"user", "1", "single:user:1"},
		{"user", "a:b%c{d}", "single:user:a:b%c{d}"},
		{"a:b", "c", "single:a%3Ab:c"},
		{"100%", "c", "single:100%25:c"},
		{"a%3Ab", "c", "single:a%253Ab:c"},
		{":%", ":", "single:%3A%25::"},
		{"ü", "\x00\xff", "single:ü:\x00\xff"},
	} {
		if got := newKeySpace(c.namespace, "").entry(c.key); got != c.want {
			t.Errorf("storage keys are part of the contract: namespace %q, key %q: got %q, want %q", c.namespace, c.key, got, c.want)
		}
	}
}

func TestBulkEntryNames(t *testing.T) {
	for _, c := range []struct {
		namespace string
		keys      []string
		want      string
	}{
		// printf '\0\1a\0\2bb' | sha256sum, and so on: 16 of the 32 bytes.
		{"user", []string{"a", "bb"}, "bulk:user:94e8ea330bb0f2545461b27b632682fa"},
		{"user", []string{"a"}, "bulk:user:6a9662194f63c1d38f6685d65fd9d380"},
		{"user", []string{"ab", "c"}, "bulk:user:2fd9ed9427a9ce1308ac7d3631dead79"},
		{"user", []string{"a", "bc"}, "bulk:user:88dd643ec6bb58bcfe970d0e146b523a"},
		{"a:b%", []string{"a"}, "bulk:a%3Ab%25:6a9662194f63c1d38f6685d65fd9d380"},
		{"n", []string{"a", "b"}, bulkOfAB},
	} {
		if got := newKeySpace(c.namespace, "").bulkEntry(c.keys); got != c.want {
			t.Errorf("storage keys are part of the contract: namespace %q, keys %q: got %q, want %q", c.namespace, c.keys, got, c.want)
		}
	}
}

// The names as the provider sees them, whatever the order and the repetitions
// in which keys are given.
func TestEntriesAsStored(t *testing.T) {
	r := newRig(t, func(o *Options[string]) { o.Namespace = "a:b" })
	fillBulk(t, r.Handle, map[string]string{"bb": "2", "a": "1"})
	for _, want := range []string{"single:a%3Ab:a", "single:a%3Ab:bb", "bulk:a%3Ab:94e8ea330bb0f2545461b27b632682fa"} {
		if _, ok := r.provider.entry(want); !ok {
			t.Errorf("storage keys are part of the contract: nothing is stored under %q", want)
		}
	}
	if got := r.provider.len(); got != 3 {
		t.Errorf("a bulk fill of two keys stores two singles and a bulk: got %d entries", got)
	}
	_, _, err := r.GetBulk(t.Context(), []string{"bb", "a", "bb"})
	if got := eventsOf[HitEvent](r.log); err != nil || len(got) != 2 || !got[0].Bulk {
		t.Errorf("a bulk entry belongs to the set of its keys: asked in another order, got hits %v, %v", got, err)
	}
}

// All short namespaces and keys made of the bytes that a careless join or
// escape would confuse.
func TestNoTwoPairsShareAStorageKey(t *testing.T) {
	words := []string{""}
	for begin, n := 0, 0; n < 3; n++ {
		end := len(words)
		for _, w := range words[begin:end] {
			for _, c := range []string{"a", ":", "%", "%25", "%3A"} {
				words = append(words, w+c)
			}
		}
		begin = end
	}
	slices.Sort(words)
	words = slices.Compact(words)[1:] // neither may be empty
	seen := make(map[string][2]string)
	for _, namespace := range words {
		space := newKeySpace(namespace, "")
		for _, key := range words {
			entry := space.entry(key)
			if other, dup := seen[entry]; dup {
				t.Fatalf("two pairs of namespace and key never share a storage key: %q and %q both have %q",
					other, [2]string{namespace, key}, entry)
			}
			seen[entry] = [2]string{namespace, key}
		}
		bulk := space.bulkEntry([]string{"a"})
		if other, dup := seen[bulk]; dup {
			t.Fatalf("a bulk entry never shares a storage key: %q of namespace %q with %q", bulk, namespace, other)
		}
		seen[bulk] = [2]string{namespace, ""}
	}
}

// Two caches over one provider and one generation store, with a namespace and
// a key that a careless join would merge.
func TestNamespacesAreIsolated(t *testing.T) {
	for _, c := range []struct{ ns1, key1, ns2, key2 string }{
		{"a", "b:c", "a:b", "c"},
		{"a:", "b", "a", ":b"},
		{"a%3Ab", "c", "a:b", "c"},
		{"%", "k", "%25", "k"},
	} {
		t.Run(c.ns1+" "+c.ns2, func(t *testing.T) {
			one := newRig(t, func(o *Options[string]) { o.Namespace = c.ns1 })
			two := newRig(t, func(o *Options[string]) {
				o.Namespace, o.Provider, o.GenStore = c.ns2, one.provider, one.store
			})
			fill(t, one.Handle, c.key1, "one")
			fillBulk(t, one.Handle, map[string]string{c.key1: "one"})
			wantMiss(t, two.Handle, "another cache's entry is not served", c.key2)
			wantBulk(t, two.Handle, "another cache's bulk is not served", []string{c.key2}, nil, c.key2)
			fill(t, two.Handle, c.key2, "two")
			wantHit(t, one.Handle, "another cache's fill does not replace the entry", c.key1, "one")
			if err := two.Invalidate(t.Context(), c.key2); err != nil {
				t.Fatal(err)
			}
			wantHit(t, one.Handle, "another cache's invalidation does not reach the entry", c.key1, "one")
		})
	}
}

func TestInvalidKeysAreRefusedInEveryCall(t *testing.T) {
	longest := strings.Repeat("k", 65535-len("single:n:"))
	for _, c := range every {
		for name, key := range map[string]string{"empty": "", "one byte too long": longest + "k"} {
			t.Run(c.name+"/"+name, func(t *testing.T) {
				r := newRig(t)
				if err := c.call(t.Context(), r.Handle, key); !errors.Is(err, ErrInvalidKey) {
					t.Errorf("an invalid key is refused with an error that says so: got %v, want %v", err, ErrInvalidKey)
				}
				if len(r.provider.calls) != 0 || len(r.store.calls) != 0 {
					t.Errorf("an invalid key reaches no backend: got provider %v, store %v", r.provider.calls, r.store.calls)
				}
			})
		}
		t.Run(c.name+"/longest", func(t *testing.T) {
			if err := c.call(t.Context(), newGenlessCache(t), longest); err != nil {
				t.Errorf("a key whose storage key has 65,535 bytes is valid: %v", err)
			}
		})
	}
	r := newRig(t)
	for _, key := range []string{"", longest + "k"} {
		if got := r.SnapshotGen(key); got != 0 {
			t.Errorf("an invalid key has no generation: got %d", got)
		}
		got := r.SnapshotGens([]string{"good", key})
		if gen, ok := got[key]; len(got) != 2 || !ok || gen != 0 || got["good"] == 0 {
			t.Errorf("an invalid key has no generation and takes none from the others: got %d keys", len(got))
		}
	}
}

// newGenlessCache is a cache in which no key has a generation, as the calls in
// every expect.
func newGenlessCache(t *testing.T) *Handle[string] {
	r := newRig(t)
	r.store.replace(GenSnapshot, answer(0, nil))
	return r.Handle
}

func TestLongestKeyWorksEverywhere(t *testing.T) {
	longest := strings.Repeat("k", 65535-len("single:n:"))
	r := newRig(t)
	fillBulk(t, r.Handle, map[string]string{longest: "v", "k": "w"})
	wantHit(t, r.Handle, "the longest key is as good as any", longest, "v")
	wantBulk(t, r.Handle, "the longest key is as good as any", []string{longest, "k"}, map[string]string{longest: "v", "k": "w"})
	if got := eventsOf[HitEvent](r.log); len(got) != 3 || !got[1].Bulk {
		t.Errorf("the longest key fits a bulk: got %d hits", len(got))
	}
}

func TestDistinct(t *testing.T) {
	in := []string{"b", "a", "b", "c", "a"}
	got := distinct(in)
	if want := []string{"b", "a", "c"}; !slices.Equal(got, want) {
		t.Errorf("each key once, in the order of first occurrence: got %q, want %q", got, want)
	}
	in[0] = "changed"
	if got[0] != "b" {
		t.Errorf("the result is a slice of its own: a change of the input shows as %q", got[0])
	}
	if got := distinct(nil); len(got) != 0 {
		t.Errorf("no keys: got %q", got)
	}
}

func TestSortedCopy(t *testing.T) {
	in := []string{"b", "B", "\xff", "a", "é"}
	got := sortedCopy(in)
	if want := []string{"B", "a", "b", "é", "\xff"}; !slices.Equal(got, want) {
		t.Errorf("keys are sorted by their bytes: got %q, want %q", got, want)
	}
	if in[0] != "b" {
		t.Errorf("the caller's slice is left alone: got %q", in)
	}
}
