package conformance

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"runtime"
	"time"
)

func codecHostileRules[V any]() []rule[*codecSubject[V]] {
	return []rule[*codecSubject[V]]{
		{
			name: "GarbageIsNoPanic",
			says: "Decode answers bytes of any kind with a value or an error, never with a panic.",
			harm: "whoever can write to the cache, or a flipped bit in it, takes down every process that reads.",
			try:  tryGarbageIsNoPanic[V],
		},
		{
			name: "HostileIsAnError",
			says: "Decode answers what Encode cannot have made with an error.",
			harm: "a corrupt entry is served as a value.",
			needs: func(s *codecSubject[V]) string {
				if s.h.Hostile == nil {
					return "the harness gives no Hostile inputs"
				}
				return ""
			},
			try: tryHostileIsAnError[V],
		},
		{
			name: "TrailingBytesAreAnError",
			says: "Decode answers an encoding with something behind it with an error.",
			harm: "two entries that ran into one another are served as the first of them, and nobody notices.",
			lack: EndOfEncoding,
			try:  tryTrailingBytesAreAnError[V],
		},
		{
			name: "CutEncodingIsAnError",
			says: "Decode answers an encoding that lacks its end with an error.",
			harm: "a value is served without its last fields.",
			lack: WholeEncoding,
			try:  tryCutEncodingIsAnError[V],
		},
		{
			name: "LyingLengthsCostNothing",
			says: "The memory that Decode uses is bounded by the size of its input, whatever lengths the input claims.",
			harm: "an entry of ten bytes makes every process that reads it allocate gigabytes.",
			try:  tryLyingLengthsCostNothing[V],
		},
	}
}

// decode is Decode of a copy of data, with panics as errors: that there are
// none has a case of its own.
func (s *codecSubject[V]) decode(data []byte) (v V, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	return s.codec.Decode(bytes.Clone(data))
}

// mutants calls f with damaged encodings.
func (s *codecSubject[V]) mutants(a *attempt, f func(data []byte)) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, e := range s.encodings(a) {
		if a.Context().Err() != nil {
			return
		}
		data := e.data
		step := max(1, len(data)/64)
		for at := 0; at < len(data); at += step {
			f(data[:at])
			flipped := bytes.Clone(data)
			flipped[at] ^= 1 << r.IntN(8)
			f(flipped)
			for _, b := range []byte{0x00, 0xff, 0x7f, 0x80} {
				set := bytes.Clone(data)
				set[at] = b
				f(set)
			}
			without := append(bytes.Clone(data[:at]), data[at+1:]...)
			f(without)
			twice := append(bytes.Clone(data[:at]), data...)
			f(twice)
		}
		for range 64 {
			shuffled := bytes.Clone(data)
			r.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
			f(shuffled)
		}
	}
}

func tryGarbageIsNoPanic[V any](a *attempt, s *codecSubject[V]) {
	decode := func(data []byte) { _, _ = s.codec.Decode(bytes.Clone(data)) }
	decode(nil)
	decode([]byte{})
	for b := range 256 {
		decode([]byte{byte(b)})
		decode(bytes.Repeat([]byte{byte(b)}, 9))
	}
	for i := range 300 {
		decode(sample(fmt.Sprint("garbage", i), 1+i%40))
	}
	s.mutants(a, decode)
	if s.h.Hostile != nil {
		for _, data := range s.h.Hostile() {
			decode(data)
		}
	}
}

func tryHostileIsAnError[V any](a *attempt, s *codecSubject[V]) {
	for i, data := range s.h.Hostile() {
		if got, err := s.decode(data); err == nil {
			a.violated("an error", "Decode of hostile input %d, %s, returned %s", i, quote(data), show(got))
		}
	}
}

func tryTrailingBytesAreAnError[V any](a *attempt, s *codecSubject[V]) {
	s.mustRoundTrip(a)
	for _, e := range s.encodings(a) {
		tails := [][]byte{{0x00}, {0xff}, []byte("x"), bytes.Repeat([]byte{0}, 64), []byte("}garbage"), e.data}
		for _, tail := range tails {
			if len(tail) == 0 {
				continue
			}
			whole := append(bytes.Clone(e.data), tail...)
			got, err := s.decode(whole)
			if err != nil || s.mayBe(got, whole) {
				continue
			}
			a.violated("an error", "Decode of the encoding of value %d, %d bytes, with %s behind it returned %s", e.i, len(e.data), quote(tail), show(got))
		}
	}
}

// mayBe reports whether Encode may have made data of v: whether it makes as
// many bytes of it today. (Not the same ones, as the order of a map is free.)
func (s *codecSubject[V]) mayBe(v V, data []byte) bool {
	again, err := s.codec.Encode(v)
	return err == nil && len(again) == len(data)
}

func tryCutEncodingIsAnError[V any](a *attempt, s *codecSubject[V]) {
	s.mustRoundTrip(a)
	for _, e := range s.encodings(a) {
		step := max(1, len(e.data)/256)
		for n := 0; n < len(e.data); n += step {
			got, err := s.decode(e.data[:n])
			if err != nil || s.mayBe(got, e.data[:n]) {
				continue
			}
			a.violated("an error", "Decode of the first %d of the %d bytes of value %d returned %s", n, len(e.data), e.i, show(got))
		}
	}
}

// What Decode may allocate: so much in any case, and so much for each byte of
// its input.
const (
	allocFloor   = 1 << 20
	allocPerByte = 256
)

func tryLyingLengthsCostNothing[V any](a *attempt, s *codecSubject[V]) {
	end := time.Now().Add(3 * time.Second) // a busy machine measures less
	for _, e := range s.encodings(a) {
		step := max(1, len(e.data)/64)
		for at := 0; at < len(e.data); at += step {
			for _, claim := range claims {
				if !time.Now().Before(end) {
					return
				}
				// In place of what is there, and before it.
				over := append(bytes.Clone(e.data[:at]), claim...)
				if rest := at + len(claim); rest < len(e.data) {
					over = append(over, e.data[rest:]...)
				}
				s.measure(a, over)
				s.measure(a, append(append(bytes.Clone(e.data[:at]), claim...), e.data[at:]...))
			}
		}
	}
	if s.h.Hostile != nil {
		for _, data := range s.h.Hostile() {
			s.measure(a, data)
		}
	}
}

// claims are lengths that no input here has, as formats write them. They are
// large enough to be noticed, and no larger, for the sake of the machine that
// a codec believes them on.
var claims = func() [][]byte {
	const large = 32 << 20
	be, le := binary.BigEndian.AppendUint32(nil, large), binary.LittleEndian.AppendUint32(nil, large)
	long := binary.BigEndian.AppendUint64(nil, large)
	all := [][]byte{be, le, long, binary.AppendUvarint(nil, large), binary.AppendVarint(nil, large)}
	for _, head := range []byte{
		0x5a, 0x7a, 0x9a, 0xba, // CBOR: bytes, text, array, map
		0xc6, 0xc9, 0xdb, 0xdd, 0xdf, // MessagePack: bytes, extension, text, array, map
	} {
		all = append(all, append([]byte{head}, be...))
	}
	return all
}()

// measure fails the case when Decode of data allocates too much. Others may
// allocate at the same time, so it is the least of several tries that counts.
func (s *codecSubject[V]) measure(a *attempt, data []byte) {
	limit := uint64(allocFloor + allocPerByte*len(data))
	var least uint64
	for try := range 3 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, _ = s.decode(data)
		runtime.ReadMemStats(&after)
		used := after.TotalAlloc - before.TotalAlloc
		if try == 0 || used < least {
			least = used
		}
		if least <= limit {
			return
		}
	}
	a.violated(fmt.Sprintf("at most %d MiB", limit>>20), "Decode of %d bytes, %s, allocated %d MiB", len(data), quote(data), least>>20)
}
