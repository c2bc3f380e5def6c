//go:build (linux || darwin) && (amd64 || arm64)

package wire

import (
	"errors"
	"math"
	"syscall"
	"testing"
)

// reserve returns n bytes of address space of which only the first page exists:
// what touches more than that crashes.
func reserve(t *testing.T, n int) []byte {
	t.Helper()
	b, err := syscall.Mmap(-1, 0, n, syscall.PROT_NONE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		t.Skipf("cannot reserve %d bytes of address space: %v", n, err)
	}
	t.Cleanup(func() {
		if err := syscall.Munmap(b); err != nil {
			t.Errorf("unmap: %v", err)
		}
	})
	if err := syscall.Mprotect(b[:syscall.Getpagesize()], syscall.PROT_READ|syscall.PROT_WRITE); err != nil {
		t.Fatalf("protect: %v", err)
	}
	return b
}

func TestPayloadsOver4GiBAreRefusedUntouched(t *testing.T) {
	payload := reserve(t, math.MaxUint32+1)
	if b, err := EncodeSingle(1, payload); !errors.Is(err, ErrTooLarge) || b != nil {
		t.Errorf("a payload that does not fit must be refused, not cut off: got %d bytes, %v, want ErrTooLarge", len(b), err)
	}
	if b, err := AppendSingle([]byte("left"), 1, payload); !errors.Is(err, ErrTooLarge) || string(b) != "left" {
		t.Errorf("on an error dst must come back unchanged: got %.40q, %v, want \"left\", ErrTooLarge", b, err)
	}
	items := []BulkItem{{Key: "a", Payload: []byte("small")}, {Key: "b", Payload: payload}}
	if b, err := EncodeBulk(items); !errors.Is(err, ErrTooLarge) || b != nil {
		t.Errorf("a member's payload that does not fit must be refused: got %d bytes, %v, want ErrTooLarge", len(b), err)
	}
}

func TestFinishRefusesPayloadsOver4GiB(t *testing.T) {
	for _, c := range []struct {
		name   string
		begin  func(dst []byte) []byte
		finish func(frame []byte) ([]byte, error)
	}{
		{
			"single",
			func(dst []byte) []byte { return BeginSingle(dst, 1) },
			func(frame []byte) ([]byte, error) { return FinishSingle(frame, 0) },
		},
		{
			"member",
			func(dst []byte) []byte {
				frame, err := BeginMember(dst, "key", 1)
				if err != nil {
					t.Fatal(err)
				}
				return frame
			},
			func(frame []byte) ([]byte, error) { return FinishMember(frame, 0) },
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			space := reserve(t, math.MaxUint32+1000)
			head := len(c.begin(space[:0]))
			largest := space[:head+math.MaxUint32]
			if _, err := c.finish(largest); err != nil {
				t.Errorf("a payload of 2^32-1 bytes fits its field: got %v", err)
			}
			if got := string(space[head-lenSize : head]); got != "\xff\xff\xff\xff" {
				t.Errorf("the length must be the payload's: got %x, want ffffffff", got)
			}
			c.begin(space[:0])
			over := space[:head+math.MaxUint32+1]
			b, err := c.finish(over)
			if !errors.Is(err, ErrTooLarge) || len(b) != len(over) {
				t.Errorf("a payload that does not fit must be refused: got %d bytes, %v, want %d, ErrTooLarge", len(b), err, len(over))
			}
			if got := string(space[head-lenSize : head]); got != "\x00\x00\x00\x00" {
				t.Errorf("on an error the frame must come back unchanged: got length %x, want 00000000", got)
			}
		})
	}
}
