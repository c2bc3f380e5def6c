package decorators

import (
	"fmt"
	"math"
	"math/big"
	"reflect"
	"strconv"
	"testing"
	"time"

	aeadcodec "github.com/unkn0wn-root/cascache/codec-aead"
	cborcodec "github.com/unkn0wn-root/cascache/codec-cbor"
	jsoncodec "github.com/unkn0wn-root/cascache/codec-json"
	msgpackcodec "github.com/unkn0wn-root/cascache/codec-msgpack"
	cascache "github.com/unkn0wn-root/cascache/core"
)

type (
	number interface {
		~int | ~int8 | ~int16 | ~int32 | ~int64 | ~uint | ~uint8 | ~uint16 | ~uint32 | ~uint64 | ~float32 | ~float64
	}
	grade int8
	ratio float32
)

// The places that a number can have in a value.
type (
	Inner[N number]    struct{ Value N }
	field[N number]    struct{ Value N }
	pointer[N number]  struct{ Value *N }
	embedded[N number] struct{ Inner[N] }
	behind[N number]   struct{ *Inner[N] }
	deep[N number]     struct {
		Lists map[string][]map[string]field[N]
	}
	holder[T any] struct{ Value T }
)

// format is one of the codecs, for values of V.
type format[V any] struct {
	name  string
	codec cascache.Codec[V]
}

func formats[V any]() []format[V] {
	return []format[V]{
		{"JSON", jsoncodec.JSON[V]{}},
		{"CBOR", cborcodec.CBOR[V]{}},
		{"CBOR sorted", cborcodec.CBOR[V]{Deterministic: true}},
		{"MessagePack", msgpackcodec.Msgpack[V]{}},
	}
}

// TestNumbersFitOrAreRefused writes numbers of each kind in each place and reads
// them as each other kind, as a program does whose type has changed since: what
// comes back is the number, or an error.
func TestNumbersFitOrAreRefused(t *testing.T) {
	writeAs[int](t)
	writeAs[int8](t)
	writeAs[int16](t)
	writeAs[int32](t)
	writeAs[int64](t)
	writeAs[uint](t)
	writeAs[uint8](t)
	writeAs[uint16](t)
	writeAs[uint32](t)
	writeAs[uint64](t)
	writeAs[float32](t)
	writeAs[float64](t)
	writeAs[grade](t)
	writeAs[ratio](t)
	writeAs[time.Duration](t)
}

func writeAs[A number](t *testing.T) {
	t.Run(reflect.TypeFor[A]().String(), func(t *testing.T) {
		for _, n := range numbers[A]() {
			readAs[A, int](t, n)
			readAs[A, int8](t, n)
			readAs[A, int16](t, n)
			readAs[A, int32](t, n)
			readAs[A, int64](t, n)
			readAs[A, uint](t, n)
			readAs[A, uint8](t, n)
			readAs[A, uint16](t, n)
			readAs[A, uint32](t, n)
			readAs[A, uint64](t, n)
			readAs[A, float32](t, n)
			readAs[A, float64](t, n)
			readAs[A, grade](t, n)
			readAs[A, ratio](t, n)
			readAs[A, time.Duration](t, n)
		}
	})
}

// numbers returns those at the ends of all kinds that are numbers of A.
func numbers[A number]() (list []A) {
	seen := make(map[A]bool)
	add := func(n A, as *big.Float) {
		if exact(n).Cmp(as) == 0 && !seen[n] {
			seen[n] = true
			list = append(list, n)
		}
	}
	for _, n := range []int64{
		0, 1, -1, 127, 128, -128, -129, 255, 256, 32767, 32768, -32768, -32769, 65535, 65536, 199_900,
		1 << 24, 1<<24 + 1, math.MaxInt32, math.MaxInt32 + 1, math.MinInt32, math.MinInt32 - 1, math.MaxUint32, math.MaxUint32 + 1,
		1 << 53, 1<<53 + 1, -(1<<53 + 1), math.MaxInt64, math.MinInt64,
	} {
		add(A(n), new(big.Float).SetInt64(n))
	}
	for _, n := range []uint64{1 << 63, math.MaxUint64, math.MaxUint64 - 1<<11 + 1} {
		add(A(n), new(big.Float).SetUint64(n))
	}
	for _, n := range []float64{0.5, 0.1, -1.5, 1e10, 1e39, -1e300, math.MaxFloat32, math.SmallestNonzeroFloat64} {
		add(A(n), big.NewFloat(n))
	}
	return list
}

func exact[N number](n N) *big.Float {
	switch v := reflect.ValueOf(n); {
	case v.CanInt():
		return new(big.Float).SetInt64(v.Int())
	case v.CanUint():
		return new(big.Float).SetUint64(v.Uint())
	default:
		return big.NewFloat(v.Float())
	}
}

func readAs[A, B number](t *testing.T, a A) {
	t.Helper()
	carry(t, "alone", a, a, func(b B) B { return b })
	carry(t, "field", a, field[A]{a}, func(b field[B]) B { return b.Value })
	carry(t, "pointer", a, pointer[A]{&a}, func(b pointer[B]) B { return *b.Value })
	carry(t, "embedded", a, embedded[A]{Inner[A]{a}}, func(b embedded[B]) B { return b.Value })
	carry(t, "embedded pointer", a, behind[A]{&Inner[A]{a}}, func(b behind[B]) B { return b.Value })
	carry(t, "slice", a, holder[[]A]{[]A{a}}, func(b holder[[]B]) B { return b.Value[0] })
	carry(t, "array", a, [2]A{1: a}, func(b [2]B) B { return b[1] })
	carry(t, "map value", a, map[string]A{"x": a}, func(b map[string]B) B { return b["x"] })
	carry(t, "deep", a,
		deep[A]{map[string][]map[string]field[A]{"x": {{"y": {a}}}}},
		func(b deep[B]) B { return b.Lists["x"][0]["y"].Value })
	carry(t, "map key", a, map[A]bool{a: true}, func(b map[B]bool) B {
		for key := range b {
			return key
		}
		panic("an entry was lost")
	})
}

// carry writes value, which holds a, and reads it as a W.
func carry[A, B number, V, W any](t *testing.T, place string, a A, value V, of func(W) B) {
	t.Helper()
	writers, readers := formats[V](), formats[W]()
	for i, write := range writers {
		data, err := write.codec.Encode(value)
		if err != nil {
			if write.name == "JSON" && reflect.TypeFor[V]().Kind() == reflect.Map {
				continue // JSON has no floats for keys
			}
			t.Fatalf("%s, %s: %v did not encode: %v", write.name, place, value, err)
		}
		got, err := readers[i].codec.Decode(data)
		if err != nil {
			if reflect.TypeFor[A]() == reflect.TypeFor[B]() || isWhole[A]() && isWhole[B]() && exact(B(a)).Cmp(exact(a)) == 0 {
				t.Errorf("%s, %s: %T %[3]v fits into %v: %v", write.name, place, a, reflect.TypeFor[B](), err)
			}
			continue
		}
		b := of(got)
		same := exact(b).Cmp(exact(a)) == 0
		if write.name == "JSON" {
			same = isText(t, b, a)
		}
		if !same {
			t.Fatalf("%s, %s: a number is read as what it is, or not at all: %T %[3]v became %T %[4]v", write.name, place, a, b)
		}
	}
}

// isWhole reports whether N are integers. Bytes are none where they are many.
func isWhole[N number]() bool {
	v := reflect.ValueOf(N(0))
	return !v.CanFloat() && v.Kind() != reflect.Uint8
}

// isText reports whether b is the number that JSON has for a: of a float those
// digits that tell it from others of its kind. A float is the nearest to it.
func isText[A, B number](t *testing.T, b B, a A) bool {
	text := string(must(t, jsoncodec.JSON[A]{}, a))
	v := reflect.ValueOf(b)
	if v.CanFloat() {
		nearest, err := strconv.ParseFloat(text, v.Type().Bits())
		return err == nil && v.Float() == nearest
	}
	want, _, err := big.ParseFloat(text, 10, 2000, big.ToNearestEven)
	return err == nil && exact(b).Cmp(want) == 0
}

// TestDecoratorsKeepRefusals: what a codec refuses, it refuses under any
// decorator, in both directions and with the same words.
func TestDecoratorsKeepRefusals(t *testing.T) {
	type wide struct{ Price int64 }
	type narrow struct{ Price int16 }
	for i, plain := range formats[wide]() {
		written := wrapped(t, plain.codec)
		read := wrapped(t, formats[narrow]()[i].codec)
		refusing := wrapped(t, formats[struct{ E error }]()[i].codec)
		for name := range written {
			data, err := written[name].Encode(wide{199_900})
			if err != nil {
				t.Fatal(err)
			}
			_, inner := formats[narrow]()[i].codec.Decode(must(t, plain.codec, wide{199_900}))
			if got, err := read[name].Decode(data); err == nil || inner == nil || err.Error() != inner.Error() {
				t.Errorf("%s in %s: a number that does not fit is the error of the codec: got %v, %v, want %v", plain.name, name, got, err, inner)
			}
			held := struct{ E error }{fmt.Errorf("held")}
			if plain.name == "MessagePack" {
				continue // which carries errors as their text
			}
			if data, err := refusing[name].Encode(held); err == nil {
				t.Errorf("%s in %s: what does not come back is an error of Encode: got %x", plain.name, name, data)
			}
		}
	}
}

func must[V any](t *testing.T, codec cascache.Codec[V], value V) []byte {
	t.Helper()
	data, err := codec.Encode(value)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func wrapped[V any](t *testing.T, codec cascache.Codec[V]) map[string]cascache.Codec[V] {
	t.Helper()
	cfg := aeadcodec.Config{Keys: []aeadcodec.Key{keyOf(t, 1)}}
	return map[string]cascache.Codec[V]{
		"zstd":           compress(t, codec),
		"aead":           seal(t, codec, cfg),
		"aead over zstd": seal(t, compress(t, codec), cfg),
		"a limit":        cascache.Limit[V]{Codec: codec, Max: 1 << 20},
	}
}
