package zstdcodec

import (
	"fmt"
	"runtime"
	"sync"

	"github.com/klauspost/compress/zstd"
)

type (
	encoder = zstd.Encoder
	decoder = zstd.Decoder
)

const (
	// window bounds how far back an encoder looks, and with it its memory.
	// More finds hardly anything more in rows.
	window = 512 << 10

	// keptResult is the size up to which a decoder is used again. It holds on
	// to what it made until its next call.
	keptResult = 1 << 20
)

// A pool lends what is costly to make, and makes no more of it than its size.
// The library's own pools make all of it at the first call.
type pool[T any] struct {
	idle chan *T
	made chan struct{} // one for each that exists
	make func() *T
}

func newPool[T any](size int, make_ func() *T) *pool[T] {
	return &pool[T]{idle: make(chan *T, size), made: make(chan struct{}, size), make: make_}
}

// get returns one that is idle, else a new one, else waits. Every get is
// followed by one call of put or drop.
func (p *pool[T]) get() *T {
	select {
	case t := <-p.idle:
		return t
	default:
	}
	select {
	case t := <-p.idle:
		return t
	case p.made <- struct{}{}:
		return p.make()
	}
}

func (p *pool[T]) put(t *T) { p.idle <- t }

// drop leaves room for another one to be made.
func (p *pool[T]) drop() { <-p.made }

// encoders are the pools by level, made when a level is first asked for.
var encoders = func() (pools [Best + 1]func() *pool[encoder]) {
	for level := Fastest; level <= Best; level++ {
		pools[level] = sync.OnceValue(func() *pool[encoder] {
			return newPool(runtime.GOMAXPROCS(0), func() *encoder { return newEncoder(level) })
		})
	}
	return pools
}()

func encodersOf(level Level) *pool[encoder] { return encoders[level]() }

var allDecoders = sync.OnceValue(func() *pool[decoder] {
	return newPool(runtime.GOMAXPROCS(0), newDecoder)
})

func newEncoder(level Level) *encoder {
	enc, err := zstd.NewWriter(nil,
		level.option(),
		zstd.WithEncoderConcurrency(1),
		zstd.WithWindowSize(window),
		// Half the memory, and no slower to measure.
		zstd.WithLowerEncoderMem(true),
		// All is in memory at both ends, and the content size always known.
		zstd.WithSingleSegment(true),
		// Four bytes, and some percent of the time: without it a changed byte
		// that stands for itself would come back as another value.
		zstd.WithEncoderCRC(true),
	)
	if err != nil {
		panic(fmt.Sprintf("zstdcodec: the options of the encoder: %v", err))
	}
	return enc
}

func newDecoder() *decoder {
	dec, err := zstd.NewReader(nil,
		zstd.WithDecoderConcurrency(1),
		zstd.WithDecoderLowmem(true),
		// decodedSize has bounded all of this before; these see to it that
		// the library agrees. The window of a single segment is its content,
		// which may be larger than the library would have it.
		zstd.WithDecodeAllCapLimit(true),
		zstd.WithDecoderMaxMemory(maxMemory),
		zstd.WithDecoderMaxWindow(maxMemory),
	)
	if err != nil {
		panic(fmt.Sprintf("zstdcodec: the options of the decoder: %v", err))
	}
	return dec
}

// maxMemory is the largest Config.MaxDecoded. That of a codec is checked
// before a decoder sees anything.
const maxMemory = 1<<31 - 1

// encode appends the frame of payload to dst.
func encode(p *pool[encoder], dst, payload []byte) []byte {
	enc := p.get()
	whole := false
	defer func() {
		if whole {
			p.put(enc)
		} else {
			p.drop() // it panicked; who knows what is left of it
		}
	}()
	dst = enc.EncodeAll(payload, dst)
	whole = true
	return dst
}

// slack behind the content lets the library copy in whole words.
const slack = 16

// decode returns the content of frame, in memory of its own. size is what
// decodedSize returned.
func decode(p *pool[decoder], frame []byte, size int) ([]byte, error) {
	dec := p.get()
	again := false
	defer func() {
		if again {
			p.put(dec)
		} else {
			p.drop()
		}
	}()
	payload, err := dec.DecodeAll(frame, make([]byte, 0, size+slack))
	again = size <= keptResult
	if err != nil {
		return nil, fmt.Errorf("zstdcodec: decode: %w", err)
	}
	return payload[:len(payload):len(payload)], nil
}
