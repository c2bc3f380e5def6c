package protocodec

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/dynamicpb"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/unkn0wn-root/cascache/codec-proto/internal/testpb"
	"github.com/unkn0wn-root/cascache/core"
)

var (
	_ cascache.Codec[*testpb.User]         = Proto[*testpb.User]{}
	_ cascache.AppendEncoder[*testpb.User] = Proto[*testpb.User]{}
)

func transcode[T proto.Message](codec Proto[T], message T) (T, error) {
	data, err := codec.Encode(message)
	if err != nil {
		var none T
		return none, err
	}
	return codec.Decode(data)
}

func roundTrip[T proto.Message](t *testing.T, name string, message T) {
	t.Helper()
	t.Run(name, func(t *testing.T) {
		for _, codec := range []Proto[T]{{}, {Deterministic: true}} {
			data, err := codec.Encode(message)
			if err != nil {
				t.Fatalf("a message that the codec can carry did not encode: %v", err)
			}
			if data == nil {
				t.Error("an encoding must not be nil, not even an empty one")
			}
			got, err := codec.Decode(data)
			if err != nil {
				t.Fatalf("the codec's own bytes did not decode: %v", err)
			}
			if !proto.Equal(got, message) {
				t.Errorf("a decoded message must equal the encoded one:\n got %s\nwant %s", brief(got), brief(message))
			}
		}
	})
}

func brief(message any) string {
	text := fmt.Sprint(message)
	return text[:min(len(text), 200)]
}

// manager returns a user nested so many messages deep.
func manager(levels int) *testpb.User {
	user := &testpb.User{Name: "top"}
	for range levels - 1 {
		user = &testpb.User{Manager: user}
	}
	return user
}

func newUser(t *testing.T) *testpb.User {
	t.Helper()
	extra, err := anypb.New(&testpb.Newer{Name: "inside"})
	if err != nil {
		t.Fatal(err)
	}
	return &testpb.User{
		Id: math.MinInt64, Name: "Ada", Email: proto.String(""), Avatar: []byte{0, 255}, Tags: []string{"a", ""},
		Attrs: map[string]string{"": "", "k": "v"}, Score: math.NaN(), Manager: &testpb.User{Id: 7},
		Created: timestamppb.New(time.Date(2024, 2, 29, 23, 59, 59, 999_999_999, time.UTC)),
		Contact: &testpb.User_Deputy{Deputy: &testpb.User{}}, Extra: extra, Counts: []int32{-1, 0, math.MaxInt32},
	}
}

func TestRoundTrip(t *testing.T) {
	roundTrip(t, "empty", &testpb.User{})
	roundTrip(t, "full", newUser(t))
	roundTrip(t, "text of 4 MB", &testpb.User{Name: strings.Repeat("0123456789abcdef", 1<<18)})
	roundTrip(t, "bytes of 4 MB", &testpb.User{Avatar: bytes.Repeat([]byte{0xff, 0}, 1<<21)})
	roundTrip(t, "a million numbers", &testpb.User{Counts: make([]int32, 1_000_000)})
	roundTrip(t, "as deep as the limit", manager(DefaultMaxDepth))
	roundTrip(t, "values of any shape", structpb.NewListValue(&structpb.ListValue{Values: []*structpb.Value{
		structpb.NewNullValue(), structpb.NewNumberValue(math.Inf(1)), structpb.NewStructValue(&structpb.Struct{}),
	}}))
	roundTrip(t, "bytes that are no text, in proto2", &testpb.Legacy{Id: proto.String("\xff"), Body: []byte{}})
	legacy := &testpb.Legacy{Id: proto.String("x"), Line: []*testpb.Legacy_Line{{Number: proto.Int32(1)}, {}}}
	proto.SetExtension(legacy, testpb.E_Note, "noted")
	roundTrip(t, "groups and an extension", legacy)
}

func TestTimes(t *testing.T) {
	for _, at := range []time.Time{
		{},
		time.Now(),
		time.Unix(-1, 999_999_999),
		time.Date(9999, 12, 31, 23, 59, 59, 999_999_999, time.UTC),
		time.Date(2024, 3, 1, 12, 0, 0, 123_456_789, time.FixedZone("", 5*3600+30*60)),
	} {
		got, err := transcode(Proto[*testpb.User]{}, &testpb.User{Created: timestamppb.New(at)})
		if err != nil || !got.Created.AsTime().Equal(at) {
			t.Errorf("an instant must be carried to the nanosecond: got %v, %v, want %v", got.GetCreated().AsTime(), err, at)
		}
	}
}

func TestUnknownFieldsAreKept(t *testing.T) {
	want := &testpb.Newer{Id: 1, Name: "Ada", Added: "by a newer program"}
	stored, err := Proto[*testpb.Newer]{}.Encode(want)
	if err != nil {
		t.Fatal(err)
	}
	older, err := Proto[*testpb.User]{}.Decode(stored)
	if err != nil {
		t.Fatal(err)
	}
	again, err := Proto[*testpb.User]{}.Encode(older)
	if err != nil {
		t.Fatal(err)
	}
	got, err := Proto[*testpb.Newer]{}.Decode(again)
	if err != nil || !proto.Equal(got, want) {
		t.Errorf("what an older program hands on must be whole: got %v, %v, want %v", got, err, want)
	}
}

func TestWhatIsNotCarried(t *testing.T) {
	for name, encode := range map[string]func() ([]byte, error){
		"alone":    func() ([]byte, error) { return Proto[*testpb.User]{}.Encode(nil) },
		"appended": func() ([]byte, error) { return Proto[*testpb.User]{}.AppendEncode([]byte("x"), nil) },
	} {
		if data, err := encode(); !errors.Is(err, ErrNil) {
			t.Errorf("%s: a nil message must be ErrNil: got %x, %v", name, data, err)
		}
	}

	if data, err := (Proto[*testpb.User]{}).Encode(&testpb.User{Name: "\xff"}); err == nil {
		t.Errorf("text that is not UTF-8 must be an error of Encode: got %x", data)
	}
	if got, err := (Proto[*testpb.User]{}).Decode([]byte("\x12\x01\xff")); err == nil || got != nil {
		t.Errorf("text that is not UTF-8 must be an error of Decode: got %v, %v", got, err)
	}
	if data, err := (Proto[*testpb.Legacy]{}).Encode(&testpb.Legacy{}); err == nil {
		t.Errorf("a missing required field must be an error of Encode: got %x", data)
	}
	for name, data := range map[string]string{"outside": "", "inside": "\x0a\x01x\x1a\x00"} {
		if got, err := (Proto[*testpb.Legacy]{}).Decode([]byte(data)); err == nil || got != nil {
			t.Errorf("a required field missing %s must be an error of Decode: got %v, %v", name, got, err)
		}
	}

	got, err := transcode(Proto[*testpb.User]{}, &testpb.User{Tags: []string{}, Avatar: []byte{}})
	if err != nil || got.Tags != nil || got.Avatar != nil {
		t.Errorf("empty lists and bytes without presence are documented to come back as nil: got %#v, %#v, %v", got.GetTags(), got.GetAvatar(), err)
	}

	// What the documentation says of the format.
	joined, err := Proto[*testpb.User]{}.Decode([]byte("\x08\x01\x12\x03Ada" + "\x08\x02"))
	if err != nil || joined.Id != 2 || joined.Name != "Ada" {
		t.Errorf("joined messages are documented to be one, whose last values count: got %v, %v", joined, err)
	}
	cut, err := Proto[*testpb.User]{}.Decode([]byte("\x08\x01"))
	if err != nil || cut.Id != 1 {
		t.Errorf("a message cut between fields is documented to be a message: got %v, %v", cut, err)
	}
}

// embedding has the methods of a message and is none.
type embedding struct{ *testpb.Newer }

func TestTypesThatAreNotGenerated(t *testing.T) {
	message := &testpb.Newer{Id: 1}
	refused := func(name string, encodeErr, decodeErr error) {
		t.Helper()
		for _, err := range []error{encodeErr, decodeErr} {
			if err == nil || !strings.Contains(err.Error(), "no generated message type") {
				t.Errorf("%s cannot be decoded into and must be an error that says so: got %v", name, err)
			}
		}
	}
	_, encodeErr := Proto[proto.Message]{}.Encode(message)
	_, decodeErr := Proto[proto.Message]{}.Decode(nil)
	refused("an interface", encodeErr, decodeErr)
	_, encodeErr = Proto[*dynamicpb.Message]{}.Encode(dynamicpb.NewMessage(message.ProtoReflect().Descriptor()))
	_, decodeErr = Proto[*dynamicpb.Message]{}.Decode(nil)
	refused("a dynamic message", encodeErr, decodeErr)
	_, encodeErr = Proto[embedding]{}.Encode(embedding{message})
	_, decodeErr = Proto[embedding]{}.Decode(nil)
	refused("a struct that embeds a message", encodeErr, decodeErr)
}

func TestEveryDecodeReturnsAFreshMessage(t *testing.T) {
	codec := Proto[*testpb.User]{}
	data, err := codec.Encode(&testpb.User{Tags: []string{"tag"}, Attrs: map[string]string{"k": "v"}})
	if err != nil {
		t.Fatal(err)
	}
	first, err := codec.Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	want := proto.Clone(first)
	first.Tags[0], first.Attrs["k"] = "changed", "changed"
	second, err := codec.Decode(data)
	if err != nil || !proto.Equal(second, want) {
		t.Errorf("a decoded message must not be shared with an earlier one: got %v, %v, want %v", second, err, want)
	}
}

func TestDecodeSharesNoMemoryWithItsInput(t *testing.T) {
	codec := Proto[*testpb.User]{}
	value := newUser(t)
	value.Score = 0
	value.ProtoReflect().SetUnknown(append(protowire.AppendTag(nil, 1000, protowire.BytesType), "\x07unknown"...))
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
	if !proto.Equal(got, value) {
		t.Errorf("a decoded message must not change with the input:\n got %v\nwant %v", got, value)
	}
}

func TestEncodedBytesAreNotUsedAgain(t *testing.T) {
	codec := Proto[*testpb.User]{}
	message := &testpb.User{Avatar: []byte("first"), Name: "first"}
	first, err := codec.Encode(message)
	if err != nil {
		t.Fatal(err)
	}
	before := bytes.Clone(first)
	copy(message.Avatar, "xxxxx")
	for range 100 {
		if _, err := codec.Encode(&testpb.User{Avatar: []byte("other"), Name: "other"}); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(first, before) {
		t.Errorf("the result of Encode must stay as it was:\n got %x\nwant %x", first, before)
	}
}

func TestAppendEncode(t *testing.T) {
	codec := Proto[*testpb.User]{Deterministic: true}
	message := newUser(t)
	want, err := codec.Encode(message)
	if err != nil {
		t.Fatal(err)
	}
	for _, spare := range []int{0, 3, 4096} {
		dst := append(make([]byte, 0, 6+spare), "header"...)
		got, err := codec.AppendEncode(dst, message)
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != "header"+string(want) {
			t.Errorf("with %d bytes to spare, AppendEncode must give dst and then what Encode gives:\n got %x\nwant %x", spare, got, want)
		}
	}

	dst, user := make([]byte, 0, 64<<10), &testpb.User{Name: strings.Repeat("x", 10_000), Manager: &testpb.User{Id: 1}}
	if allocs := testing.AllocsPerRun(100, func() {
		if _, err := (Proto[*testpb.User]{}).AppendEncode(dst, user); err != nil {
			t.Fatal(err)
		}
	}); allocs != 0 {
		t.Errorf("AppendEncode into a buffer with room must not allocate: got %v allocations", allocs)
	}
}

func TestDeterministic(t *testing.T) {
	codec := Proto[*testpb.User]{Deterministic: true}
	var want []byte
	for round := range 50 {
		message := &testpb.User{Attrs: make(map[string]string)}
		for i := range 20 {
			message.Attrs[fmt.Sprint((i+round)%20)] = "v"
		}
		got, err := codec.Encode(message)
		if err != nil {
			t.Fatal(err)
		}
		if want == nil {
			want = got
		}
		if !bytes.Equal(got, want) {
			t.Fatalf("equal messages must have equal bytes:\n got %x\nwant %x", got, want)
		}
	}
}

func TestMaxDepth(t *testing.T) {
	for _, depth := range []int{-1, 10_001} {
		codec := Proto[*testpb.User]{MaxDepth: depth}
		_, encodeErr := codec.Encode(&testpb.User{})
		_, decodeErr := codec.Decode(nil)
		for _, err := range []error{encodeErr, decodeErr} {
			if err == nil || !strings.Contains(err.Error(), "MaxDepth") {
				t.Errorf("a MaxDepth of %d must be an error that names the field: got %v", depth, err)
			}
		}
	}
	for _, limit := range []int{1, 2, 3, 100, DefaultMaxDepth, 10_000} {
		codec := Proto[*testpb.User]{MaxDepth: limit}
		for depth, ok := range map[int]bool{max(1, limit-1): true, limit: true, limit + 1: false} {
			if _, err := codec.Encode(manager(depth)); (err == nil) != ok {
				t.Errorf("MaxDepth %d: Encode must keep to the limit: got error %v for a depth of %d", limit, err, depth)
			}
			if _, err := codec.Decode(mustMarshal(t, manager(depth))); (err == nil) != ok {
				t.Errorf("MaxDepth %d: Decode must keep to the limit: got error %v for a depth of %d", limit, err, depth)
			}
		}
	}
	if _, err := (Proto[*testpb.User]{}).Decode(mustMarshal(t, manager(DefaultMaxDepth+1))); err == nil {
		t.Error("a MaxDepth of 0 must mean DefaultMaxDepth: a deeper message did decode")
	}
}

func mustMarshal(t *testing.T, message proto.Message) []byte {
	t.Helper()
	data, err := proto.Marshal(message)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestHostileInput(t *testing.T) {
	// Cut within a field, that is, everywhere but between two.
	one, err := Proto[*testpb.User]{}.Encode(&testpb.User{Name: strings.Repeat("n", 200)})
	if err != nil {
		t.Fatal(err)
	}
	for n := 1; n < len(one); n++ {
		if got, err := (Proto[*testpb.User]{}).Decode(one[:n]); err == nil {
			t.Errorf("truncated to %d of %d bytes, a field must not decode: got %v", n, len(one), got)
		}
	}

	for name, data := range map[string]string{
		"field number 0":                    "\x00",
		"wire type 6":                       "\x0e",
		"wire type 7":                       "\x0f",
		"varint without an end":             "\x08" + strings.Repeat("\xff", 11),
		"field number too large":            "\xff\xff\xff\xff\xff\x01\x00",
		"end of a group that did not begin": "\x0c",
		"group without an end":              "\xa3\x06",
		"groups a million deep":             strings.Repeat("\xa3\x06", 1_000_000),
		"text that claims 2^31":             "\x12\x80\x80\x80\x80\x08",
		"text that claims 2^63":             "\x12\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01",
		"bytes that claim 2^31":             "\x22\x80\x80\x80\x80\x08",
		"message that claims 2^31":          "\x4a\x80\x80\x80\x80\x08",
		"numbers that claim 2^31":           "\x6a\x80\x80\x80\x80\x08",
		"map entry that claims 2^31":        "\x32\x80\x80\x80\x80\x08",
		"a map's text that is not UTF-8":    "\x32\x05\x0a\x01k\x12\x01\xff"[:8],
	} {
		t.Run(name, func(t *testing.T) {
			refuses[*testpb.User](t, data)
			refuses[*testpb.Legacy](t, "\x0a\x01x"+data)
		})
	}
	t.Run("one level too deep", func(t *testing.T) { refuses[*testpb.User](t, nestedIn(9, "", DefaultMaxDepth)) })
	t.Run("a million levels deep", func(t *testing.T) { refuses[*testpb.User](t, nestedIn(9, "", 1_000_000)) })
}

// nestedIn returns message within message, in the field of this number, each
// of them beginning with head.
func nestedIn(number protowire.Number, head string, levels int) string {
	tag := head + string(protowire.AppendTag(nil, number, protowire.BytesType))
	sizes, size := make([]int, levels), len(head)
	for i := range sizes {
		sizes[i] = size
		size += len(tag) + protowire.SizeVarint(uint64(size))
	}
	data := make([]byte, 0, size)
	for i := levels - 1; i >= 0; i-- {
		data = protowire.AppendVarint(append(data, tag...), uint64(sizes[i]))
	}
	return string(append(data, head...))
}

// refuses fails unless data is an error that costs memory in proportion to it.
func refuses[T proto.Message](t *testing.T, data string) {
	t.Helper()
	var err error
	var message T
	input := []byte(data)
	used := allocated(func() { message, err = Proto[T]{}.Decode(input) })
	if err == nil {
		t.Errorf("hostile bytes must be an error for %T: got %s", message, brief(message))
	}
	if any(message) != any(*new(T)) {
		t.Errorf("beside an error the message must be nil: got %s", brief(message))
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
	for name, field := range map[string]string{
		"empty text": "\x2a\x00", "empty map entries": "\x32\x00", "numbers": "\x68\x01", "messages, merged": "\x4a\x00", "unknown": "\xc0\x3e\x01",
	} {
		t.Run(name, func(t *testing.T) {
			var err error
			input := []byte(strings.Repeat(field, 100_000))
			used := allocated(func() { _, err = Proto[*testpb.User]{}.Decode(input) })
			if err != nil {
				t.Fatalf("valid bytes must decode: %v", err)
			}
			if most := uint64(64<<10 + 200*len(input)); used > most {
				t.Errorf("what Decode allocates must be bounded by its input: %d bytes for %d, want at most %d", used, len(input), most)
			}
		})
	}
}

func TestConcurrentUse(t *testing.T) {
	codec := Proto[*testpb.User]{}
	shared := newUser(t)
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			own := &testpb.User{Id: int64(g), Name: strings.Repeat("x", g*100)}
			for range 200 {
				for _, want := range []*testpb.User{own, shared} {
					got, err := transcode(codec, want)
					if err != nil || !proto.Equal(got, want) {
						t.Errorf("concurrent use must not mix messages: got %v, %v, want %v", got, err, want)
						return
					}
				}
			}
		})
	}
	wg.Wait()
}
