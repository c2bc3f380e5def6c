package main

import (
	"bytes"
	"hash/maphash"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/unkn0wn-root/cascache/wire"
)

// parts are what operations consist of, each by itself.
func parts() row {
	// part is a contender of the time that its name says.
	part := func(name string, make func(w *workload) func(i uint32) bool) contender {
		return contender{name, unchecked, func(_ *env, w *workload) (*instance, error) {
			return &instance{do: make(w)}, nil
		}}
	}
	return row{name: "parts", title: "What operations consist of", only: 1, patterns: []pattern{zipf}, contenders: []contender{
		part("nothing: a call in the loop of this program", func(*workload) func(uint32) bool {
			return func(uint32) bool { return true }
		}),
		part("hash of a key of 16 bytes", func(w *workload) func(uint32) bool {
			seed := maphash.MakeSeed()
			return func(i uint32) bool { return maphash.String(seed, w.lookups[i]) != 1 }
		}),
		part("compare of a key of 16 bytes", func(w *workload) func(uint32) bool {
			return func(i uint32) bool { return w.lookups[i] == w.keys[i] }
		}),
		part("two atomic additions", func(*workload) func(uint32) bool {
			var n atomic.Int64
			return func(uint32) bool { n.Add(1); return n.Add(-1) == 0 }
		}),
		part("header of an entry", func(w *workload) func(uint32) bool {
			frames := make([][]byte, len(w.encoded))
			for i, payload := range w.encoded {
				frames[i], _ = wire.EncodeSingle(1, payload) // 240 bytes fit
			}
			return func(i uint32) bool {
				_, gen, _, err := wire.Version1.DecodeEntry(frames[i], "")
				return gen == 1 && err == nil
			}
		}),
		part("clock, monotonic", func(*workload) func(uint32) bool {
			began := time.Now()
			return func(uint32) bool { return time.Since(began) > 0 }
		}),
		part("clock, both readings", func(*workload) func(uint32) bool {
			return func(uint32) bool { return !time.Now().IsZero() }
		}),
		part("three random digits", func(*workload) func(uint32) bool {
			return func(uint32) bool { return rand.Uint64N(1000) < 1000 }
		}),
		part("copy of 240 bytes to memory of its own", func(w *workload) func(uint32) bool {
			kept := new([]byte) // on the heap, and so is what it points to
			return func(i uint32) bool {
				*kept = bytes.Clone(w.encoded[i])
				return len(*kept) == 240
			}
		}),
	}}
}
