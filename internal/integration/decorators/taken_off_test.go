package decorators

import (
	"strings"
	"testing"

	"google.golang.org/protobuf/types/known/wrapperspb"

	aeadcodec "github.com/unkn0wn-root/cascache/codec-aead"
	cborcodec "github.com/unkn0wn-root/cascache/codec-cbor"
	jsoncodec "github.com/unkn0wn-root/cascache/codec-json"
	msgpackcodec "github.com/unkn0wn-root/cascache/codec-msgpack"
	protocodec "github.com/unkn0wn-root/cascache/codec-proto"
	cascache "github.com/unkn0wn-root/cascache/core"
)

// What the documentation of the decorators says of entries from before one was
// put on or taken off: they are refused, not misread.
func TestDecoratorsPutOnAndTakenOff(t *testing.T) {
	small, large := page{ID: 1}, pageOf(1)
	t.Run("json", func(t *testing.T) { putOnAndTakeOff(t, jsoncodec.JSON[page]{}, small, large) })
	t.Run("cbor", func(t *testing.T) { putOnAndTakeOff(t, cborcodec.CBOR[page]{}, small, large) })
	t.Run("msgpack", func(t *testing.T) { putOnAndTakeOff(t, msgpackcodec.Msgpack[page]{}, small, large) })
	t.Run("proto", func(t *testing.T) {
		putOnAndTakeOff(t, protocodec.Proto[*wrapperspb.StringValue]{}, wrapperspb.String("small"), wrapperspb.String(strings.Repeat("large ", 500)))
	})
}

func putOnAndTakeOff[V any](t *testing.T, bare cascache.Codec[V], values ...V) {
	codecs := map[string]cascache.Codec[V]{
		"bare": bare,
		"zstd": compress(t, bare),
		"aead": seal(t, bare, aeadcodec.Config{Keys: []aeadcodec.Key{keyOf(t, 1)}}),
	}
	for from, writer := range codecs {
		for to, reader := range codecs {
			for i, value := range values {
				data, err := writer.Encode(value)
				if err != nil {
					t.Fatal(err)
				}
				if got, err := reader.Decode(data); (err == nil) != (from == to) {
					t.Errorf("only the codec that wrote an entry reads it: value %d, written by %s, read by %s: got %v, %v", i, from, to, got, err)
				}
			}
		}
	}
}
