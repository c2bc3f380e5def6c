package aeadcodec

import (
	"bytes"
	"errors"
	"strings"
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

func (refusing) Encode([]byte) ([]byte, error) { return nil, errInner }

func (refusing) Decode([]byte) ([]byte, error) { return nil, errInner }

func (refusing) AppendEncode([]byte, []byte) ([]byte, error) { return nil, errInner }

func TestErrorsOfTheInnerCodecComeBack(t *testing.T) {
	data, err := open(t, verbatim{}, one()).Encode(secretText)
	if err != nil {
		t.Fatal(err)
	}
	for name, inner := range map[string]cascache.Codec[[]byte]{"appending": refusing{}, "plain": plain{refusing{}}} {
		codec := open(t, inner, one())
		_, encodeErr := codec.Encode(nil)
		_, appendErr := codec.AppendEncode(nil, nil)
		_, decodeErr := codec.Decode(data)
		for call, err := range map[string]error{"Encode": encodeErr, "AppendEncode": appendErr, "Decode": decodeErr} {
			if !errors.Is(err, errInner) {
				t.Errorf("the errors of the inner codec come back: %s, %s: got %v", name, call, err)
			}
		}
	}
}

// hollow has the method to append, and not the ability: what it wraps has none.
type hollow struct{ plain }

func (hollow) AppendEncode([]byte, []byte) ([]byte, error) { return nil, errInner }

func (h hollow) Unwrap() any { return h.plain }

func TestMethodsWithoutTheAbilityAreNotCalled(t *testing.T) {
	codec := open(t, hollow{plain{verbatim{}}}, one())
	data, err := codec.AppendEncode(nil, secretText)
	if err != nil {
		t.Fatalf("an ability counts if all of the chain has it, and is not used otherwise: got %v", err)
	}
	if got, err := codec.Decode(data); err != nil || !bytes.Equal(got, secretText) {
		t.Errorf("a value comes back as it was: got %q, %v", got, err)
	}
}

func TestAbilityToAppendIsThatOfTheInnerCodec(t *testing.T) {
	over := func(inner cascache.Codec[[]byte]) any { return open(t, inner, one()) }
	for name, test := range map[string]struct {
		codec any
		want  bool
	}{
		"over one that appends":             {over(verbatim{}), true},
		"over one that does not":            {over(plain{verbatim{}}), false},
		"over two, and one that appends":    {over(open(t, verbatim{}, one())), true},
		"over two, and one that does not":   {over(open(t, plain{verbatim{}}, one())), false},
		"over Limit, and one that does not": {over(cascache.Limit[[]byte]{Codec: plain{verbatim{}}}), false},
	} {
		if _, got := cascache.AbilityOf[cascache.AppendEncoder[[]byte]](test.codec); got != test.want {
			t.Errorf("a decorator has the ability to append if all of its chain has it: %s: got %t, want %t", name, got, test.want)
		}
	}
	if got := open(t, verbatim{}, one()).Unwrap(); got != (verbatim{}) {
		t.Errorf("Unwrap returns the inner codec: got %T", got)
	}
}

// The payload of the inner codec is sealed where it is: beyond what the
// derivation of a key allocates there is nothing on the way in, and the
// decrypted payload on the way out.
func TestAllocations(t *testing.T) {
	if raceEnabled {
		t.Skip("counts differ under -race")
	}
	codec := open(t, verbatim{}, one())
	derivation := testing.AllocsPerRun(100, func() { codec.keys.seal.cipher().message(make([]byte, halfNonce)) })
	value, dst := make([]byte, 5000), make([]byte, 0, 6000)
	if got := testing.AllocsPerRun(100, func() {
		if _, err := codec.AppendEncode(dst, value); err != nil {
			t.Fatal(err)
		}
	}); got > derivation {
		t.Errorf("AppendEncode into a buffer with room allocates what the derivation of a key does: got %v allocations, want %v", got, derivation)
	}
	for name, inner := range map[string]cascache.Codec[[]byte]{"appends": verbatim{}, "does not append": plain{verbatim{}}} {
		codec, most := open(t, inner, one()), derivation+1
		if name == "appends" {
			most += 2 // the header's, and that of the inner codec
		}
		if got := testing.AllocsPerRun(100, func() {
			if _, err := codec.Encode(value); err != nil {
				t.Fatal(err)
			}
		}); got > most {
			t.Errorf("Encode over a codec that %s allocates what the derivation of a key does, and its result: got %v allocations, want %v", name, got, most)
		}
	}
	data, err := codec.Encode(value)
	if err != nil {
		t.Fatal(err)
	}
	if got := testing.AllocsPerRun(100, func() {
		if _, err := codec.Decode(data); err != nil {
			t.Fatal(err)
		}
	}); got > derivation+1 {
		t.Errorf("Decode allocates what the derivation of a key does, and the payload: got %v allocations, want %v", got, derivation+1)
	}
}

func TestNewRefusesAnInnerCodecThatWouldPanic(t *testing.T) {
	for what, inner := range map[string]cascache.Codec[[]byte]{
		"is nil":              nil,
		"*cascache.Limit":     (*cascache.Limit[[]byte])(nil),
		"a cascache.Limit":    cascache.Limit[[]byte]{Max: 5},
		"*aeadcodec.verbatim": cascache.Limit[[]byte]{Codec: &Codec[[]byte]{inner: (*verbatim)(nil)}},
		"a *aeadcodec.Codec":  new(Codec[[]byte]),
	} {
		if codec, err := New(inner, one()); err == nil || codec != nil || !strings.Contains(err.Error(), what) {
			t.Errorf("an inner codec that would panic is an error that names it: want %q, got %v, %v", what, codec, err)
		}
	}
}
