package aeadcodec

import (
	"encoding/binary"
	"errors"
	"strings"
	"testing"

	"github.com/unkn0wn-root/cascache/conformance"
	cascache "github.com/unkn0wn-root/cascache/core"
)

// text is a codec of strings whose encodings have no end of their own, which
// is for the tag to tell.
type text struct{ cascache.String }

func TestConformance(t *testing.T) {
	two := Config{Keys: []Key{keyOf(1), keyOf(2)}, Seal: 2, Scope: "user"}
	for name, test := range map[string]struct {
		inner cascache.Codec[string]
		cfg   Config
	}{
		"one key":           {text{}, one()},
		"two keys":          {text{}, two},
		"over one of these": {mustNew[string](text{}, one()), two},
	} {
		t.Run(name, func(t *testing.T) {
			conformance.RunCodec(t, conformance.CodecHarness[string]{
				New: func(testing.TB) cascache.Codec[string] { return mustNew(test.inner, test.cfg) },
				Values: func() []string {
					return []string{"", "a", "sixteen letters!", strings.Repeat("a longer one ", 30), strings.Repeat("\x00\xff", 5000)}
				},
				Hostile: func() [][]byte {
					return [][]byte{
						nil, {version}, []byte("text"), make([]byte, overhead), make([]byte, 1000),
						append(binary.BigEndian.AppendUint32([]byte{version}, 1), make([]byte, 100)...),
						append(binary.BigEndian.AppendUint32([]byte{version}, 9), make([]byte, 100)...),
					}
				},
			})
		})
	}
	if _, err := mustNew[string](text{}, two).Decode(nil); !errors.Is(err, errShort) {
		t.Errorf("no bytes at all are too few: got %v", err)
	}
}

func mustNew[V any](inner cascache.Codec[V], cfg Config) *Codec[V] {
	codec, err := New(inner, cfg)
	if err != nil {
		panic(err)
	}
	return codec
}
