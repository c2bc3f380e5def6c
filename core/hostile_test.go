package cascache_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"maps"
	"math/rand/v2"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	cascache "github.com/unkn0wn-root/cascache/core"
	"github.com/unkn0wn-root/cascache/wire"
)

// openStorage is a provider that anybody may write into.
type openStorage struct {
	mu      sync.Mutex // guards entries
	entries map[string][]byte
}

func (s *openStorage) Get(_ context.Context, key string) ([]byte, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	value, ok := s.entries[key]
	return value, ok, nil
}

func (s *openStorage) Set(_ context.Context, key string, value []byte, _ int64, _ time.Duration) (bool, error) {
	s.put(key, value)
	return true, nil
}

func (s *openStorage) put(key string, value []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.entries[key] = value
}

func (s *openStorage) Del(_ context.Context, key string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.entries, key)
	return nil
}

func (s *openStorage) Close(context.Context) error { return nil }

// reset empties the storage, and then puts that one entry in.
func (s *openStorage) reset(key string, value []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.entries)
	s.entries[key] = value
}

// only returns the one entry whose key begins so.
func (s *openStorage) only(t testing.TB, prefix string) (key string, value []byte) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for k, v := range s.entries {
		if strings.HasPrefix(k, prefix) {
			if key != "" {
				t.Fatalf("one entry is stored under %q: got %q and %q", prefix, key, k)
			}
			key, value = k, v
		}
	}
	if key == "" {
		t.Fatalf("an entry is stored under %q: got none", prefix)
	}
	return key, value
}

// exposed is a cache over a storage that anybody may write into.
type exposed struct {
	*cascache.Handle[string]
	storage *openStorage
	loader  *cascache.Loader[string]
	loads   atomic.Int64
	version wire.Version
}

func expose(t testing.TB, checksum bool) *exposed {
	t.Helper()
	e := &exposed{storage: &openStorage{entries: map[string][]byte{}}, version: wire.Version1}
	if checksum {
		e.version = wire.Version2
	}
	var err error
	e.Handle, err = cascache.New(cascache.Options[string]{Namespace: "n", Provider: e.storage, Codec: cascache.String{}, Checksum: checksum})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close(context.Background()) })
	e.loader, err = cascache.NewLoader(e.Handle, cascache.LoaderOptions[string]{
		Load: func(context.Context, string) (string, error) {
			e.loads.Add(1)
			return "", cascache.ErrNotFound
		},
		AbsentTTL: time.Minute,
	})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// A look reads what hostile bytes may stand under, and returns the encoding of
// what was served: nil for nothing.
type look struct {
	kind   string
	prefix string // of the storage key
	fill   func(t testing.TB, e *exposed)
	read   func(t testing.TB, e *exposed, entry string) []byte
}

var bulkKeys = []string{"a", "b"}

var looks = []look{
	{"single", "single:n:k", func(t testing.TB, e *exposed) {
		if err := e.SetWithGen(t.Context(), "k", "value", e.SnapshotGen("k"), 0); err != nil {
			t.Fatal(err)
		}
	}, func(t testing.TB, e *exposed, entry string) []byte {
		value, ok, err := e.Get(t.Context(), "k")
		if err != nil {
			t.Fatalf("bytes that are no entry are a miss and no error: got %v", err)
		}
		if !ok {
			return nil
		}
		raw, err := e.version.AppendSingle(nil, entry, e.SnapshotGen("k"), []byte(value))
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}},
	{"bulk", "bulk:n:", func(t testing.TB, e *exposed) {
		if err := e.SetBulkWithGens(t.Context(), map[string]string{"a": "1", "b": "22"}, e.SnapshotGens(bulkKeys), 0); err != nil {
			t.Fatal(err)
		}
	}, func(t testing.TB, e *exposed, entry string) []byte {
		values, missing, err := e.GetBulk(t.Context(), bulkKeys)
		if err != nil {
			t.Fatalf("bytes that are no entry are misses and no error: got %v", err)
		}
		if len(values) == 0 {
			return nil
		}
		if len(missing) > 0 {
			t.Fatalf("a bulk entry is served whole or not at all: got %q and no %q", values, missing)
		}
		// Members that were not asked for are ignored: what was served is
		// compared as far as it was asked for.
		items := make([]wire.BulkItem, len(bulkKeys))
		for i, key := range bulkKeys {
			items[i] = wire.BulkItem{Key: key, Gen: e.SnapshotGen(key), Payload: []byte(values[key])}
		}
		raw, err := e.version.AppendBulk(nil, entry, items)
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}},
	{"absent", "single:n:none", func(t testing.TB, e *exposed) {
		if _, err := e.loader.Get(t.Context(), "none"); !errors.Is(err, cascache.ErrNotFound) {
			t.Fatal(err)
		}
	}, func(t testing.TB, e *exposed, entry string) []byte {
		if value, ok, err := e.Get(t.Context(), "none"); ok || err != nil {
			t.Fatalf("what stands for absence is no value: got %q, %t, %v", value, ok, err)
		}
		before := e.loads.Load()
		if _, err := e.loader.Get(t.Context(), "none"); !errors.Is(err, cascache.ErrNotFound) {
			t.Fatalf("the source has none: got %v", err)
		}
		if e.loads.Load() > before {
			return nil
		}
		raw, err := e.version.AppendAbsent(nil, entry, e.SnapshotGen("none"))
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}},
}

// measured runs read and fails if it took more memory than bytes of that
// length warrant. Other goroutines may take some meanwhile.
func measured(t testing.TB, raw []byte, read func()) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	read()
	runtime.ReadMemStats(&after)
	if took, most := after.TotalAlloc-before.TotalAlloc, uint64(64<<10+32*len(raw)); took > most {
		t.Errorf("an entry takes no more memory than its size warrants: reading %d bytes took %d", len(raw), took)
	}
}

// Every single bit of every kind of entry is flipped under a cache in use.
func TestFlippedBits(t *testing.T) {
	for _, checksum := range []bool{false, true} {
		for _, look := range looks {
			t.Run(fmt.Sprintf("%s, checksum %t", look.kind, checksum), func(t *testing.T) {
				e := expose(t, checksum)
				look.fill(t, e)
				entry, whole := e.storage.only(t, look.prefix)
				e.storage.reset(entry, whole)
				if served := look.read(t, e, entry); !bytes.Equal(served, whole) {
					t.Fatalf("an entry that nobody touched is served: got %x, want %x", served, whole)
				}
				accepted := 0
				for bit := range 8 * len(whole) {
					flipped := bytes.Clone(whole)
					flipped[bit/8] ^= 1 << (bit % 8)
					e.storage.reset(entry, flipped)
					measured(t, flipped, func() {
						served := look.read(t, e, entry)
						switch {
						case served == nil:
						case checksum:
							t.Errorf("with a checksum a flipped bit is a miss: bit %d was served", bit)
						case !bytes.Equal(served, flipped):
							t.Errorf("what is served is what is stored: bit %d, got %x, stored %x", bit, served, flipped)
						default:
							accepted++
						}
					})
				}
				t.Logf("%d bits, %d flips accepted", 8*len(whole), accepted)
				// What a version without checksum cannot see is a payload
				// that has changed: 5 bytes of the single, 3 of the bulk.
				if most := map[string]int{"single": 8 * 5, "bulk": 8 * 3}[look.kind]; accepted > most {
					t.Errorf("only bits of payloads can flip unseen: got %d, want at most %d", accepted, most)
				}
			})
		}
	}
}

// Nothing is served under another key than its own, even where the
// generations are the same.
func TestEntriesOfAnotherKey(t *testing.T) {
	e := expose(t, true)
	for _, key := range []string{"k", "none", "j"} {
		gen := e.SnapshotGen(key)
		raw, err := e.version.AppendSingle(nil, "single:n:other", gen, []byte("value"))
		if err != nil {
			t.Fatal(err)
		}
		e.storage.put("single:n:"+key, raw)
		if value, ok, err := e.Get(t.Context(), key); ok || err != nil {
			t.Errorf("an entry of another key is a miss: %q got %q, %v", key, value, err)
		}
	}
}

// FuzzHostileStorage puts arbitrary bytes under a cache in use. What is served
// must be what those very bytes say, under the generation and, with a
// checksum, the key that they must name.
//
// Since no fuzzer guesses a generation or a checksum, "GENOF(k)" in the bytes
// stands for the generation of k, and so on, and the last argument tells to
// seal them.
func FuzzHostileStorage(f *testing.F) {
	for which, look := range looks {
		for _, checksum := range []bool{false, true} {
			e := expose(f, checksum)
			look.fill(f, e)
			_, raw := e.storage.only(f, look.prefix)
			for _, key := range []string{"k", "a", "b", "none"} {
				raw = bytes.ReplaceAll(raw, genBytes(e, key), []byte(genName(key)))
			}
			f.Add(uint8(which), checksum, raw, false)
			if checksum {
				f.Add(uint8(which), checksum, raw[:len(raw)-4], true)
			}
		}
	}
	f.Add(uint8(0), false, []byte("CASC\x01\x01"+genName("k")+"\xff\xff\xff\xffvalue"), false)
	f.Add(uint8(1), false, []byte("CASC\x01\x02\xff\xff\xff\xff\x00\x01a"+genName("a")+"\x00\x00\x00\x01x"), false)
	f.Fuzz(func(t *testing.T, which uint8, checksum bool, raw []byte, seal bool) {
		look := looks[int(which)%len(looks)]
		e := expose(t, checksum)
		look.fill(t, e)
		entry, _ := e.storage.only(t, look.prefix)
		for _, key := range []string{"k", "a", "b", "none"} {
			raw = bytes.ReplaceAll(raw, []byte(genName(key)), genBytes(e, key))
		}
		if seal {
			raw = binary.BigEndian.AppendUint32(slices.Clip(raw), crc32.Checksum(raw, crc32.MakeTable(crc32.Castagnoli)))
		}
		stored := bytes.Clone(raw)
		e.storage.reset(entry, raw)
		measured(t, raw, func() {
			served := look.read(t, e, entry)
			if served == nil || bytes.Equal(served, stored) {
				return
			}
			items, err := e.version.DecodeBulk(stored, entry)
			if look.kind != "bulk" || err != nil || len(items) <= len(bulkKeys) {
				t.Errorf("what is served is what is stored: got %x, stored %x", served, stored)
			}
		})
		if !bytes.Equal(raw, stored) {
			t.Error("what a provider has returned is only read")
		}
	})
}

// genName is as long as a generation.
func genName(key string) string { return (key + "'s gen........")[:8] }

func genBytes(e *exposed, key string) []byte {
	return binary.BigEndian.AppendUint64(nil, e.SnapshotGen(key))
}

// Readers and writers go on while somebody flips, cuts, swaps and brings back
// what is stored. With a checksum they get fresh values of their own keys or
// nothing.
func TestHostileStorageUnderLoad(t *testing.T) {
	const keys, readers = 6, 4
	e := expose(t, true)
	var source, acked [keys]atomic.Int64
	value := func(k int, version int64) string { return fmt.Sprintf("%d/%d", k, version) }
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	var working sync.WaitGroup
	var hits, spoiled atomic.Int64
	check := func(k int, floor int64, text string) {
		hits.Add(1)
		number, found := strings.CutPrefix(text, strconv.Itoa(k)+"/")
		if version, err := strconv.ParseInt(number, 10, 64); !found || err != nil || version < floor {
			t.Errorf("the promise: key %d was %q when version %d had been invalidated", k, text, floor)
		}
	}
	for range readers {
		working.Go(func() {
			for ctx.Err() == nil {
				k := rand.IntN(keys - 1)
				pair := []string{strconv.Itoa(k), strconv.Itoa(k + 1)}
				floors := []int64{acked[k].Load(), acked[k+1].Load()}
				if text, ok, _ := e.Get(context.Background(), pair[0]); ok {
					check(k, floors[0], text)
				}
				values, missing, _ := e.GetBulk(context.Background(), pair)
				for i, key := range pair {
					if text, ok := values[key]; ok {
						check(k+i, floors[i], text)
					}
				}
				if len(missing) > 0 {
					gens := e.SnapshotGens(pair)
					items := map[string]string{pair[0]: value(k, source[k].Load()), pair[1]: value(k+1, source[k+1].Load())}
					_ = e.SetBulkWithGens(context.Background(), items, gens, 0)
				}
			}
		})
	}
	working.Go(func() {
		for ctx.Err() == nil {
			k := rand.IntN(keys)
			version := source[k].Add(1)
			if e.Invalidate(context.Background(), strconv.Itoa(k)) == nil {
				acked[k].Store(version)
			}
			time.Sleep(100 * time.Microsecond)
		}
	})
	working.Go(func() {
		old := map[string][]byte{}
		for ctx.Err() == nil {
			e.storage.mu.Lock()
			names := slices.Collect(maps.Keys(e.storage.entries))
			if len(names) > 0 {
				name, other := names[rand.IntN(len(names))], names[rand.IntN(len(names))]
				raw := bytes.Clone(e.storage.entries[name])
				switch rand.IntN(4) {
				case 0:
					raw[rand.IntN(len(raw))] ^= 1 << rand.IntN(8)
				case 1:
					raw = raw[:rand.IntN(len(raw))]
				case 2:
					raw = e.storage.entries[other]
				case 3:
					if old[name] == nil || rand.IntN(4) == 0 {
						old[name] = raw
					}
					raw = old[name]
				}
				if len(raw) > 0 {
					e.storage.entries[name] = raw
					spoiled.Add(1)
				}
			}
			e.storage.mu.Unlock()
			time.Sleep(50 * time.Microsecond)
		}
	})
	working.Wait()
	if hits.Load() == 0 || spoiled.Load() == 0 {
		t.Errorf("%d hits and %d entries spoiled prove nothing", hits.Load(), spoiled.Load())
	}
}
