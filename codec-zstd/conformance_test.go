package zstdcodec

import (
	"encoding/binary"
	"errors"
	"testing"

	"github.com/unkn0wn-root/cascache/conformance"
	cascache "github.com/unkn0wn-root/cascache/core"
)

// framed is a codec of strings that tells where an encoding ends, as those of
// structured values do.
type framed struct{}

func (framed) Encode(value string) ([]byte, error) { return framed{}.AppendEncode(nil, value) }

func (framed) AppendEncode(dst []byte, value string) ([]byte, error) {
	return append(binary.BigEndian.AppendUint32(dst, uint32(len(value))), value...), nil
}

func (framed) Decode(data []byte) (string, error) {
	if len(data) < 4 || uint64(len(data)-4) != uint64(binary.BigEndian.Uint32(data)) {
		return "", errors.New("not a length and as many bytes")
	}
	return string(data[4:]), nil
}

func TestConformance(t *testing.T) {
	for name, test := range map[string]struct {
		inner cascache.Codec[string]
		cfg   Config
	}{
		"as it comes":       {framed{}, Config{}},
		"compressing all":   {framed{}, Config{MinSize: 1, MaxDecoded: 1 << 20}},
		"over one of these": {mustNew(framed{}, Config{Level: Balanced}), Config{MinSize: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			conformance.RunCodec(t, conformance.CodecHarness[string]{
				New: func(testing.TB) cascache.Codec[string] { return mustNew(test.inner, test.cfg) },
				Values: func() []string {
					return []string{"", "a", "two words", string(text(511)), string(text(2000)), string(noise(3000)), string(make([]byte, 5000))}
				},
				Refused: func() []string { return []string{string(make([]byte, DefaultMaxDecoded+1))} },
				Hostile: func() [][]byte {
					return [][]byte{
						nil, {stored}, {compressed}, {0}, []byte("text"),
						append([]byte{compressed}, frameOf(1<<40, lastBlock(raw, 1, []byte("a")))...),
						append([]byte{compressed}, frameOf(64<<20, lastBlock(repeated, maxBlock, []byte("a")))...),
					}
				},
			})
		})
	}
}

func mustNew[V any](inner cascache.Codec[V], cfg Config) *Codec[V] {
	codec, err := New(inner, cfg)
	if err != nil {
		panic(err)
	}
	return codec
}
