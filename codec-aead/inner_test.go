package aeadcodec

import (
	"strings"
	"testing"

	cascache "github.com/unkn0wn-root/cascache/core"
)

// byPointer is a codec whose methods are those of a pointer.
type byPointer struct{ prefix string }

func (c *byPointer) Encode(v string) ([]byte, error)    { return []byte(c.prefix + v), nil }
func (c *byPointer) Decode(data []byte) (string, error) { return string(data[len(c.prefix):]), nil }

// byFunction is a codec that is a function.
type byFunction func(string) string

func (c byFunction) Encode(v string) ([]byte, error)    { return []byte(c(v)), nil }
func (c byFunction) Decode(data []byte) (string, error) { return c(string(data)), nil }

// bySlice is a codec that needs no elements.
type bySlice []string

func (c bySlice) Encode(v string) ([]byte, error)    { return []byte(v), nil }
func (c bySlice) Decode(data []byte) (string, error) { return string(data), nil }

func TestNewRefusesNilCodecs(t *testing.T) {
	for name, test := range map[string]struct {
		inner cascache.Codec[string]
		says  string
	}{
		"nil":                    {nil, "nil"},
		"a nil pointer":          {(*byPointer)(nil), "nil *aeadcodec.byPointer"},
		"a nil function":         {byFunction(nil), "nil aeadcodec.byFunction"},
		"a nil Codec":            {(*Codec[string])(nil), "aeadcodec.Codec[string]"},
		"a limit without one":    {cascache.Limit[string]{Max: 5}, "cascache.Limit[string]"},
		"a limit of nil pointer": {cascache.Limit[string]{Codec: (*byPointer)(nil), Max: 5}, "*aeadcodec.byPointer"},
		"two limits":             {cascache.Limit[string]{Codec: cascache.Limit[string]{Max: 5}, Max: 5}, "cascache.Limit[string]"},
	} {
		codec, err := New(test.inner, one())
		if err == nil || codec != nil || !strings.Contains(err.Error(), "inner codec") || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s for the inner codec must be an error that names it: got %v, %v, want %q in it", name, codec, err, test.says)
		}
	}
	for name, inner := range map[string]cascache.Codec[string]{
		"a pointer":   &byPointer{},
		"a function":  byFunction(strings.Clone),
		"a nil slice": bySlice(nil),
		"a limit":     cascache.Limit[string]{Codec: &byPointer{}, Max: 5},
	} {
		codec, err := New(inner, one())
		if err != nil {
			t.Errorf("%s is a codec: got %v", name, err)
			continue
		}
		data, err := codec.Encode("x")
		if err != nil {
			t.Fatal(err)
		}
		if got, err := codec.Decode(data); err != nil || got != "x" {
			t.Errorf("%s: a value must come back: got %q, %v", name, got, err)
		}
	}
}
