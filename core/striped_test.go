package cascache

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestStripedKeepsTheRules(t *testing.T) {
	s := NewStripedGenStore(1 << 10)
	if got := current(t, s, "k"); got != 0 {
		t.Errorf("G3: Current creates nothing: got %d", got)
	}
	first := snapshot(t, s, "k")
	if first == 0 || current(t, s, "k") != first || snapshot(t, s, "k") != first {
		t.Errorf("G3: Snapshot creates, once: got %d, then %d and %d", first, current(t, s, "k"), snapshot(t, s, "k"))
	}
	// As if drawn under a clock that has been set back since.
	i := s.slotOf("k")
	ahead := genAt(time.Now().Add(time.Hour))
	s.slots[i].Store(ahead)
	if gen := bump(t, s, "k"); gen != ahead+1 || current(t, s, "k") != gen {
		t.Errorf("G1, G4: a bump is greater than what it replaces, and visible: got %d after %d, current %d", gen, ahead, current(t, s, "k"))
	}
	if gen := bump(t, s, "never seen"); gen == 0 {
		t.Error("a bump creates a missing generation: got 0")
	}
}

func TestStripedSharesASlot(t *testing.T) {
	s := NewStripedGenStore(1)
	a := snapshot(t, s, "a")
	if b := bump(t, s, "b"); b <= a || current(t, s, "a") != b {
		t.Errorf("keys of one slot share its generation: got %d for one and %d for the other", b, current(t, s, "a"))
	}
}

func TestStripedSize(t *testing.T) {
	for asked, want := range map[int]int{-1: DefaultStripedSlots, 0: DefaultStripedSlots, 1: 1, 2: 2, 3: 4, 1000: 1024} {
		if got := len(NewStripedGenStore(asked).slots); got != want {
			t.Errorf("slots are rounded up to a power of two: asked for %d, got %d, want %d", asked, got, want)
		}
	}
}

func TestStripedHolds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		s := NewStripedGenStore(1) // every key in the same slot
		keys := []string{"a", "b"}
		before := snapshot(t, s, "a")
		if err := s.Hold(ctx, keys, "t", time.Second); err != nil {
			t.Fatal(err)
		}
		if err := s.Hold(ctx, keys[:1], "u", 2*time.Second); err != nil {
			t.Fatal(err)
		}
		if c, n, b := current(t, s, "a"), snapshot(t, s, "a"), bump(t, s, "b"); c != 0 || n != 0 || b != 0 {
			t.Errorf("a held key has no generation, and a bump leaves it held: got %d, %d, %d", c, n, b)
		}
		if err := s.Release(ctx, keys, "t"); err != nil {
			t.Fatal(err)
		}
		if n := snapshot(t, s, "a"); n != 0 {
			t.Errorf("a release removes its own token only: got generation %d", n)
		}
		time.Sleep(2 * time.Second)
		if c := current(t, s, "a"); c != 0 {
			t.Errorf("the end of a lease leaves no generation: got %d", c)
		}
		after := snapshot(t, s, "a")
		if after <= before {
			t.Errorf("a generation after a hold is greater than all before (G1): got %d after %d", after, before)
		}
		if err := s.Release(ctx, keys, "u"); err != nil {
			t.Fatal(err)
		}
		if c := current(t, s, "a"); c <= after {
			t.Errorf("a release bumps although its hold has vanished: got %d after %d", c, after)
		}
	})
}

// Whoever bumps sees a generation afterwards that nobody had before.
func TestStripedUnderConcurrency(t *testing.T) {
	s := NewStripedGenStore(1)
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			last := uint64(0)
			for i := range 20_000 {
				var before uint64
				switch {
				case i%1000 == 999:
					token := fmt.Sprint(w)
					_ = s.Hold(context.Background(), []string{"k"}, token, time.Minute)
					_ = s.Release(context.Background(), []string{"k"}, token)
				default:
					before, _ = s.Current(context.Background(), "k")
					gen, _ := s.Bump(context.Background(), "k")
					if gen != 0 && gen <= before {
						t.Errorf("G1: a bump leaves a greater generation: got %d after %d", gen, before)
						return
					}
				}
				gen, _ := s.Snapshot(context.Background(), "k")
				if gen == 0 {
					continue // held by another
				}
				if gen < last {
					t.Errorf("G1: generations of a key only grow: got %d after %d", gen, last)
					return
				}
				last = gen
			}
		})
	}
	wg.Wait()
}

func TestStripedAfterClose(t *testing.T) {
	s := NewStripedGenStore(1)
	_ = s.Close(t.Context())
	for name, call := range map[string]func() error{
		"Current":  func() error { _, err := s.Current(t.Context(), "k"); return err },
		"Snapshot": func() error { _, err := s.Snapshot(t.Context(), "k"); return err },
		"Bump":     func() error { _, err := s.Bump(t.Context(), "k"); return err },
		"Hold":     func() error { return s.Hold(t.Context(), []string{"k"}, "t", 1) },
		"Release":  func() error { return s.Release(t.Context(), []string{"k"}, "t") },
	} {
		if err := call(); !errors.Is(err, ErrClosed) {
			t.Errorf("%s after Close is ErrClosed: got %v", name, err)
		}
	}
	if err := s.Close(t.Context()); err != nil {
		t.Errorf("Close again returns nil: got %v", err)
	}
}

// A key in two parts is the same key, wherever it is divided.
func TestPrefixedLookUps(t *testing.T) {
	for name, s := range map[string]interface {
		GenStore
		LocalReader
	}{"local": newLocal(t, 0, 0), "striped": NewStripedGenStore(1 << 16)} {
		t.Run(name, func(t *testing.T) {
			for _, n := range []int{1, 16, 127, 128, 129, 1000, maxStorageKey} {
				key := strings.Repeat("k", n-1) + "e"
				want := bump(t, s, key)
				for _, at := range []int{0, 1, n / 2, n} {
					if got, ok := s.CurrentLocal(key[:min(at, n)], key[min(at, n):]); got != want || !ok {
						t.Errorf("a key of %d bytes divided at %d is that key: got %d, %v, want %d", n, at, got, ok, want)
					}
				}
			}
			bulk := make([]uint64, 2)
			s.CurrentLocalBulk([]string{"e", "nobody's"}, bulk)
			if want, _ := s.Current(t.Context(), "e"); bulk[0] != want || bulk[1] != 0 {
				t.Errorf("a bulk look-up finds what single ones do: got %d, want %d and 0", bulk, want)
			}
			_ = s.Close(t.Context())
			clear(bulk)
			s.CurrentLocalBulk([]string{"e"}, bulk)
			if _, ok := s.CurrentLocal("", "e"); ok || bulk[0] != 0 {
				t.Errorf("a closed store knows nothing: got %v and %d", ok, bulk)
			}
		})
	}
}

func TestStripedReleaseGivesAGeneration(t *testing.T) {
	s := NewStripedGenStore(16)
	keys := []string{"a", "b", "c"}
	before := make(map[string]uint64)
	for _, key := range keys {
		before[key], _ = s.Snapshot(t.Context(), key)
	}
	if err := s.Hold(t.Context(), keys, "token", time.Hour); err != nil {
		t.Fatal(err)
	}
	if err := s.Release(t.Context(), keys, "token"); err != nil {
		t.Fatal(err)
	}
	for _, key := range keys {
		if gen, _ := s.Current(t.Context(), key); gen <= before[key] {
			t.Errorf("a key that nobody holds any more has a greater generation: %q has %d after %d", key, gen, before[key])
		}
	}
}
