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
	version  wire.Version
	codec    Codec[V]
	appender AppendEncoder[V] // nil: the codec has no appending form
}

func newPayloads[V any](codec Codec[V], version wire.Version) payloads[V] {
	appender, _ := AbilityOf[AppendEncoder[V]](codec)
	return payloads[V]{version: version, codec: codec, appender: appender}
}

func (p *payloads[V]) decode(payload []byte) (value V, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("cascache: the codec panicked while decoding: %v", r)
		}
	}()
	return p.codec.Decode(payload)
}

// frame returns what to store under the key entry, in a slice of its own: value,
// or that there is none.
func (p *payloads[V]) frame(f filling[V], entry string) (frame []byte, err error) {
	if f.absent {
		return p.version.EncodeAbsent(entry, f.gen)
	}
	defer func() {
		if r := recover(); r != nil {
			frame, err = nil, fmt.Errorf("cascache: the codec panicked while encoding: %v", r)
		}
	}()
	if p.appender == nil {
		payload, err := p.codec.Encode(f.value)
		if err != nil {
			return nil, err
		}
		return p.version.EncodeSingle(entry, f.gen, payload)
	}
	buf := scratch.Get().(*[]byte)
	payload, err := p.appender.AppendEncode((*buf)[:0], f.value)
	if err != nil {
		// What came with the error may be anybody's memory.
		scratch.Put(buf)
		return nil, err
	}
	frame, err = p.version.EncodeSingle(entry, f.gen, payload)
	if cap(payload) <= maxScratch {
		*buf = payload[:0]
	}
	scratch.Put(buf)
	return frame, err
}

// open opens what is stored under the entry prefix+key: a value, or the note that
// the source has none. entry is the two joined, or empty where nobody has done so
// yet.
func (p *payloads[V]) open(raw []byte, prefix, key, entry string) (gen uint64, payload []byte, kind wire.Kind, err error) {
	if entry == "" && p.version != wire.Version1 { // version 1 knows no key
		entry = prefix + key
	}
	kind, gen, payload, err = p.version.DecodeEntry(raw, entry)
	return gen, payload, kind, err
}
