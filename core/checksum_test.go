package cascache

import (
	"bytes"
	"context"
	"testing"
	"time"
)

// checkedCache is a cache that writes and demands version 2 of the envelope.
func checkedCache(t testing.TB) *rig {
	t.Helper()
	return newRig(t, func(o *Options[string]) { o.Checksum = true })
}

func TestChecksumRoundTrips(t *testing.T) {
	r := checkedCache(t)
	fill(t, r.Handle, "k", "v")
	wantHit(t, r.Handle, "a checked single", "k", "v")
	fillBulk(t, r.Handle, map[string]string{"a": "1", "b": "2"})
	clear(r.provider.calls)
	wantBulk(t, r.Handle, "a checked bulk", []string{"b", "a"}, map[string]string{"a": "1", "b": "2"})
	if n := r.provider.count("get"); n != 1 {
		t.Errorf("a checked bulk is served as a bulk: got %d reads", n)
	}
	l := newLoader(t, r.Handle, newSource(nil), func(o *LoaderOptions[string]) { o.AbsentTTL = time.Minute })
	for range 2 {
		if _, err := l.Get(t.Context(), "none"); err == nil {
			t.Error("checked absence is absence")
		}
	}
	if e, _ := r.provider.entry("single:n:none"); !bytes.HasPrefix(e.value, []byte("CASC\x02\x03")) {
		t.Errorf("absence is checked too: got %x", e.value)
	}
}

// Whatever single bit flips in whatever entry: a miss, never a value.
func TestChecksumFindsEveryFlippedBit(t *testing.T) {
	r := checkedCache(t)
	fill(t, r.Handle, "k", "value")
	fillBulk(t, r.Handle, map[string]string{"a": "1", "b": "2"})
	bulk := r.keys.bulkEntry([]string{"a", "b"})
	for entry, read := range map[string]func() bool{
		"single:n:k": func() bool { _, ok, _ := r.Get(t.Context(), "k"); return ok },
		bulk: func() bool {
			r.provider.calls["get"] = 0
			values, _, _ := r.GetBulk(t.Context(), []string{"a", "b"})
			return len(values) > 0 && r.provider.count("get") == 1
		},
	} {
		whole, ok := r.provider.entry(entry)
		if !ok || !read() {
			t.Fatalf("%s is stored and served", entry)
		}
		for bit := range 8 * len(whole.value) {
			flipped := bytes.Clone(whole.value)
			flipped[bit/8] ^= 1 << (bit % 8)
			r.provider.put(entry, flipped)
			if read() {
				t.Errorf("%s with bit %d flipped is a miss: it was served", entry, bit)
			}
			if _, ok := r.provider.entry(entry); ok {
				t.Errorf("%s with bit %d flipped is deleted", entry, bit)
			}
		}
	}
}

func TestChecksumRefusesAnotherKeysBytes(t *testing.T) {
	r := checkedCache(t)
	fill(t, r.Handle, "a", "of a")
	e, _ := r.provider.entry("single:n:a")
	// The same generation, so that nothing but the key tells them apart.
	gen := r.SnapshotGen("a")
	r.store.replace(GenCurrent, answer(gen, nil))
	r.provider.put("single:n:b", e.value)
	wantMiss(t, r.Handle, "another key's bytes are a miss", "b")
	wantBulk(t, r.Handle, "another key's bytes are a miss in a bulk", []string{"b"}, map[string]string{}, "b")
	wantHit(t, r.Handle, "the key's own are not", "a", "of a")
}

func TestVersionsDoNotMix(t *testing.T) {
	plain := newRig(t)
	checked := newRig(t, func(o *Options[string]) {
		o.Checksum = true
		o.GenStore = plain.store
	})
	for _, c := range []struct {
		rule     string
		from, to *rig
	}{
		{"a cache without checksums accepts no checked entry", checked, plain},
		{"a cache with checksums demands them", plain, checked},
	} {
		fill(t, c.from.Handle, "k", "v")
		e, _ := c.from.provider.entry("single:n:k")
		c.to.provider.put("single:n:k", e.value)
		wantMiss(t, c.to.Handle, c.rule, "k")
		wantHit(t, c.from.Handle, "each accepts its own", "k", "v")
	}
}

func BenchmarkChecksum(b *testing.B) {
	value := bytes.Repeat([]byte("x"), 1024)
	for name, checksum := range map[string]bool{"plain": false, "checked": true} {
		h := open(b, Options[[]byte]{Namespace: "n", Provider: newMapProvider(), Codec: Bytes{}, Checksum: checksum})
		gen := fill(b, h, "k", value)
		ctx := b.Context()
		b.Run("get/"+name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, _, _ = h.Get(ctx, "k")
			}
		})
		b.Run("set/"+name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_ = h.SetWithGen(ctx, "k", value, gen, 0)
			}
		})
	}
}

// dividedProvider looks up keys in two parts.
type dividedProvider struct{ *mapProvider }

func (p dividedProvider) GetPrefixed(ctx context.Context, prefix, key string) ([]byte, bool, error) {
	return p.Get(ctx, prefix+key)
}

func TestAChecksumNamesADividedKey(t *testing.T) {
	provider := dividedProvider{newMapProvider()}
	h := open(t, Options[string]{Namespace: "n", Provider: provider, Codec: String{}, Checksum: true})
	fill(t, h, "k", "v")
	wantHit(t, h, "a key that comes in two parts is the one that the entry names", "k", "v")
	other, _ := provider.entry("single:n:k")
	fill(t, h, "j", "w")
	provider.put("single:n:j", other.value)
	wantMiss(t, h, "an entry of another key is none", "j")
}
