package protocol

import (
	"strconv"
	"testing"
	"time"
)

// BenchmarkCurrent is a look-up from memory, with the clock that stores have.
func BenchmarkCurrent(b *testing.B) {
	for _, keys := range []int{8, 100_000} {
		b.Run(strconv.Itoa(keys), func(b *testing.B) {
			began := time.Now().Add(-time.Hour)
			r := NewReplica("r", time.Hour, 250_000, func() Instant { return int64(time.Since(began)) })
			beat := r.Beat()
			r.Receive(beat, Answer{Epoch: "e"})
			names := make([]string, keys)
			for i := range names {
				names[i] = strconv.Itoa(i)
				r.Learn("e", 1, "single:app:"+names[i], uint64(i+1))
			}
			b.ReportAllocs()
			unknown := 0
			for n := 0; b.Loop(); n++ {
				i := n * 2654435761 % keys
				if _, ok := r.Current("single:app:", names[i]); !ok {
					unknown++ // its bucket was full
				}
			}
			b.ReportMetric(float64(unknown)/float64(b.N), "unknown/op")
		})
	}
	b.Run("clock", func(b *testing.B) {
		began := time.Now()
		for b.Loop() {
			_ = time.Since(began)
		}
	})
}
