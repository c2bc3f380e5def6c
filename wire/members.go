package wire

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
)

// fullMemberOverhead is the size of a bulk member of version 3 without its key, its
// dependencies and its payload.
const fullMemberOverhead = keyLenSize + genSize + timeSize + countSize + lenSize

// Member is one member of a bulk of any version: a [BulkItem], and what version 3
// adds.
type Member struct {
	Key string
	Gen uint64
	// Loaded is as in [Entry].
	Loaded uint64
	Deps   Deps
	// Payload aliases the input of the decoder it came from.
	Payload []byte
}

// DecodeMembers returns the members of a bulk in ascending byte order of their keys,
// and the distinct dependencies of all of them in ascending order of key and
// generation: a reader needs to look at each of those only once. The members share
// them, so they must not be modified. The key is the one that the whole bulk is stored
// under.
//
// Payloads and the keys of dependencies alias b, and payloads are clipped to their
// length and are not nil even when empty. Besides one string for each member's key,
// it allocates one slice of members, and if there are dependencies, one of these and
// one in which they are ticked off. Anything but exactly one whole bulk, of the key
// where there is a checksum, is an error that wraps [ErrCorrupt]. It costs no
// allocation unless the members are reached, after dependencies that are all well
// formed, and then those two slices.
func (v Version) DecodeMembers(b []byte, key string) (members []Member, deps []Dep, err error) {
	if v.is3() {
		body, err := v.open(b, KindBulk, key)
		if err != nil {
			return nil, nil, err
		}
		return decodeMembersBody(body)
	}
	items, err := v.DecodeBulk(b, key)
	if err != nil {
		return nil, nil, err
	}
	members = make([]Member, len(items))
	for i, item := range items {
		members[i] = Member{Key: item.Key, Gen: item.Gen, Payload: item.Payload}
	}
	return members, nil, nil
}

// AppendMembers appends a bulk of the members to dst; the key is the one that the
// whole bulk is stored under. Members may come in any order and are written in
// ascending order of their keys; the caller's slice is left as it is. Neither payloads
// nor dependencies may lie in the spare capacity of dst.
//
// A member's key that occurs twice is an error that wraps [ErrDuplicateKey]; a
// member's key, a payload or a number of members or of dependencies that does not
// fit, or with a checksum the key, one that wraps [ErrTooLarge]; dependencies in
// versions 1 and 2, one that wraps [ErrTooManyDeps]. On an error dst comes back
// unchanged.
func (v Version) AppendMembers(dst []byte, key string, members []Member) ([]byte, error) {
	if err := v.known(); err != nil {
		return dst, err
	}
	if !v.is3() {
		items := make([]BulkItem, len(members))
		for i, m := range members {
			if m.Deps.n > 0 {
				return dst, errNoDeps
			}
			items[i] = BulkItem{Key: m.Key, Gen: m.Gen, Payload: m.Payload}
		}
		return v.AppendBulk(dst, key, items)
	}
	if !slices.IsSortedFunc(members, compareMembers) {
		members = slices.Clone(members)
		slices.SortFunc(members, compareMembers)
	}
	table := tableOf(members)
	size, err := membersBodySize(table, members)
	if err != nil {
		return dst, err
	}
	frame, err := v.begin(dst, KindBulk, key, size)
	if err != nil {
		return dst, err
	}
	frame = binary.BigEndian.AppendUint32(frame, uint32(len(table)))
	for _, dep := range table {
		frame = appendDep(frame, dep)
	}
	frame = binary.BigEndian.AppendUint32(frame, uint32(len(members)))
	for i := range members {
		m := &members[i]
		frame = appendKey(frame, m.Key)
		frame = binary.BigEndian.AppendUint64(frame, m.Gen)
		frame = binary.BigEndian.AppendUint64(frame, m.Loaded)
		frame = appendIndices(frame, table, m.Deps)
		frame = appendPayload(frame, m.Payload)
	}
	return v.finish(frame, len(dst)), nil
}

func compareMembers(a, b Member) int { return strings.Compare(a.Key, b.Key) }

// tableOf returns the distinct dependencies of all members, in order.
func tableOf(members []Member) []Dep {
	n := 0
	for i := range members {
		n += members[i].Deps.n
	}
	if n == 0 {
		return nil
	}
	table := make([]Dep, 0, n)
	for i := range members {
		for key, gen := range members[i].Deps.All() {
			table = append(table, Dep{key, gen})
		}
	}
	slices.SortFunc(table, compareDeps)
	return slices.Compact(table)
}

// appendIndices appends the number of a member's dependencies and where each is in
// the table.
func appendIndices(frame []byte, table []Dep, deps Deps) []byte {
	frame = binary.BigEndian.AppendUint16(frame, uint16(deps.n))
	from := 0 // both are in order
	for key, gen := range deps.All() {
		at, _ := slices.BinarySearchFunc(table[from:], Dep{key, gen}, compareDeps)
		from += at
		frame = binary.BigEndian.AppendUint32(frame, uint32(from))
	}
	return frame
}

// membersBodySize returns the size of the body that holds the members, which are
// sorted, and the table of their dependencies, or the reason why there is none.
func membersBodySize(table []Dep, members []Member) (uint64, error) {
	if err := checkMemberCount(len(members)); err != nil {
		return 0, err
	}
	if err := checkTableLen(len(table)); err != nil {
		return 0, err
	}
	size := uint64(lenSize + lenSize)
	for _, dep := range table {
		size += depOverhead + uint64(len(dep.Key))
	}
	for i := range members {
		m := &members[i]
		if i > 0 && members[i-1].Key == m.Key {
			return 0, fmt.Errorf("%w: %q", ErrDuplicateKey, m.Key)
		}
		if len(m.Key) > MaxKeyLen {
			return 0, errKeyLen
		}
		if err := checkPayloadLen(len(m.Payload)); err != nil {
			return 0, err
		}
		size += fullMemberOverhead + uint64(len(m.Key)) + indexSize*uint64(m.Deps.n) + uint64(len(m.Payload))
	}
	return size, nil
}

func decodeMembersBody(body []byte) (members []Member, deps []Dep, err error) {
	deps, rest, err := cutTable(body)
	if err != nil {
		return nil, nil, err
	}
	n, err := checkMembers(rest, deps)
	if err != nil {
		return nil, nil, err
	}
	members = make([]Member, n)
	rest = rest[lenSize:]
	var table *[]Dep // of each member that has any
	if len(deps) > 0 {
		shared := deps
		table = &shared
	}
	for i := range members {
		var m fullMember
		if m, rest, err = cutFullMember(rest); err != nil {
			return nil, nil, err
		}
		members[i] = Member{Key: string(m.key), Gen: m.gen, Loaded: m.loaded, Payload: m.payload}
		if m.indices != "" {
			members[i].Deps = Deps{table: table, raw: m.indices, n: len(m.indices) / indexSize}
		}
	}
	return members, deps, nil
}

// cutTable takes the table of dependencies off b. It walks the table before it
// allocates anything.
func cutTable(b []byte) (table []Dep, rest []byte, err error) {
	if len(b) < lenSize {
		return nil, nil, errShort
	}
	count := binary.BigEndian.Uint32(b)
	b = b[lenSize:]
	// As for the count of members.
	if uint64(count)*depOverhead > uint64(len(b)) {
		return nil, nil, errShort
	}
	if count == 0 {
		return nil, b, nil
	}
	rest = b
	var last Dep
	for i := range count {
		var key []byte
		var gen uint64
		if key, gen, rest, err = cutDep(rest); err != nil {
			return nil, nil, err
		}
		dep := Dep{aliasOf(key), gen}
		if i > 0 && compareDeps(last, dep) >= 0 {
			return nil, nil, errDepOrder
		}
		last = dep
	}
	table = make([]Dep, count)
	raw := aliasOf(b)
	for i := range table {
		table[i], raw = nextDep(raw)
	}
	return table, rest, nil
}

// checkMembers walks all members of a bulk and returns their number. Each is then
// known to be there, and so is each of its dependencies.
func checkMembers(b []byte, table []Dep) (n int, err error) {
	if len(b) < lenSize {
		return 0, errShort
	}
	count := binary.BigEndian.Uint32(b)
	rest := b[lenSize:]
	// As in checkBulkBody.
	if uint64(count)*fullMemberOverhead > uint64(len(rest)) {
		return 0, errShort
	}
	n = int(count)
	used := ticks(len(table))
	var last []byte
	for i := range n {
		var m fullMember
		if m, rest, err = cutFullMember(rest); err != nil {
			return 0, err
		}
		if i > 0 && string(last) >= string(m.key) {
			return 0, errOrder
		}
		last = m.key
		if err := checkIndices(m.indices, table, used); err != nil {
			return 0, err
		}
	}
	if len(rest) > 0 {
		return 0, errTrailing
	}
	for i := range table {
		if used[i/64]&(1<<(i%64)) == 0 {
			return 0, errDepUnused
		}
	}
	return n, nil
}

// ticks returns a bit for each of n dependencies.
func ticks(n int) []uint64 { return make([]uint64, (n+63)/64) }

// checkIndices checks the indices of a member's dependencies and ticks them off.
func checkIndices(indices string, table []Dep, used []uint64) error {
	last := -1
	for i := range len(indices) / indexSize {
		index := indexAt(indices, i)
		if uint64(index) >= uint64(len(table)) {
			return errDepIndex
		}
		at := int(index)
		// The table is in order, so that ascending keys are ascending indices.
		if last >= 0 && table[last].Key >= table[at].Key {
			return errDepOrder
		}
		last = at
		used[at/64] |= 1 << (at % 64)
	}
	return nil
}

// fullMember is a bulk member of version 3 before its key has become a string of its
// own.
type fullMember struct {
	key         []byte
	gen, loaded uint64
	indices     string // of its dependencies, as in the input
	payload     []byte
}

// cutFullMember takes the first member off b. It does not look at the indices.
func cutFullMember(b []byte) (m fullMember, rest []byte, err error) {
	if m.key, b, err = cutKey(b); err != nil {
		return fullMember{}, nil, err
	}
	if len(b) < fullMemberOverhead-keyLenSize {
		return fullMember{}, nil, errShort
	}
	m.gen = binary.BigEndian.Uint64(b)
	m.loaded = binary.BigEndian.Uint64(b[genSize:])
	n := int(binary.BigEndian.Uint16(b[genSize+timeSize:]))
	b = b[genSize+timeSize+countSize:]
	if n > MaxDeps {
		return fullMember{}, nil, errDepCount
	}
	if len(b) < indexSize*n+lenSize {
		return fullMember{}, nil, errShort
	}
	m.indices, b = aliasOf(b[:indexSize*n]), b[indexSize*n:]
	m.payload, rest, err = cutPayload(b)
	return m, rest, err
}
