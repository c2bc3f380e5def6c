package aeadcodec

import (
	"strings"
	"testing"
)

func TestNewRefuses(t *testing.T) {
	for name, test := range map[string]struct {
		cfg  Config
		says []string
	}{
		"no keys":                     {Config{}, []string{"Config.Keys", "empty"}},
		"a zero key":                  {Config{Keys: []Key{keyOf(1), {}}, Seal: 1}, []string{"Config.Keys[1]", "zero Key"}},
		"an id twice":                 {Config{Keys: []Key{keyOf(1), keyOf(2), mustKey(1, secretOf(3))}, Seal: 1}, []string{"Config.Keys[2]", "id 1"}},
		"several keys, none to seal":  {Config{Keys: []Key{keyOf(1), keyOf(2)}}, []string{"Config.Seal is 0", "2 keys"}},
		"a key to seal, and not here": {Config{Keys: []Key{keyOf(1), keyOf(5)}, Seal: 3}, []string{"Config.Seal is 3", "[1 5]"}},
	} {
		codec, err := New(verbatim{}, test.cfg)
		if err == nil || codec != nil {
			t.Errorf("%s is an error: got %v, %v", name, codec, err)
			continue
		}
		for _, part := range test.says {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%s: the error names the field and what is allowed: %q lacks %q", name, err, part)
			}
		}
	}
	if _, err := New[[]byte](nil, one()); err == nil {
		t.Error("a missing inner codec is an error: got nil")
	}
}
