package wire

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
)

func checkSameMembers(t *testing.T, got, want []Member) {
	t.Helper()
	if !slices.EqualFunc(got, want, func(a, b Member) bool {
		return a.Key == b.Key && a.Gen == b.Gen && a.Loaded == b.Loaded && a.Deps.Len() == b.Deps.Len() &&
			slices.Equal(listOf(a.Deps), listOf(b.Deps)) && bytes.Equal(a.Payload, b.Payload)
	}) {
		t.Fatalf("a decoder must return what was encoded: got %.200v, want %.200v", got, want)
	}
}

// distinctDeps returns the distinct dependencies of members, in order.
func distinctDeps(members []Member) []Dep {
	var all []Dep
	for _, m := range members {
		all = append(all, listOf(m.Deps)...)
	}
	slices.SortFunc(all, compareDeps)
	return slices.Compact(all)
}

func TestMembersGolden(t *testing.T) {
	for _, g := range golden3 {
		if g.kind != KindBulk {
			continue
		}
		t.Run(g.name, func(t *testing.T) {
			golden := unhex(t, g.golden)
			if got, err := g.v.AppendMembers(nil, g.key, goldenMembers(t)); err != nil || !bytes.Equal(got, golden) {
				t.Errorf("a bulk's bytes are fixed: got %x, %v, want %x", got, err, golden)
			}
			got, deps, err := g.v.DecodeMembers(golden, g.key)
			if err != nil || !slices.Equal(deps, goldenTable) {
				t.Errorf("a decoder must return the distinct dependencies: got %v, %v, want %v", deps, err, goldenTable)
			}
			checkSameMembers(t, got, goldenMembers(t))
			for _, m := range got {
				checkPayload(t, golden, m.Payload)
			}
		})
	}
}

func TestMembersRoundTrip(t *testing.T) {
	rng := seeded(t)
	for range 2000 {
		key, prefix, members := string(randomBytes(rng, 40)), randomBytes(rng, 20), randomMembers(t, rng, 12)
		shuffled := slices.Clone(members)
		rng.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		given := slices.Clone(shuffled)
		for _, v := range []Version{Version3, Version3Checked} {
			got, err := v.AppendMembers(bytes.Clone(prefix), key, shuffled)
			frame := plainVersion3(v, KindBulk, key, plainMembers(members...))
			if want := append(bytes.Clone(prefix), frame...); err != nil || !bytes.Equal(got, want) {
				t.Fatalf("a bulk must have the specified layout after what was there: got %x, %v, want %x", got, err, want)
			}
			checkSameMembers(t, shuffled, given) // left as it was
			decoded, deps, err := v.DecodeMembers(frame, key)
			if want := distinctDeps(members); err != nil || decoded == nil || !slices.Equal(deps, want) {
				t.Fatalf("a decoder must return the distinct dependencies: %x: got %v, %v, want %v", frame, deps, err, want)
			}
			checkSameMembers(t, decoded, members)
			for _, m := range decoded {
				checkPayload(t, frame, m.Payload)
			}
			if again, err := v.AppendMembers(nil, key, decoded); err != nil || !bytes.Equal(again, frame) {
				t.Fatalf("what was decoded may be encoded again: got %x, %v, want %x", again, err, frame)
			}
		}
		// The versions without dependencies are those of the methods they had before.
		items, bare := make([]BulkItem, len(members)), make([]Member, len(members))
		for i, m := range members {
			items[i] = BulkItem{Key: m.Key, Gen: m.Gen, Payload: m.Payload}
			bare[i] = Member{Key: m.Key, Gen: m.Gen, Payload: m.Payload}
			shuffled[i].Deps = Deps{} // its load time stays, and is left out
		}
		for _, v := range []Version{Version1, Version2} {
			want, err := v.EncodeBulk(key, items)
			if err != nil {
				t.Fatal(err)
			}
			got, err := v.AppendMembers(bytes.Clone(prefix), key, shuffled)
			if err != nil || !bytes.Equal(got, append(bytes.Clone(prefix), want...)) {
				t.Fatalf("version %d must stay as it is: got %x, %v, want %x", v, got, err, want)
			}
			decoded, deps, err := v.DecodeMembers(want, key)
			if err != nil || decoded == nil || deps != nil {
				t.Fatalf("version %d has no dependencies: got %v, %v, want none", v, deps, err)
			}
			checkSameMembers(t, decoded, bare)
		}
	}
}

// checkCorruptMembers is checkCorrupt for a bulk of version 3, which may cost two
// slices where its dependencies are well formed and its members are not.
func checkCorruptMembers(t *testing.T, v Version, b []byte, key string, want error, slices float64) {
	t.Helper()
	if zero, err := decode3(v, KindBulk, b, key); !errors.Is(err, ErrCorrupt) || want != nil && !errors.Is(err, want) || !zero {
		t.Errorf("input that is no whole bulk must be refused, with the reason and nothing beside it: %.200x: got %v, want %v", b, err, want)
	}
	if n := testing.AllocsPerRun(10, func() { _, _, _ = v.DecodeMembers(b, key) }); n > slices {
		t.Errorf("a failed decode must not allocate more than it has to: %.200x: got %v allocations, want %v", b, n, slices)
	}
}

func TestDecodeMembersRefuses(t *testing.T) {
	const (
		p3   = " 0001 70 0000000000000003"
		p4   = " 0001 70 0000000000000004"
		t5   = " 0001 74 0000000000000005"
		head = " 0001 61 0000000000000001 0000018bcfe56800" // of a member
		next = " 0001 62 0000000000000001 0000018bcfe56800"
		x    = " 00000001 78" // a payload
		only = " 00000001" + head + " 0000" + x
		of0  = " 00000001" + head + " 0001 00000000" + x
	)
	for _, c := range []struct {
		name   string
		body   string
		want   error
		slices float64
	}{
		{"nothing", "", errShort, 0},
		{"no members", "00000000", errShort, 0},
		{"half a number of members", "00000000 0000", errShort, 0},
		{"more dependencies than there are", "00000002" + p3, errShort, 0},
		{"the largest table", "ffffffff" + p3 + of0, errShort, 0},
		{"the largest table, none there", "ffffffff", errShort, 0},
		{"a table with the sign bit", "80000000" + p3 + of0, errShort, 0},
		{"a table whose size wraps in 32 bits", "1999999a" + p3 + of0, errShort, 0}, // 10 times that is 2^32 + 4
		{"a table that swallows the members", "00000002" + p3 + of0, errDepOrder, 0},
		{"a dependency longer than the input", "00000001 ffff 70 0000000000000003" + of0, errShort, 0},
		{"a dependency without its generation", "00000001 0008 70 0000000000000003", errShort, 0},
		{"a table by key descending", "00000002" + t5 + p3 + " 00000001" + head + " 0002 00000000 00000001" + x, errDepOrder, 0},
		{"a table by generation descending", "00000002" + p4 + p3 + " 00000002" + head + " 0001 00000000" + x + next + " 0001 00000001" + x, errDepOrder, 0},
		{"a dependency twice in the table", "00000002" + p3 + p3 + " 00000002" + head + " 0001 00000000" + x + next + " 0001 00000001" + x, errDepOrder, 0},
		{"a dependency of nobody", "00000001" + p3 + only, errDepUnused, 2},
		{"the last dependency of nobody", "00000002" + p3 + t5 + of0, errDepUnused, 2},
		{"the first dependency of nobody", "00000002" + p3 + t5 + " 00000001" + head + " 0001 00000001" + x, errDepUnused, 2},
		{"a dependency and no members", "00000001" + p3 + " 00000000", errDepUnused, 2},
		{"an index behind the table", "00000001" + p3 + " 00000001" + head + " 0001 00000001" + x, errDepIndex, 2},
		{"the largest index", "00000001" + p3 + " 00000001" + head + " 0001 ffffffff" + x, errDepIndex, 2},
		{"an index with the sign bit", "00000001" + p3 + " 00000001" + head + " 0001 80000000" + x, errDepIndex, 2},
		{"an index into no table", "00000000 00000001" + head + " 0001 00000000" + x, errDepIndex, 0},
		{"indices descending", "00000002" + p3 + t5 + " 00000001" + head + " 0002 00000001 00000000" + x, errDepOrder, 2},
		{"an index twice", "00000002" + p3 + t5 + " 00000001" + head + " 0003 00000000 00000001 00000001" + x, errDepOrder, 2},
		{"the first index twice", "00000001" + p3 + " 00000001" + head + " 0002 00000000 00000000" + x, errDepOrder, 2},
		{"a member with two generations of a key", "00000002" + p3 + p4 + " 00000001" + head + " 0002 00000000 00000001" + x, errDepOrder, 2},
		{"more dependencies of a member than there are", "00000001" + p3 + " 00000001" + head + " 0003 00000000" + x, errShort, 2},
		{"the most of them claimed", "00000001" + p3 + " 00000001" + head + " 0100 00000000" + x, errShort, 2},
		{"one more than the most", "00000001" + p3 + " 00000001" + head + " 0101 00000000" + x, errDepCount, 2},
		{"the largest number of them", "00000000 00000001" + head + " ffff" + x, errDepCount, 0},
		{"one member more than there is", "00000000 00000002" + head + " 0000" + x, errShort, 0},
		{"one member fewer than there are", "00000000 00000001" + head + " 0000" + x + next + " 0000" + x, errTrailing, 0},
		{"no member claimed, one there", "00000000 00000000" + head + " 0000" + x, errTrailing, 0},
		{"the largest count", "00000000 ffffffff" + head + " 0000" + x, errShort, 0},
		{"the largest count, none there", "00000000 ffffffff", errShort, 0},
		{"a count with the sign bit", "00000000 80000000" + head + " 0000" + x, errShort, 0},
		{"a count whose size wraps in 32 bits", "00000000 0aaaaaab" + head + " 0000" + x, errShort, 0}, // 24 times that is 2^32 + 8
		{"keys descending", "00000000 00000002" + next + " 0000" + x + head + " 0000" + x, errOrder, 0},
		{"the same key twice", "00000000 00000002" + head + " 0000" + x + head + " 0000" + x, errOrder, 0},
		{"a key longer than the input", "00000000 00000001 ffff 61 0000000000000001 0000018bcfe56800 0000" + x, errShort, 0},
		{"a key that swallows what follows", "00000000 00000001 0018 61 0000000000000001 0000018bcfe56800 0000" + x, errShort, 0},
		{"a payload longer than the input", "00000000 00000001" + head + " 0000 00000002 78", errShort, 0},
		{"the largest payload", "00000000 00000001" + head + " 0000 ffffffff 78", errShort, 0},
		{"a payload shorter than the input", "00000000 00000001" + head + " 0000 00000000 78", errTrailing, 0},
		{"a byte after the end", "00000001" + p3 + of0 + "00", errTrailing, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, v := range []Version{Version3, Version3Checked} {
				checkCorruptMembers(t, v, plainVersion3(v, KindBulk, longKey, unhex(t, c.body)), longKey, c.want, c.slices)
			}
		})
	}
	for _, g := range golden3 {
		if g.kind != KindBulk {
			checkCorruptMembers(t, g.v, unhex(t, g.golden), g.key, errOtherKind, 0)
		}
	}
}

func TestDecodeMembersAllocatesLittleForAHostileClaim(t *testing.T) {
	// Large enough that a decoder trusting a count, or allocating as it walks, would
	// be seen.
	members := make([]Member, 1000)
	for i := range members {
		members[i] = Member{Key: "key:" + strconv.Itoa(1000+i), Gen: 1, Deps: depsOf(t, manyDeps(i%20)...), Payload: []byte("payload")}
	}
	whole := plainMembers(members...)
	table := len(plainMembers(members[:0]...)) // with the number of members
	for _, dep := range distinctDeps(members) {
		table += len(plainDep(dep))
	}
	claim := func(at int, n uint32) []byte {
		b := bytes.Clone(whole)
		binary.BigEndian.PutUint32(b[at:], n)
		return b
	}
	for name, b := range map[string][]byte{
		"the largest table":       claim(0, math.MaxUint32),
		"the largest count":       claim(table-4, math.MaxUint32),
		"one member too many":     claim(table-4, uint32(len(members)+1)),
		"a trailing byte":         append(bytes.Clone(whole), 0),
		"one byte cut off":        whole[:len(whole)-1],
		"one dependency too many": claim(0, 20),
	} {
		t.Run(name, func(t *testing.T) {
			checkCorruptMembers(t, Version3, plainVersion3(Version3, KindBulk, "", b), "", nil, 2)
		})
	}
}

func TestMembersExtremes(t *testing.T) {
	longest := strings.Repeat("k", MaxKeyLen)
	large := make([]Member, 300) // more dependencies in all than one entry may have
	for i := range large {
		large[i] = Member{Key: strconv.Itoa(1000 + i), Gen: math.MaxUint64, Loaded: math.MaxUint64, Deps: depsOf(t, manyDeps(1000)[i:i+MaxDeps]...)}
	}
	for name, members := range map[string][]Member{
		"none":                  nil,
		"an empty key":          {{}},
		"the longest keys":      {{Key: longest, Deps: depsOf(t, Dep{"", 1}, Dep{longest, 2})}},
		"many dependencies":     large,
		"the same dependencies": {{Key: "a", Deps: depsOf(t, manyDeps(MaxDeps)...)}, {Key: "b", Deps: depsOf(t, manyDeps(MaxDeps)...)}},
		"other generations of the same keys": {
			{Key: "a", Deps: depsOf(t, Dep{"x", 1}, Dep{"y", 2})}, {Key: "b", Deps: depsOf(t, Dep{"x", 2}, Dep{"y", 1})},
			{Key: "c", Deps: depsOf(t, Dep{"x", 0}, Dep{"y", math.MaxUint64})},
		},
	} {
		t.Run(name, func(t *testing.T) {
			for _, v := range []Version{Version3, Version3Checked} {
				frame, err := v.AppendMembers(nil, longKey, members)
				if want := plainVersion3(v, KindBulk, longKey, plainMembers(members...)); err != nil || !bytes.Equal(frame, want) || cap(frame) != len(frame) {
					t.Fatalf("members that fit must encode in the specified layout: got %.80x, %v, cap %d, want %.80x, %d", frame, err, cap(frame), want, len(want))
				}
				got, deps, err := v.DecodeMembers(frame, longKey)
				if want := distinctDeps(members); err != nil || got == nil || !slices.Equal(deps, want) {
					t.Fatalf("a decoder must return the distinct dependencies: got %.200v, %v, want %.200v", deps, err, want)
				}
				checkSameMembers(t, got, members)
			}
		})
	}
}

func TestAppendMembersRefuses(t *testing.T) {
	deps := depsOf(t, Dep{"a", 1})
	tooLong := strings.Repeat("k", MaxKeyLen+1)
	for _, c := range []struct {
		name    string
		v       Version
		key     string
		members []Member
		want    error
	}{
		{"a key twice", Version3, "", []Member{{Key: "a"}, {Key: "b"}, {Key: "a"}}, ErrDuplicateKey},
		{"a member's key that is too long", Version3, "", []Member{{Key: tooLong}}, ErrTooLarge},
		{"a key that is too long", Version3Checked, tooLong, nil, ErrTooLarge},
		{"dependencies in version 1", Version1, "", []Member{{Key: "a"}, {Key: "b", Deps: deps}}, ErrTooManyDeps},
		{"dependencies in version 2", Version2, "", []Member{{Key: "a"}, {Key: "b", Deps: deps}}, ErrTooManyDeps},
		{"a key twice in version 1", Version1, "", []Member{{Key: "a"}, {Key: "a"}}, ErrDuplicateKey},
		{"version 0", 0, "", []Member{{Key: "a", Deps: deps}}, ErrUnknownVersion},
		{"version 4", 4, "", nil, ErrUnknownVersion},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got, err := c.v.AppendMembers([]byte("left"), c.key, c.members); !errors.Is(err, c.want) || string(got) != "left" {
				t.Errorf("what does not fit must be refused, and dst must come back unchanged: got %.40q, %v, want \"left\", %v", got, err, c.want)
			}
		})
	}
}

func TestMembersAllocations(t *testing.T) {
	for _, n := range []int{0, 1, 16} {
		members := make([]Member, 20)
		for i := range members {
			members[i] = Member{Key: "product:" + strconv.Itoa(100+i), Gen: 1, Deps: depsOf(t, manyDeps(20 * n)[i*n:][:n]...), Payload: make([]byte, 100)}
		}
		frame, err := Version3Checked.AppendMembers(nil, longKey, members)
		if err != nil {
			t.Fatal(err)
		}
		room := make([]byte, 0, len(frame))
		decode, encode := 1.0, 0.0 // besides the keys, and besides the frame
		if n > 0 {
			decode, encode = 3, 1
		}
		if n > 12 { // more than 256 to tick off, which do not fit on the stack
			decode++
		}
		for _, c := range []struct {
			name string
			want float64
			call func()
		}{
			{"decode", float64(len(members)) + decode, func() {
				got, deps, _ := Version3Checked.DecodeMembers(frame, longKey)
				total += uint64(len(got) + len(deps))
			}},
			{"append where there is room", encode, func() { room, _ = Version3Checked.AppendMembers(room[:0], longKey, members) }},
			{"append where there is none", encode + 1, func() { room, _ = Version3Checked.AppendMembers(nil, longKey, members) }},
		} {
			if got := testing.AllocsPerRun(100, c.call); got > c.want {
				t.Errorf("%d dependencies each, %s: a bulk must cost no more than its keys and a few slices: got %v allocations, want %v", n, c.name, got, c.want)
			}
		}
	}
	frame, err := Version3.AppendMembers(nil, "", goldenMembers(t))
	if err != nil {
		t.Fatal(err)
	}
	decode := func() (members []Member) {
		members, _, _ = Version3.DecodeMembers(frame, "")
		return members
	}
	without := testing.AllocsPerRun(100, func() { total += uint64(len(decode())) })
	with := testing.AllocsPerRun(100, func() {
		for _, m := range decode() {
			for key, gen := range m.Deps.All() {
				total += gen + uint64(len(key))
			}
		}
	})
	if with != without {
		t.Errorf("ranging over the dependencies of a member must not allocate: got %v allocations, want %v", with, without)
	}
}
