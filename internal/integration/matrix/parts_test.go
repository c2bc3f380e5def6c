package matrix

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/wrapperspb"

	aeadcodec "github.com/unkn0wn-root/cascache/codec-aead"
	cborcodec "github.com/unkn0wn-root/cascache/codec-cbor"
	jsoncodec "github.com/unkn0wn-root/cascache/codec-json"
	msgpackcodec "github.com/unkn0wn-root/cascache/codec-msgpack"
	protocodec "github.com/unkn0wn-root/cascache/codec-proto"
	zstdcodec "github.com/unkn0wn-root/cascache/codec-zstd"
	cascache "github.com/unkn0wn-root/cascache/core"
	redisgenstore "github.com/unkn0wn-root/cascache/genstore-redis"
	"github.com/unkn0wn-root/cascache/internal/redistest"
	bigcacheprovider "github.com/unkn0wn-root/cascache/provider-bigcache"
	redisprovider "github.com/unkn0wn-root/cascache/provider-redis"
	ristrettoprovider "github.com/unkn0wn-root/cascache/provider-ristretto"
)

// storage is a provider and, if it stores behind the caller's back, how to wait
// for it.
type storage struct {
	cascache.Provider
	settle func()
}

// A backend makes what a cache stands on. client is nil without a server.
type backend[T any] struct {
	name  string
	redis bool
	open  func(tb testing.TB, client redis.UniversalClient) T
}

var providers = []backend[storage]{
	{"ristretto", false, func(tb testing.TB, _ redis.UniversalClient) storage {
		p, err := ristrettoprovider.New(ristrettoprovider.Config{NumCounters: 1000, MaxCost: 1 << 20})
		if err != nil {
			tb.Fatal(err)
		}
		return storage{p, p.Wait}
	}},
	{"bigcache", false, func(tb testing.TB, _ redis.UniversalClient) storage {
		p, err := bigcacheprovider.New(bigcacheprovider.Config{HardMaxCacheSizeMB: 8, MaxEntriesInWindow: 100, Shards: 8})
		if err != nil {
			tb.Fatal(err)
		}
		return storage{p, func() {}}
	}},
	{"redis", true, func(tb testing.TB, client redis.UniversalClient) storage {
		p, err := redisprovider.New(redisprovider.Config{Client: client})
		if err != nil {
			tb.Fatal(err)
		}
		return storage{p, func() {}}
	}},
}

var genStores = []backend[cascache.GenStore]{
	{"local", false, func(testing.TB, redis.UniversalClient) cascache.GenStore { return nil }},
	{"redis", true, func(tb testing.TB, client redis.UniversalClient) cascache.GenStore {
		store, err := redisgenstore.New(redisgenstore.Config{Client: client, Namespace: "matrix"})
		if err != nil {
			tb.Fatal(err)
		}
		return store
	}},
}

// connect starts a server for the test and returns a client of it, or nil
// where there is none.
func connect(t *testing.T) redis.UniversalClient {
	available := false
	// A skip must not take the combinations along that need no server.
	t.Run("server", func(t *testing.T) {
		redistest.Binary(t)
		available = true
	})
	if !available {
		return nil
	}
	client := redis.NewClient(&redis.Options{Addr: redistest.Start(t).Addr(), ContextTimeoutEnabled: true})
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// order is a value of the codecs that take any type.
type order struct {
	Version int
	Note    string
	Lines   []line
	Placed  time.Time
}

type line struct {
	Item  string
	Price float64
}

func orderOf(version int) order {
	return order{
		Version: version,
		Note:    fmt.Sprintf("order %d: %s", version, strings.Repeat("handle with care ", 50)),
		Lines:   []line{{"tea", 2.5}, {"", 0}},
		Placed:  time.Date(2026, 3, 1, 12, 0, 0, 123456789, time.UTC),
	}
}

func (o order) same(other order) bool {
	return o.Version == other.Version && o.Note == other.Note && slices.Equal(o.Lines, other.Lines) && o.Placed.Equal(other.Placed)
}

// A kind of values, with a codec for them.
type kind[V any] struct {
	codec   cascache.Codec[V]
	of      func(version int) V // distinct values, equal for equal versions
	version func(V) int         // the other way round
	same    func(a, b V) bool
}

func textOf(version int) string {
	return fmt.Sprintf("%d is the version, %s", version, strings.Repeat("and this goes with it, ", 40))
}

func versionOf(text string) int {
	number, _, _ := strings.Cut(text, " ")
	version, err := strconv.Atoi(number)
	if err != nil {
		return -1
	}
	return version
}

// combination is one kind of values under one decoration, ready to be run over
// the backends without its type.
type combination struct {
	codec string
	run   func(t *testing.T, test check)
}

// check is one of the tests of this package, for values of any type.
type check int

const (
	calls check = iota
	freshness
)

// combinations are all codecs under all decorations.
func combinations(t *testing.T) []combination {
	t.Helper()
	orders := func(codec cascache.Codec[order]) kind[order] {
		return kind[order]{codec, orderOf, func(o order) int { return o.Version }, order.same}
	}
	return slices.Concat(
		decorated(t, "bytes", kind[[]byte]{
			cascache.Bytes{},
			func(version int) []byte { return []byte(textOf(version)) },
			func(value []byte) int { return versionOf(string(value)) },
			bytes.Equal,
		}),
		decorated(t, "string", kind[string]{cascache.String{}, textOf, versionOf, func(a, b string) bool { return a == b }}),
		decorated(t, "json", orders(jsoncodec.JSON[order]{})),
		decorated(t, "cbor", orders(cborcodec.CBOR[order]{})),
		decorated(t, "msgpack", orders(msgpackcodec.Msgpack[order]{})),
		decorated(t, "proto", kind[*wrapperspb.StringValue]{
			protocodec.Proto[*wrapperspb.StringValue]{},
			func(version int) *wrapperspb.StringValue { return wrapperspb.String(textOf(version)) },
			func(value *wrapperspb.StringValue) int { return versionOf(value.GetValue()) },
			func(a, b *wrapperspb.StringValue) bool { return proto.Equal(a, b) },
		}),
	)
}

// decorated returns the combinations of a kind.
func decorated[V any](t *testing.T, name string, k kind[V]) []combination {
	t.Helper()
	key, err := aeadcodec.NewKey(1, []byte("thirty-two bytes for this matrix"))
	if err != nil {
		t.Fatal(err)
	}
	compress := func(inner cascache.Codec[V]) cascache.Codec[V] {
		codec, err := zstdcodec.New(inner, zstdcodec.Config{})
		if err != nil {
			t.Fatal(err)
		}
		return codec
	}
	seal := func(inner cascache.Codec[V]) cascache.Codec[V] {
		codec, err := aeadcodec.New(inner, aeadcodec.Config{Keys: []aeadcodec.Key{key}, Scope: "matrix"})
		if err != nil {
			t.Fatal(err)
		}
		return codec
	}
	limit := func(inner cascache.Codec[V]) cascache.Codec[V] {
		return cascache.Limit[V]{Codec: inner, Max: 1 << 16}
	}
	var all []combination
	for _, chain := range []struct {
		name  string
		codec cascache.Codec[V]
	}{
		{name, k.codec},
		{"limit(" + name + ")", limit(k.codec)},
		{"zstd(" + name + ")", compress(k.codec)},
		{"aead(" + name + ")", seal(k.codec)},
		{"limit(aead(zstd(" + name + ")))", limit(seal(compress(k.codec)))},
	} {
		k := k
		k.codec = chain.codec
		all = append(all, combination{chain.name, func(t *testing.T, test check) {
			over(t, chain.name, k, test)
		}})
	}
	return all
}
