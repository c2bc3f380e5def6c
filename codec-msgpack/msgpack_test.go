package msgpackcodec

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

	"github.com/unkn0wn-root/cascache/core"
	"github.com/vmihailenco/msgpack/v5"
)

var (
	_ cascache.Codec[any]         = Msgpack[any]{}
	_ cascache.AppendEncoder[any] = Msgpack[any]{}
)

type user struct {
	ID      int64             `msgpack:"id"`
	Name    string            `msgpack:"name"`
	Email   *string           `msgpack:"email"`
	Avatar  []byte            `msgpack:"avatar"`
	Tags    []string          `msgpack:"tags"`
	Attrs   map[string]string `msgpack:"attrs"`
	Created time.Time         `msgpack:"created"`
	Extra   any               `msgpack:"extra"`
	Counts  map[string]int    `msgpack:"counts"`
	Manager *user             `msgpack:"manager"`
}

func transcode[V any](codec Msgpack[V], value V) (V, error) {
	data, err := codec.Encode(value)
	if err != nil {
		var none V
		return none, err
	}
	return codec.Decode(data)
}

func roundTrip[V any](t *testing.T, name string, value V) {
	t.Helper()
	t.Run(name, func(t *testing.T) {
		codec := Msgpack[V]{}
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
		if reflect.TypeOf(any(got)) != reflect.TypeOf(any(value)) {
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
	roundTrip(t, "zero struct", user{})
	roundTrip(t, "struct", user{
		ID: math.MinInt64, Name: "Ada", Email: &email, Avatar: []byte{0, 255}, Tags: []string{"a", ""},
		Attrs: map[string]string{"": "", "k": "v"}, Created: time.Date(2024, 2, 29, 23, 59, 59, 999_999_999, time.UTC),
		Extra: map[string]any{"n": int8(1), "list": []any{nil, true, "x", 1.5, time.Unix(1, 1)}}, Counts: map[string]int{"x": -1},
		Manager: &user{ID: 7},
	})
	roundTrip[*user](t, "nil pointer", nil)
	roundTrip(t, "pointer", &user{ID: 1})
	roundTrip[any](t, "nil interface", nil)
	roundTrip[[]int](t, "nil slice", nil)
	roundTrip(t, "empty slice", []int{})
	roundTrip[[]string](t, "nil strings", nil)
	roundTrip(t, "empty strings", []string{})
	roundTrip[[]byte](t, "nil bytes", nil)
	roundTrip(t, "empty bytes", []byte{})
	roundTrip[map[string]int](t, "nil map", nil)
	roundTrip(t, "empty map", map[string]int{})
	roundTrip[map[string]any](t, "nil map of any", nil)
	roundTrip(t, "empty map of any", map[string]any{})
	roundTrip(t, "map with array keys", map[[2]int]string{{1, 2}: "x"})
	roundTrip(t, "empty string", "")
	roundTrip(t, "string that is not UTF-8", "\xff\xfe\x80 and \xc3")
	roundTrip(t, "map key that is not UTF-8", map[string]any{"\xff": "\xfe"})
	roundTrip(t, "string of 4 MB", strings.Repeat("0123456789abcdef", 1<<18))
	roundTrip(t, "bytes of 4 MB", bytes.Repeat([]byte{0xff, 0}, 1<<21))
	roundTrip(t, "slice of a million", make([]uint16, 1_000_000))
	roundTrip(t, "byte array", [5]byte{1, 2, 3, 4, 5})
	roundTrip(t, "uint64", uint64(math.MaxUint64))
	roundTrip(t, "int64", int64(math.MinInt64))
	roundTrip(t, "duration", time.Duration(math.MaxInt64))
	roundTrip(t, "floats", []float64{0, math.Copysign(0, -1), math.Inf(-1), math.NaN(), math.SmallestNonzeroFloat64, math.MaxFloat64})
	roundTrip(t, "float32", float32(math.MaxFloat32))
	roundTrip(t, "big.Int by its text", new(big.Int).Lsh(big.NewInt(-3), 200))
	roundTrip(t, "struct that is not addressable, with a field that must be", struct{ N pointed }{pointed{5}})
	roundTrip[any](t, "pointer in an any to a nil", map[string]any{"nil": nil})

	deep := &user{}
	for range 900 {
		deep = &user{Manager: deep}
	}
	roundTrip(t, "900 pointers deep", deep)
	var lists any = "innermost"
	for range DefaultMaxDepth {
		lists = []any{lists}
	}
	roundTrip(t, "as deep as the limit", lists)
}

// pointed encodes through its address only.
type pointed struct{ n int }

func (p *pointed) EncodeMsgpack(e *msgpack.Encoder) error { return e.EncodeInt(int64(p.n)) }

func (p *pointed) DecodeMsgpack(d *msgpack.Decoder) (err error) {
	p.n, err = d.DecodeInt()
	return err
}

func TestTimes(t *testing.T) {
	for _, at := range []time.Time{
		{},
		time.Now(),
		time.Unix(0, 0),
		time.Unix(1<<34-1, 999_999_999), // the last of the 8 bytes form
		time.Unix(1<<34, 0),
		time.Unix(1<<32-1, 0), // the last of the 4 bytes form
		time.Unix(1<<32, 0),
		time.Unix(-1, 999_999_999),
		time.Date(-5000, 1, 1, 0, 0, 0, 1, time.UTC),
		time.Date(50_000, 1, 1, 0, 0, 0, 1, time.UTC),
		time.Date(2024, 3, 1, 12, 0, 0, 123_456_789, time.FixedZone("", 5*3600+30*60)),
		time.Date(1900, 1, 1, 0, 0, 0, 1, time.FixedZone("LMT", 1172)),
	} {
		got, err := transcode(Msgpack[time.Time]{}, at)
		if err != nil {
			t.Errorf("%v did not survive: %v", at, err)
			continue
		}
		if !got.Equal(at) {
			t.Errorf("an instant must be carried to the nanosecond: got %v, want %v", got, at)
		}
		if got.Location() != time.Local && !at.IsZero() {
			t.Errorf("a time is documented to come back in time.Local: got %v", got.Location())
		}
		if got != got.Round(0) {
			t.Errorf("the monotonic clock must be dropped: got %v", got)
		}
		inside, err := transcode(Msgpack[any]{}, any([]any{at}))
		if err != nil || !same(inside, []any{at}) {
			t.Errorf("a time in an any must come back as one: got %v, %v, want %v", inside, err, at)
		}
	}
	if got, err := transcode(Msgpack[time.Time]{}, time.Time{}); err != nil || got != (time.Time{}) {
		t.Errorf("a zero time must come back as the zero value: got %v, %v", got, err)
	}

	// Older writers, and those in other languages, have other forms of time.
	want := time.Date(2024, 3, 1, 12, 0, 0, 5, time.UTC)
	for name, data := range map[string]string{
		"text":             "\xbe2024-03-01T12:00:00.000000005Z",
		"seconds and rest": "\x92\xce\x65\xe1\xc3\x40\x05",
	} {
		if got, err := (Msgpack[*timestamp]{}).Decode([]byte(data)); err != nil || !got.Equal(want) {
			t.Errorf("a time as %s must decode: got %v, %v, want %v", name, got, err, want)
		}
	}
}

// timestamp reads a time in every form that the library knows.
type timestamp struct{ time.Time }

func (at *timestamp) DecodeMsgpack(d *msgpack.Decoder) (err error) {
	at.Time, err = d.DecodeTime()
	return err
}

func TestWhatIsNotCarried(t *testing.T) {
	for name, value := range map[string]any{
		"function": func() {}, "channel": make(chan int), "complex number": 1i,
	} {
		if _, err := (Msgpack[any]{}).Encode(value); err == nil {
			t.Errorf("a %s cannot be carried and must be an error of Encode", name)
		}
	}

	type hidden struct{ Shown, hidden int }
	if got, err := transcode(Msgpack[hidden]{}, hidden{1, 2}); err != nil || got != (hidden{Shown: 1}) {
		t.Errorf("unexported fields are documented to be dropped: got %+v, %v", got, err)
	}
	shared := new(int)
	if got, err := transcode(Msgpack[[2]*int]{}, [2]*int{shared, shared}); err != nil || got[0] == got[1] {
		t.Errorf("pointers to one thing are documented to come back apart: got %v, %v", got, err)
	}
	if got, err := transcode(Msgpack[any]{}, any(300)); err != nil || got != any(uint16(300)) {
		t.Errorf("an int in an any is documented to come back as the smallest type: got %T %[1]v, %v", got, err)
	}
	if got, err := (Msgpack[any]{}).Encode(any(map[int]int{1: 2})); err == nil {
		t.Errorf("a map in an any with keys other than strings cannot be carried and must be an error of Encode: got %v", got)
	}

	type interning struct {
		A string `msgpack:",intern"`
		B string `msgpack:",intern"`
	}
	if got, err := (Msgpack[interning]{}).Encode(interning{"repeated", "repeated"}); !errors.Is(err, errInterned) {
		t.Errorf("an interned string cannot be carried and must be an error of Encode: got %x, %v", got, err)
	}
	if got, err := (Msgpack[any]{}).Decode([]byte("\x92\xa3abc\xd4\x80\x00")); !errors.Is(err, errInterned) {
		t.Errorf("an interned string cannot be carried and must be an error of Decode: got %v, %v", got, err)
	}

	// What the documentation warns of.
	if got, err := (Msgpack[map[string]int]{}).Decode([]byte("\x82\xa1a\x01\xa1a\x02")); err != nil || got["a"] != 2 {
		t.Errorf("of a key that occurs twice the last is documented to count: got %v, %v", got, err)
	}
}

// celsius is carried as a registered extension.
type celsius struct{ degrees byte }

func (c celsius) MarshalMsgpack() ([]byte, error) { return []byte{c.degrees}, nil }

func (c *celsius) UnmarshalMsgpack(data []byte) error {
	if len(data) != 1 {
		return errMoody
	}
	c.degrees = data[0]
	return nil
}

// fahrenheit is one whose payload is read as a MessagePack value.
type fahrenheit struct{ degrees int }

func TestRegisteredExtensions(t *testing.T) {
	msgpack.RegisterExt(17, (*celsius)(nil))
	t.Cleanup(func() { msgpack.UnregisterExt(17) })
	for degrees := range 256 { // some are the heads of maps
		want := map[string]*celsius{"oven": {byte(degrees)}}
		if got, err := transcode(Msgpack[map[string]*celsius]{}, want); err != nil || *got["oven"] != *want["oven"] {
			t.Fatalf("an extension must be carried whatever its payload: got %v, %v, want %v", got, err, want["oven"])
		}
	}

	msgpack.RegisterExtEncoder(18, fahrenheit{}, func(*msgpack.Encoder, reflect.Value) ([]byte, error) { return []byte{5}, nil })
	msgpack.RegisterExtDecoder(18, fahrenheit{}, func(d *msgpack.Decoder, v reflect.Value, _ int) error {
		n, err := d.DecodeInt()
		v.Set(reflect.ValueOf(fahrenheit{n}))
		return err
	})
	t.Cleanup(func() { msgpack.UnregisterExt(18) })
	if got, err := transcode(Msgpack[fahrenheit]{}, fahrenheit{5}); !errors.Is(err, errExtension) {
		t.Errorf("an extension that is read as a value is documented not to decode: got %v, %v", got, err)
	}
}

func TestDecodeSharesNoMemoryWithItsInput(t *testing.T) {
	value := user{
		Name: strings.Repeat("n", 100), Avatar: bytes.Repeat([]byte("a"), 100), Tags: []string{"tag"},
		Attrs: map[string]string{"key": "value"}, Extra: []any{"text", []byte("bytes"), map[string]any{"k": []byte("v")}},
	}
	codec := Msgpack[user]{}
	data, err := codec.Encode(value)
	if err != nil {
		t.Fatal(err)
	}
	before := bytes.Clone(data)
	got, err := codec.Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := Msgpack[msgpack.RawMessage]{}.Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(data, before) {
		t.Error("Decode must not change its input")
	}
	for i := range data {
		data[i] ^= 0xff
	}
	for range 100 { // pooled buffers are overwritten
		if _, err := (Msgpack[any]{}).Decode([]byte("\xd9\x64" + strings.Repeat("z", 100))); err != nil {
			t.Fatal(err)
		}
	}
	if !same(got, value) {
		t.Errorf("a decoded value must not change with the input or a later call:\n got %+v\nwant %+v", got, value)
	}
	if !bytes.Equal(raw, before) {
		t.Error("a decoded RawMessage must not change with the input or a later call")
	}
}

func TestEncodedBytesAreNotUsedAgain(t *testing.T) {
	codec := Msgpack[user]{}
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
	codec := Msgpack[user]{}
	value := user{Name: "Ada", Attrs: map[string]string{"a": "b"}}
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

	type plain struct {
		Name string
		N    int
	}
	pointer, dst := &plain{"Ada", 1}, make([]byte, 0, 4096)
	if allocs := testing.AllocsPerRun(100, func() {
		if _, err := (Msgpack[*plain]{}).AppendEncode(dst, pointer); err != nil {
			t.Fatal(err)
		}
	}); allocs != 0 && !raceEnabled {
		t.Errorf("AppendEncode into a buffer with room must not allocate: got %v allocations", allocs)
	}
}

func TestMaxDepth(t *testing.T) {
	for _, depth := range []int{-1, 65_536} {
		codec := Msgpack[int]{MaxDepth: depth}
		_, encodeErr := codec.Encode(1)
		_, decodeErr := codec.Decode([]byte{1})
		for _, err := range []error{encodeErr, decodeErr} {
			if err == nil || !strings.Contains(err.Error(), "MaxDepth") {
				t.Errorf("a MaxDepth of %d must be an error that names the field: got %v", depth, err)
			}
		}
	}
	for depth, ok := range map[int]bool{1: false, 2: false, 3: true, 65_535: true} {
		codec := Msgpack[any]{MaxDepth: depth}
		value := any([]any{map[string]any{"": []any{1}}})
		if _, err := codec.Encode(value); (err == nil) != ok {
			t.Errorf("MaxDepth %d: Encode must keep to the limit: got error %v for a depth of 3", depth, err)
		}
		if _, err := codec.Decode([]byte("\x91\x81\xa0\x91\x01")); (err == nil) != ok {
			t.Errorf("MaxDepth %d: Decode must keep to the limit: got error %v for a depth of 3", depth, err)
		}
	}

	data := []byte(strings.Repeat("\x91", math.MaxUint16) + "\x01")
	if _, err := (Msgpack[any]{MaxDepth: math.MaxUint16}).Decode(data); err != nil {
		t.Errorf("the deepest limit must still be met without running out of stack: %v", err)
	}
}

func TestHostileInput(t *testing.T) {
	valid, err := Msgpack[user]{}.Encode(user{Name: "Ada", Avatar: []byte("avatar"), Attrs: map[string]string{"k": "v"}, Created: time.Unix(1, 0)})
	if err != nil {
		t.Fatal(err)
	}
	for n := range valid {
		if got, err := (Msgpack[user]{}).Decode(valid[:n]); err == nil {
			t.Errorf("truncated to %d of %d bytes, an encoding must not decode: got %+v", n, len(valid), got)
		}
	}

	nested := func(levels int, open, end string) string { return strings.Repeat(open, levels) + end }
	for name, data := range map[string]string{
		"empty":                           "",
		"trailing byte":                   string(valid) + "\x00",
		"two values":                      "\x01\x01",
		"the byte never used":             "\xc1",
		"array that claims 2^32 elements": "\xdd\xff\xff\xff\xff",
		"array that claims 10^7 elements": "\xdd\x00\x98\x96\x80\x01",
		"map that claims 2^32 pairs":      "\xdf\xff\xff\xff\xff",
		"map that claims 10^6 pairs":      "\xdf\x00\x0f\x42\x40\xa0\x01",
		"bytes that claim 2^32":           "\xc6\xff\xff\xff\xff",
		"string that claims 2^32":         "\xdb\xff\xff\xff\xff",
		"extension that claims 2^32":      "\xc9\xff\xff\xff\xff\xff",
		"field that claims 10^6 pairs":    "\x81\xa5extra\xdf\x00\x0f\x42\x40",
		"arrays one level too deep":       nested(DefaultMaxDepth+1, "\x91", "\x00"),
		"arrays ten million deep":         nested(10_000_000, "\x91", "\x00"),
		"arrays ten million deep, no end": nested(10_000_000, "\x91", ""),
		"maps a million deep":             nested(1_000_000, "\x81\xa0", "\x00"),
		"unknown field a million deep":    "\x81\xa1z" + nested(1_000_000, "\x91", "\x00"),
		"known field a million deep":      nested(1_000_000, "\x81\xa7manager", "\xc0"),
		"extra field a million deep":      "\x81\xa5extra" + nested(1_000_000, "\x91", "\x00"),
		"unknown extension":               "\xd4\x63\x00",
	} {
		t.Run(name, func(t *testing.T) {
			refuses[any](t, data)
			refuses[user](t, data)
			refuses[*user](t, data)
			refuses[map[string]any](t, data)
			refuses[map[string]string](t, data)
			refuses[[][]byte](t, data)
			refuses[[]string](t, data)
		})
	}

	// Where the library expects a map, it takes the payload of an extension
	// for one.
	for name, data := range map[string]string{
		"a time with the head of a map":   "\xd7\xff\xdf\x00\x0f\x42\x40\xff\xff\xff",
		"a time like a map of 16 bits":    "\xd6\xff\xde\xff\xff\xff",
		"an extension with a map's head":  "\xc7\x05\x01\xdf\x00\x0f\x42\x40",
		"an extension with a map":         "\xc7\x01\x01\x80",
		"an extension with a nil":         "\xd4\x01\xc0",
		"an extension, then a map":        "\xc7\x00\x01\x80",
		"a long extension, then a map":    "\xc9\x00\x00\x00\x00\x01\xdf\x00\x0f\x42\x40",
		"an interned string like a map":   "\xd4\x80\x8f",
		"an interned string like a map32": "\xd4\x80\xdf\x00\x0f\x42\x40",
	} {
		t.Run(name, func(t *testing.T) {
			refuses[map[string]any](t, data)
			refuses[map[string]string](t, data)
			refuses[map[string]int](t, data)
			refuses[map[int]any](t, data)
			refuses[user](t, "\x81\xa5attrs"+data)
			refuses[user](t, "\x81\xa6counts"+data)
		})
	}

	t.Run("a flat row that nests", func(t *testing.T) {
		refuses[[]link](t, "\xdd\x00\x01\x86\xa0"+strings.Repeat("\x81\xa0\xc7\x00\x01", 100_000))
	})
	t.Run("a list as a key", func(t *testing.T) { refuses[map[any]any](t, "\x81\x90\x01") })
	t.Run("nil for a time", func(t *testing.T) { refuses[time.Time](t, "\xc0"); refuses[user](t, "\x81\xa7created\xc0") })
	t.Run("a string for an interface with methods", func(t *testing.T) { refuses[fmt.Stringer](t, "\xa1x") })
	t.Run("wrong type after a good field", func(t *testing.T) { refuses[user](t, "\x82\xa2id\x07\xa4name\x07") })
	t.Run("a field of an any twice", func(t *testing.T) { refuses[user](t, "\x82\xa5extra\xa1x\xa5extra\xa1y") })
	t.Run("an array too long", func(t *testing.T) { refuses[[1]int](t, "\x92\x01\x02") })
}

// link is a map of maps of maps.
type link map[string]link

// refuses fails unless data is an error that costs memory in proportion to it.
func refuses[V any](t *testing.T, data string) {
	t.Helper()
	var err error
	var value V
	input := []byte(data)
	used := allocated(func() { value, err = Msgpack[V]{}.Decode(input) })
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
	const head = "\xdd\x00\x01\x86\xa0" // an array of 100,000
	for name, element := range map[string]string{
		"numbers": "\x01", "empty maps": "\x80", "empty lists": "\x90", "nils": "\xc0", "small maps": "\x81\xa0\x01", "times": "\xd6\xff\x00\x00\x00\x01",
	} {
		t.Run(name, func(t *testing.T) {
			var err error
			input := []byte(head + strings.Repeat(element, 100_000))
			used := allocated(func() { _, err = Msgpack[any]{}.Decode(input) })
			if err != nil {
				t.Fatalf("valid bytes must decode: %v", err)
			}
			if most := uint64(64<<10 + 200*len(input)); used > most {
				t.Errorf("what Decode allocates must be bounded by its input: %d bytes for %d, want at most %d", used, len(input), most)
			}
		})
	}
}

// moody is a type whose methods fail on request.
type moody struct{ Mood string }

var errMoody = errors.New("moody")

func (m moody) EncodeMsgpack(e *msgpack.Encoder) error {
	e.UseArrayEncodedStructs(true)
	switch m.Mood {
	case "panic":
		panic("marshaler panics")
	case "error":
		return errMoody
	case "nothing":
		return nil
	case "garbage":
		return e.EncodeArrayLen(1000)
	}
	return e.EncodeString(m.Mood)
}

func (m *moody) DecodeMsgpack(d *msgpack.Decoder) (err error) {
	if m.Mood, err = d.DecodeString(); err != nil {
		return err
	}
	switch m.Mood {
	case "decode panics":
		panic(m.Mood)
	case "decode fails":
		return errMoody
	case "decode reads too far":
		_, err = d.DecodeString()
		return err
	}
	d.DisallowUnknownFields(true)
	return nil
}

func TestMarshalersThatFail(t *testing.T) {
	type pair struct {
		Before string
		Moody  moody
		After  string
	}
	codec := Msgpack[pair]{}
	healthy := pair{"before", moody{"fine"}, "after"}
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
			type narrow struct{ Before string }
			if got, err := (Msgpack[narrow]{}).Decode(want); err != nil || got.Before != "before" {
				t.Fatalf("what a type's methods set for their own call must end with it: got %v, %v", got, err)
			}
		}
	}

	func() {
		defer func() {
			if recover() == nil {
				t.Error("a panic of a marshaler belongs to the caller of Encode: it did not arrive")
			}
		}()
		_, _ = codec.Encode(pair{strings.Repeat("x", 1000), moody{"panic"}, ""})
	}()
	check("a marshaler's panic")

	if _, err := codec.Encode(pair{"x", moody{"error"}, ""}); !errors.Is(err, errMoody) {
		t.Errorf("a marshaler's error must be found in Encode's: got %v", err)
	}
	check("a marshaler's error")
	for _, mood := range []string{"nothing", "garbage"} {
		if got, err := codec.Encode(pair{"x", moody{mood}, "y"}); err == nil {
			t.Errorf("a marshaler that writes %s must not lead to bytes that Decode refuses: got %x", mood, got)
		}
		check(mood)
	}

	for _, mood := range []string{"decode panics", "decode fails", "decode reads too far"} {
		data, err := codec.Encode(pair{"x", moody{mood}, "y"})
		if err != nil {
			t.Fatal(err)
		}
		if got, err := codec.Decode(data); err == nil || got != (pair{}) {
			t.Errorf("%s: Decode must return an error beside a zero value: got %+v, %v", mood, got, err)
		}
		check(mood)
	}

	// A decoder of its own that stops short.
	if got, err := (Msgpack[lazy]{}).Decode([]byte("\x91\x01")); !errors.Is(err, errTrailing) {
		t.Errorf("bytes that a type's decoder leaves must be an error: got %v, %v", got, err)
	}
}

// lazy reads the head of an array and nothing of what is in it.
type lazy struct{}

func (*lazy) DecodeMsgpack(d *msgpack.Decoder) error {
	_, err := d.DecodeArrayLen()
	return err
}

func TestConcurrentUse(t *testing.T) {
	codec := Msgpack[user]{}
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			want := user{ID: int64(g), Name: strings.Repeat("x", g*100), Tags: []string{"t"}, Created: time.Unix(int64(g), 0)}
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

func TestPoolsKeepNothingLargeOrForeign(t *testing.T) {
	for _, size := range []int{10, 4 * kept} {
		data, err := Msgpack[string]{}.Encode(strings.Repeat("x", size))
		if err != nil {
			t.Fatal(err)
		}
		for range 10 {
			if e := encoders.Get().(*encoder); cap(e.sink.bytes) > kept {
				t.Errorf("a huge value must not pin its memory: an encoder kept %d bytes, want at most %d", cap(e.sink.bytes), kept)
			}
		}
		if _, err := (Msgpack[string]{}).Decode(data); err != nil {
			t.Fatal(err)
		}
		for range 10 {
			d := decoders.Get().(*decoder)
			if d.source.data != nil || d.structure.data != nil {
				t.Error("a pooled decoder must not keep the caller's bytes")
			}
			if buf := reflect.ValueOf(d.library).Elem().FieldByName("buf"); buf.Cap() > kept {
				t.Errorf("a huge value must not pin its memory: a decoder kept %d bytes, want at most %d", buf.Cap(), kept)
			}
		}
	}
}
