package wire

import (
	"bytes"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
)

// decodeApart is what DecodeEntry does, in as many calls.
func decodeApart(v Version, b []byte, key string) (kind Kind, gen uint64, payload []byte, err error) {
	if kind, err = v.KindOf(b); err != nil {
		return 0, 0, nil, err
	}
	if kind == KindAbsent {
		gen, err = v.DecodeAbsent(b, key)
	} else {
		gen, payload, err = v.DecodeSingle(b, key)
	}
	if err != nil {
		kind = 0
	}
	return kind, gen, payload, err
}

// checkEntry holds DecodeEntry to the decoders of the two kinds.
func checkEntry(t *testing.T, v Version, b []byte, key string) {
	t.Helper()
	kind, gen, payload, err := v.DecodeEntry(b, key)
	wantKind, wantGen, wantPayload, wantErr := decodeApart(v, b, key)
	if kind != wantKind || gen != wantGen || !bytes.Equal(payload, wantPayload) || (payload == nil) != (wantPayload == nil) || !errors.Is(err, wantErr) {
		t.Fatalf("an entry must be what the decoder of its kind says: got %v, %d, %x, %v, want %v, %d, %x, %v of %x",
			kind, gen, payload, err, wantKind, wantGen, wantPayload, wantErr, b)
	}
	if err == nil && kind == KindSingle {
		checkPayload(t, b, payload)
	}
}

func TestDecodeEntry(t *testing.T) {
	const key = "single:ns:key"
	for _, v := range []Version{Version1, Version2, 0, 4} {
		for _, d := range decoders {
			golden := unhex(t, d.golden)
			for n := range len(golden) + 1 {
				checkEntry(t, v, golden[:n], key)
			}
			checkEntry(t, v, append(golden, 0), key)
			for i := range golden { // every byte damaged
				damaged := bytes.Clone(golden)
				damaged[i] ^= 0x81
				checkEntry(t, v, damaged, key)
			}
		}
		for _, payload := range [][]byte{nil, []byte("x"), bytes.Repeat([]byte("x"), 1000)} {
			if frame, err := v.EncodeSingle(key, 42, payload); err == nil {
				checkEntry(t, v, frame, key)
				checkEntry(t, v, frame, "single:ns:other")
			}
		}
		if frame, err := v.EncodeAbsent(key, 7); err == nil {
			checkEntry(t, v, frame, key)
			checkEntry(t, v, frame, "single:ns:other")
		}
	}
	if kind, gen, payload, err := Version1.DecodeEntry(unhex(t, goldenSingle), ""); kind != KindSingle || gen != 42 || string(payload) != "hi" || err != nil {
		t.Errorf("a decoder must return what was encoded: got %v, %d, %q, %v, want single, 42, hi", kind, gen, payload, err)
	}
	if kind, gen, payload, err := Version1.DecodeEntry(unhex(t, goldenAbsent), ""); kind != KindAbsent || gen != 7 || payload != nil || err != nil {
		t.Errorf("a decoder must return what was encoded: got %v, %d, %q, %v, want absent, 7", kind, gen, payload, err)
	}
}

func FuzzDecodeEntry(f *testing.F) {
	addSeeds(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		checkEntry(t, Version1, b, "")
		checkEntry(t, Version2, b, longKey)
	})
}

func checkSameEntry(t *testing.T, got, want Entry) {
	t.Helper()
	if got.Absent != want.Absent || got.Gen != want.Gen || got.Loaded != want.Loaded ||
		!slices.Equal(listOf(got.Deps), listOf(want.Deps)) || got.Deps.Len() != want.Deps.Len() || !bytes.Equal(got.Payload, want.Payload) {
		t.Fatalf("a decoder must return what was encoded: got %v %d %d %v %.80x, want %v %d %d %v %.80x",
			got.Absent, got.Gen, got.Loaded, listOf(got.Deps), got.Payload,
			want.Absent, want.Gen, want.Loaded, listOf(want.Deps), want.Payload)
	}
}

func TestEntryGolden(t *testing.T) {
	for _, g := range golden3 {
		if g.kind == KindBulk {
			continue
		}
		t.Run(g.name, func(t *testing.T) {
			golden := unhex(t, g.golden)
			want := Entry{Absent: g.absent, Gen: 42, Loaded: goldenLoaded, Deps: depsOf(t, g.deps...), Payload: []byte("hi")}
			if g.absent {
				want.Gen, want.Payload = 7, nil
			}
			if got, err := g.v.Append(nil, g.key, want); err != nil || !bytes.Equal(got, golden) {
				t.Errorf("an entry's bytes are fixed: got %x, %v, want %x", got, err, golden)
			}
			var got Entry
			if err := g.v.Decode(golden, g.key, &got); err != nil {
				t.Fatalf("a decoder must accept the golden bytes: got %v", err)
			}
			checkSameEntry(t, got, want)
			if !g.absent {
				checkPayload(t, golden, got.Payload)
			} else if got.Payload != nil {
				t.Errorf("an absent entry has no payload: got %x, want nil", got.Payload)
			}
		})
	}
}

func TestEntryRoundTrips(t *testing.T) {
	rng := seeded(t)
	for range 3000 {
		key, prefix, e := string(randomBytes(rng, 40)), randomBytes(rng, 20), randomEntry(t, rng)
		for _, v := range []Version{Version3, Version3Checked} {
			got, err := v.Append(bytes.Clone(prefix), key, e)
			frame := plainVersion3(v, e.kind(), key, plainEntry(e))
			if want := append(bytes.Clone(prefix), frame...); err != nil || !bytes.Equal(got, want) {
				t.Fatalf("an entry must have the specified layout after what was there: got %x, %v, want %x", got, err, want)
			}
			var decoded Entry
			if err := v.Decode(frame, key, &decoded); err != nil {
				t.Fatalf("a decoder must accept what was encoded: %x: got %v", frame, err)
			}
			checkSameEntry(t, decoded, e)
			if again, err := v.Append(nil, key, decoded); err != nil || !bytes.Equal(again, frame) {
				t.Fatalf("what was decoded may be encoded again: got %x, %v, want %x", again, err, frame)
			}
		}
		// The versions without dependencies are those of the methods they had before.
		e.Loaded, e.Deps = 0, Deps{}
		for _, v := range []Version{Version1, Version2} {
			want, err := v.EncodeSingle(key, e.Gen, e.Payload)
			if e.Absent {
				want, err = v.EncodeAbsent(key, e.Gen)
			}
			if err != nil {
				t.Fatal(err)
			}
			got, err := v.Append(nil, key, Entry{Absent: e.Absent, Gen: e.Gen, Loaded: goldenLoaded, Payload: e.Payload})
			if err != nil || !bytes.Equal(got, want) {
				t.Fatalf("version %d must stay as it is: got %x, %v, want %x", v, got, err, want)
			}
			decoded := Entry{Absent: true, Gen: 1, Loaded: 1, Deps: depsOf(t, Dep{"left", 1}), Payload: []byte("over")}
			if err := v.Decode(got, key, &decoded); err != nil {
				t.Fatalf("a decoder must accept what was encoded: %x: got %v", got, err)
			}
			checkSameEntry(t, decoded, e)
		}
	}
}

func TestDecodeRefuses(t *testing.T) {
	const head = "000000000000002a 0000018bcfe56800"
	for _, c := range []struct {
		name string
		kind Kind
		body string
		want error
	}{
		{"no generation", KindSingle, "", errShort},
		{"no load time", KindSingle, "000000000000002a", errShort},
		{"no number of dependencies", KindSingle, head, errShort},
		{"half of it", KindSingle, head + "00", errShort},
		{"a dependency less than there are", KindSingle, head + "0000 0001 61 0000000000000001 00000002 6869", errShort},
		{"a dependency more than there are", KindAbsent, head + "0002 0001 61 0000000000000001", errShort},
		{"a dependency claimed, none there", KindAbsent, head + "0001", errShort},
		{"the most dependencies claimed", KindAbsent, head + "0100", errShort},
		{"one more than the most", KindAbsent, head + "0101", errDepCount},
		{"the largest number", KindSingle, head + "ffff 00000002 6869", errDepCount},
		{"a dependency without its generation", KindAbsent, head + "0001 0001 61", errShort},
		{"a key longer than the input", KindAbsent, head + "0001 ffff 61 0000000000000001", errShort},
		{"a key that swallows its generation", KindAbsent, head + "0001 0009 61 0000000000000001", errShort},
		{"dependencies descending", KindAbsent, head + "0002 0001 62 0000000000000001 0001 61 0000000000000001", errDepOrder},
		{"a dependency twice", KindAbsent, head + "0002 0001 61 0000000000000001 0001 61 0000000000000001", errDepOrder},
		{"a key twice, generations ascending", KindAbsent, head + "0002 0001 61 0000000000000001 0001 61 0000000000000002", errDepOrder},
		{"the empty key twice", KindAbsent, head + "0002 0000 0000000000000001 0000 0000000000000002", errDepOrder},
		{"a key after the one it begins", KindAbsent, head + "0002 0002 6161 0000000000000001 0001 61 0000000000000001", errDepOrder},
		{"signed byte order", KindAbsent, head + "0002 0001 80 0000000000000001 0001 7f 0000000000000001", errDepOrder},
		{"no payload length", KindSingle, head + "0000", errShort},
		{"half a payload length", KindSingle, head + "0000 0000", errShort},
		{"payload one too long", KindSingle, head + "0000 00000003 6869", errShort},
		{"payload one too short", KindSingle, head + "0000 00000001 6869", errTrailing},
		{"largest payload", KindSingle, head + "0000 ffffffff 6869", errShort},
		{"payload length with the sign bit", KindSingle, head + "0000 80000000 6869", errShort},
		{"an absent entry with a payload", KindAbsent, head + "0000 00000002 6869", errTrailing},
		{"an absent entry with an empty payload", KindAbsent, head + "0000 00000000", errTrailing},
		{"a bulk", KindBulk, goldenMembers3, errOtherKind},
		{"kind 4", 4, head + "0000 00000002 6869", errKind},
		{"kind 0", 0, head + "0000 00000002 6869", errKind},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, v := range []Version{Version3, Version3Checked} {
				b := plainVersion3(v, c.kind, longKey, unhex(t, c.body))
				checkCorrupt(t, func(b []byte) (bool, error) { return decode3(v, KindSingle, b, longKey) }, b, c.want)
				if got := v.PayloadOf(b); got != nil {
					t.Errorf("what is no whole single has no payload: version %d: got %x, want nil", v, got)
				}
			}
		})
	}
}

func TestEntryExtremes(t *testing.T) {
	longest := strings.Repeat("k", MaxKeyLen)
	for _, e := range []Entry{
		{},
		{Payload: []byte{}},
		{Absent: true},
		{Gen: math.MaxUint64, Loaded: math.MaxUint64, Payload: bytes.Repeat([]byte{0xff}, 1<<17)},
		{Gen: 1, Deps: depsOf(t, manyDeps(MaxDeps)...), Payload: []byte("x")},
		{Gen: 1, Deps: depsOf(t, Dep{"", 0}, Dep{longest, math.MaxUint64}), Payload: []byte("x")},
	} {
		for _, v := range []Version{Version3, Version3Checked} {
			frame, err := v.Append(nil, longKey, e)
			if want := plainVersion3(v, e.kind(), longKey, plainEntry(e)); err != nil || !bytes.Equal(frame, want) {
				t.Fatalf("what fits must encode in the specified layout: got %.80x, %v, want %.80x", frame, err, want)
			}
			var got Entry
			if err := v.Decode(frame, longKey, &got); err != nil {
				t.Fatalf("a decoder must accept what was encoded: got %v", err)
			}
			checkSameEntry(t, got, e)
			if !e.Absent {
				checkPayload(t, frame, got.Payload)
			}
		}
	}
}

func TestAppendKeepsWhatIsThere(t *testing.T) {
	e := Entry{Gen: 42, Loaded: goldenLoaded, Deps: depsOf(t, Dep{"b", 9}, Dep{"tag:t", 5}), Payload: []byte("hi")}
	for v, golden := range map[Version]string{Version3: goldenSingle3of2, Version3Checked: goldenSingle3Checked2} {
		want := unhex(t, golden)
		for _, spare := range []int{0, 1, len(want) - 1, len(want), 200} {
			dst := append(make([]byte, 0, 4+spare), "left"...)
			got, err := v.Append(dst, goldenKey, e)
			if err != nil || !bytes.Equal(got, append([]byte("left"), want...)) {
				t.Errorf("an appending encoder must extend dst (%d spare): got %x, %v, want \"left\" and %x", spare, got, err, want)
			}
			if inPlace := aliases(dst[:cap(dst)], got); inPlace != (spare >= len(want)) {
				t.Errorf("an appending encoder must use the room that dst has (%d spare of %d needed): in place %v", spare, len(want), inPlace)
			}
		}
	}
}

func TestAppendRefuses(t *testing.T) {
	deps := depsOf(t, Dep{"a", 1})
	for _, c := range []struct {
		name string
		v    Version
		key  string
		e    Entry
		want error
	}{
		{"dependencies in version 1", Version1, "", Entry{Deps: deps}, ErrTooManyDeps},
		{"dependencies of an absent entry in version 1", Version1, "", Entry{Absent: true, Deps: deps}, ErrTooManyDeps},
		{"dependencies in version 2", Version2, "", Entry{Deps: deps}, ErrTooManyDeps},
		{"a long key in version 2", Version2, strings.Repeat("k", MaxKeyLen+1), Entry{}, ErrTooLarge},
		{"a long key in version 3", Version3Checked, strings.Repeat("k", MaxKeyLen+1), Entry{}, ErrTooLarge},
		{"version 0", 0, "", Entry{Deps: deps}, ErrUnknownVersion},
		{"version 4", 4, "", Entry{}, ErrUnknownVersion},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got, err := c.v.Append([]byte("left"), c.key, c.e); !errors.Is(err, c.want) || string(got) != "left" {
				t.Errorf("what does not fit must be refused, and dst must come back unchanged: got %.40q, %v, want \"left\", %v", got, err, c.want)
			}
		})
	}
	if _, err := Version3.Append(nil, strings.Repeat("k", MaxKeyLen+1), Entry{}); err != nil {
		t.Errorf("version 3 without a checksum takes no notice of keys: got %v", err)
	}
}

func TestEntrySize(t *testing.T) {
	rng := seeded(t)
	for range 500 {
		key, e := string(randomBytes(rng, 40)), randomEntry(t, rng)
		for _, v := range []Version{Version1, Version2, Version3, Version3Checked} {
			if v == Version1 || v == Version2 {
				e.Deps = Deps{}
			}
			frame, err := v.Append(nil, key, e)
			if err != nil {
				t.Fatal(err)
			}
			if got := v.Size(len(key), e); got != len(frame) || cap(frame) != len(frame) {
				t.Fatalf("the size of an entry must be known beforehand: version %d, %x: got %d, want %d, cap %d", v, frame, got, len(frame), cap(frame))
			}
			if got, want := v.SingleSize(len(key), len(e.Payload)), len(frame); !e.Absent && e.Deps.Len() == 0 && got != want {
				t.Fatalf("the size of a single must be known beforehand: version %d, %x: got %d, want %d", v, frame, got, want)
			}
		}
	}
	// Of dependencies in a bulk's form too.
	members, _, err := Version3.DecodeMembers(unhex(t, goldenBulk3), "")
	if err != nil {
		t.Fatal(err)
	}
	e := Entry{Deps: members[0].Deps}
	frame, err := Version3.Append(nil, "", e)
	if want := plainVersion3(Version3, KindSingle, "", plainEntry(e)); err != nil || !bytes.Equal(frame, want) || Version3.Size(0, e) != len(want) {
		t.Errorf("the dependencies of a member may be those of an entry: got %x, %v, size %d, want %x", frame, err, Version3.Size(0, e), want)
	}
}

func TestEntryAllocations(t *testing.T) {
	for _, v := range []Version{Version1, Version2, Version3, Version3Checked} {
		for _, n := range []int{0, 1, 16, MaxDeps} {
			if n > 0 && (v == Version1 || v == Version2) {
				continue
			}
			e := Entry{Gen: 42, Loaded: goldenLoaded, Deps: depsOf(t, manyDeps(n)...), Payload: bytes.Repeat([]byte("x"), 4096)}
			frame, err := v.Append(nil, longKey, e)
			if err != nil {
				t.Fatal(err)
			}
			room := make([]byte, 0, len(frame))
			for _, c := range []struct {
				name string
				want float64
				call func()
			}{
				{"decode, and range over the dependencies", 0, func() {
					var got Entry
					_ = v.Decode(frame, longKey, &got)
					for key, gen := range got.Deps.All() {
						total += gen + uint64(len(key))
					}
				}},
				{"append where there is room", 0, func() { _, _ = v.Append(room, longKey, e) }},
				{"append where there is none", 1, func() { _, _ = v.Append(nil, longKey, e) }},
				{"the size", 0, func() { total += uint64(v.Size(len(longKey), e)) }},
				{"the payload of a frame", 0, func() { total += uint64(len(v.PayloadOf(frame))) }},
			} {
				if got := testing.AllocsPerRun(100, c.call); got != c.want {
					t.Errorf("version %d, %d dependencies, %s: an entry must cost no more than its frame: got %v allocations, want %v", v, n, c.name, got, c.want)
				}
			}
		}
	}
	sorted := manyDeps(16)
	if got := testing.AllocsPerRun(100, func() { _, _ = DepsOf(sorted) }); got != 1 {
		t.Errorf("dependencies in order must cost one allocation: got %v", got)
	}
}

// total keeps what is added up in a test or benchmark from being optimized away.
var total uint64
