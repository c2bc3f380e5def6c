package zstdcodec

import (
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
)

func TestPoolMakesNoMoreThanItsSize(t *testing.T) {
	var made, working atomic.Int32
	p := newPool(3, func() *int { made.Add(1); return new(int) })
	var wg sync.WaitGroup
	for range 64 {
		wg.Go(func() {
			for range 100 {
				one := p.get()
				if n := working.Add(1); n > 3 {
					t.Errorf("no more than 3 are at work: got %d", n)
				}
				*one++ // the race detector sees two owners
				runtime.Gosched()
				working.Add(-1)
				p.put(one)
			}
		})
	}
	wg.Wait()
	if n := made.Load(); n > 3 {
		t.Errorf("a pool of 3 makes no more than 3: got %d", n)
	}
}

func TestPoolMakesOneWhenOneIsEnough(t *testing.T) {
	made := 0
	p := newPool(8, func() *int { made++; return new(int) })
	for range 100 {
		p.put(p.get())
	}
	if made != 1 {
		t.Errorf("calls one after the other share one: got %d made", made)
	}
	p.get()
	p.drop()
	p.put(p.get())
	if made != 2 {
		t.Errorf("what is dropped is made again: got %d made", made)
	}
}

func TestDroppingLeavesRoom(t *testing.T) {
	p := newPool(1, func() *int { return new(int) })
	for range 10 { // would hang
		p.get()
		p.drop()
	}
}

// A coder that panics, on input that its author did not think of, is not used
// again, and its place is not lost.
func TestCodersAreDroppedWhenTheyPanic(t *testing.T) {
	encoders := newPool(1, func() *encoder { return nil })
	decoders := newPool(1, func() *decoder { return nil })
	for range 3 {
		for name, try := range map[string]func(){
			"encode": func() { encode(encoders, nil, text(1000)) },
			"decode": func() { _, _ = decode(decoders, nil, 1) },
		} {
			func() {
				defer func() {
					if recover() == nil {
						t.Errorf("%s: a panic comes through: got none", name)
					}
				}()
				try()
			}()
		}
	}
}

// The library's decoders hold on to their last result.
func TestDecodersOfLargeValuesAreNotKept(t *testing.T) {
	made := 0
	p := newPool(1, func() *decoder { made++; return newDecoder() })
	for _, test := range []struct{ size, made int }{{keptResult, 1}, {keptResult, 1}, {keptResult + 1, 1}, {1000, 2}, {1000, 2}} {
		frame := encode(encodersOf(Fastest), nil, make([]byte, test.size))
		if _, err := decode(p, frame, test.size); err != nil {
			t.Fatal(err)
		}
		if made != test.made {
			t.Errorf("a decoder that made more than %d bytes is not used again, and others are: after %d bytes %d are made, want %d", keptResult, test.size, made, test.made)
		}
	}
}

func TestNoGoroutineIsLeftBehind(t *testing.T) {
	before := runtime.NumGoroutine()
	codec := open(t, verbatim{}, Config{MaxDecoded: 1 << 20})
	for _, n := range []int{100, 10_000, 1 << 20} {
		data, err := codec.Encode(text(n))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := codec.Decode(data); err != nil {
			t.Fatal(err)
		}
		if _, err := codec.Decode(data[:len(data)-1]); err == nil && n > DefaultMinSize {
			t.Error("a truncated frame is refused: it decodes")
		}
	}
	if after := runtime.NumGoroutine(); after > before {
		t.Errorf("no goroutine is started: %d before, %d after", before, after)
	}
}

// The figures in the package documentation.
func TestMemory(t *testing.T) {
	if testing.Short() && raceEnabled {
		t.Skip("no goroutines meet here: the short form tries this without -race")
	}
	payload := text(8 << 20)
	for level, most := range map[Level]float64{Fastest: 1.1, Balanced: 2.3, Better: 5.1, Best: 35} {
		t.Run(level.String(), func(t *testing.T) {
			if level == Best && testing.Short() {
				t.Skip("takes seconds")
			}
			dst := make([]byte, 0, len(payload))
			checkHeap(t, most, func() any {
				enc := newEncoder(level)
				enc.EncodeAll(payload[:100], dst)
				enc.EncodeAll(payload, dst)
				return enc
			})
			runtime.KeepAlive(dst)
		})
	}
	t.Run("decoder", func(t *testing.T) {
		enc := newEncoder(Balanced)
		small, large := enc.EncodeAll(payload[:1000], nil), enc.EncodeAll(payload[:keptResult], nil)
		checkHeap(t, 0.3, func() any {
			dec := newDecoder()
			var err error
			for _, frame := range [][]byte{large, small} {
				_, e := dec.DecodeAll(frame, make([]byte, 0, keptResult+slack))
				err = errors.Join(err, e)
			}
			// This one it holds on to.
			_, e := dec.DecodeAll(small, make([]byte, 0, 1000+slack))
			if err = errors.Join(err, e); err != nil {
				t.Fatal(err)
			}
			return dec
		})
		runtime.KeepAlive(enc)
		runtime.KeepAlive(small)
		runtime.KeepAlive(large)
	})
	runtime.KeepAlive(payload)
}

// checkHeap fails if what make returns takes more than a tenth over most MiB, or
// less than half of it, which would make the documentation wrong too.
func checkHeap(t *testing.T, most float64, make func() any) {
	t.Helper()
	const mib = 1 << 20
	before := heap()
	made := make()
	got := float64(heap()-before) / mib
	runtime.KeepAlive(made)
	if got > 1.1*most || got < most/2 {
		t.Errorf("the documentation says %v MiB: got %.2f", most, got)
	}
}

func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
