package conformance

import (
	"testing"

	cascache "github.com/unkn0wn-root/cascache/core"
)

func BenchmarkBulked(b *testing.B) { BenchmarkProvider(b, plainHarness(openBulked)) }

func BenchmarkRecord(b *testing.B) { BenchmarkCodec(b, recordHarness(plainCodec{})) }

func BenchmarkString(b *testing.B) {
	BenchmarkCodec(b, CodecHarness[string]{
		New:    func(testing.TB) cascache.Codec[string] { return cascache.String{} },
		Values: func() []string { return []string{"tea", string(sample("text", 240))} },
	})
}
