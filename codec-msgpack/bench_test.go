package msgpackcodec

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/vmihailenco/msgpack/v5"
)

// record encodes to 240 bytes with a bio of 44.
type record struct {
	ID      int64             `msgpack:"id"`
	Name    string            `msgpack:"name"`
	Email   string            `msgpack:"email"`
	Active  bool              `msgpack:"active"`
	Score   float64           `msgpack:"score"`
	Created time.Time         `msgpack:"created"`
	Tags    []string          `msgpack:"tags"`
	Attrs   map[string]string `msgpack:"attrs"`
	Bio     string            `msgpack:"bio"`
}

func newRecord(bio int) record {
	return record{
		ID: 123456789, Name: "Ada Lovelace", Email: "ada.lovelace@example.com", Active: true, Score: 98.6,
		Created: time.Date(2024, 2, 29, 12, 30, 15, 123456789, time.UTC),
		Tags:    []string{"analyst", "engine", "mathematics"},
		Attrs:   map[string]string{"country": "United Kingdom", "city": "London", "language": "en"},
		Bio:     strings.Repeat("b", bio),
	}
}

func sizes(b *testing.B, run func(b *testing.B, value record, data []byte)) {
	for _, bio := range []int{44, 16 << 10} {
		value := newRecord(bio)
		data, err := Msgpack[record]{}.Encode(value)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(strconv.Itoa(len(data))+"B", func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(data)))
			run(b, value, data)
		})
	}
}

func BenchmarkEncode(b *testing.B) {
	sizes(b, func(b *testing.B, value record, _ []byte) {
		for b.Loop() {
			if _, err := (Msgpack[record]{}).Encode(value); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkAppendEncode(b *testing.B) {
	sizes(b, func(b *testing.B, value record, data []byte) {
		dst := make([]byte, 0, 2*len(data))
		for b.Loop() {
			if _, err := (Msgpack[record]{}).AppendEncode(dst, value); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkRawEncode is the library alone.
func BenchmarkRawEncode(b *testing.B) {
	sizes(b, func(b *testing.B, value record, _ []byte) {
		for b.Loop() {
			if _, err := msgpack.Marshal(&value); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	sizes(b, func(b *testing.B, _ record, data []byte) {
		for b.Loop() {
			if _, err := (Msgpack[record]{}).Decode(data); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkRawDecode(b *testing.B) {
	sizes(b, func(b *testing.B, _ record, data []byte) {
		for b.Loop() {
			var value record
			if err := msgpack.Unmarshal(data, &value); err != nil {
				b.Fatal(err)
			}
		}
	})
}
