package conformance

import (
	"testing"

	cascache "github.com/unkn0wn-root/cascache/core"
)

// BenchmarkNear measures a near tier call by call, with the harness's values,
// under sub-benchmarks named for the call. Of the harness it needs New and
// Values, and Settle where the tests do.
func BenchmarkNear[V any](b *testing.B, h NearHarness[V]) {
	if h.New == nil || h.Values == nil || len(h.Values()) == 0 {
		b.Fatal("conformance: NearHarness.New and NearHarness.Values are required")
	}
	values, keys := h.Values(), names("key", 128)
	set := func(n cascache.Near[V], i int) {
		n.Set(keys[i%len(keys)], values[i%len(values)], firstGen+uint64(i), lasting)
	}
	measure := func(call string, filled bool, run func(b *testing.B, n cascache.Near[V])) {
		b.Run(call, func(b *testing.B) {
			n := h.New(b)
			b.Cleanup(func() { _ = n.Close() })
			for i := range keys {
				if filled {
					set(n, i)
				}
			}
			if h.Settle != nil {
				h.Settle(b, n)
			}
			if _, _, ok := n.Get(keys[0]); filled && !ok {
				b.Fatalf("of %d entries the first was not kept, so that there is nothing to measure", len(keys))
			}
			b.ReportAllocs()
			run(b, n)
		})
	}
	get := func(b *testing.B, n cascache.Near[V]) {
		for i := 0; b.Loop(); i++ {
			n.Get(keys[i%len(keys)])
		}
	}
	parallel := func(do func(n cascache.Near[V], i int)) func(b *testing.B, n cascache.Near[V]) {
		return func(b *testing.B, n cascache.Near[V]) {
			b.RunParallel(func(pb *testing.PB) {
				for i := 0; pb.Next(); i++ {
					do(n, i)
				}
			})
		}
	}
	measure("Get", true, get)
	measure("GetParallel", true, parallel(func(n cascache.Near[V], i int) { n.Get(keys[i%len(keys)]) }))
	measure("Miss", false, get)
	measure("Set", false, func(b *testing.B, n cascache.Near[V]) {
		for i := 0; b.Loop(); i++ {
			set(n, i)
		}
	})
	measure("SetParallel", false, parallel(set))
	measure("Del", false, func(b *testing.B, n cascache.Near[V]) {
		for i := 0; b.Loop(); i++ {
			n.Del(keys[i%len(keys)])
		}
	})
}
