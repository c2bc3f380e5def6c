package conformance

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	cascache "github.com/unkn0wn-root/cascache/core"
)

// record is what the codecs of these tests carry.
type record struct {
	ID   int64
	Name string
	Blob []byte
	Tags []string
}

// plainCodec is a codec that is right.
type plainCodec struct{}

const recordMark = 0xA7 // the first byte of every encoding

var errRecord = errors.New("not a record")

func (plainCodec) Encode(r *record) ([]byte, error) { return plainCodec{}.AppendEncode(nil, r) }

func (plainCodec) AppendEncode(dst []byte, r *record) ([]byte, error) {
	if r == nil || len(r.Tags) > math.MaxUint16 || len(r.Name) > 100_000 {
		return nil, errRecord
	}
	dst = append(dst, recordMark)
	dst = binary.BigEndian.AppendUint64(dst, uint64(r.ID))
	dst = appendPart(dst, r.Name)
	dst = appendPart(dst, r.Blob)
	dst = binary.BigEndian.AppendUint16(dst, uint16(len(r.Tags)))
	for _, tag := range r.Tags {
		dst = appendPart(dst, tag)
	}
	return dst, nil
}

func appendPart[T string | []byte](dst []byte, part T) []byte {
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(part)))
	return append(dst, part...)
}

func (plainCodec) Decode(data []byte) (*record, error) {
	r, rest, err := decodeRecord(data)
	if err == nil && len(rest) > 0 {
		err = errRecord
	}
	if err != nil {
		return nil, err
	}
	return r, nil
}

func decodeRecord(data []byte) (*record, []byte, error) {
	if len(data) < 9 || data[0] != recordMark {
		return nil, nil, errRecord
	}
	r := &record{ID: int64(binary.BigEndian.Uint64(data[1:]))}
	name, data, err := cutPart(data[9:])
	if err != nil {
		return nil, nil, err
	}
	blob, data, err := cutPart(data)
	if err != nil || len(data) < 2 {
		return nil, nil, errRecord
	}
	r.Name, r.Blob = string(name), append([]byte{}, blob...)
	n := int(binary.BigEndian.Uint16(data))
	data = data[2:]
	if n > len(data)/4 {
		return nil, nil, errRecord
	}
	r.Tags = make([]string, n)
	for i := range r.Tags {
		var tag []byte
		if tag, data, err = cutPart(data); err != nil {
			return nil, nil, err
		}
		r.Tags[i] = string(tag)
	}
	return r, data, nil
}

func cutPart(data []byte) (part, rest []byte, err error) {
	if len(data) < 4 {
		return nil, nil, errRecord
	}
	n := binary.BigEndian.Uint32(data)
	if data = data[4:]; uint64(n) > uint64(len(data)) {
		return nil, nil, errRecord
	}
	return data[:n], data[n:], nil
}

func records() []*record {
	return []*record{
		{ID: 1, Name: "tea", Blob: []byte{1, 2, 3}, Tags: []string{"hot", "black"}},
		{ID: math.MinInt64, Name: "", Blob: []byte{}, Tags: []string{}},
		{ID: 1<<60 + 1, Name: strings.Repeat("coffee", 50), Blob: bytes.Repeat([]byte{0xff}, 300), Tags: []string{"", "z", "a"}},
	}
}

func recordHarness(codec cascache.Codec[*record]) CodecHarness[*record] {
	return CodecHarness[*record]{
		New:     func(testing.TB) cascache.Codec[*record] { return codec },
		Values:  records,
		Refused: func() []*record { return []*record{nil, {Name: strings.Repeat("n", 100_001)}} },
		Hostile: func() [][]byte {
			data, _ := plainCodec{}.Encode(records()[0])
			return [][]byte{nil, append([]byte{0xA6}, data[1:]...)}
		},
	}
}

func TestCodecRulesAreWellFormed(t *testing.T) {
	requireWellFormed(t, codecRules[*record](), codecLacks)
}

func TestPlainCodecPasses(t *testing.T) { RunCodec(t, recordHarness(plainCodec{})) }

func TestLimitPasses(t *testing.T) {
	h := recordHarness(cascache.Limit[*record]{Codec: plainCodec{}, Max: 4096})
	h.Refused = func() []*record { return []*record{nil, {Blob: make([]byte, 4096)}} }
	RunCodec(t, h)
}

// plainJSON is a codec without AppendEncode, whose order of map keys is free.
type plainJSON[V any] struct{}

func (plainJSON[V]) Encode(v V) ([]byte, error) { return json.Marshal(v) }

func (plainJSON[V]) Decode(data []byte) (v V, err error) { return v, json.Unmarshal(data, &v) }

func TestLimitOfCodecWithoutAppendEncodePasses(t *testing.T) {
	RunCodec(t, CodecHarness[map[string]int]{
		New: func(testing.TB) cascache.Codec[map[string]int] {
			return cascache.Limit[map[string]int]{Codec: plainJSON[map[string]int]{}}
		},
		Values: func() []map[string]int { return []map[string]int{{}, {"a": 1}, {"b": -1, "c": math.MaxInt64}} },
	})
}

// A digit more or less of a number is another number.
func TestCodecWithoutEndsPasses(t *testing.T) {
	RunCodec(t, CodecHarness[int]{
		New:    func(testing.TB) cascache.Codec[int] { return plainJSON[int]{} },
		Values: func() []int { return []int{0, 12, -345} },
	})
}

func TestBytesPass(t *testing.T) {
	RunCodec(t, CodecHarness[[]byte]{
		New: func(testing.TB) cascache.Codec[[]byte] { return cascache.Bytes{} },
		Values: func() [][]byte {
			return [][]byte{{}, {0}, []byte("text"), sample("bytes", 3000)}
		},
	})
}

func TestStringPasses(t *testing.T) {
	RunCodec(t, CodecHarness[string]{
		New:    func(testing.TB) cascache.Codec[string] { return cascache.String{} },
		Values: func() []string { return []string{"", "\x00", "text", "\xff\xfe", strings.Repeat("long", 1000)} },
	})
}

// aliasing shares its blobs with the input, and says so.
type aliasing struct{ plainCodec }

func (aliasing) Decode(data []byte) (*record, error) {
	r, err := plainCodec{}.Decode(data)
	if err == nil {
		r.Blob = data[len(data)-tail(r)-len(r.Blob):][:len(r.Blob)]
	}
	return r, err
}

// tail is how many bytes follow the blob in an encoding.
func tail(r *record) int {
	n := 2
	for _, tag := range r.Tags {
		n += 4 + len(tag)
	}
	return n
}

func TestCodecThatSharesItsInputPasses(t *testing.T) {
	h := recordHarness(aliasing{})
	h.Lacks = map[Lack]string{OwnedValues: "blobs alias the input, for speed"}
	RunCodec(t, h)
}

func TestValuesOfTheTestsDiffer(t *testing.T) {
	seen := make(map[string]bool)
	for _, r := range records() {
		text := fmt.Sprint(*r)
		if seen[text] {
			t.Errorf("%s is there twice", text)
		}
		seen[text] = true
	}
	if slices.IsSorted(records()[2].Tags) {
		t.Error("no tags are out of order, so that nobody would notice if they were sorted")
	}
}
