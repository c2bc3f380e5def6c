package wire

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"slices"
	"testing"
	"unsafe"
)

// addSeeds gives a decoder's fuzz target the entries of every kind, so that it
// starts past the header.
func addSeeds(f *testing.F) {
	f.Helper()
	for _, d := range decoders {
		f.Add(unhex(f, d.golden))
	}
	f.Add(plainBulk(0))
	f.Add(plainBulk(math.MaxUint32, goldenItems()...))
	f.Add(plainBulk(3, BulkItem{}, BulkItem{Key: "a"}, BulkItem{Key: "b", Payload: []byte("x")}))
}

// checkRefusal holds a failed decode to its promise.
func checkRefusal(t *testing.T, err error, zero bool) {
	t.Helper()
	if !errors.Is(err, ErrCorrupt) {
		t.Fatalf("a decoder's error must be ErrCorrupt: got %v", err)
	}
	if !zero {
		t.Fatalf("a failed decode must return nothing beside its error: %v", err)
	}
}

// checkKind holds an accepted input to the header that it must have.
func checkKind(t *testing.T, b []byte, want Kind) {
	t.Helper()
	if kind, err := KindOf(b); err != nil || kind != want {
		t.Fatalf("only an entry of its own kind may be accepted by a decoder: got %v, %v, want %v", kind, err, want)
	}
}

// checkCanonical holds an accepted input to being the only encoding of what it says.
func checkCanonical(t *testing.T, b, again []byte, err error) {
	t.Helper()
	if err != nil || !bytes.Equal(again, b) {
		t.Fatalf("every entry must have one encoding: got %x, %v, want %x", again, err, b)
	}
}

func FuzzDecodeSingle(f *testing.F) {
	addSeeds(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		gen, payload, err := DecodeSingle(b)
		if err != nil {
			checkRefusal(t, err, gen == 0 && payload == nil)
			return
		}
		checkKind(t, b, KindSingle)
		checkPayload(t, b, payload)
		again, err := EncodeSingle(gen, payload)
		checkCanonical(t, b, again, err)
	})
}

func FuzzDecodeBulk(f *testing.F) {
	addSeeds(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		items, err := DecodeBulk(b)
		if err != nil {
			checkRefusal(t, err, items == nil)
			return
		}
		checkKind(t, b, KindBulk)
		if cap(items) > len(b)/memberOverhead {
			t.Fatalf("a decoder must not allocate more members than the input can hold: got %d for %d bytes", cap(items), len(b))
		}
		for i, item := range items {
			checkPayload(t, b, item.Payload)
			if i > 0 && items[i-1].Key >= item.Key {
				t.Fatalf("keys must be strictly ascending: got %q before %q", items[i-1].Key, item.Key)
			}
		}
		again, err := EncodeBulk(items)
		checkCanonical(t, b, again, err)
	})
}

func FuzzDecodeAbsent(f *testing.F) {
	addSeeds(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		gen, err := DecodeAbsent(b)
		if err != nil {
			checkRefusal(t, err, gen == 0)
			return
		}
		checkKind(t, b, KindAbsent)
		checkCanonical(t, b, EncodeAbsent(gen), nil)
	})
}

// addSeeds2 gives a fuzz target of version 2 a key and what may stand behind it.
func addSeeds2(f *testing.F) {
	f.Helper()
	for i, d := range decoders {
		body := unhex(f, d.golden)[headerSize:]
		f.Add(decoders2[i].key, body)
		f.Add("", body)
	}
	for _, d := range decoders2 {
		f.Add(d.key, unhex(f, d.golden))
		f.Add("", unhex(f, d.golden))
	}
	f.Add(longKey, plainBulk(math.MaxUint32, goldenItems()...)[headerSize:])
	f.Add(longKey, plainBulk(3, BulkItem{}, BulkItem{Key: "a"}, BulkItem{Key: "b", Payload: []byte("x")})[headerSize:])
}

// inputs2 makes of what was dealt an input for each depth of a decoder: nothing a
// fuzzer comes upon gets past a checksum, and little past a key.
func inputs2(kind Kind, key string, b []byte) [][]byte {
	return [][]byte{
		b,
		sealed(b),
		sealed(append([]byte{'C', 'A', 'S', 'C', byte(Version2), byte(kind)}, b...)),
		plainVersion2(key, append([]byte{'C', 'A', 'S', 'C', byte(Version1), byte(kind)}, b...)),
	}
}

// checkVersion2 holds what a decoder of version 2 accepted under a key to being
// accepted by nobody else.
func checkVersion2(t *testing.T, kind Kind, b []byte, key string) {
	t.Helper()
	if got, err := Version2.KindOf(b); err != nil || got != kind {
		t.Fatalf("only an entry of its own kind may be accepted by a decoder: got %v, %v, want %v", got, err, kind)
	}
	if !bytes.Equal(sealed(b[:len(b)-4]), b) {
		t.Fatalf("only an entry with its checksum may be accepted: %x", b)
	}
	if zero, err := decoders2[kind-KindSingle].decode(b, key+"x"); !errors.Is(err, errOtherKey) || !zero {
		t.Fatalf("an entry must be refused under another key: got %v, want %v", err, errOtherKey)
	}
	if zero, err := decoders[kind-KindSingle].decode(b); !errors.Is(err, errVersion) || !zero {
		t.Fatalf("version 1 must refuse version 2: got %v, want %v", err, errVersion)
	}
}

func FuzzVersion2DecodeSingle(f *testing.F) {
	addSeeds2(f)
	f.Fuzz(func(t *testing.T, key string, dealt []byte) {
		for _, b := range inputs2(KindSingle, key, dealt) {
			found := Version2.PayloadOf(b)
			gen, payload, err := Version2.DecodeSingle(b, key)
			if err != nil {
				checkRefusal(t, err, gen == 0 && payload == nil)
				continue
			}
			checkVersion2(t, KindSingle, b, key)
			checkPayload(t, b, payload)
			checkPayload(t, b, found)
			if !bytes.Equal(found, payload) {
				t.Fatalf("PayloadOf must find what the decoder returns: %x: got %x, want %x", b, found, payload)
			}
			again, err := Version2.EncodeSingle(key, gen, payload)
			checkCanonical(t, b, again, err)
		}
	})
}

func FuzzVersion2DecodeBulk(f *testing.F) {
	addSeeds2(f)
	f.Fuzz(func(t *testing.T, key string, dealt []byte) {
		for _, b := range inputs2(KindBulk, key, dealt) {
			items, err := Version2.DecodeBulk(b, key)
			if err != nil {
				checkRefusal(t, err, items == nil)
				continue
			}
			checkVersion2(t, KindBulk, b, key)
			if cap(items) > len(b)/memberOverhead {
				t.Fatalf("a decoder must not allocate more members than the input can hold: got %d for %d bytes", cap(items), len(b))
			}
			for i, item := range items {
				checkPayload(t, b, item.Payload)
				if i > 0 && items[i-1].Key >= item.Key {
					t.Fatalf("keys must be strictly ascending: got %q before %q", items[i-1].Key, item.Key)
				}
			}
			again, err := Version2.EncodeBulk(key, items)
			checkCanonical(t, b, again, err)
		}
	})
}

func FuzzVersion2DecodeAbsent(f *testing.F) {
	addSeeds2(f)
	f.Fuzz(func(t *testing.T, key string, dealt []byte) {
		for _, b := range inputs2(KindAbsent, key, dealt) {
			gen, err := Version2.DecodeAbsent(b, key)
			if err != nil {
				checkRefusal(t, err, gen == 0)
				continue
			}
			checkVersion2(t, KindAbsent, b, key)
			again, err := Version2.EncodeAbsent(key, gen)
			checkCanonical(t, b, again, err)
		}
	})
}

// addSeeds3 gives a fuzz target of version 3 a key and what may stand behind it.
func addSeeds3(f *testing.F) {
	f.Helper()
	for _, g := range golden3 {
		golden := unhex(f, g.golden)
		f.Add(g.key, golden)
		if g.v == Version3 {
			f.Add(g.key, golden[headerSize+flagsSize:])
		}
	}
	f.Add(longKey, plainEntry(Entry{Gen: 1, Deps: depsOf(f, manyDeps(3)...), Payload: []byte("x")}))
	f.Add(longKey, plainMembers())
	f.Add(longKey, plainMembers(Member{Deps: depsOf(f, Dep{})}, Member{Key: "a", Deps: depsOf(f, Dep{}, Dep{"a", 1})}))
}

// inputs3 makes of what was dealt an input for each depth of a decoder, as inputs2
// does.
func inputs3(v Version, kind Kind, key string, b []byte) [][]byte {
	whole := plainVersion3(v, kind, key, b)
	if v == Version3 {
		return [][]byte{b, whole}
	}
	return [][]byte{b, sealed(b), sealed(append([]byte{'C', 'A', 'S', 'C', 3, byte(kind), 1}, b...)), whole}
}

// checkVersion3 holds what a decoder of version 3 accepted to being accepted by nobody
// else.
func checkVersion3(t *testing.T, v Version, kind Kind, b []byte, key string) {
	t.Helper()
	if got, err := v.KindOf(b); err != nil || got != kind {
		t.Fatalf("only an entry of its own kind may be accepted by a decoder: got %v, %v, want %v", got, err, kind)
	}
	for _, other := range []Version{Version1, Version2, Version3, Version3Checked} {
		if zero, err := decode3(other, kind, b, key); other != v && (!errors.Is(err, ErrCorrupt) || !zero) {
			t.Fatalf("version %d must refuse version %d: got %v, want ErrCorrupt", other, v, err)
		}
	}
	if v == Version3 {
		return
	}
	if !bytes.Equal(sealed(b[:len(b)-4]), b) {
		t.Fatalf("only an entry with its checksum may be accepted: %x", b)
	}
	if zero, err := decode3(v, kind, b, key+"x"); !errors.Is(err, errOtherKey) || !zero {
		t.Fatalf("an entry must be refused under another key: got %v, want %v", err, errOtherKey)
	}
}

// checkDeps holds decoded dependencies to what is promised of all of them.
func checkDeps(t *testing.T, b []byte, deps Deps) {
	t.Helper()
	list := listOf(deps)
	if len(list) != deps.Len() || len(list) > MaxDeps {
		t.Fatalf("there must be as many dependencies as claimed, and no more than an entry may have: got %d of %d", len(list), deps.Len())
	}
	for i, dep := range list {
		if i > 0 && list[i-1].Key >= dep.Key {
			t.Fatalf("the keys of dependencies must be strictly ascending: got %q before %q", list[i-1].Key, dep.Key)
		}
		if len(dep.Key) > 0 && !aliases(b, unsafe.Slice(unsafe.StringData(dep.Key), len(dep.Key))) {
			t.Fatalf("the keys of dependencies must alias the input: %q", dep.Key)
		}
	}
	if again, err := DepsOf(list); err != nil || !slices.Equal(listOf(again), list) {
		t.Fatalf("what was decoded must be good for an encoder: got %v, %v, want %v", listOf(again), err, list)
	}
}

func FuzzVersion3Decode(f *testing.F) {
	addSeeds3(f)
	f.Fuzz(func(t *testing.T, key string, dealt []byte) {
		for _, v := range []Version{Version3, Version3Checked} {
			for _, kind := range []Kind{KindSingle, KindAbsent} {
				for _, b := range inputs3(v, kind, key, dealt) {
					found := v.PayloadOf(b)
					e := Entry{Absent: true, Gen: 1, Payload: []byte("before")}
					if err := v.Decode(b, key, &e); err != nil {
						checkRefusal(t, err, !e.Absent && e.Gen == 0 && e.Deps == Deps{} && e.Payload == nil)
						continue
					}
					checkVersion3(t, v, e.kind(), b, key)
					checkDeps(t, b, e.Deps)
					if e.Absent {
						if e.Payload != nil || found != nil {
							t.Fatalf("an absent entry has no payload: %x: got %x and %x", b, e.Payload, found)
						}
					} else {
						checkPayload(t, b, e.Payload)
						if !bytes.Equal(found, e.Payload) {
							t.Fatalf("PayloadOf must find what the decoder returns: %x: got %x, want %x", b, found, e.Payload)
						}
					}
					again, err := v.Append(nil, key, e)
					checkCanonical(t, b, again, err)
					if v.Size(len(key), e) != len(b) {
						t.Fatalf("the size of an entry must be known beforehand: got %d, want %d", v.Size(len(key), e), len(b))
					}
				}
			}
		}
	})
}

func FuzzVersion3DecodeMembers(f *testing.F) {
	addSeeds3(f)
	f.Fuzz(func(t *testing.T, key string, dealt []byte) {
		for _, v := range []Version{Version3, Version3Checked} {
			for _, b := range inputs3(v, KindBulk, key, dealt) {
				members, deps, err := v.DecodeMembers(b, key)
				if err != nil {
					checkRefusal(t, err, members == nil && deps == nil)
					continue
				}
				checkVersion3(t, v, KindBulk, b, key)
				if cap(members) > len(b)/fullMemberOverhead || cap(deps) > len(b)/depOverhead {
					t.Fatalf("a decoder must not allocate more than the input can hold: got %d members and %d dependencies for %d bytes", cap(members), cap(deps), len(b))
				}
				for i, m := range members {
					checkPayload(t, b, m.Payload)
					checkDeps(t, b, m.Deps)
					if i > 0 && members[i-1].Key >= m.Key {
						t.Fatalf("keys must be strictly ascending: got %q before %q", members[i-1].Key, m.Key)
					}
				}
				if want := distinctDeps(members); !slices.Equal(deps, want) {
					t.Fatalf("a decoder must return the distinct dependencies of all members: got %v, want %v", deps, want)
				}
				again, err := v.AppendMembers(nil, key, members)
				checkCanonical(t, b, again, err)
			}
		}
	})
}

func FuzzVersion3Append(f *testing.F) {
	f.Add("", uint64(0), uint64(0), []byte(nil), []byte(nil))
	f.Add(goldenKey, uint64(42), uint64(goldenLoaded), []byte("\x01b\x01x\x05tag:t\x00"), []byte("hi"))
	f.Add(longKey, uint64(math.MaxUint64), uint64(1), []byte("\x02bb\x00\x01a\x01x"), []byte("x"))
	f.Add("k", uint64(1), uint64(1), []byte("\x01a\x00\x01a\x00"), []byte("x"))
	f.Fuzz(func(t *testing.T, key string, gen, loaded uint64, script, payload []byte) {
		items, duplicate := deal(script)
		given := make([]Dep, len(items))
		for i, item := range items {
			given[i] = Dep{item.Key, item.Gen}
		}
		deps, err := DepsOf(given)
		switch {
		case len(given) > MaxDeps:
			if !errors.Is(err, ErrTooManyDeps) {
				t.Fatalf("%d dependencies must be refused: got %v, want ErrTooManyDeps", len(given), err)
			}
			return
		case duplicate:
			if !errors.Is(err, ErrDuplicateKey) {
				t.Fatalf("a key given twice must be refused: got %v, want ErrDuplicateKey", err)
			}
			return
		case err != nil:
			t.Fatalf("distinct keys that fit must be taken: got %v", err)
		}
		slices.SortFunc(given, compareDeps)
		if got := listOf(deps); !slices.Equal(got, given) {
			t.Fatalf("dependencies must be those that were given, in order: got %v, want %v", got, given)
		}
		e := Entry{Gen: gen, Loaded: loaded, Deps: deps, Payload: payload}
		m := Member{Key: key, Gen: gen, Loaded: loaded, Deps: deps, Payload: payload}
		for _, v := range []Version{Version3, Version3Checked} {
			frame, err := v.Append(nil, key, e)
			if want := plainVersion3(v, KindSingle, key, plainEntry(e)); err != nil || !bytes.Equal(frame, want) {
				t.Fatalf("what fits must encode in the specified layout: got %x, %v, want %x", frame, err, want)
			}
			var got Entry
			if err := v.Decode(frame, key, &got); err != nil {
				t.Fatalf("a decoder must accept what was encoded: got %v", err)
			}
			checkSameEntry(t, got, e)
			if frame, err = v.AppendMembers(nil, key, []Member{m}); err != nil {
				t.Fatalf("what fits must encode: got %v", err)
			}
			members, _, err := v.DecodeMembers(frame, key)
			if err != nil {
				t.Fatalf("a decoder must accept what was encoded: got %v", err)
			}
			checkSameMembers(t, members, []Member{m})
		}
	})
}

func FuzzEncodeSingle(f *testing.F) {
	f.Add(uint64(42), []byte("hi"))
	f.Add(uint64(0), []byte(nil))
	f.Add(uint64(math.MaxUint64), unhex(f, goldenSingle))
	f.Fuzz(func(t *testing.T, gen uint64, payload []byte) {
		frame, err := EncodeSingle(gen, payload)
		if want := plainSingle(gen, payload); err != nil || !bytes.Equal(frame, want) {
			t.Fatalf("a payload that fits must encode in the specified layout: got %x, %v, want %x", frame, err, want)
		}
		gotGen, gotPayload, err := DecodeSingle(frame)
		if err != nil || gotGen != gen || !bytes.Equal(gotPayload, payload) {
			t.Fatalf("a decoder must return what was encoded: got %d, %x, %v, want %d, %x", gotGen, gotPayload, err, gen, payload)
		}
	})
}

func FuzzEncodeBulk(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte("\x01a\x01x\x02bb\x00"))
	f.Add([]byte("\x02bb\x00\x01a\x01x"))
	f.Add([]byte("\x01a\x00\x01a\x00"))
	f.Fuzz(func(t *testing.T, script []byte) {
		items, duplicate := deal(script)
		given := slices.Clone(items)
		frame, err := EncodeBulk(items)
		if !sameItems(items, given) {
			t.Fatalf("an encoder must leave the caller's slice as it was: got %v, want %v", items, given)
		}
		if duplicate {
			if !errors.Is(err, ErrDuplicateKey) || frame != nil {
				t.Fatalf("a key given twice must be refused: got %x, %v, want ErrDuplicateKey", frame, err)
			}
			return
		}
		if err != nil {
			t.Fatalf("distinct keys that fit must encode: got %v", err)
		}
		slices.SortFunc(given, compareKeys)
		got, err := DecodeBulk(frame)
		if err != nil || !sameItems(got, given) {
			t.Fatalf("a decoder must return what was encoded: got %v, %v, want %v", got, err, given)
		}
	})
}

// deal cuts a script into items, each a length and a key, a length and a payload,
// with lengths of one byte, and says whether a key came twice.
func deal(script []byte) (items []BulkItem, duplicate bool) {
	seen := make(map[string]bool)
	next := func() []byte {
		if len(script) == 0 {
			return nil
		}
		n := min(int(script[0]), len(script)-1)
		part := script[1 : 1+n]
		script = script[1+n:]
		return part
	}
	for len(script) > 0 {
		key, payload := string(next()), next()
		gen := binary.BigEndian.Uint64(append(make([]byte, 8), payload...)[len(payload):])
		duplicate = duplicate || seen[key]
		seen[key] = true
		items = append(items, BulkItem{Key: key, Gen: gen, Payload: payload})
	}
	return items, duplicate
}
