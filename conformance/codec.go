package conformance

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	cascache "github.com/unkn0wn-root/cascache/core"
)

// What a codec may do without.
const (
	// OwnedValues are decoded values that share no memory with the input: the
	// documentation of the codec says that they do.
	OwnedValues Lack = "OwnedValues"

	// EndOfEncoding is an encoding that tells where it ends: bytes behind it
	// cannot be told from a part of it.
	EndOfEncoding Lack = "EndOfEncoding"

	// WholeEncoding is an encoding that tells when a part of its end is
	// missing: the beginning of one is one, or may be read as one.
	WholeEncoding Lack = "WholeEncoding"

	// AppendEncoding is an ability that a wrapper cannot forward from what it
	// wraps.
	AppendEncoding Lack = "AppendEncoding"
)

var codecLacks = []Lack{OwnedValues, EndOfEncoding, WholeEncoding, AppendEncoding}

// A CodecHarness tells [RunCodec] how to handle one kind of codec. New and
// Values are required; the zero value of every other field works. The
// functions are called from one goroutine at a time.
type CodecHarness[V any] struct {
	// New makes a codec that nothing else uses.
	New func(tb testing.TB) cascache.Codec[V]

	// Values returns two or more values, no two equal, that the codec can
	// carry; the same ones at each call, in memory of their own. Good ones
	// differ in size and use all that the codec has: small and large numbers,
	// empty and long strings, nested and optional parts.
	Values func() []V

	// Equal reports whether a decoded value is what was encoded. nil means
	// reflect.DeepEqual.
	Equal func(a, b V) bool

	// Refused returns values that Encode cannot carry and must answer with an
	// error. nil: there are none.
	Refused func() []V

	// Hostile returns inputs that no Encode has made, each of which Decode
	// must answer with an error, such as what has crashed a decoder of the
	// format before. nil: only those that the suite makes up.
	Hostile func() [][]byte

	// Lacks declares what the codec by its nature does without, and why:
	// [OwnedValues] and those listed with it.
	Lacks map[Lack]string

	// Deadline bounds each case. 0 means 30 seconds.
	Deadline time.Duration
}

// RunCodec holds a codec, and the optional abilities that it has, to the
// contract of cascache.Codec. Run it with -race. Each case is a subtest of t.
// One case measures what Decode allocates: run no other tests at the same time
// by t.Parallel.
func RunCodec[V any](t *testing.T, h CodecHarness[V]) {
	t.Helper()
	switch {
	case h.New == nil:
		t.Fatal("conformance: CodecHarness.New is nil; it is required")
	case h.Values == nil || len(h.Values()) < 2:
		t.Fatal("conformance: CodecHarness.Values is required, and returns two values or more")
	}
	codecSuite(h).run(t)
}

func codecSuite[V any](h CodecHarness[V]) *suite[*codecSubject[V]] {
	return &suite[*codecSubject[V]]{
		rules:    codecRules[V](),
		subject:  func(a *attempt) *codecSubject[V] { return newCodecSubject(a, h) },
		lacks:    h.Lacks,
		allowed:  codecLacks,
		deadline: h.Deadline,
	}
}

func codecRules[V any]() []rule[*codecSubject[V]] {
	return slices.Concat(
		codecValueRules[V](),
		codecMemoryRules[V](),
		codecHostileRules[V](),
		codecAppendRules[V](),
		codecWrapperRules[V](),
	)
}

// A codecSubject is one codec under test.
type codecSubject[V any] struct {
	h        CodecHarness[V]
	codec    cascache.Codec[V]
	appender cascache.AppendEncoder[V]
}

func newCodecSubject[V any](a *attempt, h CodecHarness[V]) *codecSubject[V] {
	s := &codecSubject[V]{h: h, codec: h.New(a)}
	if s.codec == nil {
		a.Fatal("CodecHarness.New returned nil")
	}
	if _, ends := unwrapAll(s.codec); ends {
		s.appender, _ = cascache.AbilityOf[cascache.AppendEncoder[V]](s.codec)
	}
	return s
}

func (s *codecSubject[V]) equal(a, b V) bool {
	if s.h.Equal != nil {
		return s.h.Equal(a, b)
	}
	return reflect.DeepEqual(a, b)
}

// An encoding is what Encode made of the i-th value, in memory of its own.
type encoding struct {
	i    int
	data []byte
}

// encodings returns those of all values that Encode takes. That it takes all
// has a case of its own.
func (s *codecSubject[V]) encodings(a *attempt) []encoding {
	var all []encoding
	for i, v := range s.h.Values() {
		if data, err := s.codec.Encode(v); err == nil {
			all = append(all, encoding{i, bytes.Clone(data)})
		}
	}
	if len(all) == 0 {
		a.inconclusive("Encode takes none of the values")
	}
	return all
}

// mustRoundTrip ends the case unless each value comes back as it was. Where
// one does not, ValuesComeBack says so.
func (s *codecSubject[V]) mustRoundTrip(a *attempt) {
	values := s.h.Values()
	for _, e := range s.encodings(a) {
		if got, err := s.codec.Decode(bytes.Clone(e.data)); err != nil || !s.equal(got, values[e.i]) {
			a.inconclusive("value %d does not come back; see ValuesComeBack", e.i)
		}
	}
}

// show is a value in a report, shortened.
func show(v any) string {
	text := fmt.Sprintf("%+v", v)
	if len(text) > 200 {
		text = text[:200] + "…"
	}
	return text
}
