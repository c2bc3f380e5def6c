package zstdcodec

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"github.com/klauspost/compress/zstd"

	cascache "github.com/unkn0wn-root/cascache/core"
)

// A twin is a codec with single faults: functions that take the place of the
// right ones.
type twin struct {
	*Codec[[]byte]
	encode func(c *Codec[[]byte], value []byte) ([]byte, error)
	append func(c *Codec[[]byte], dst, value []byte) ([]byte, error)
	decode func(c *Codec[[]byte], data []byte) ([]byte, error)
}

func (t twin) Encode(value []byte) ([]byte, error) {
	if t.encode != nil {
		return t.encode(t.Codec, value)
	}
	return t.Codec.Encode(value)
}

func (t twin) AppendEncode(dst, value []byte) ([]byte, error) {
	if t.append != nil {
		return t.append(t.Codec, dst, value)
	}
	return t.Codec.AppendEncode(dst, value)
}

func (t twin) Decode(data []byte) ([]byte, error) {
	if t.decode != nil {
		return t.decode(t.Codec, data)
	}
	return t.Codec.Decode(data)
}

// unframed decodes with a decoder of the library, without looking at the frame
// first, as one writes it the first time.
func unframed(options ...zstd.DOption) func(*Codec[[]byte], []byte) ([]byte, error) {
	dec, err := zstd.NewReader(nil, append(options, zstd.WithDecoderConcurrency(1))...)
	if err != nil {
		panic(err)
	}
	return func(c *Codec[[]byte], data []byte) ([]byte, error) {
		if len(data) > 0 && data[0] == compressed {
			return dec.DecodeAll(data[1:], nil)
		}
		return c.Decode(data)
	}
}

// Every rule must be able to fail: each of these twins has a fault that one or
// more rules name, and no other.
func TestBrokenTwinsAreFound(t *testing.T) {
	if testing.Short() && raceEnabled {
		t.Skip("no goroutines meet here: the short form tries this without -race")
	}
	var reused []byte
	for _, test := range []struct {
		fault string
		found []string
		twin  twin
	}{
		{
			"decodes another value than it encoded",
			[]string{"a value comes back as it was"},
			twin{decode: func(c *Codec[[]byte], data []byte) ([]byte, error) {
				value, err := c.Decode(data)
				if len(value) == 513 {
					value = value[1:]
				}
				return value, err
			}},
		},
		{
			"compresses everything",
			[]string{"what is too small to gain anything stays as it is", "what does not shrink stays as it is"},
			twin{encode: func(c *Codec[[]byte], value []byte) ([]byte, error) {
				if _, err := c.Encode(value); err != nil || len(value) == 0 {
					return []byte{stored}, err
				}
				return encode(c.encoders, []byte{compressed}, value), nil
			}, append: func(c *Codec[[]byte], dst, value []byte) ([]byte, error) {
				if _, err := c.Encode(value); err != nil || len(value) == 0 {
					return append(dst, stored), err
				}
				return encode(c.encoders, append(dst, compressed), value), nil
			}},
		},
		{
			"compresses nothing",
			[]string{"what shrinks is compressed"},
			twin{encode: func(c *Codec[[]byte], value []byte) ([]byte, error) {
				if _, err := c.Encode(value); err != nil || len(value) != 10_000 {
					return c.Encode(value)
				}
				return append([]byte{stored}, value...), nil
			}},
		},
		{
			"overwrites what it is to append to",
			[]string{"AppendEncode appends what Encode returns"},
			twin{append: func(c *Codec[[]byte], dst, value []byte) ([]byte, error) { return c.AppendEncode(dst[:0], value) }},
		},
		{
			"returns the same buffer again",
			[]string{"the result of Encode is not used again"},
			twin{encode: func(c *Codec[[]byte], value []byte) ([]byte, error) {
				out, err := c.AppendEncode(reused[:0], value)
				if err == nil {
					reused = out
				}
				return out, err
			}},
		},
		{
			"decompresses into the same buffer again",
			[]string{"the memory given to the inner codec is not used again"},
			twin{decode: func(c *Codec[[]byte], data []byte) ([]byte, error) {
				value, err := c.Decode(data)
				if len(value) == 1000 {
					reused = append(reused[:0], value...)
					return reused, err
				}
				return value, err
			}},
		},
		{
			"writes to its input",
			[]string{"Decode leaves its input alone"},
			twin{decode: func(c *Codec[[]byte], data []byte) ([]byte, error) {
				value, err := c.Decode(data)
				if err == nil && len(value) == 5000 {
					data[0] = 0
				}
				return value, err
			}},
		},
		{
			"ignores the checksum",
			[]string{"a changed bit is noticed, or changes nothing"},
			twin{decode: func(c *Codec[[]byte], data []byte) ([]byte, error) {
				if value, err := c.Decode(data); err == nil || len(data) == 0 || data[0] != compressed {
					return value, err
				}
				size, err := decodedSize(data[1:])
				if err != nil || size > uint64(c.cfg.MaxDecoded) || size > 1<<16 {
					return nil, errors.New("refused")
				}
				return unframed(zstd.IgnoreChecksum(true), zstd.WithDecoderMaxMemory(1<<16))(c, data)
			}},
		},
		{
			"takes what there is of a truncated frame",
			[]string{"a truncated frame is refused"},
			twin{decode: func(c *Codec[[]byte], data []byte) ([]byte, error) {
				value, err := c.Decode(data)
				if len(data) > 100_000/6 && len(data) < 300_000 && data[0] == compressed && bytes.HasPrefix(data[1:], []byte(magic+"\xa4")) {
					return value, nil
				}
				return value, err
			}},
		},
		{
			"hands the frame to the library as it is",
			[]string{
				"what follows a frame is refused",
				"what does not begin as a payload does is refused",
				"a frame of another form than Encode makes is refused",
				"a claimed size costs nothing",
				"a truncated frame is refused",
				"nothing decompresses to more than MaxDecoded, or to more than it says",
			},
			twin{decode: unframed()},
		},
		{
			"trusts the size that a frame claims",
			[]string{"a claimed size costs nothing"},
			twin{decode: func(c *Codec[[]byte], data []byte) ([]byte, error) {
				var header zstd.Header
				if len(data) > 0 && header.Decode(data[1:]) == nil && header.FrameContentSize <= uint64(c.cfg.MaxDecoded) {
					reused = make([]byte, header.FrameContentSize)
				}
				return c.Decode(data)
			}},
		},
		{
			"has no limit",
			[]string{"nothing decompresses to more than MaxDecoded, or to more than it says", "Encode refuses what Decode would, and nothing else"},
			twin{decode: func(c *Codec[[]byte], data []byte) ([]byte, error) {
				lax := *c
				lax.cfg.MaxDecoded = DefaultMaxDecoded
				return lax.Decode(data)
			}, encode: func(c *Codec[[]byte], value []byte) ([]byte, error) {
				lax := *c
				lax.cfg.MaxDecoded = DefaultMaxDecoded
				return lax.Encode(value)
			}},
		},
		{
			"limits Decode alone",
			[]string{"Encode refuses what Decode would, and nothing else"},
			twin{encode: func(c *Codec[[]byte], value []byte) ([]byte, error) {
				lax := *c
				lax.cfg.MaxDecoded = DefaultMaxDecoded
				return lax.Encode(value)
			}},
		},
		{
			"takes bytes without a marker for stored ones",
			[]string{"what does not begin as a payload does is refused"},
			twin{decode: func(c *Codec[[]byte], data []byte) ([]byte, error) {
				if len(data) > 0 && data[0] < stored {
					return data, nil
				}
				return c.Decode(data)
			}},
		},
	} {
		t.Run(test.fault, func(t *testing.T) {
			var found []string
			for _, r := range rules {
				if r.try(func(cfg Config) subject {
					broken := test.twin
					broken.Codec = open(t, verbatim{}, cfg)
					return broken
				}) != nil {
					found = append(found, r.name)
				}
			}
			for _, name := range test.found {
				if !slices.Contains(found, name) {
					t.Errorf("a codec that %s breaks the rule %q, and passes", test.fault, name)
				}
			}
			for _, name := range found {
				if !slices.Contains(test.found, name) {
					t.Errorf("a codec that %s keeps the rule %q, and fails it", test.fault, name)
				}
			}
		})
	}
}

var _ cascache.Wrapper = twin{}
