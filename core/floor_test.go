package cascache

import (
	"context"
	"testing"
)

func TestAFloorLeavesTheStoresSliceAlone(t *testing.T) {
	gens := []uint64{5, 15}
	if got := aboveFloor(gens, 10); got[0] != 0 || got[1] != 15 {
		t.Errorf("what is below the floor is none: got %v", got)
	}
	if gens[0] != 5 {
		t.Error("a slice that a store has returned is only read")
	}
}

// snapshotsOnly is a store that can snapshot many keys at once, and no more.
type snapshotsOnly struct{ *stubStore }

func (s snapshotsOnly) SnapshotBulk(ctx context.Context, keys []string) ([]uint64, error) {
	return bulkStore(s).SnapshotBulk(ctx, keys)
}

func TestAFloorHoldsForAStoreThatBumpsOneByOne(t *testing.T) {
	store := snapshotsOnly{newStubStore()}
	h := open(t, Options[string]{Namespace: "n", Provider: newMapProvider(), Codec: String{}, GenStore: store})
	before := h.SnapshotGens([]string{"a", "b"})
	h.suspects.raiseFloor(max(before["a"], before["b"]) + 1)
	for key, gen := range h.SnapshotGens([]string{"a", "b"}) {
		if gen <= before[key] {
			t.Errorf("a fill of a key below the floor bumps it: %q has %d after %d", key, gen, before[key])
		}
	}
}
