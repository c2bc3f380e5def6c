package ristrettoprovider

import (
	"testing"

	"github.com/unkn0wn-root/cascache/conformance"
	cascache "github.com/unkn0wn-root/cascache/core"
)

func harness(cfg Config) conformance.ProviderHarness {
	return conformance.ProviderHarness{
		New: func(tb testing.TB) cascache.Provider {
			p, err := New(cfg)
			if err != nil {
				tb.Fatal(err)
			}
			return p
		},
		Settle: func(_ testing.TB, p cascache.Provider) { p.(*Provider).Wait() },
		Lacks: map[conformance.Lack]string{
			conformance.ContextErrors: "it does no I/O and takes no notice of contexts",
			conformance.Failures:      "it is the memory of this process",
		},
	}
}

func TestConformance(t *testing.T) {
	t.Run("roomy", func(t *testing.T) { conformance.RunProvider(t, harness(Config{})) })
	// What is large is declined, and what is old is displaced.
	t.Run("small", func(t *testing.T) {
		conformance.RunProvider(t, harness(Config{NumCounters: 10_000, MaxCost: 256 << 10}))
	})
}

func BenchmarkConformance(b *testing.B) { conformance.BenchmarkProvider(b, harness(Config{})) }
