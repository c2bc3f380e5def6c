package cborcodec

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"
)

// record encodes to 240 bytes with a bio of 24.
type record struct {
	ID      int64             `cbor:"id"`
	Name    string            `cbor:"name"`
	Email   string            `cbor:"email"`
	Active  bool              `cbor:"active"`
	Score   float64           `cbor:"score"`
	Created time.Time         `cbor:"created"`
	Tags    []string          `cbor:"tags"`
	Attrs   map[string]string `cbor:"attrs"`
	Bio     string            `cbor:"bio"`
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
	for _, bio := range []int{24, 16 << 10} {
		value := newRecord(bio)
		data, err := CBOR[record]{}.Encode(value)
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

func benchmarkEncode(b *testing.B, codec CBOR[record]) {
	sizes(b, func(b *testing.B, value record, _ []byte) {
		for b.Loop() {
			if _, err := codec.Encode(value); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkEncode(b *testing.B) { benchmarkEncode(b, CBOR[record]{}) }
func BenchmarkEncodeDeterministic(b *testing.B) {
	benchmarkEncode(b, CBOR[record]{Deterministic: true})
}

func BenchmarkAppendEncode(b *testing.B) {
	sizes(b, func(b *testing.B, value record, data []byte) {
		dst := make([]byte, 0, 2*len(data))
		for b.Loop() {
			if _, err := (CBOR[record]{}).AppendEncode(dst, value); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkRawEncode is the library alone, carrying times as the codec does.
func BenchmarkRawEncode(b *testing.B) {
	raw, err := cbor.EncOptions{Time: cbor.TimeRFC3339NanoUTC, TimeTag: cbor.EncTagRequired}.EncMode()
	if err != nil {
		b.Fatal(err)
	}
	sizes(b, func(b *testing.B, value record, _ []byte) {
		for b.Loop() {
			if _, err := raw.Marshal(value); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	sizes(b, func(b *testing.B, _ record, data []byte) {
		for b.Loop() {
			if _, err := (CBOR[record]{}).Decode(data); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkRawDecode(b *testing.B) {
	sizes(b, func(b *testing.B, _ record, data []byte) {
		for b.Loop() {
			var value record
			if err := cbor.Unmarshal(data, &value); err != nil {
				b.Fatal(err)
			}
		}
	})
}
