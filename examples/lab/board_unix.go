//go:build unix

package main

import (
	"fmt"
	"os"
	"sync/atomic"
	"syscall"
	"unsafe"
)

// mapBoard returns the board that lies in file, which it makes if it is new.
func mapBoard(file string, lanes, slots, products int) (*board, error) {
	f, err := os.OpenFile(file, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	defer f.Close() // the mapping outlives it
	n := boardWords(lanes, slots, products)
	if err := f.Truncate(int64(n) * 8); err != nil {
		return nil, err
	}
	mem, err := syscall.Mmap(int(f.Fd()), 0, n*8, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("map %s: %w", file, err)
	}
	words := unsafe.Slice((*atomic.Int64)(unsafe.Pointer(&mem[0])), n) // pages are aligned
	return &board{words: words, lanes: lanes, slots: slots, products: products,
		unmap: func() error { return syscall.Munmap(mem) }}, nil
}
