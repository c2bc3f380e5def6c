package main

import "testing"

func TestProductIs240BytesOfJSON(t *testing.T) {
	w := newWorkload(3, 16)
	for i, encoded := range w.encoded {
		if len(encoded) != 240 {
			t.Errorf("a product must be 240 bytes of JSON, as the docs say: product %d has %d: %s", i, len(encoded), encoded)
		}
		if len(w.keys[i]) != 16 || w.keys[i] != w.lookups[i] {
			t.Errorf("keys must have the size asked for: got %q and %q", w.keys[i], w.lookups[i])
		}
	}
}
