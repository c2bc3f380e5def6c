package otternear

import (
	"strconv"
	"testing"

	"github.com/unkn0wn-root/cascache/conformance"
	cascache "github.com/unkn0wn-root/cascache/core"
)

func harness(cfg Config[string], most int) conformance.NearHarness[string] {
	return conformance.NearHarness[string]{
		New: func(tb testing.TB) cascache.Near[string] {
			n, err := New(cfg)
			if err != nil {
				tb.Fatal(err)
			}
			return n
		},
		Values: func() []string {
			values := make([]string, 16)
			for i := range values {
				values[i] = "value " + strconv.Itoa(10+i)
			}
			return values
		},
		Settle:     func(_ testing.TB, n cascache.Near[string]) { n.(*Near[string]).cache.CleanUp() },
		MaxEntries: most,
	}
}

func TestConformance(t *testing.T) {
	weight := Config[string]{MaxWeight: 4000, Weigher: func(_, v string) uint32 { return uint32(len(v)) }}
	const absent = 4000 / 8 // an absent key weighs its length, which the suite makes 8 bytes or more
	for name, cfg := range map[string]Config[string]{"entries": {MaxEntries: 500}, "weight": weight} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // both spend most of their time waiting
			conformance.RunNear(t, harness(cfg, absent))
		})
	}
}

func BenchmarkConformance(b *testing.B) {
	conformance.BenchmarkNear(b, harness(Config[string]{MaxEntries: 500}, 500))
}
