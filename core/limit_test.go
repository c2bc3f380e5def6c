package cascache

import (
	"errors"
	"testing"
)

func TestLimitAtItsBound(t *testing.T) {
	for _, c := range []struct {
		max   int
		value string
		fits  bool
	}{
		{4, "", true},
		{4, "1234", true},
		{4, "12345", false},
		{1, "12", false},
		{0, "0 is no limit", true},
	} {
		limit := Limit[string]{Codec: String{}, Max: c.max}
		_, encodeErr := limit.Encode(c.value)
		_, appendErr := limit.AppendEncode([]byte("what comes before does not count"), c.value)
		_, decodeErr := limit.Decode([]byte(c.value))
		for name, err := range map[string]error{"Encode": encodeErr, "AppendEncode": appendErr, "Decode": decodeErr} {
			if c.fits && err != nil || !c.fits && !errors.Is(err, ErrValueTooLarge) {
				t.Errorf("a value of more than Max bytes is refused, and no other: %s of %d bytes, Max %d: got %v", name, len(c.value), c.max, err)
			}
		}
	}
}

func TestLimitPassesOnWhatTheInnerCodecSays(t *testing.T) {
	inner := &scriptedCodec{encode: func(string) ([]byte, error) { return nil, errRefused }, decode: func([]byte) (string, error) { return "", errRefused }}
	limit := Limit[string]{Codec: inner, Max: 100}
	_, encodeErr := limit.Encode("v")
	_, appendErr := limit.AppendEncode(nil, "v")
	_, decodeErr := limit.Decode([]byte("v"))
	for name, err := range map[string]error{"Encode": encodeErr, "AppendEncode": appendErr, "Decode": decodeErr} {
		if !errors.Is(err, errRefused) {
			t.Errorf("the errors of the inner codec come back: %s: got %v, want %v", name, err, errRefused)
		}
	}
	if _, err := (Limit[string]{Codec: appendingCodec{}}).AppendEncode(nil, "refuse"); !errors.Is(err, errRefused) {
		t.Errorf("the errors of the inner codec come back: AppendEncode: got %v, want %v", err, errRefused)
	}
}

// The inner codec never sees bytes that it would spend too much on.
func TestLimitDecodesNothingTooLarge(t *testing.T) {
	limit := Limit[string]{Max: 3, Codec: &scriptedCodec{decode: func([]byte) (string, error) {
		t.Error("bytes over the limit never reach the inner codec")
		return "", nil
	}}}
	if _, err := limit.Decode([]byte("1234")); !errors.Is(err, ErrValueTooLarge) {
		t.Errorf("bytes over the limit are refused: got %v, want %v", err, ErrValueTooLarge)
	}
}

func TestANegativeLimitIsAnErrorOfEveryCall(t *testing.T) {
	limit := Limit[string]{Codec: String{}, Max: -1}
	_, encodeErr := limit.Encode("")
	_, appendErr := limit.AppendEncode(nil, "")
	_, decodeErr := limit.Decode(nil)
	for name, err := range map[string]error{"Encode": encodeErr, "AppendEncode": appendErr, "Decode": decodeErr} {
		if err == nil {
			t.Errorf("a negative limit is an error: %s: got nil", name)
		}
	}
}

func TestLimitAppendsOverAnyCodec(t *testing.T) {
	for name, inner := range map[string]Codec[string]{"appending": String{}, "plain": &scriptedCodec{}} {
		got, err := Limit[string]{Codec: inner}.AppendEncode([]byte("before "), "value")
		if string(got) != "before value" || err != nil {
			t.Errorf("the appending form extends what it is given, over a codec that is %s: got %q, %v", name, got, err)
		}
	}
}

func TestLimitInACache(t *testing.T) {
	r := newRig(t, func(o *Options[string]) { o.Codec = Limit[string]{Codec: String{}, Max: 4} })
	fill(t, r.Handle, "small", "1234")
	wantHit(t, r.Handle, "a value within the limit is stored", "small", "1234")
	if err := r.SetWithGen(t.Context(), "large", "12345", r.SnapshotGen("large"), 0); !errors.Is(err, ErrValueTooLarge) {
		t.Errorf("a value over the limit is the codec's error: got %v, want %v", err, ErrValueTooLarge)
	}
	wantMiss(t, r.Handle, "a value over the limit is not stored", "large")

	// A limit lowered later applies to what is stored.
	lowered := newRig(t, func(o *Options[string]) {
		o.Provider, o.GenStore, o.Codec = r.provider, r.store, Limit[string]{Codec: String{}, Max: 3}
	})
	wantMiss(t, lowered.Handle, "what is stored and over the limit is not served", "small")
	if _, ok := r.provider.entry("single:n:small"); ok {
		t.Error("what is stored and over the limit is dropped: it is still there")
	}
}
