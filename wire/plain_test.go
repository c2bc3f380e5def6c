package wire

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"slices"
)

// plainSingle and plainBulk build frames from the layout in the simplest possible
// way, as a second opinion on the encoders.
func plainSingle(gen uint64, payload []byte) []byte {
	b := []byte("CASC\x01\x01")
	b = binary.BigEndian.AppendUint64(b, gen)
	b = binary.BigEndian.AppendUint32(b, uint32(len(payload)))
	return append(b, payload...)
}

func plainBulk(count uint32, items ...BulkItem) []byte {
	b := []byte("CASC\x01\x02")
	b = binary.BigEndian.AppendUint32(b, count)
	for _, item := range items {
		b = binary.BigEndian.AppendUint16(b, uint16(len(item.Key)))
		b = append(b, item.Key...)
		b = binary.BigEndian.AppendUint64(b, item.Gen)
		b = binary.BigEndian.AppendUint32(b, uint32(len(item.Payload)))
		b = append(b, item.Payload...)
	}
	return b
}

// plainVersion2 makes a frame of version 2 from one of version 1: its key goes after
// the kind, and the checksum to the end.
func plainVersion2(key string, frame []byte) []byte {
	b := append([]byte("CASC\x02"), frame[5])
	b = binary.BigEndian.AppendUint16(b, uint16(len(key)))
	b = append(b, key...)
	return sealed(append(b, frame[6:]...))
}

// plainEntry and plainMembers build the bodies of version 3 from the layout.
func plainEntry(e Entry) []byte {
	b := binary.BigEndian.AppendUint64(nil, e.Gen)
	b = binary.BigEndian.AppendUint64(b, e.Loaded)
	deps := listOf(e.Deps)
	b = binary.BigEndian.AppendUint16(b, uint16(len(deps)))
	for _, dep := range deps {
		b = append(b, plainDep(dep)...)
	}
	if e.Absent {
		return b
	}
	b = binary.BigEndian.AppendUint32(b, uint32(len(e.Payload)))
	return append(b, e.Payload...)
}

func plainDep(dep Dep) []byte {
	b := binary.BigEndian.AppendUint16(nil, uint16(len(dep.Key)))
	return binary.BigEndian.AppendUint64(append(b, dep.Key...), dep.Gen)
}

func plainMembers(members ...Member) []byte {
	var table []Dep
	for _, m := range members {
		for _, dep := range listOf(m.Deps) {
			if !slices.Contains(table, dep) {
				table = append(table, dep)
			}
		}
	}
	slices.SortFunc(table, func(a, b Dep) int {
		return cmp.Or(bytes.Compare([]byte(a.Key), []byte(b.Key)), cmp.Compare(a.Gen, b.Gen))
	})
	b := binary.BigEndian.AppendUint32(nil, uint32(len(table)))
	for _, dep := range table {
		b = append(b, plainDep(dep)...)
	}
	b = binary.BigEndian.AppendUint32(b, uint32(len(members)))
	for _, m := range members {
		b = binary.BigEndian.AppendUint16(b, uint16(len(m.Key)))
		b = append(b, m.Key...)
		b = binary.BigEndian.AppendUint64(b, m.Gen)
		b = binary.BigEndian.AppendUint64(b, m.Loaded)
		deps := listOf(m.Deps)
		b = binary.BigEndian.AppendUint16(b, uint16(len(deps)))
		for _, dep := range deps {
			b = binary.BigEndian.AppendUint32(b, uint32(slices.Index(table, dep)))
		}
		b = binary.BigEndian.AppendUint32(b, uint32(len(m.Payload)))
		b = append(b, m.Payload...)
	}
	return b
}

// plainVersion3 makes a frame of version 3 around a body.
func plainVersion3(v Version, kind Kind, key string, body []byte) []byte {
	if v == Version3 {
		return append([]byte{'C', 'A', 'S', 'C', 3, byte(kind), 0}, body...)
	}
	b := []byte{'C', 'A', 'S', 'C', 3, byte(kind), 1}
	b = binary.BigEndian.AppendUint16(b, uint16(len(key)))
	b = append(b, key...)
	return sealed(append(b, body...))
}

// sealed appends the checksum of b to it: CRC-32C bit by bit, as a second opinion on
// the one in use.
func sealed(b []byte) []byte {
	sum := ^uint32(0)
	for _, c := range b {
		sum ^= uint32(c)
		for range 8 {
			low := sum & 1
			sum = sum>>1 ^ 0x82f63b78*low
		}
	}
	return binary.BigEndian.AppendUint32(bytes.Clone(b), ^sum)
}
