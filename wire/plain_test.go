package wire

import (
	"bytes"
	"encoding/binary"
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
