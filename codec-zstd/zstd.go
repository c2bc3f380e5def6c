package zstdcodec

import (
	"errors"
	"fmt"
	"slices"
	"sync"

	cascache "github.com/unkn0wn-root/cascache/core"
)

// Codec compresses the payloads of another codec. All methods may be called
// concurrently, if those of the other codec may.
//
// It forwards the ability to append: a Codec is a cascache.AppendEncoder to a
// cache if everything that it wraps is.
type Codec[V any] struct {
	inner    cascache.Codec[V]
	appender cascache.AppendEncoder[V] // nil: inner has no appending form
	cfg      Config
	encoders *pool[encoder]
	decoders *pool[decoder]
}

// The first byte of a payload. See the package documentation for the choice.
const (
	stored     = 0xFE
	compressed = 0xFF
)

// keptScratch is the capacity up to which a buffer is kept for the next Encode:
// one huge value must not pin its memory.
const keptScratch = 256 << 10

var scratch = sync.Pool{New: func() any { return new([]byte) }}

var errEmpty = errors.New("zstdcodec: decode: no bytes at all")

// New returns a codec that compresses what inner encodes. Its error names the
// field of cfg that is out of range.
func New[V any](inner cascache.Codec[V], cfg Config) (*Codec[V], error) {
	if err := checkInner(inner); err != nil {
		return nil, err
	}
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	appender, _ := cascache.AbilityOf[cascache.AppendEncoder[V]](inner)
	return &Codec[V]{
		inner:    inner,
		appender: appender,
		cfg:      cfg,
		encoders: encodersOf(cfg.Level),
		decoders: allDecoders(),
	}, nil
}

// Unwrap returns the inner codec.
func (c *Codec[V]) Unwrap() any { return c.inner }

// Encode returns the payload of value, which the codec does not use again.
func (c *Codec[V]) Encode(value V) ([]byte, error) {
	return c.AppendEncode(nil, value)
}

// AppendEncode appends the payload of value to dst. Where the inner codec
// appends too, a payload that is stored as it is goes straight to its place.
func (c *Codec[V]) AppendEncode(dst []byte, value V) ([]byte, error) {
	start := len(dst)
	if c.appender == nil {
		payload, err := c.inner.Encode(value) // may be the value's own memory
		if err != nil {
			return nil, err
		}
		if err := c.check("encoded", uint64(len(payload))); err != nil {
			return nil, err
		}
		dst, shrunk := c.compress(dst, start, payload)
		if !shrunk {
			dst = append(append(dst, stored), payload...)
		}
		return dst, nil
	}
	dst, err := c.appender.AppendEncode(append(dst, stored), value)
	if err != nil {
		return nil, err
	}
	payload := dst[start+1:]
	if err := c.check("encoded", uint64(len(payload))); err != nil {
		return nil, err
	}
	dst, _ = c.compress(dst, start, payload)
	return dst, nil
}

// compress puts the frame of payload, which may be a part of dst, into dst from
// start on, and reports whether that was worth it. If not, dst stays as it is.
func (c *Codec[V]) compress(dst []byte, start int, payload []byte) ([]byte, bool) {
	if len(payload) < c.cfg.MinSize || len(payload) == 0 {
		return dst, false
	}
	buf := scratch.Get().(*[]byte)
	// Half is enough for most, and one growth more for the rest.
	frame := encode(c.encoders, slices.Grow((*buf)[:0], len(payload)/2), payload)
	worth := len(frame) <= len(payload)-len(payload)/8
	if worth {
		dst = append(append(dst[:start], compressed), frame...)
	}
	if cap(frame) <= keptScratch {
		*buf = frame
	}
	scratch.Put(buf)
	return dst, worth
}

// Decode returns the value that data holds. What the inner codec decodes is
// either a part of data or a buffer that nobody uses again, so a codec whose
// values share memory with their input keeps to its documentation.
func (c *Codec[V]) Decode(data []byte) (V, error) {
	payload, err := c.payload(data)
	if err != nil {
		var none V
		return none, err
	}
	return c.inner.Decode(payload)
}

func (c *Codec[V]) payload(data []byte) ([]byte, error) {
	if len(data) == 0 {
		return nil, errEmpty
	}
	marker, rest := data[0], data[1:]
	switch marker {
	case stored:
		return rest, c.check("stored", uint64(len(rest)))
	case compressed:
		size, err := decodedSize(rest)
		if err != nil {
			return nil, err
		}
		if err := c.check("compressed", size); err != nil {
			return nil, err
		}
		return decode(c.decoders, rest, int(size))
	}
	return nil, fmt.Errorf("zstdcodec: decode: the first byte is %#02x; it must be %#02x or %#02x", marker, stored, compressed)
}

func (c *Codec[V]) check(what string, size uint64) error {
	if size <= uint64(c.cfg.MaxDecoded) {
		return nil
	}
	return fmt.Errorf("zstdcodec: %w: %d bytes %s, at most %d allowed", cascache.ErrValueTooLarge, size, what, c.cfg.MaxDecoded)
}
