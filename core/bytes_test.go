package cascache

import (
	"bytes"
	"testing"
)

func TestBytesRoundTrip(t *testing.T) {
	for name, value := range map[string][]byte{"nil": nil, "empty": {}, "text": []byte("text"), "zeros": make([]byte, 1000)} {
		encoded, err := Bytes{}.Encode(value)
		if err != nil || !bytes.Equal(encoded, value) {
			t.Errorf("%s: the bytes of a value are the value: got %q, %v", name, encoded, err)
		}
		decoded, err := Bytes{}.Decode(encoded)
		if err != nil || !bytes.Equal(decoded, value) || decoded == nil {
			t.Errorf("%s: a value comes back as it was, nil as empty: got %#v, %v", name, decoded, err)
		}
	}
}

// Neither the stored entry nor what other readers got shows what one reader
// does with its value.
func TestBytesAreTheReadersOwn(t *testing.T) {
	provider := newMapProvider()
	h := open(t, Options[[]byte]{Namespace: "n", Provider: provider, Codec: Bytes{}})
	value := []byte("value")
	fill(t, h, "k", value)
	copy(value, "SPOIL")
	for range 2 {
		got, ok, err := h.Get(t.Context(), "k")
		if string(got) != "value" || !ok || err != nil {
			t.Fatalf("a stored value is a copy, and a decoded one the reader's own: got %q, %v, %v", got, ok, err)
		}
		copy(got, "spoil")
		_ = append(got, "more"...)
	}
}
