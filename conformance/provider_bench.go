package conformance

import (
	"slices"
	"strconv"
	"testing"

	cascache "github.com/unkn0wn-root/cascache/core"
)

// What the benchmarks are run with: a small entry, one as large as most are,
// and one that is large for a cache; and as many keys as a list often has.
var benchSizes = []int{64, 1024, 64 << 10}

const benchBulk = 32

// BenchmarkProvider measures a provider, call by call, with values of several
// sizes, under sub-benchmarks named call/bytes. Optional abilities are measured
// where there are any, bulk calls with 32 keys. Of the harness it needs New, and Settle
// where the tests do.
func BenchmarkProvider(b *testing.B, h ProviderHarness) {
	if h.New == nil {
		b.Fatal("conformance: ProviderHarness.New is nil; it is required")
	}
	for _, size := range benchSizes {
		value := sample("bench", size)
		benchProvider(b, h, "Get", size, func(b *testing.B, p *benchedProvider) {
			p.store(b, value)
			for i := 0; b.Loop(); i++ {
				_, _, err := p.Get(b.Context(), p.key(i))
				p.must(b, err)
			}
		})
		benchProvider(b, h, "GetParallel", size, func(b *testing.B, p *benchedProvider) {
			p.store(b, value)
			b.RunParallel(func(pb *testing.PB) {
				for i := 0; pb.Next(); i++ {
					if _, _, err := p.Get(b.Context(), p.key(i)); err != nil {
						b.Error(err)
						return
					}
				}
			})
		})
		benchProvider(b, h, "Set", size, func(b *testing.B, p *benchedProvider) {
			for i := 0; b.Loop(); i++ {
				_, err := p.Set(b.Context(), p.key(i), value, int64(size), lasting)
				p.must(b, err)
			}
		})
		benchProvider(b, h, "GetBulk", size, func(b *testing.B, p *benchedProvider) {
			bulk := p.bulk(b)
			p.store(b, value)
			for b.Loop() {
				_, err := bulk.GetBulk(b.Context(), p.keys[:benchBulk])
				p.must(b, err)
			}
		})
		benchProvider(b, h, "SetBulk", size, func(b *testing.B, p *benchedProvider) {
			bulk := p.bulk(b)
			items := make([]cascache.Item, benchBulk)
			for i := range items {
				items[i] = cascache.Item{Key: p.keys[i], Value: value, Cost: int64(size), TTL: lasting}
			}
			for b.Loop() {
				_, err := bulk.SetBulk(b.Context(), items)
				p.must(b, err)
			}
		})
	}
	benchProvider(b, h, "Miss", 0, func(b *testing.B, p *benchedProvider) {
		for i := 0; b.Loop(); i++ {
			_, _, err := p.Get(b.Context(), p.key(i))
			p.must(b, err)
		}
	})
	benchProvider(b, h, "Del", 0, func(b *testing.B, p *benchedProvider) {
		for i := 0; b.Loop(); i++ {
			p.must(b, p.Del(b.Context(), p.key(i)))
		}
	})
	benchProvider(b, h, "DelBulk", 0, func(b *testing.B, p *benchedProvider) {
		bulk := p.bulk(b)
		for b.Loop() {
			p.must(b, bulk.DelBulk(b.Context(), p.keys[:benchBulk]))
		}
	})
}

// A benchedProvider is a provider and the keys that it is used with.
type benchedProvider struct {
	cascache.Provider
	settle func()
	keys   []string
}

func benchProvider(b *testing.B, h ProviderHarness, call string, size int, run func(*testing.B, *benchedProvider)) {
	b.Run(call+"/"+strconv.Itoa(size), func(b *testing.B) {
		p := &benchedProvider{Provider: h.New(b), keys: names("single:bench:key", 128)}
		b.Cleanup(func() { _ = p.Close(b.Context()) })
		p.settle = func() {
			if h.Settle != nil {
				h.Settle(b, p.Provider)
			}
		}
		b.ReportAllocs()
		run(b, p)
	})
}

func (p *benchedProvider) key(i int) string { return p.keys[i%len(p.keys)] }

// bulk returns the provider's bulk calls, and skips the benchmark if it has none.
func (p *benchedProvider) bulk(b *testing.B) cascache.BulkProvider {
	bulk, ok := cascache.AbilityOf[cascache.BulkProvider](p.Provider)
	if !ok {
		b.Skip("the provider is no cascache.BulkProvider")
	}
	return bulk
}

func (p *benchedProvider) must(b *testing.B, err error) {
	if err != nil {
		b.Fatal(err)
	}
}

// store fills every key, as far as the provider takes it.
func (p *benchedProvider) store(b *testing.B, value []byte) {
	b.Helper()
	for _, key := range p.keys {
		_, err := p.Set(b.Context(), key, value, int64(len(value)), lasting)
		p.must(b, err)
		p.settle()
	}
	found := slices.ContainsFunc(p.keys, func(key string) bool {
		_, ok, _ := p.Get(b.Context(), key)
		return ok
	})
	if !found {
		b.Fatalf("of %d values of %d bytes none was kept, so that there is nothing to measure", len(p.keys), len(value))
	}
}
