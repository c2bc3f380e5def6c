package cascache

import (
	"fmt"
	"sync"

	"github.com/unkn0wn-root/cascache/wire"
)

// maxScratch is the largest buffer kept for the next encoding.
const maxScratch = 64 << 10

// scratch lends buffers to appending codecs. What they encode is copied out at
// its exact size, since the entry may live for hours.
var scratch = sync.Pool{New: func() any { return new([]byte) }}

// payloads runs a codec and guards against one that panics.
type payloads[V any] struct {
	codec    Codec[V]
	appender AppendEncoder[V] // nil: the codec has no appending form
}

func newPayloads[V any](codec Codec[V]) payloads[V] {
	appender, _ := AbilityOf[AppendEncoder[V]](codec)
	return payloads[V]{codec: codec, appender: appender}
}

func (p *payloads[V]) decode(payload []byte) (value V, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("cascache: the codec panicked while decoding: %v", r)
		}
	}()
	return p.codec.Decode(payload)
}

// frame returns the single entry of value under gen, in a slice of its own.
func (p *payloads[V]) frame(value V, gen uint64) (frame []byte, err error) {
	defer func() {
		if r := recover(); r != nil {
			frame, err = nil, fmt.Errorf("cascache: the codec panicked while encoding: %v", r)
		}
	}()
	if p.appender == nil {
		payload, err := p.codec.Encode(value)
		if err != nil {
			return nil, err
		}
		return wire.EncodeSingle(gen, payload)
	}
	buf := scratch.Get().(*[]byte)
	payload, err := p.appender.AppendEncode((*buf)[:0], value)
	if err != nil {
		// What came with the error may be anybody's memory.
		scratch.Put(buf)
		return nil, err
	}
	frame, err = wire.EncodeSingle(gen, payload)
	if cap(payload) <= maxScratch {
		*buf = payload[:0]
	}
	scratch.Put(buf)
	return frame, err
}
