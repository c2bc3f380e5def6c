package msgpackcodec

import (
	"fmt"
	"testing"
)

type named string

func (n named) String() string { return string(n) }

// A key whose type cannot be decoded again is refused, and nothing panics.
func TestKeysOfAnInterfaceWithMethodsAreRefused(t *testing.T) {
	if raw, err := (Msgpack[map[fmt.Stringer]int]{}).Encode(map[fmt.Stringer]int{named("x"): 1}); err == nil {
		t.Errorf("Encode refuses what Decode would: got % x", raw)
	}
	if _, err := (Msgpack[map[fmt.Stringer]int]{}).Encode(nil); err != nil {
		t.Errorf("a nil map comes back: got %v", err)
	}
}
