package cborcodec

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"math/big"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"
	"github.com/unkn0wn-root/cascache/core"
)

var (
	_ cascache.Codec[any]         = CBOR[any]{}
	_ cascache.AppendEncoder[any] = CBOR[any]{}
)

type user struct {
	ID      int64             `cbor:"id"`
	Name    string            `cbor:"name"`
	Email   *string           `cbor:"email"`
	Avatar  []byte            `cbor:"avatar"`
	Tags    []string          `cbor:"tags"`
	Attrs   map[string]string `cbor:"attrs"`
	Created time.Time         `cbor:"created"`
	Extra   any               `cbor:"extra"`
	Manager *user             `cbor:"manager"`
}

func roundTrip[V any](t *testing.T, name string, codec CBOR[V], value V) {
	t.Helper()
	t.Run(name, func(t *testing.T) {
		data, err := codec.Encode(value)
		if err != nil {
			t.Fatalf("a value that the codec can carry did not encode: %v", err)
		}
		got, err := codec.Decode(data)
		if err != nil {
			t.Fatalf("the codec's own bytes did not decode: %v", err)
		}
		if !same(got, value) {
			t.Errorf("a decoded value must equal the encoded one:\n got %s\nwant %s", brief(got), brief(value))
		}
		if !reflect.DeepEqual(reflect.TypeOf(any(got)), reflect.TypeOf(any(value))) {
			t.Errorf("a decoded value must have the type of the encoded one: got %T, want %T", got, value)
		}
	})
}

func brief(value any) string {
	text := fmt.Sprintf("%+v", value)
	return text[:min(len(text), 200)]
}

func TestRoundTrip(t *testing.T) {
	if testing.Short() && raceEnabled {
		t.Skip("no goroutines meet here: the short form tries this without -race")
	}
	email := "a@example.com"
	roundTrip(t, "zero struct", CBOR[user]{}, user{})
	roundTrip(t, "struct", CBOR[user]{}, user{
		ID: math.MinInt64, Name: "Ada", Email: &email, Avatar: []byte{0, 255}, Tags: []string{"a", ""},
		Attrs: map[string]string{"": "", "k": "v"}, Created: time.Date(2024, 2, 29, 23, 59, 59, 999_999_999, time.UTC),
		Extra: map[string]any{"n": uint64(1), "m": int64(-1), "list": []any{nil, true, "x", 1.5}}, Manager: &user{ID: 7},
	})
	roundTrip(t, "nil pointer", CBOR[*user]{}, nil)
	roundTrip(t, "pointer", CBOR[*user]{}, &user{ID: 1})
	roundTrip(t, "nil interface", CBOR[any]{}, nil)
	roundTrip(t, "nil slice", CBOR[[]int]{}, nil)
	roundTrip(t, "empty slice", CBOR[[]int]{}, []int{})
	roundTrip(t, "nil bytes", CBOR[[]byte]{}, nil)
	roundTrip(t, "empty bytes", CBOR[[]byte]{}, []byte{})
	roundTrip(t, "nil map", CBOR[map[string]int]{}, nil)
	roundTrip(t, "empty map", CBOR[map[string]int]{}, map[string]int{})
	roundTrip(t, "map with struct keys", CBOR[map[[2]int]string]{}, map[[2]int]string{{1, 2}: "x"})
	roundTrip(t, "empty string", CBOR[string]{}, "")
	roundTrip(t, "string that is not UTF-8", CBOR[string]{}, "\xff\xfe\x80 and \xc3")
	roundTrip(t, "map key that is not UTF-8", CBOR[map[string]any]{}, map[string]any{"\xff": "\xfe"})
	roundTrip(t, "string of 4 MB", CBOR[string]{}, strings.Repeat("0123456789abcdef", 1<<18))
	roundTrip(t, "bytes of 4 MB", CBOR[[]byte]{}, bytes.Repeat([]byte{0xff, 0}, 1<<21))
	roundTrip(t, "slice of a million", CBOR[[]uint16]{}, make([]uint16, 1_000_000))
	roundTrip(t, "integers at the ends", CBOR[[]any]{}, []any{uint64(math.MaxUint64), int64(math.MinInt64)})
	roundTrip(t, "floats", CBOR[[]float64]{}, []float64{0, math.Copysign(0, -1), math.Inf(-1), math.NaN(), math.SmallestNonzeroFloat64, math.MaxFloat64})
	roundTrip(t, "float32", CBOR[float32]{}, math.MaxFloat32)
	roundTrip(t, "big.Int", CBOR[*big.Int]{}, new(big.Int).Lsh(big.NewInt(-3), 200))
	roundTrip(t, "small big.Int in an any", CBOR[any]{}, any(*big.NewInt(5)))
	roundTrip(t, "time in an any", CBOR[any]{}, any(time.Unix(1, 1)))
	roundTrip(t, "big.Rat by its text", CBOR[*big.Rat]{}, big.NewRat(1, 3))
	roundTrip(t, "deterministic struct", CBOR[user]{Deterministic: true}, user{
		Attrs: map[string]string{"b": "1", "a": "2"}, Extra: 1.5, Created: time.Unix(1, 1),
	})

	deep := &user{}
	for range 200 {
		deep = &user{Manager: deep}
	}
	roundTrip(t, "200 pointers deep", CBOR[*user]{}, deep)
	var lists any = "innermost"
	for range DefaultMaxDepth {
		lists = []any{lists}
	}
	roundTrip(t, "as deep as the limit", CBOR[any]{}, lists)
}

func TestTimes(t *testing.T) {
	east := time.FixedZone("", 5*3600+30*60)
	lmt := time.FixedZone("LMT", 1172) // 19 min 32 s, Amsterdam until 1937
	for _, at := range []time.Time{
		{},
		time.Now(),
		time.Unix(0, 0),
		time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC),
		time.Date(9999, 12, 31, 23, 59, 59, 999_999_999, time.UTC),
		time.Date(1969, 12, 31, 23, 59, 59, 1, time.UTC),
		time.Date(2024, 3, 1, 12, 0, 0, 123_456_789, east),
		time.Date(1900, 1, 1, 0, 0, 0, 1, lmt),
	} {
		got, err := transcode(CBOR[time.Time]{}, at)
		if err != nil {
			t.Errorf("%v did not survive: %v", at, err)
			continue
		}
		if !got.Equal(at) {
			t.Errorf("an instant must be carried to the nanosecond: got %v, want %v", got, at)
		}
		if got.Location() != time.UTC {
			t.Errorf("without KeepOffset a time comes back in UTC: got %v for %v", got, at)
		}
		if got != got.Round(0) {
			t.Errorf("the monotonic clock must be dropped: got %v", got)
		}
	}

	at := time.Date(2024, 3, 1, 12, 0, 0, 123_456_789, east)
	got, err := transcode(CBOR[time.Time]{KeepOffset: true}, at)
	if err != nil {
		t.Fatal(err)
	}
	if _, offset := got.Zone(); !got.Equal(at) || offset != 5*3600+30*60 {
		t.Errorf("KeepOffset must carry instant and offset: got %v, want %v", got, at)
	}

	// What the documentation of KeepOffset warns of.
	at = time.Date(1900, 1, 1, 0, 0, 0, 0, lmt)
	got, err = transcode(CBOR[time.Time]{KeepOffset: true}, at)
	if err != nil {
		t.Fatal(err)
	}
	if off := got.Sub(at); off != 32*time.Second {
		t.Errorf("the warning at KeepOffset is out of date: an offset of 19m32s is off by %v, want 32s", off)
	}

	for _, codec := range []CBOR[time.Time]{{}, {KeepOffset: true}} {
		for _, year := range []int{-1, 10_000} {
			if _, err := codec.Encode(time.Date(year, 6, 1, 0, 0, 0, 0, time.UTC)); err == nil {
				t.Errorf("%+v: a time in year %d cannot be carried and must be an error of Encode", codec, year)
			}
		}
	}
}

func transcode[V any](codec CBOR[V], value V) (V, error) {
	data, err := codec.Encode(value)
	if err != nil {
		var none V
		return none, err
	}
	return codec.Decode(data)
}

func TestWhatIsNotCarried(t *testing.T) {
	for name, value := range map[string]any{
		"function": func() {}, "channel": make(chan int), "complex number": 1i,
	} {
		if _, err := (CBOR[any]{}).Encode(value); err == nil {
			t.Errorf("a %s cannot be carried and must be an error of Encode", name)
		}
	}

	type hidden struct{ Shown, hidden int }
	if got, err := transcode(CBOR[hidden]{}, hidden{1, 2}); err != nil || got != (hidden{Shown: 1}) {
		t.Errorf("unexported fields are documented to be dropped: got %+v, %v", got, err)
	}
	shared := new(int)
	if got, err := transcode(CBOR[[2]*int]{}, [2]*int{shared, shared}); err != nil || got[0] == got[1] {
		t.Errorf("pointers to one thing are documented to come back apart: got %v, %v", got, err)
	}
	if got, err := transcode(CBOR[any]{}, any(5)); err != nil || got != any(uint64(5)) {
		t.Errorf("an int in an any is documented to come back as uint64: got %T %[1]v, %v", got, err)
	}
	if got, err := transcode(CBOR[any]{}, any(time.Time{})); err != nil || got != nil {
		t.Errorf("a zero time in an any is documented to come back as nil: got %v, %v", got, err)
	}
	if got, err := (CBOR[any]{}).Encode(any(map[int]int{1: 2})); err == nil {
		t.Errorf("a map in an any with keys other than strings cannot be carried and must be an error of Encode: got %v", got)
	}
}

func TestDecodeSharesNoMemoryWithItsInput(t *testing.T) {
	value := user{
		Name: strings.Repeat("n", 100), Avatar: bytes.Repeat([]byte("a"), 100), Tags: []string{"tag"},
		Attrs: map[string]string{"key": "value"},
		Extra: []any{"text", []byte("bytes"), map[string]any{"k": cbor.Tag{Number: 99, Content: []byte("tagged")}}},
	}
	codec := CBOR[user]{}
	data, err := codec.Encode(value)
	if err != nil {
		t.Fatal(err)
	}
	before := bytes.Clone(data)
	got, err := codec.Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(data, before) {
		t.Error("Decode must not change its input")
	}
	for i := range data {
		data[i] ^= 0xff
	}
	if !same(got, value) {
		t.Errorf("a decoded value must not change with the input:\n got %+v\nwant %+v", got, value)
	}

	raw := CBOR[cbor.RawMessage]{}
	data = bytes.Clone(before)
	message, err := raw.Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	clear(data)
	if !bytes.Equal(message, before) {
		t.Error("a decoded RawMessage must not change with the input")
	}
}

func TestEncodedBytesAreNotUsedAgain(t *testing.T) {
	codec := CBOR[user]{}
	first, err := codec.Encode(user{Name: "first"})
	if err != nil {
		t.Fatal(err)
	}
	before := bytes.Clone(first)
	for range 100 {
		if _, err := codec.Encode(user{Name: "second"}); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(first, before) {
		t.Errorf("the result of Encode must stay as it was:\n got %x\nwant %x", first, before)
	}
}

func TestAppendEncode(t *testing.T) {
	codec := CBOR[user]{Deterministic: true}
	value := user{Name: "Ada", Attrs: map[string]string{"a": "b", "c": "d"}}
	want, err := codec.Encode(value)
	if err != nil {
		t.Fatal(err)
	}
	for _, spare := range []int{0, 3, 4096} {
		dst := append(make([]byte, 0, 6+spare), "header"...)
		got, err := codec.AppendEncode(dst, value)
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != "header"+string(want) {
			t.Errorf("with %d bytes to spare, AppendEncode must give dst and then what Encode gives:\n got %x\nwant %x", spare, got, want)
		}
	}

	pointer, dst := &value, make([]byte, 0, 4096)
	direct := CBOR[*user]{}
	if allocs := testing.AllocsPerRun(100, func() {
		if _, err := direct.AppendEncode(dst, pointer); err != nil {
			t.Fatal(err)
		}
	}); allocs > rawAllocs(t, pointer) && !raceEnabled {
		t.Errorf("AppendEncode into a buffer with room must not allocate more than the library: got %v allocations", allocs)
	}
}

// rawAllocs counts what the library allocates for value, its result aside.
func rawAllocs(t *testing.T, value any) float64 {
	t.Helper()
	return testing.AllocsPerRun(100, func() {
		if _, err := cbor.Marshal(value); err != nil {
			t.Fatal(err)
		}
	}) - 1
}

func TestHostileInput(t *testing.T) {
	valid, err := CBOR[user]{}.Encode(user{Name: "Ada", Avatar: []byte("avatar"), Attrs: map[string]string{"k": "v"}, Created: time.Unix(1, 0)})
	if err != nil {
		t.Fatal(err)
	}
	for n := range valid {
		if got, err := (CBOR[user]{}).Decode(valid[:n]); err == nil {
			t.Errorf("truncated to %d of %d bytes, an encoding must not decode: got %+v", n, len(valid), got)
		}
	}

	nested := func(levels int, open, end string) string { return strings.Repeat(open, levels) + end }
	for name, data := range map[string]string{
		"empty":                            "",
		"trailing byte":                    string(valid) + "\x00",
		"two values":                       "\x01\x01",
		"duplicate key":                    "\xa2\x61a\x01\x61a\x02",
		"break without a beginning":        "\xff",
		"reserved additional information":  "\x1c",
		"indefinite array":                 "\x9f\x01\xff",
		"indefinite map":                   "\xbf\x61a\x01\xff",
		"indefinite string":                "\x7f\x61a\xff",
		"array that claims 2^32 elements":  "\x9b\x00\x00\x00\x01\x00\x00\x00\x00",
		"array that claims 2^63 elements":  "\x9b\x80\x00\x00\x00\x00\x00\x00\x00",
		"array that claims 10^7 elements":  "\x9a\x00\x98\x96\x80\x01",
		"map that claims 2^32 pairs":       "\xbb\x00\x00\x00\x01\x00\x00\x00\x00",
		"map that claims 10^7 pairs":       "\xba\x00\x98\x96\x80\x01",
		"bytes that claim 2^63":            "\x5b\x80\x00\x00\x00\x00\x00\x00\x00",
		"bytes that claim 2^31":            "\x5a\x80\x00\x00\x00",
		"string that claims 2^31":          "\x7a\x80\x00\x00\x00",
		"time that is no time":             "\xc0\x61x",
		"arrays one level too deep":        nested(DefaultMaxDepth+1, "\x81", "\x00"),
		"arrays a million deep":            nested(1_000_000, "\x81", "\x00"),
		"arrays ten million deep, no end":  nested(10_000_000, "\x81", ""),
		"maps a million deep":              nested(1_000_000, "\xa1\x60", "\x00"),
		"tags a million deep":              nested(1_000_000, "\xd8\x63", "\x00"),
		"unknown field a million deep":     "\xa1\x61z" + nested(1_000_000, "\x81", "\x00"),
		"known field a million deep":       nested(1_000_000, "\xa1\x67manager", "\xf6"),
		"extra field a million deep":       "\xa1\x65extra" + nested(1_000_000, "\x81", "\x00"),
		"truncated after a field's name":   "\xa1\x65extra",
		"truncated within a nested string": "\xa1\x65extra\x81\x65abc",
	} {
		t.Run(name, func(t *testing.T) {
			refuses(t, CBOR[any]{}, data)
			refuses(t, CBOR[user]{}, data)
			refuses(t, CBOR[*user]{}, data)
			refuses(t, CBOR[map[string]any]{}, data)
			refuses(t, CBOR[[][]byte]{}, data)
		})
	}
	t.Run("wrong type after a good field", func(t *testing.T) { refuses(t, CBOR[user]{}, "\xa2\x62id\x07\x64name\x07") })
	t.Run("duplicate field", func(t *testing.T) { refuses(t, CBOR[user]{}, "\xa2\x62id\x01\x62id\x02") })
	t.Run("duplicate unknown field", func(t *testing.T) { refuses(t, CBOR[user]{}, "\xa2\x61z\x01\x61z\x02") })
	t.Run("list as a key", func(t *testing.T) { refuses(t, CBOR[map[any]any]{}, "\xa1\x80\x01") })
}

// refuses fails unless data is an error that costs memory in proportion to it.
func refuses[V any](t *testing.T, codec CBOR[V], data string) {
	t.Helper()
	var err error
	var value V
	input := []byte(data)
	used := allocated(func() { value, err = codec.Decode(input) })
	if err == nil {
		t.Errorf("hostile bytes must be an error for %T: got %s", value, brief(value))
	}
	if !reflect.ValueOf(&value).Elem().IsZero() {
		t.Errorf("beside an error the value must be zero: got %s", brief(value))
	}
	if most := uint64(64<<10 + 200*len(data)); used > most {
		t.Errorf("what Decode allocates must be bounded by its input: %d bytes for %d, want at most %d", used, len(data), most)
	}
}

// allocated returns how many bytes f allocates. Other goroutines count too, so
// bounds are generous.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

func TestMemoryIsBoundedByTheInput(t *testing.T) {
	const n = 100_000
	for name, data := range map[string]string{
		"numbers":     "\x9a\x00\x01\x86\xa0" + strings.Repeat("\x01", n),
		"empty maps":  "\x9a\x00\x01\x86\xa0" + strings.Repeat("\xa0", n),
		"empty lists": "\x9a\x00\x01\x86\xa0" + strings.Repeat("\x80", n),
		"nulls":       "\x9a\x00\x01\x86\xa0" + strings.Repeat("\xf6", n),
	} {
		t.Run(name, func(t *testing.T) {
			var err error
			input := []byte(data)
			used := allocated(func() { _, err = CBOR[any]{}.Decode(input) })
			if err != nil {
				t.Fatalf("valid bytes must decode: %v", err)
			}
			if most := uint64(64<<10 + 200*len(data)); used > most {
				t.Errorf("what Decode allocates must be bounded by its input: %d bytes for %d, want at most %d", used, len(data), most)
			}
		})
	}
}

// moody is a type whose methods panic on request.
type moody struct{ Mood string }

func (m moody) MarshalCBOR() ([]byte, error) {
	switch m.Mood {
	case "panic":
		panic("marshaler panics")
	case "error":
		return nil, errMoody
	case "garbage":
		return []byte{0x9b}, nil
	}
	return cbor.Marshal(m.Mood)
}

func (m *moody) UnmarshalCBOR(data []byte) error {
	if err := cbor.Unmarshal(data, &m.Mood); err != nil {
		return err
	}
	if m.Mood == "decode panics" {
		panic(m.Mood)
	}
	return nil
}

var errMoody = errors.New("moody")

func TestMarshalersThatFail(t *testing.T) {
	type pair struct {
		Before string
		Moody  moody
	}
	codec := CBOR[pair]{}
	healthy := pair{"before", moody{"fine"}}
	want, err := codec.Encode(healthy)
	if err != nil {
		t.Fatal(err)
	}
	check := func(after string) {
		t.Helper()
		for range 10 {
			if got, err := codec.Encode(healthy); err != nil || !bytes.Equal(got, want) {
				t.Fatalf("after %s, the next Encode must be as if nothing had happened: got %x, %v, want %x", after, got, err, want)
			}
			if got, err := codec.Decode(want); err != nil || got != healthy {
				t.Fatalf("after %s, the next Decode must be as if nothing had happened: got %v, %v, want %v", after, got, err, healthy)
			}
		}
	}

	func() {
		defer func() {
			if recover() == nil {
				t.Error("a panic of a marshaler belongs to the caller of Encode: it did not arrive")
			}
		}()
		_, _ = codec.Encode(pair{strings.Repeat("x", 1000), moody{"panic"}})
	}()
	check("a marshaler's panic")

	if _, err := codec.Encode(pair{"x", moody{"error"}}); !errors.Is(err, errMoody) {
		t.Errorf("a marshaler's error must be found in Encode's: got %v", err)
	}
	check("a marshaler's error")
	if got, err := codec.Encode(pair{"x", moody{"garbage"}}); err == nil {
		t.Errorf("what a marshaler made must be CBOR or an error: got %x", got)
	}
	check("a marshaler's garbage")

	data, err := codec.Encode(pair{"x", moody{"decode panics"}})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := codec.Decode(data); err == nil || got != (pair{}) {
		t.Errorf("a panic in Decode must be an error beside a zero value: got %+v, %v", got, err)
	}
	check("an unmarshaler's panic")
}

func TestConcurrentUse(t *testing.T) {
	codec := CBOR[user]{}
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			want := user{ID: int64(g), Name: strings.Repeat("x", g*100), Tags: []string{"t"}}
			for range 200 {
				got, err := transcode(codec, want)
				if err != nil || !same(got, want) {
					t.Errorf("concurrent use must not mix values: got %+v, %v, want %+v", got, err, want)
					return
				}
			}
		})
	}
	wg.Wait()
}

func TestLargeBufferIsNotKept(t *testing.T) {
	if _, err := (CBOR[[]byte]{}).Encode(make([]byte, 4*keptBuffer)); err != nil {
		t.Fatal(err)
	}
	for range 100 {
		if buf := buffers.Get().(*bytes.Buffer); buf.Cap() > keptBuffer {
			t.Fatalf("a huge value must not pin its memory: a buffer of %d bytes was kept, want at most %d", buf.Cap(), keptBuffer)
		}
	}
}
