package cborcodec

import (
	"bytes"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

func TestZeroLimitsAreTheDefaults(t *testing.T) {
	m, err := modesFor(options{})
	if err != nil {
		t.Fatal(err)
	}
	got := m.dec.DecOptions()
	if got.MaxNestedLevels != DefaultMaxDepth || got.MaxArrayElements != DefaultMaxElements || got.MaxMapPairs != DefaultMaxElements {
		t.Errorf("zero fields must mean the documented defaults: got %d levels, %d elements, %d pairs, want %d, %d, %[5]d",
			got.MaxNestedLevels, got.MaxArrayElements, got.MaxMapPairs, DefaultMaxDepth, DefaultMaxElements)
	}
}

func TestLimitsOutOfRange(t *testing.T) {
	for _, codec := range []CBOR[int]{
		{MaxDepth: -1}, {MaxDepth: 3}, {MaxDepth: 65_536},
		{MaxElements: -1}, {MaxElements: 15}, {MaxElements: math.MaxInt32 + 1},
	} {
		field := "MaxDepth"
		if codec.MaxElements != 0 {
			field = "MaxElements"
		}
		_, encodeErr := codec.Encode(1)
		_, decodeErr := codec.Decode([]byte{1})
		for _, err := range []error{encodeErr, decodeErr} {
			if err == nil || !strings.Contains(err.Error(), field) {
				t.Errorf("%+v: a limit out of range must be an error that names %s: got %v", codec, field, err)
			}
		}
	}
	for _, codec := range []CBOR[int]{{MaxDepth: 4, MaxElements: 16}, {MaxDepth: 65_535, MaxElements: math.MaxInt32}} {
		if got, err := transcode(codec, 1); err != nil || got != 1 {
			t.Errorf("%+v: the ends of the range are allowed: got %v, %v", codec, got, err)
		}
	}
}

func TestEncodeRefusesWhatDecodeWould(t *testing.T) {
	within, beyond := any(0), any(0)
	for range 8 {
		within = []any{within}
	}
	for range 9 {
		beyond = map[string]any{"": beyond}
	}
	for name, test := range map[string]struct {
		value any
		ok    bool
	}{
		"as deep as allowed":  {within, true},
		"too deep":            {beyond, false},
		"as long as allowed":  {make([]int, 16), true},
		"too long":            {make([]int, 17), false},
		"a long string":       {strings.Repeat("x", 17), true},
		"long bytes":          {make([]byte, 17), true},
		"a map too large":     {numbered(17), false},
		"a map large enough":  {numbered(16), true},
		"too long, deep down": {[]any{[]any{make([]int, 17)}}, false},
	} {
		t.Run(name, func(t *testing.T) {
			strict, lax := CBOR[any]{MaxDepth: 8, MaxElements: 16}, CBOR[any]{}
			_, err := strict.Encode(test.value)
			if (err == nil) != test.ok {
				t.Errorf("Encode must keep to the limits of Decode: got error %v, want one: %v", err, !test.ok)
			}
			data, err := lax.Encode(test.value)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := strict.Decode(data); (err == nil) != test.ok {
				t.Errorf("Decode must keep to its limits: got error %v, want one: %v", err, !test.ok)
			}
		})
	}
}

func numbered(n int) map[string]int {
	m := make(map[string]int, n)
	for i := range n {
		m[string(rune('a'+i))] = i
	}
	return m
}

func TestDeterministic(t *testing.T) {
	codec := CBOR[any]{Deterministic: true}
	want, err := codec.Encode(numbered(20))
	if err != nil {
		t.Fatal(err)
	}
	for range 50 {
		shuffled := make(map[string]int)
		for _, i := range rand.Perm(20) {
			shuffled[string(rune('a'+i))] = i
		}
		got, err := codec.Encode(shuffled)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Fatalf("equal values must have equal bytes:\n got %x\nwant %x", got, want)
		}
	}

	// Vectors of RFC 8949, appendix A.
	for _, test := range []struct {
		value any
		want  string
	}{
		{1.5, "\xf9\x3e\x00"},
		{100000.0, "\xfa\x47\xc3\x50\x00"},
		{1.1, "\xfb\x3f\xf1\x99\x99\x99\x99\x99\x9a"},
		{math.Inf(1), "\xf9\x7c\x00"},
		{math.NaN(), "\xf9\x7e\x00"},
		{time.Date(2013, 3, 21, 20, 4, 0, 0, time.UTC), "\xc0\x74" + "2013-03-21T20:04:00Z"},
	} {
		got, err := codec.Encode(test.value)
		if err != nil || string(got) != test.want {
			t.Errorf("%v must have the bytes of the RFC: got %x, %v, want %x", test.value, got, err, test.want)
		}
	}
}

func TestDeterministicKeys(t *testing.T) {
	// The order of RFC 8949, section 4.2.1.
	keys := map[any]int{"z": 1, 10: 2, -1: 3, "aa": 4}
	want := "\xa4\x0a\x02\x20\x03\x61z\x01\x62aa\x04"
	if got, err := (CBOR[map[any]int]{Deterministic: true}).Encode(keys); err != nil || string(got) != want {
		t.Errorf("%v must have the bytes of the RFC: got %x, %v, want %x", keys, got, err, want)
	}
}

func TestModesAreMadeOnce(t *testing.T) {
	o := options{MaxDepth: 77}
	first, err := modesFor(o)
	if err != nil {
		t.Fatal(err)
	}
	if again, _ := modesFor(o); again != first {
		t.Error("the modes of the same options must be made once: got others the second time")
	}
	if allocs := testing.AllocsPerRun(100, func() {
		if _, err := modesFor(o); err != nil {
			t.Fatal(err)
		}
	}); allocs != 0 {
		t.Errorf("to look up known modes must not allocate: got %v allocations", allocs)
	}
}
