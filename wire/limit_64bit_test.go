//go:build amd64 || arm64

package wire

import (
	"errors"
	"math"
	"testing"
)

// The greatest lengths that fit their fields are no errors.
func TestWhatJustFits(t *testing.T) {
	if err := checkPayloadLen(math.MaxUint32); err != nil {
		t.Errorf("a payload of 2^32-1 bytes fits its length: %v", err)
	}
	if err := checkPayloadLen(math.MaxUint32 + 1); !errors.Is(err, ErrTooLarge) {
		t.Errorf("a payload of 2^32 bytes does not: %v", err)
	}
	if err := checkMemberCount(math.MaxUint32); err != nil {
		t.Errorf("2^32-1 members fit their number: %v", err)
	}
	if err := checkMemberCount(math.MaxUint32 + 1); !errors.Is(err, ErrTooLarge) {
		t.Errorf("2^32 members do not: %v", err)
	}
	if err := checkTableLen(math.MaxUint32); err != nil {
		t.Errorf("2^32-1 dependencies fit the number of a bulk's: %v", err)
	}
	if err := checkTableLen(math.MaxUint32 + 1); !errors.Is(err, ErrTooLarge) {
		t.Errorf("2^32 dependencies do not: %v", err)
	}
}
