package jsoncodec

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/unkn0wn-root/cascache/conformance"
	cascache "github.com/unkn0wn-root/cascache/core"
)

// A document has something of all that JSON carries.
type document struct {
	ID      int64
	Title   string             `json:"title"`
	Score   float64            `json:",omitempty"`
	Tags    []string           `json:"tags"`
	Attrs   map[string]float64 `json:"attrs"`
	Body    []byte             `json:"body"`
	Parent  *document          `json:"parent"`
	Created time.Time          `json:"created"`
	Draft   bool
}

func documents() []document {
	return []document{
		{},
		{ID: math.MinInt64, Title: "tea <&> \u2028 \"coffee\"\n", Score: 0.1, Tags: []string{"b", "", "a"}, Body: []byte{}},
		{
			ID: math.MaxInt64, Title: strings.Repeat("long ", 200), Attrs: map[string]float64{"b": 1e300, "a": -1},
			Body: []byte{0, 1, 0xff}, Parent: &document{ID: 1, Tags: []string{}}, Draft: true,
			Created: time.Date(2024, 2, 29, 12, 30, 15, 123456789, time.UTC),
		},
	}
}

func harness(codec JSON[document]) conformance.CodecHarness[document] {
	return conformance.CodecHarness[document]{
		New:    func(testing.TB) cascache.Codec[document] { return codec },
		Values: documents,
		Refused: func() []document {
			return []document{{Score: math.NaN()}, {Attrs: map[string]float64{"inf": math.Inf(1)}}}
		},
		Hostile: func() [][]byte {
			return [][]byte{
				nil, []byte("{"), []byte(`{"ID":1}}`), []byte(`{"ID":"1"}`), []byte(`{"ID":1e99}`), []byte(`{"body":"*"}`),
				[]byte("nul"), []byte(`[]`), []byte(strings.Repeat("[", 1<<20)), []byte(strings.Repeat(`{"parent":`, 1<<16)),
			}
		},
	}
}

func TestConformance(t *testing.T) {
	for name, codec := range map[string]JSON[document]{
		"zero":    {},
		"options": {DisallowUnknownFields: true, UseNumber: true},
	} {
		t.Run(name, func(t *testing.T) { conformance.RunCodec(t, harness(codec)) })
	}
	// The beginning of a number is a number.
	t.Run("number", func(t *testing.T) {
		conformance.RunCodec(t, conformance.CodecHarness[int]{
			New:    func(testing.TB) cascache.Codec[int] { return JSON[int]{} },
			Values: func() []int { return []int{0, -1, math.MaxInt} },
		})
	})
}

func BenchmarkConformance(b *testing.B) { conformance.BenchmarkCodec(b, harness(JSON[document]{})) }
