package conformance

import (
	"strconv"
	"testing"

	cascache "github.com/unkn0wn-root/cascache/core"
)

// benchKeys are the lengths of keys that a generation store is measured with.
var benchKeys = []int{32, 256}

// BenchmarkGenStore measures a generation store, call by call, with keys of
// several lengths, under sub-benchmarks named call/bytes. Optional abilities
// are measured where there are any, bulk calls with 32 keys. Of the harness it
// needs New.
func BenchmarkGenStore(b *testing.B, h GenStoreHarness) {
	if h.New == nil {
		b.Fatal("conformance: GenStoreHarness.New is nil; it is required")
	}
	for _, size := range benchKeys {
		for _, c := range []struct {
			name string
			call func(s *benchedGenStore, key string) (uint64, error)
		}{
			{"Current", func(s *benchedGenStore, key string) (uint64, error) { return s.Current(s.b.Context(), key) }},
			{"Snapshot", func(s *benchedGenStore, key string) (uint64, error) { return s.Snapshot(s.b.Context(), key) }},
			{"Bump", func(s *benchedGenStore, key string) (uint64, error) { return s.Bump(s.b.Context(), key) }},
		} {
			benchGenStore(b, h, c.name, size, func(s *benchedGenStore) {
				for i := 0; s.b.Loop(); i++ {
					s.must(c.call(s, s.keys[i%len(s.keys)]))
				}
			})
			benchGenStore(b, h, c.name+"Parallel", size, func(s *benchedGenStore) {
				s.b.RunParallel(func(pb *testing.PB) {
					for i := 0; pb.Next(); i++ {
						if _, err := c.call(s, s.keys[i%len(s.keys)]); err != nil {
							s.b.Error(err)
							return
						}
					}
				})
			})
		}
		benchGenStore(b, h, "CurrentLocal", size, func(s *benchedGenStore) {
			p, ok := cascache.AbilityOf[cascache.LocalReader](s.GenStore)
			if !ok {
				s.b.Skip("the store is no cascache.LocalReader")
			}
			const at = len("single:bench:")
			for i := 0; s.b.Loop(); i++ {
				key := s.keys[i%len(s.keys)]
				p.CurrentLocal(key[:at], key[at:])
			}
		})
	}
	for _, kind := range genBulkKinds {
		benchGenStore(b, h, kind.name, benchKeys[0], func(s *benchedGenStore) {
			bulks := bulkCalls(s.GenStore)
			if bulks == nil {
				s.b.Skip("the store is no cascache.BulkGenStore")
			}
			for s.b.Loop() {
				_, err := bulks[kind.kind](s.b.Context(), s.keys[:benchBulk])
				s.must(0, err)
			}
		})
	}
	benchGenStore(b, h, "HoldRelease", benchKeys[0], func(s *benchedGenStore) {
		holder, ok := cascache.AbilityOf[cascache.Holder](s.GenStore)
		if !ok {
			s.b.Skip("the store is no cascache.Holder")
		}
		for i := 0; s.b.Loop(); i++ {
			keys := s.keys[i%len(s.keys):][:1]
			s.must(0, holder.Hold(s.b.Context(), keys, "bench", longLease))
			s.must(0, holder.Release(s.b.Context(), keys, "bench"))
		}
	})
}

// A benchedGenStore is a generation store and the keys that it is used with.
type benchedGenStore struct {
	cascache.GenStore
	b    *testing.B
	keys []string
}

func benchGenStore(b *testing.B, h GenStoreHarness, call string, size int, run func(*benchedGenStore)) {
	b.Run(call+"/"+strconv.Itoa(size), func(b *testing.B) {
		s := &benchedGenStore{GenStore: h.New(b), b: b}
		b.Cleanup(func() { _ = s.Close(b.Context()) })
		for _, name := range names("key", 128) {
			key := "single:bench:" + name
			for len(key) < size {
				key += "."
			}
			s.keys = append(s.keys, key)
			s.must(s.Snapshot(b.Context(), key))
		}
		b.ReportAllocs()
		run(s)
	})
}

func (s *benchedGenStore) must(_ uint64, err error) {
	if err != nil {
		s.b.Fatal(err)
	}
}
