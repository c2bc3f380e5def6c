package otternear

import (
	"strconv"
	"testing"
	"time"

	"github.com/maypok86/otter/v2"

	cascache "github.com/unkn0wn-root/cascache/core"
)

// BenchmarkGet stands the tier and a cache over it beside a raw Otter with a TTL.
func BenchmarkGet(b *testing.B) {
	const keys = 1024
	names := make([]string, keys)
	raw := otter.Must(&otter.Options[string, string]{
		MaximumSize:      10 * keys,
		ExpiryCalculator: otter.ExpiryWriting[string, string](time.Hour),
	})
	defer raw.StopAllGoroutines()
	ctx := b.Context()
	caches := map[string]*cascache.Handle[string]{}
	for name, store := range map[string]cascache.GenStore{
		"cache, exact local generations":   cascache.NewLocalGenStore(0, 0),
		"cache, striped local generations": cascache.NewStripedGenStore(0),
	} {
		h, err := cascache.New(cascache.Options[string]{Namespace: "n", Near: newNear(b, Config[string]{MaxEntries: 10 * keys}), GenStore: store})
		if err != nil {
			b.Fatal(err)
		}
		defer h.Close(ctx)
		caches[name] = h
	}
	n := newNear(b, Config[string]{MaxEntries: 10 * keys})
	for i := range names {
		names[i] = "user-" + strconv.Itoa(i)
		raw.Set(names[i], names[i])
		n.Set(names[i], names[i], 1, time.Hour)
		for _, h := range caches {
			if err := h.SetWithGen(ctx, names[i], names[i], h.SnapshotGen(names[i]), time.Hour); err != nil {
				b.Fatal(err)
			}
		}
	}
	gets := map[string]func(key string) bool{
		"raw otter":   func(key string) bool { _, ok := raw.GetIfPresent(key); return ok },
		"near, alone": func(key string) bool { _, _, ok := n.Get(key); return ok },
	}
	for name, h := range caches {
		gets[name] = func(key string) bool { _, ok, _ := h.Get(ctx, key); return ok }
	}
	for _, name := range []string{"raw otter", "near, alone", "cache, exact local generations", "cache, striped local generations"} {
		get := gets[name]
		b.Run("serial/"+name, func(b *testing.B) {
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				if i++; !get(names[i%keys]) {
					b.Fatal("every key is there")
				}
			}
		})
		b.Run("parallel/"+name, func(b *testing.B) {
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for i := 0; pb.Next(); i++ {
					get(names[i%keys])
				}
			})
		})
	}
}
