package zstdcodec

import (
	"bytes"
	"errors"
	"testing"

	cascache "github.com/unkn0wn-root/cascache/core"
)

var (
	_ cascache.Codec[any]         = (*Codec[any])(nil)
	_ cascache.AppendEncoder[any] = (*Codec[any])(nil)
	_ cascache.Wrapper            = (*Codec[any])(nil)
)

var errInner = errors.New("the inner codec refuses")

// refusing is an inner codec that fails.
type refusing struct{}

func (refusing) Encode([]byte) ([]byte, error)               { return nil, errInner }
func (refusing) Decode([]byte) ([]byte, error)               { return nil, errInner }
func (refusing) AppendEncode([]byte, []byte) ([]byte, error) { return nil, errInner }

func TestErrorsOfTheInnerCodecComeBack(t *testing.T) {
	data, err := open(t, verbatim{}, Config{}).Encode(text(1000))
	if err != nil {
		t.Fatal(err)
	}
	for name, inner := range map[string]cascache.Codec[[]byte]{"appending": refusing{}, "plain": plain{refusing{}}} {
		codec := open(t, inner, Config{})
		_, encodeErr := codec.Encode(nil)
		_, appendErr := codec.AppendEncode(nil, nil)
		_, decodeErr := codec.Decode(data)
		_, storedErr := codec.Decode([]byte{stored})
		for call, err := range map[string]error{"Encode": encodeErr, "AppendEncode": appendErr, "Decode": decodeErr, "Decode of what is stored": storedErr} {
			if !errors.Is(err, errInner) {
				t.Errorf("the errors of the inner codec come back: %s, %s: got %v", name, call, err)
			}
		}
	}
}

// hollow has the method to append, and not the ability: what it wraps has none.
type hollow struct{ plain }

func (hollow) AppendEncode([]byte, []byte) ([]byte, error) { return nil, errInner }
func (h hollow) Unwrap() any                               { return h.plain }

func TestMethodsWithoutTheAbilityAreNotCalled(t *testing.T) {
	codec := open(t, hollow{plain{verbatim{}}}, Config{})
	data, err := codec.AppendEncode(nil, text(1000))
	if err != nil {
		t.Fatalf("an ability counts if all of the chain has it, and is not used otherwise: got %v", err)
	}
	if got, err := codec.Decode(data); err != nil || !bytes.Equal(got, text(1000)) {
		t.Errorf("a value comes back as it was: got %d bytes, %v", len(got), err)
	}
}

// The inner codec never sees what was refused.
func TestInnerCodecSeesOnlyWhatIsWhole(t *testing.T) {
	codec, err := New[[]byte](tattling{t}, Config{MaxDecoded: 1000})
	if err != nil {
		t.Fatal(err)
	}
	large, err := open(t, verbatim{}, Config{}).Encode(text(1001))
	if err != nil {
		t.Fatal(err)
	}
	for _, data := range [][]byte{nil, {0}, large, large[:len(large)-1], append([]byte{stored}, make([]byte, 1001)...)} {
		if _, err := codec.Decode(data); err == nil {
			t.Errorf("hostile bytes are refused: %d bytes decode", len(data))
		}
	}
}

type tattling struct{ t *testing.T }

func (c tattling) Encode(value []byte) ([]byte, error) { return value, nil }
func (c tattling) Decode(data []byte) ([]byte, error) {
	c.t.Errorf("what is refused never reaches the inner codec: it got %d bytes", len(data))
	return data, nil
}

func TestAbilityToAppendIsThatOfTheInnerCodec(t *testing.T) {
	over := func(inner cascache.Codec[[]byte]) any { return open(t, inner, Config{}) }
	for name, test := range map[string]struct {
		codec any
		want  bool
	}{
		"over one that appends":               {over(verbatim{}), true},
		"over one that does not":              {over(plain{verbatim{}}), false},
		"over two, and one that appends":      {over(open(t, verbatim{}, Config{})), true},
		"over two, and one that does not":     {over(open(t, plain{verbatim{}}, Config{})), false},
		"over Limit, and one that does not":   {over(cascache.Limit[[]byte]{Codec: plain{verbatim{}}}), false},
		"under Limit, and over one that does": {cascache.Limit[[]byte]{Codec: open(t, verbatim{}, Config{})}, true},
	} {
		if _, got := cascache.AbilityOf[cascache.AppendEncoder[[]byte]](test.codec); got != test.want {
			t.Errorf("a decorator has the ability to append if all of its chain has it: %s: got %t, want %t", name, got, test.want)
		}
	}
	if got := open(t, verbatim{}, Config{}).Unwrap(); got != (verbatim{}) {
		t.Errorf("Unwrap returns the inner codec: got %T", got)
	}
}

// What is not worth compressing, by what it saves.
func TestSavingLessThanAnEighthIsNotWorthIt(t *testing.T) {
	codec := open(t, verbatim{}, Config{})
	for _, test := range []struct {
		zeros int // percent; the rest is noise
		want  byte
	}{{8, stored}, {17, compressed}} {
		const n = 20_000
		payload := append(make([]byte, n*test.zeros/100), noise(n*(100-test.zeros)/100)...)
		if frame := encode(codec.encoders, nil, payload); len(frame) >= n {
			t.Fatalf("the library finds nothing to save in %d %% of zeros, so the test shows nothing", test.zeros)
		}
		data, err := codec.Encode(payload)
		if err != nil {
			t.Fatal(err)
		}
		if data[0] != test.want {
			t.Errorf("what shrinks by less than an eighth is stored, and what shrinks by more is not: %d %% of zeros: got %#x, want %#x", test.zeros, data[0], test.want)
		}
	}
}

func TestDecodeReadsWhateverMinSizeWas(t *testing.T) {
	eager, lazy := open(t, verbatim{}, Config{MinSize: 1}), open(t, verbatim{}, Config{MinSize: 1 << 20})
	payload := text(400)
	for _, codec := range []*Codec[[]byte]{eager, lazy} {
		data, err := codec.Encode(payload)
		if err != nil {
			t.Fatal(err)
		}
		for _, reader := range []*Codec[[]byte]{eager, lazy} {
			if got, err := reader.Decode(data); err != nil || !bytes.Equal(got, payload) {
				t.Errorf("entries stay readable when MinSize changes: got %d bytes, %v", len(got), err)
			}
		}
	}
}

func TestAllocations(t *testing.T) {
	if raceEnabled {
		t.Skip("sync.Pool drops things at random under -race")
	}
	codec := open(t, verbatim{}, Config{})
	dst := make([]byte, 0, 10_000)
	for _, n := range []int{100, 2000} {
		payload := text(n)
		if got := testing.AllocsPerRun(100, func() {
			if _, err := codec.AppendEncode(dst, payload); err != nil {
				t.Fatal(err)
			}
		}); got > 0 {
			t.Errorf("AppendEncode into a buffer with room allocates nothing of its own: %d bytes: got %v allocations", n, got)
		}
		data, err := codec.Encode(payload)
		if err != nil {
			t.Fatal(err)
		}
		want := 1.0
		if data[0] == stored {
			want = 0
		}
		if got := testing.AllocsPerRun(100, func() {
			if _, err := codec.Decode(data); err != nil {
				t.Fatal(err)
			}
		}); got > want {
			t.Errorf("Decode allocates what it hands to the inner codec, if that is not the input, and nothing else: %d bytes: got %v allocations, want %v", n, got, want)
		}
	}
}
