package cascache

import (
	"fmt"
	"sync"
	"time"
	"unsafe"

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

// frame returns what to store for a fill, in a slice of its own: its value, or that
// there is none. entry is the storage key, or empty where nobody has joined prefix
// and key yet. It comes back either way.
func (p *payloads[V]) frame(f filling[V], prefix, entry string) (frame []byte, joined string, err error) {
	if f.absent {
		if entry == "" {
			entry = prefix + f.key
		}
		if f.deps == nil {
			frame, err = p.version.EncodeAbsent(entry, f.gen)
		} else {
			frame, err = p.derived(entry, wire.Entry{Absent: true, Gen: f.gen, Deps: *f.deps})
		}
		return frame, entry, err
	}
	defer func() {
		if r := recover(); r != nil {
			frame, err = nil, fmt.Errorf("cascache: the codec panicked while encoding: %v", r)
		}
	}()
	if p.appender == nil {
		payload, err := p.codec.Encode(f.value)
		if err != nil {
			return nil, entry, err
		}
		return p.wrap(f, payload, prefix, entry)
	}
	buf := scratch.Get().(*[]byte)
	payload, err := p.appender.AppendEncode((*buf)[:0], f.value)
	if err != nil {
		// What came with the error may be anybody's memory.
		scratch.Put(buf)
		return nil, entry, err
	}
	frame, joined, err = p.wrap(f, payload, prefix, entry)
	if cap(payload) <= maxScratch {
		*buf = payload[:0]
	}
	scratch.Put(buf)
	return frame, joined, err
}

// derived returns an entry with dependencies, in a slice of its own.
func (p *payloads[V]) derived(key string, e wire.Entry) ([]byte, error) {
	version := withDeps(p.version)
	e.Loaded = uint64(time.Now().UnixMilli())
	return version.Append(make([]byte, 0, version.Size(len(key), e)), key, e)
}

// wrap puts the frame around the payload of a fill. Where the storage key is still
// to be joined, it lies in the same memory: whoever keeps an entry keeps its key.
func (p *payloads[V]) wrap(f filling[V], payload []byte, prefix, entry string) (frame []byte, joined string, err error) {
	if f.deps != nil {
		if entry == "" {
			entry = prefix + f.key
		}
		frame, err = p.derived(entry, wire.Entry{Gen: f.gen, Deps: *f.deps, Payload: payload})
		return frame, entry, err
	}
	if entry != "" {
		frame, err = p.version.EncodeSingle(entry, f.gen, payload)
		return frame, entry, err
	}
	n := len(prefix) + len(f.key)
	both := make([]byte, 0, n+p.version.SingleSize(n, len(payload)))
	both = append(append(both, prefix...), f.key...)
	// A string for good: nothing writes to these bytes from here on.
	entry = unsafe.String(unsafe.SliceData(both), n)
	frame, err = p.version.AppendSingle(both[n:], entry, f.gen, payload)
	if err != nil {
		return nil, entry, err
	}
	return frame, entry, nil
}

// openEntry opens what is stored under the entry prefix+key: a value, or the note
// that the source has none. entry is the two joined, or empty where nobody has done
// so yet.
func openEntry(version wire.Version, raw []byte, prefix, key, entry string, into *wire.Entry) error {
	version = versionOf(version, raw)
	if entry == "" && version != wire.Version1 && version != wire.Version3 { // these know no key
		entry = prefix + key
	}
	return version.Decode(raw, entry, into)
}

// versionByte is where an entry says of which version it is.
const versionByte = 4

// versionOf returns the version to read an entry in: the cache's own, unless it says
// that it is the one with dependencies.
func versionOf(version wire.Version, raw []byte) wire.Version {
	if len(raw) > versionByte && raw[versionByte] == byte(wire.Version3) {
		return withDeps(version)
	}
	return version
}

// withDeps returns the version of entries with dependencies of a cache whose others
// have that version.
func withDeps(version wire.Version) wire.Version {
	if version == wire.Version2 {
		return wire.Version3Checked
	}
	return wire.Version3
}
