package bigcacheprovider

import (
	"testing"
	"time"

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
		Lacks: map[conformance.Lack]string{
			conformance.PerEntryTTL:   "BigCache has one life window for all entries",
			conformance.SubSecondTTL:  "BigCache has one life window for all entries, in seconds",
			conformance.LongKeys:      "BigCache keeps the length of key and header in 16 bits",
			conformance.ContextErrors: "it does no I/O and takes no notice of contexts",
			conformance.Failures:      "it is the memory of this process",
		},
	}
}

func TestConformance(t *testing.T) {
	t.Run("roomy", func(t *testing.T) {
		conformance.RunProvider(t, harness(Config{LifeWindow: time.Hour}))
	})
	// What is large is declined, and what is old is displaced.
	t.Run("small", func(t *testing.T) {
		conformance.RunProvider(t, harness(Config{LifeWindow: time.Hour, HardMaxCacheSizeMB: 1, Shards: 4}))
	})
}

func BenchmarkConformance(b *testing.B) {
	conformance.BenchmarkProvider(b, harness(Config{LifeWindow: time.Hour}))
}
