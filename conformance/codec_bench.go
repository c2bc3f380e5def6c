package conformance

import (
	"fmt"
	"testing"

	cascache "github.com/unkn0wn-root/cascache/core"
)

// BenchmarkCodec measures a codec with each of the harness's values, under
// sub-benchmarks named call/value/bytes. Of the harness it needs New and
// Values.
func BenchmarkCodec[V any](b *testing.B, h CodecHarness[V]) {
	if h.New == nil || h.Values == nil {
		b.Fatal("conformance: CodecHarness.New and CodecHarness.Values are required")
	}
	for i, value := range h.Values() {
		codec := h.New(b)
		data, err := codec.Encode(value)
		if err != nil {
			b.Fatal(err)
		}
		measure := func(call string, run func() error) {
			b.Run(fmt.Sprintf("%s/value%d/%d", call, i, len(data)), func(b *testing.B) {
				b.ReportAllocs()
				b.SetBytes(int64(len(data)))
				for b.Loop() {
					if err := run(); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
		measure("Encode", func() error { _, err := codec.Encode(value); return err })
		if appender, ok := cascache.AbilityOf[cascache.AppendEncoder[V]](codec); ok {
			dst := make([]byte, 0, 2*len(data)+64)
			measure("AppendEncode", func() error { _, err := appender.AppendEncode(dst, value); return err })
		}
		measure("Decode", func() error { _, err := codec.Decode(data); return err })
	}
}
