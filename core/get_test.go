package cascache

import "testing"

func TestGetAfterFill(t *testing.T) {
	h, err := New(Options[string]{Namespace: "n", Provider: newMapProvider(), Codec: String{}})
	if err != nil {
		t.Fatal(err)
	}
	obs := h.SnapshotGen("k")
	if err := h.SetWithGen(t.Context(), "k", "v", obs, 0); err != nil {
		t.Fatal(err)
	}
	v, ok, err := h.Get(t.Context(), "k")
	if v != "v" || !ok || err != nil {
		t.Fatalf("a fill whose generation has not moved is served: got %q, %v, %v", v, ok, err)
	}
	if err := h.Invalidate(t.Context(), "k"); err != nil {
		t.Fatal(err)
	}
	if v, ok, _ := h.Get(t.Context(), "k"); ok {
		t.Fatalf("nothing is served after an invalidation: got %q", v)
	}
}
