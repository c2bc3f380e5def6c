package wire

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"iter"
	"math"
	"slices"
	"strings"
	"unsafe"
)

// MaxDeps is the largest number of dependencies of one entry, or of one member of a
// bulk.
const MaxDeps = 256

// depOverhead is the size of a dependency without its key.
const depOverhead = keyLenSize + genSize

// Dep is a dependency: a generation that a generation store had under a key when
// the entry was loaded.
type Dep struct {
	Key string
	Gen uint64
}

// Deps are the dependencies of one entry, at most [MaxDeps], in ascending byte order
// of distinct keys. The zero value has none.
//
// What a decoder returned is a view of its input, keys included: the input must never
// be modified, and a key that should not keep the whole input in memory has to be
// cloned.
type Deps struct {
	// Of two forms: without a table, raw holds n dependencies as an entry does;
	// with one, raw holds n indices into it as a bulk does. Four words: what is larger
	// the compiler keeps in memory while it is ranged over.
	table *[]Dep
	raw   string
	n     int
}

// DepsOf returns the dependencies for an encoder, in one allocation if they are in
// ascending order of their keys. They may come in any order; the slice is left as it
// is, and nothing of it is kept.
//
// More than [MaxDeps] are an error that wraps [ErrTooManyDeps], a key that occurs
// twice is one that wraps [ErrDuplicateKey], and a key of more than [MaxKeyLen] bytes
// one that wraps [ErrTooLarge].
func DepsOf(deps []Dep) (Deps, error) {
	if len(deps) > MaxDeps {
		return Deps{}, errTooManyDeps
	}
	if !slices.IsSortedFunc(deps, compareDeps) {
		deps = slices.Clone(deps)
		slices.SortFunc(deps, compareDeps)
	}
	size := 0
	for i, dep := range deps {
		if i > 0 && deps[i-1].Key == dep.Key {
			return Deps{}, fmt.Errorf("%w: %q", ErrDuplicateKey, dep.Key)
		}
		if len(dep.Key) > MaxKeyLen {
			return Deps{}, errKeyLen
		}
		size += depOverhead + len(dep.Key)
	}
	raw := make([]byte, 0, size)
	for _, dep := range deps {
		raw = appendDep(raw, dep)
	}
	return Deps{raw: aliasOf(raw), n: len(deps)}, nil
}

// Len returns the number of dependencies.
func (d Deps) Len() int { return d.n }

// All yields the key and the generation of each dependency, in ascending order of the
// keys. Ranging over it allocates nothing, and it cannot fail: a decoder has checked
// everything before.
func (d Deps) All() iter.Seq2[string, uint64] {
	return func(yield func(key string, gen uint64) bool) {
		for rest := d; rest.n > 0; {
			var dep Dep
			if dep, rest = rest.cut(); !yield(dep.Key, dep.Gen) {
				return
			}
		}
	}
}

// cut takes the first dependency off d, which has one.
func (d Deps) cut() (first Dep, rest Deps) {
	d.n--
	if d.table == nil {
		first, d.raw = nextDep(d.raw)
	} else {
		first, d.raw = (*d.table)[indexAt(d.raw, 0)], d.raw[indexSize:]
	}
	return first, d
}

// size returns how many bytes the dependencies take in an entry, with their number.
func (d Deps) size() uint64 {
	size := uint64(countSize)
	if d.table == nil {
		return size + uint64(len(d.raw))
	}
	for key := range d.All() {
		size += depOverhead + uint64(len(key))
	}
	return size
}

// appendTo appends the number of the dependencies and then all of them.
func (d Deps) appendTo(frame []byte) []byte {
	frame = binary.BigEndian.AppendUint16(frame, uint16(d.n))
	if d.table == nil {
		return append(frame, d.raw...)
	}
	for key, gen := range d.All() {
		frame = appendDep(frame, Dep{key, gen})
	}
	return frame
}

func appendDep(frame []byte, dep Dep) []byte {
	return binary.BigEndian.AppendUint64(appendKey(frame, dep.Key), dep.Gen)
}

// compareDeps orders dependencies as the format does.
func compareDeps(a, b Dep) int {
	if c := strings.Compare(a.Key, b.Key); c != 0 {
		return c
	}
	return cmp.Compare(a.Gen, b.Gen)
}

// nextDep takes the first dependency off raw, where it is known to be. The layout is
// that of cutDep.
func nextDep(raw string) (dep Dep, rest string) {
	end := keyLenSize + int(raw[0])<<8 + int(raw[1])
	return Dep{raw[keyLenSize:end], uint64At(raw[end:])}, raw[end+genSize:]
}

// uint64At is binary.BigEndian.Uint64 of a string.
func uint64At(s string) uint64 {
	_ = s[7]
	return uint64(s[7]) | uint64(s[6])<<8 | uint64(s[5])<<16 | uint64(s[4])<<24 |
		uint64(s[3])<<32 | uint64(s[2])<<40 | uint64(s[1])<<48 | uint64(s[0])<<56
}

// indexAt returns index i of the indices in raw.
func indexAt(raw string, i int) uint32 {
	s := raw[indexSize*i:]
	_ = s[3]
	return uint32(s[3]) | uint32(s[2])<<8 | uint32(s[1])<<16 | uint32(s[0])<<24
}

// cutDep takes the first dependency off b, its key not yet a string.
func cutDep(b []byte) (key []byte, gen uint64, rest []byte, err error) {
	if key, b, err = cutKey(b); err != nil {
		return nil, 0, nil, err
	}
	if len(b) < genSize {
		return nil, 0, nil, errShort
	}
	return key, binary.BigEndian.Uint64(b), b[genSize:], nil
}

// decode takes the number of dependencies and then all of them off b, checks each, and
// makes d a view of them.
func (d *Deps) decode(b []byte) (rest []byte, err error) {
	if len(b) < countSize {
		return nil, errShort
	}
	n := int(binary.BigEndian.Uint16(b))
	if n > MaxDeps {
		return nil, errDepCount
	}
	b = b[countSize:]
	rest = b
	var last []byte
	for i := range n {
		var key []byte
		if key, _, rest, err = cutDep(rest); err != nil {
			return nil, err
		}
		if i > 0 && string(last) >= string(key) {
			return nil, errDepOrder
		}
		last = key
	}
	d.raw, d.n = aliasOf(b[:len(b)-len(rest)]), n
	return rest, nil
}

// aliasOf returns b as a string without a copy. Nobody writes to b any more: it is the
// input of a decoder, or was made for this string.
func aliasOf(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// checkTableLen refuses a number of distinct dependencies of a bulk that does not fit
// its field.
func checkTableLen(n int) error {
	if uint64(n) > math.MaxUint32 {
		return errTableLen
	}
	return nil
}
