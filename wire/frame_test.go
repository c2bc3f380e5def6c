package wire

import (
	"errors"
	"math"
	"strconv"
	"testing"
	"unsafe"
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

// aliases reports whether part lies inside whole.
func aliases(whole, part []byte) bool {
	from := uintptr(unsafe.Pointer(unsafe.SliceData(whole)))
	at := uintptr(unsafe.Pointer(unsafe.SliceData(part)))
	return at >= from && at+uintptr(len(part)) <= from+uintptr(len(whole))
}

// checkPayload holds a decoded payload to what is promised of all of them.
func checkPayload(t *testing.T, input, payload []byte) {
	t.Helper()
	if payload == nil {
		t.Errorf("a decoded payload must not be nil, even when empty")
	}
	if cap(payload) != len(payload) {
		t.Errorf("a decoded payload must be clipped, or an append overwrites its neighbour: got cap %d, want %d",
			cap(payload), len(payload))
	}
	if len(payload) > 0 && !aliases(input, payload) {
		t.Errorf("a decoded payload must alias the input, not copy it: %x", payload)
	}
}
