package jsoncodec

import (
	"encoding/json"
	"strconv"
	"strings"
	"testing"
	"time"

	cascache "github.com/unkn0wn-root/cascache/core"
)

type record struct {
	ID      int64             `json:"id"`
	Name    string            `json:"name"`
	Email   string            `json:"email"`
	Active  bool              `json:"active"`
	Score   float64           `json:"score"`
	Created time.Time         `json:"created"`
	Tags    []string          `json:"tags"`
	Attrs   map[string]string `json:"attrs"`
	Bio     string            `json:"bio"`
}

func newRecord(bio int) record {
	return record{
		ID: 123456789, Name: "Ada Lovelace", Email: "ada.lovelace@example.com", Active: true, Score: 98.6,
		Created: time.Date(2024, 2, 29, 12, 30, 15, 123456789, time.UTC),
		Tags:    []string{"analyst", "engine"},
		Attrs:   map[string]string{"country": "UK", "city": "London"},
		Bio:     strings.Repeat("b", bio),
	}
}

// sizes runs the benchmark for a small and a large record.
func sizes(b *testing.B, run func(b *testing.B, value record, data []byte)) {
	for _, bio := range []int{13, 16 << 10} {
		value := newRecord(bio)
		data, err := JSON[record]{}.Encode(value)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(strconv.Itoa(len(data))+"B", func(b *testing.B) { run(b, value, data) })
	}
}

// contender is one way to do the operation that a benchmark compares.
type contender struct {
	name string
	do   func() error
}

// compare runs the contenders in turn and reports how many times as long as
// the first one each takes.
func compare(b *testing.B, contenders []contender) {
	var first float64
	for _, c := range contenders {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := c.do(); err != nil {
					b.Fatal(err)
				}
			}
			each := float64(b.Elapsed()) / float64(b.N)
			if first == 0 || c.name == contenders[0].name {
				first = each
			}
			b.ReportMetric(each/first, "x-"+contenders[0].name)
		})
	}
}

func BenchmarkEncode(b *testing.B) {
	sizes(b, func(b *testing.B, value record, data []byte) {
		dst := make([]byte, 0, 2*len(data))
		compare(b, []contender{
			{"json.Marshal", func() error {
				_, err := json.Marshal(value)
				return err
			}},
			{"Encode", func() error {
				_, err := JSON[record]{}.Encode(value)
				return err
			}},
			{"AppendEncode", func() error {
				_, err := JSON[record]{}.AppendEncode(dst, value)
				return err
			}},
		})
	})
}

func BenchmarkDecode(b *testing.B) {
	sizes(b, func(b *testing.B, _ record, data []byte) {
		compare(b, []contender{
			{"json.Unmarshal", func() error {
				var value record
				return json.Unmarshal(data, &value)
			}},
			{"Decode", func() error {
				_, err := JSON[record]{}.Decode(data)
				return err
			}},
			{"DisallowUnknownFields", func() error {
				_, err := JSON[record]{DisallowUnknownFields: true}.Decode(data)
				return err
			}},
		})
	})
}

// What of a Get is JSON, over a provider that is next to nothing.
func BenchmarkGet(b *testing.B) {
	sizes(b, func(b *testing.B, value record, data []byte) {
		compare(b, []contender{
			{"Bytes", getter[[]byte](b, cascache.Bytes{}, data)},
			{"JSON", getter[record](b, JSON[record]{}, value)},
		})
	})
}

func BenchmarkSet(b *testing.B) {
	sizes(b, func(b *testing.B, value record, data []byte) {
		compare(b, []contender{
			{"Bytes", setter[[]byte](b, cascache.Bytes{}, data)},
			{"JSON", setter[record](b, JSON[record]{}, value)},
		})
	})
}

func getter[V any](b *testing.B, codec cascache.Codec[V], value V) func() error {
	cache := newCache(b, codec)
	ctx := b.Context()
	if err := cache.SetWithGen(ctx, "k", value, cache.SnapshotGen("k"), 0); err != nil {
		b.Fatal(err)
	}
	return func() error {
		_, ok, err := cache.Get(ctx, "k")
		if err == nil && !ok {
			b.Fatal("a miss")
		}
		return err
	}
}

func setter[V any](b *testing.B, codec cascache.Codec[V], value V) func() error {
	cache := newCache(b, codec)
	ctx := b.Context()
	gen := cache.SnapshotGen("k")
	return func() error { return cache.SetWithGen(ctx, "k", value, gen, 0) }
}
