package conformance

import (
	"testing"

	cascache "github.com/unkn0wn-root/cascache/core"
)

// BenchmarkCache measures a whole assembly under sub-benchmarks named after
// what is done: a hit, a fill, an invalidation, and the same for a list of 32
// keys. Of the harness it needs New, and Settle where the tests do.
func BenchmarkCache(b *testing.B, h CacheHarness) {
	if h.New == nil {
		b.Fatal("conformance: CacheHarness.New is nil; it is required")
	}
	keys := names("key", benchBulk)
	items := make(map[string]string, len(keys))
	for _, key := range keys {
		items[key] = string(sample(key, benchSizes[0]))
	}
	run := func(name string, filled bool, step func(b *testing.B, c *cascache.Handle[string], i int) error) {
		b.Run(name, func(b *testing.B) {
			opts := h.New(b, 1)[0]
			cache, err := cascache.New(opts)
			if err != nil {
				b.Fatal(err)
			}
			b.Cleanup(func() { _ = cache.Close(b.Context()) })
			if filled {
				if err := cache.SetBulkWithGens(b.Context(), items, cache.SnapshotGens(keys), lasting); err != nil {
					b.Fatal(err)
				}
				if h.Settle != nil {
					h.Settle(b, opts)
				}
			}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if err := step(b, cache, i); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	run("Hit", true, func(b *testing.B, c *cascache.Handle[string], i int) error {
		_, _, err := c.Get(b.Context(), keys[i%len(keys)])
		return err
	})
	run("Miss", false, func(b *testing.B, c *cascache.Handle[string], i int) error {
		_, _, err := c.Get(b.Context(), keys[i%len(keys)])
		return err
	})
	run("Fill", false, func(b *testing.B, c *cascache.Handle[string], i int) error {
		key := keys[i%len(keys)]
		return c.SetWithGen(b.Context(), key, items[key], c.SnapshotGen(key), lasting)
	})
	run("Invalidate", false, func(b *testing.B, c *cascache.Handle[string], i int) error {
		return c.Invalidate(b.Context(), keys[i%len(keys)])
	})
	run("BulkHit", true, func(b *testing.B, c *cascache.Handle[string], _ int) error {
		_, _, err := c.GetBulk(b.Context(), keys)
		return err
	})
	run("BulkFill", false, func(b *testing.B, c *cascache.Handle[string], _ int) error {
		return c.SetBulkWithGens(b.Context(), items, c.SnapshotGens(keys), lasting)
	})
	run("InvalidateBulk", false, func(b *testing.B, c *cascache.Handle[string], _ int) error {
		return c.InvalidateBulk(b.Context(), keys)
	})
}
