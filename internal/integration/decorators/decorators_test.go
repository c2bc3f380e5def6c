package decorators

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	aeadcodec "github.com/unkn0wn-root/cascache/codec-aead"
	cborcodec "github.com/unkn0wn-root/cascache/codec-cbor"
	zstdcodec "github.com/unkn0wn-root/cascache/codec-zstd"
	cascache "github.com/unkn0wn-root/cascache/core"
	"github.com/unkn0wn-root/cascache/wire"
)

type page struct {
	ID    int      `cbor:"id"`
	Title string   `cbor:"title"`
	Body  string   `cbor:"body"`
	Tags  []string `cbor:"tags"`
}

func pageOf(id int) page {
	return page{ID: id, Title: fmt.Sprint("page ", id), Body: strings.Repeat("a line of the page, like the one before\n", 50), Tags: []string{"a", ""}}
}

func (p page) same(other page) bool {
	return p.ID == other.ID && p.Title == other.Title && p.Body == other.Body && slices.Equal(p.Tags, other.Tags)
}

func keyOf(tb testing.TB, id uint32) aeadcodec.Key {
	tb.Helper()
	key, err := aeadcodec.NewKey(id, bytes.Repeat([]byte{byte(id)}, aeadcodec.SecretSize))
	if err != nil {
		tb.Fatal(err)
	}
	return key
}

func compress[V any](tb testing.TB, inner cascache.Codec[V]) cascache.Codec[V] {
	tb.Helper()
	codec, err := zstdcodec.New(inner, zstdcodec.Config{})
	if err != nil {
		tb.Fatal(err)
	}
	return codec
}

func seal[V any](tb testing.TB, inner cascache.Codec[V], cfg aeadcodec.Config) cascache.Codec[V] {
	tb.Helper()
	codec, err := aeadcodec.New(inner, cfg)
	if err != nil {
		tb.Fatal(err)
	}
	return codec
}

// chain is aead over zstd over CBOR, with keys of which the last one seals.
func chain(tb testing.TB, scope string, ids ...uint32) cascache.Codec[page] {
	tb.Helper()
	cfg := aeadcodec.Config{Seal: ids[len(ids)-1], Scope: scope}
	for _, id := range ids {
		cfg.Keys = append(cfg.Keys, keyOf(tb, id))
	}
	return seal(tb, compress[page](tb, cborcodec.CBOR[page]{}), cfg)
}

func TestValuesComeBackSmallAndSealed(t *testing.T) {
	plain, err := cborcodec.CBOR[page]{}.Encode(pageOf(1))
	if err != nil {
		t.Fatal(err)
	}
	codec := chain(t, "", 1)
	data, err := codec.Encode(pageOf(1))
	if err != nil {
		t.Fatal(err)
	}
	if len(data) > len(plain)/4 {
		t.Errorf("what is compressed and then sealed is small: got %d bytes of %d", len(data), len(plain))
	}
	if bytes.Contains(data, []byte("page")) || bytes.Contains(data, []byte("\x28\xb5\x2f\xfd")) {
		t.Errorf("neither the text nor the frame beneath shows: got %x", data)
	}
	if got, err := codec.Decode(data); err != nil || !got.same(pageOf(1)) {
		t.Errorf("a value comes back as it was: got %+v, %v", got, err)
	}

	// The wrong way round works, and gains nothing.
	reversed := compress(t, seal[page](t, cborcodec.CBOR[page]{}, aeadcodec.Config{Keys: []aeadcodec.Key{keyOf(t, 1)}}))
	data, err = reversed.Encode(pageOf(1))
	if err != nil {
		t.Fatal(err)
	}
	if len(data) <= len(plain) {
		t.Errorf("what is sealed does not compress: got %d bytes of %d", len(data), len(plain))
	}
	if got, err := reversed.Decode(data); err != nil || !got.same(pageOf(1)) {
		t.Errorf("a value comes back as it was: got %+v, %v", got, err)
	}
}

func TestAllOfTheChainAppends(t *testing.T) {
	codec := chain(t, "", 1)
	appender, ok := cascache.AbilityOf[cascache.AppendEncoder[page]](codec)
	if !ok {
		t.Fatal("a chain of codecs that append has the ability: it has not")
	}
	depth := 0
	for at := any(codec); ; depth++ {
		wrapper, ok := at.(cascache.Wrapper)
		if !ok {
			break
		}
		at = wrapper.Unwrap()
	}
	if depth != 2 {
		t.Errorf("every decorator can be unwrapped: got %d, want 2", depth)
	}
	// The buffer is the caller's all the way down, so what the chain
	// allocates does not grow with the value.
	dst := make([]byte, 0, 64<<10)
	allocations := func(p page) float64 {
		return testing.AllocsPerRun(50, func() {
			if _, err := appender.AppendEncode(dst, p); err != nil {
				t.Fatal(err)
			}
		})
	}
	small, large := pageOf(1), pageOf(2)
	small.Body, large.Body = "", strings.Repeat(large.Body, 8)
	if raceEnabled {
		return // pools drop things at random
	}
	if a, b := allocations(small), allocations(large); b > a {
		t.Errorf("a fill allocates the same whatever the size: got %v allocations for a small value, %v for a large one", a, b)
	}
}

// memory is a provider whose entries the test can read and change.
type memory struct {
	mu      sync.Mutex
	entries map[string][]byte
}

func (m *memory) Get(_ context.Context, key string) ([]byte, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	value, ok := m.entries[key]
	return value, ok, nil
}

func (m *memory) Set(_ context.Context, key string, value []byte, _ int64, _ time.Duration) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.entries == nil {
		m.entries = make(map[string][]byte)
	}
	m.entries[key] = value
	return true, nil
}

func (m *memory) Del(_ context.Context, key string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.entries, key)
	return nil
}

func (m *memory) Close(context.Context) error { return nil }

// rig is a cache of pages over storage that outlives it, as Redis does, with
// generations that outlive it too.
type rig struct {
	*cascache.Handle[page]
	reasons []cascache.Reason // of the entries that it deleted
}

func newRig(t *testing.T, storage *memory, gens cascache.GenStore, codec cascache.Codec[page]) *rig {
	t.Helper()
	r := new(rig)
	var err error
	r.Handle, err = cascache.New(cascache.Options[page]{
		Namespace: "n", Provider: storage, GenStore: gens, Codec: codec,
		Hooks: &cascache.Hooks{SelfHeal: func(_ context.Context, e cascache.SelfHealEvent) { r.reasons = append(r.reasons, e.Reason) }},
	})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func (r *rig) fill(t *testing.T, key string, id int) {
	t.Helper()
	if err := r.SetWithGen(t.Context(), key, pageOf(id), r.SnapshotGen(key), 0); err != nil {
		t.Fatal(err)
	}
}

func (r *rig) wantHit(t *testing.T, rule, key string, id int) {
	t.Helper()
	if got, ok, err := r.Get(t.Context(), key); err != nil || !ok || !got.same(pageOf(id)) {
		t.Errorf("%s: %q: got %+v, %t, %v", rule, key, got, ok, err)
	}
}

// wantHealed fails unless the entry is a miss, and deleted for that it does not
// decode.
func (r *rig) wantHealed(t *testing.T, rule string, storage *memory, key string) {
	t.Helper()
	r.reasons = nil
	if got, ok, err := r.Get(t.Context(), key); err != nil || ok {
		t.Errorf("%s is a miss: got %+v, %t, %v", rule, got, ok, err)
	}
	if want := []cascache.Reason{cascache.ReasonDecode}; !slices.Equal(r.reasons, want) {
		t.Errorf("%s is deleted for that it does not decode: got %v, want %v", rule, r.reasons, want)
	}
	if _, ok := storage.entries["single:n:"+key]; ok {
		t.Errorf("%s is deleted: it is still there", rule)
	}
}

func TestKeysRotateWithoutAFlush(t *testing.T) {
	storage, gens := new(memory), cascache.NewLocalGenStore(0, 0)
	t.Cleanup(func() { _ = gens.Close(context.Background()) })
	open := func(ids ...uint32) *rig { return newRig(t, storage, gens, chain(t, "", ids...)) }

	first := open(1)
	first.fill(t, "a", 1)
	first.fill(t, "b", 2)

	both := open(1, 2)
	both.wantHit(t, "what the old key sealed is served while it is there", "a", 1)
	both.fill(t, "a", 3)
	open(2, 1).wantHit(t, "what the new key sealed is served by a replica that still seals with the old one", "a", 3)

	second := open(2)
	second.wantHit(t, "what the new key sealed is served when the old one is gone", "a", 3)
	second.wantHealed(t, "what was sealed with a key that is gone", storage, "b")
	second.fill(t, "b", 4)
	second.wantHit(t, "and is filled again", "b", 4)
}

func TestHostileEntriesHeal(t *testing.T) {
	storage, gens := new(memory), cascache.NewLocalGenStore(0, 0)
	t.Cleanup(func() { _ = gens.Close(context.Background()) })
	const entry = "single:n:a"

	t.Run("changed bytes", func(t *testing.T) {
		r := newRig(t, storage, gens, chain(t, "", 1))
		r.fill(t, "a", 1)
		whole := bytes.Clone(storage.entries[entry])
		for _, at := range []int{1, 10, 40, len(whole) - 1} { // counted from the payload's first byte
			changed := bytes.Clone(whole)
			at = min(len(whole)-1, 18+at) // behind the envelope
			changed[at] ^= 1
			storage.entries[entry] = changed
			r.wantHealed(t, fmt.Sprintf("an entry with byte %d changed", at), storage, "a")
		}
	})
	t.Run("another secret", func(t *testing.T) {
		newRig(t, storage, gens, chain(t, "", 1)).fill(t, "a", 1)
		imposter, err := aeadcodec.NewKey(1, bytes.Repeat([]byte("x"), aeadcodec.SecretSize))
		if err != nil {
			t.Fatal(err)
		}
		other := seal(t, compress[page](t, cborcodec.CBOR[page]{}), aeadcodec.Config{Keys: []aeadcodec.Key{imposter}})
		newRig(t, storage, gens, other).wantHealed(t, "an entry sealed with another secret", storage, "a")
	})
	t.Run("another scope", func(t *testing.T) {
		newRig(t, storage, gens, chain(t, "users", 1)).fill(t, "a", 1)
		newRig(t, storage, gens, chain(t, "orders", 1)).wantHealed(t, "an entry of another scope", storage, "a")
	})
	t.Run("no encryption before", func(t *testing.T) {
		newRig(t, storage, gens, cborcodec.CBOR[page]{}).fill(t, "a", 1)
		newRig(t, storage, gens, chain(t, "", 1)).wantHealed(t, "an entry from before the encryption", storage, "a")
	})
	t.Run("no encryption after", func(t *testing.T) {
		newRig(t, storage, gens, chain(t, "", 1)).fill(t, "a", 1)
		newRig(t, storage, gens, cborcodec.CBOR[page]{}).wantHealed(t, "a sealed entry without the encryption", storage, "a")
	})
	t.Run("compression on and off", func(t *testing.T) {
		compressed := compress[page](t, cborcodec.CBOR[page]{})
		newRig(t, storage, gens, compressed).fill(t, "a", 1)
		newRig(t, storage, gens, cborcodec.CBOR[page]{}).wantHealed(t, "a compressed entry without the compression", storage, "a")
		newRig(t, storage, gens, cborcodec.CBOR[page]{}).fill(t, "a", 1)
		newRig(t, storage, gens, compressed).wantHealed(t, "an entry from before the compression", storage, "a")
	})
	t.Run("a bomb", func(t *testing.T) {
		lax := compress[page](t, cborcodec.CBOR[page]{})
		large := pageOf(1)
		large.Body = strings.Repeat("a", 1<<20)
		strict, err := zstdcodec.New(cborcodec.CBOR[page]{}, zstdcodec.Config{MaxDecoded: 1 << 20})
		if err != nil {
			t.Fatal(err)
		}
		r := newRig(t, storage, gens, lax)
		if err := r.SetWithGen(t.Context(), "a", large, r.SnapshotGen("a"), 0); err != nil {
			t.Fatal(err)
		}
		newRig(t, storage, gens, strict).wantHealed(t, "an entry larger than allowed", storage, "a")
	})
}

// What the documentation of codec-aead says is not bound. If this test fails,
// something binds it now, and the documentation is out of date.
func TestSealedPayloadsCanBeSwapped(t *testing.T) {
	storage, gens := new(memory), cascache.NewLocalGenStore(0, 0)
	t.Cleanup(func() { _ = gens.Close(context.Background()) })
	r := newRig(t, storage, gens, chain(t, "", 1))
	r.fill(t, "a", 1)
	r.fill(t, "b", 2)
	genA, _, err := wire.DecodeSingle(storage.entries["single:n:a"])
	if err != nil {
		t.Fatal(err)
	}
	_, payloadB, err := wire.DecodeSingle(storage.entries["single:n:b"])
	if err != nil {
		t.Fatal(err)
	}
	if storage.entries["single:n:a"], err = wire.EncodeSingle(genA, payloadB); err != nil {
		t.Fatal(err)
	}
	r.wantHit(t, "whoever writes to the storage can put one sealed payload into the place of another", "a", 2)
}

func BenchmarkChain(b *testing.B) {
	cbor := cborcodec.CBOR[page]{}
	for _, c := range []struct {
		name  string
		codec cascache.Codec[page]
	}{
		{"cbor", cbor},
		{"zstd-cbor", compress[page](b, cbor)},
		{"aead-cbor", seal[page](b, cbor, aeadcodec.Config{Keys: []aeadcodec.Key{keyOf(b, 1)}})},
		{"aead-zstd-cbor", chain(b, "", 1)},
	} {
		for _, lines := range []int{2, 100, 2500} {
			value := pageOf(1)
			value.Body = strings.Repeat("a line of the page, like the one before\n", lines)
			data, err := c.codec.Encode(value)
			if err != nil {
				b.Fatal(err)
			}
			appender := c.codec.(cascache.AppendEncoder[page])
			dst := make([]byte, 0, 256<<10)
			size := fmt.Sprintf("%dB", len(value.Body))
			b.Run("encode/"+c.name+"/"+size, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if _, err := appender.AppendEncode(dst, value); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(len(data)), "bytes")
			})
			b.Run("decode/"+c.name+"/"+size, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if _, err := c.codec.Decode(data); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
