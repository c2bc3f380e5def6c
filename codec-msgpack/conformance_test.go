package msgpackcodec

import (
	"bytes"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/unkn0wn-root/cascache/conformance"
	cascache "github.com/unkn0wn-root/cascache/core"
)

// A document has something of all that MessagePack carries.
type document struct {
	ID      int64
	Count   uint64
	Title   string             `msgpack:"title"`
	Score   float64            `msgpack:"score,omitempty"`
	Tags    []string           `msgpack:"tags"`
	Attrs   map[string]float64 `msgpack:"attrs"`
	Body    []byte             `msgpack:"body"`
	Parent  *document          `msgpack:"parent"`
	Created time.Time          `msgpack:"created"`
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
			Extra:   []any{int8(1), int8(-1), true, nil, map[string]any{"k": []byte("v")}},
		},
	}
}

// sameDocument compares times by their instants: zones are not carried.
func sameDocument(a, b document) bool {
	if !a.Created.Equal(b.Created) || (a.Parent == nil) != (b.Parent == nil) {
		return false
	}
	if a.Parent != nil && !sameDocument(*a.Parent, *b.Parent) {
		return false
	}
	a.Created, b.Created, a.Parent, b.Parent = time.Time{}, time.Time{}, nil, nil
	return reflect.DeepEqual(a, b)
}

func harness(codec Msgpack[document]) conformance.CodecHarness[document] {
	return conformance.CodecHarness[document]{
		New:     func(testing.TB) cascache.Codec[document] { return codec },
		Values:  documents,
		Equal:   sameDocument,
		Refused: func() []document { return []document{{Extra: make(chan int)}, {Extra: func() {}}} },
		Hostile: func() [][]byte {
			return [][]byte{
				nil, {0xc1}, {0x81}, {0x80, 0x80}, {0x01}, []byte("text"),
				bytes.Repeat([]byte{0x91}, 1<<16), bytes.Repeat([]byte{0x81, 0xa1, 'p'}, 1<<16),
				{0x81, 0xa4, 't', 'a', 'g', 's', 0xdd, 0x10, 0, 0, 0},
				{0x81, 0xa4, 'b', 'o', 'd', 'y', 0xc6, 0x10, 0, 0, 0},
			}
		},
	}
}

func TestConformance(t *testing.T) {
	for name, codec := range map[string]Msgpack[document]{
		"zero":    {},
		"shallow": {MaxDepth: 16},
	} {
		t.Run(name, func(t *testing.T) { conformance.RunCodec(t, harness(codec)) })
	}
}

func BenchmarkConformance(b *testing.B) {
	conformance.BenchmarkCodec(b, harness(Msgpack[document]{}))
}
