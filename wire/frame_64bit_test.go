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
	for _, v := range []Version{Version1, Version3, Version3Checked} {
		if b, err := v.Append([]byte("left"), "", Entry{Payload: payload}); !errors.Is(err, ErrTooLarge) || string(b) != "left" {
			t.Errorf("version %d: a payload that does not fit must be refused, not cut off: got %.40q, %v, want \"left\", ErrTooLarge", v, b, err)
		}
		members := []Member{{Key: "a", Payload: []byte("small")}, {Key: "b", Payload: payload}}
		if b, err := v.AppendMembers([]byte("left"), "", members); !errors.Is(err, ErrTooLarge) || string(b) != "left" {
			t.Errorf("version %d: a member's payload that does not fit must be refused: got %.40q, %v, want \"left\", ErrTooLarge", v, b, err)
		}
	}
}
