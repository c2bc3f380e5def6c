package cascache_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log"
	"sync"

	cascache "github.com/unkn0wn-root/cascache/core"
)

// oneServer keeps values and generations together, and counts the round trips
// that a server would have been asked for.
type oneServer struct {
	*plainProvider
	cascache.GenStore

	mu    sync.Mutex // makes one step of what it guards, as a server does
	trips int
}

func (s *oneServer) step() func() {
	s.mu.Lock()
	s.trips++
	return s.mu.Unlock
}

func (s *oneServer) GetWithGen(ctx context.Context, key string, create bool) (value []byte, gen uint64, valueErr, genErr error) {
	defer s.step()()
	value, _, valueErr = s.Get(ctx, key)
	if create {
		gen, genErr = s.Snapshot(ctx, cascache.GenKey(key))
	} else {
		gen, genErr = s.Current(ctx, cascache.GenKey(key))
	}
	return value, gen, valueErr, genErr
}

func (s *oneServer) GetBulkWithGens(ctx context.Context, bulk string, keys []string, wanted bool) (cascache.BulkReading, error) {
	defer s.step()()
	var r cascache.BulkReading
	if bulk != "" {
		r.Bulk, _, _ = s.Get(ctx, bulk)
	}
	for _, key := range keys {
		gen, err := s.Current(ctx, cascache.GenKey(key))
		r.Gens, r.GenErr = append(r.Gens, gen), errors.Join(r.GenErr, err)
		if wanted {
			value, _, _ := s.Get(ctx, key)
			r.Values = append(r.Values, value)
		}
	}
	return r, nil
}

func (s *oneServer) SetIfGen(ctx context.Context, item cascache.Item, gen uint64) (uint64, bool, error) {
	current, stored, err := s.SetBulkIfGens(ctx, []cascache.Item{item}, []uint64{gen})
	return current[0], stored[0], err
}

func (s *oneServer) SetBulkIfGens(ctx context.Context, items []cascache.Item, gens []uint64) (current []uint64, stored []bool, err error) {
	defer s.step()()
	all := true
	for i, item := range items {
		same := all // of the bulk entry
		if i < len(gens) {
			now, err := s.Current(ctx, cascache.GenKey(item.Key))
			if err != nil {
				return make([]uint64, len(gens)), make([]bool, len(items)), err
			}
			current, same = append(current, now), now == gens[i]
			all = all && same
		}
		if same {
			_, _ = s.Set(ctx, item.Key, item.Value, item.Cost, item.TTL)
		} else if i >= len(gens) {
			_ = s.plainProvider.Del(ctx, item.Key)
		}
		stored = append(stored, same)
	}
	return current, stored, nil
}

func (s *oneServer) BumpAndDel(ctx context.Context, keys []string) (gens []uint64, bumpErr, delErr error) {
	defer s.step()()
	for _, key := range keys {
		gen, err := s.Bump(ctx, cascache.GenKey(key))
		gens, bumpErr = append(gens, gen), errors.Join(bumpErr, err)
		delErr = errors.Join(delErr, s.Del(ctx, key))
	}
	return gens, bumpErr, delErr
}

func (s *oneServer) DelEqual(ctx context.Context, keys []string, values [][]byte) error {
	defer s.step()()
	for i, key := range keys {
		if value, ok, _ := s.Get(ctx, key); ok && bytes.Equal(value, values[i]) {
			_ = s.Del(ctx, key)
		}
	}
	return nil
}

func (s *oneServer) Close(ctx context.Context) error {
	return errors.Join(s.plainProvider.Close(ctx), s.GenStore.Close(ctx))
}

// One value that keeps both is given twice, as provider and as generation
// store.
func ExampleCombined() {
	ctx := context.Background()
	server := &oneServer{plainProvider: newPlainProvider(), GenStore: cascache.NewLocalGenStore(0, 0)}
	var both cascache.Combined = server
	cache, err := cascache.New(cascache.Options[string]{
		Namespace: "name", Provider: both, GenStore: both, Codec: cascache.String{},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer cache.Close(ctx)

	_ = cache.SetWithGen(ctx, "1", "Ada", cache.SnapshotGen("1"), 0)
	server.trips = 0
	name, ok, err := cache.Get(ctx, "1")
	fmt.Println(name, ok, err, "in", server.trips, "round trip")
	server.trips = 0
	err = cache.Invalidate(ctx, "1")
	fmt.Println(err, "in", server.trips, "round trip")
	_, ok, err = cache.Get(ctx, "1")
	fmt.Println(ok, err)
	// Output:
	// Ada true <nil> in 1 round trip
	// <nil> in 1 round trip
	// false <nil>
}
