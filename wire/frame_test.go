package wire

import (
	"errors"
	"math"
	"strconv"
	"testing"
)

func TestGrowRefusesWhatNoSliceCanHold(t *testing.T) {
	for _, size := range []uint64{math.MaxInt, math.MaxInt + 1, math.MaxUint64} {
		dst := []byte("x")
		if b, err := grow(dst, size); !errors.Is(err, ErrTooLarge) || string(b) != "x" {
			t.Errorf("a frame longer than a slice can be must be refused: %d bytes more: got %q, %v, want \"x\", ErrTooLarge", size, b, err)
		}
	}
}

func TestBulkLongerThanASliceIsRefused(t *testing.T) {
	if strconv.IntSize > 32 {
		t.Skip("takes 2^31 members where an int has 64 bits")
	}
	payload := make([]byte, 1<<20)
	items := make([]BulkItem, 1<<12) // 4 GiB in all, of one payload
	for i := range items {
		items[i] = BulkItem{Key: strconv.Itoa(10000 + i), Payload: payload}
	}
	if b, err := EncodeBulk(items); !errors.Is(err, ErrTooLarge) || b != nil {
		t.Errorf("a frame longer than a slice can be must be refused: got %d bytes, %v, want ErrTooLarge", len(b), err)
	}
}
