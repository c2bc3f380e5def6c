package cborcodec

import (
	"bytes"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/unkn0wn-root/cascache/conformance"
	cascache "github.com/unkn0wn-root/cascache/core"
)

// A document has something of all that CBOR carries.
type document struct {
	ID      int64
	Count   uint64
	Title   string             `cbor:"title"`
	Score   float64            `cbor:"score,omitempty"`
	Tags    []string           `cbor:"tags"`
	Attrs   map[string]float64 `cbor:"attrs"`
	Body    []byte             `cbor:"body"`
	Parent  *document          `cbor:"parent"`
	Created time.Time          `cbor:"created"`
	Extra   any
}

func documents() []document {
	return []document{
		{},
		{ID: math.MinInt64, Title: "tea \xff", Score: 0.1, Tags: []string{"b", "", "a"}, Body: []byte{}, Extra: "extra"},
		{
			ID: math.MaxInt64, Count: math.MaxUint64, Title: strings.Repeat("long ", 200),
			Attrs: map[string]float64{"b": 1e300, "a": -1, "c": math.Inf(-1)},
			Body:  []byte{0, 1, 0xff}, Parent: &document{ID: 1, Tags: []string{}},
			Created: time.Date(2024, 2, 29, 12, 30, 15, 123456789, time.UTC),
			Extra:   []any{uint64(1), int64(-1), true, nil, map[string]any{"k": []byte("v")}},
		},
	}
}

func harness(codec CBOR[document]) conformance.CodecHarness[document] {
	return conformance.CodecHarness[document]{
		New:     func(testing.TB) cascache.Codec[document] { return codec },
		Values:  documents,
		Refused: func() []document { return []document{{Extra: func() {}}, {Extra: make(chan int)}} },
		Hostile: func() [][]byte {
			return [][]byte{
				nil, {0xff}, {0xa1}, {0xa0, 0xa0}, {0x9f}, {0x01}, []byte("text"),
				bytes.Repeat([]byte{0x81}, 1<<16), bytes.Repeat([]byte{0xa1, 0x61, 'p'}, 1<<16), bytes.Repeat([]byte{0xc1}, 1<<16),
				{0xa1, 0x64, 't', 'a', 'g', 's', 0x9b, 0, 0, 0, 0x10, 0, 0, 0, 0},
				{0xa1, 0x64, 'b', 'o', 'd', 'y', 0x5b, 0, 0, 0, 0x10, 0, 0, 0, 0},
			}
		},
	}
}

func TestConformance(t *testing.T) {
	for name, codec := range map[string]CBOR[document]{
		"zero":          {},
		"deterministic": {Deterministic: true, MaxDepth: 16, MaxElements: 1000},
	} {
		t.Run(name, func(t *testing.T) { conformance.RunCodec(t, harness(codec)) })
	}
}

func BenchmarkConformance(b *testing.B) { conformance.BenchmarkCodec(b, harness(CBOR[document]{})) }
