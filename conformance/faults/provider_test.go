package faults_test

import (
	"bytes"
	"context"
	"errors"
	"math/bits"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/unkn0wn-root/cascache/conformance"
	"github.com/unkn0wn-root/cascache/conformance/faults"
	cascache "github.com/unkn0wn-root/cascache/core"
)

var value = bytes.Repeat([]byte("value "), 10)

// over returns a provider with faults, and the memory under it.
func over(rules ...faults.Rule) (*faults.Provider, *memory) {
	m := newMemory()
	return faults.NewProvider(m, faults.NewScript(1, rules...)), m
}

func put(t *testing.T, p cascache.Provider, key string) bool {
	t.Helper()
	ok, err := p.Set(t.Context(), key, bytes.Clone(value), 1, time.Hour)
	if err != nil {
		t.Fatalf("Set(%q): %v", key, err)
	}
	return ok
}

// A wrapper without rules is as good as what it wraps.
func TestProviderWithoutRulesKeepsTheContract(t *testing.T) {
	lacks := map[conformance.Lack]string{
		conformance.PerEntryTTL:  "the memory of this test has no clock",
		conformance.SubSecondTTL: "the memory of this test has no clock",
		conformance.Failures:     "it is memory",
	}
	advance := func(testing.TB, cascache.Provider, time.Duration) {}
	t.Run("plain", func(t *testing.T) {
		conformance.RunProvider(t, conformance.ProviderHarness{
			New:     func(testing.TB) cascache.Provider { p, _ := over(); return p },
			Advance: advance,
			Lacks:   lacks,
		})
	})
	t.Run("able", func(t *testing.T) {
		conformance.RunProvider(t, conformance.ProviderHarness{
			New: func(testing.TB) cascache.Provider {
				return faults.NewProvider(able{newMemory()}, faults.NewScript(1))
			},
			Advance: advance,
			Lacks:   lacks,
		})
	})
}

func TestProviderHasTheAbilitiesOfWhatItWraps(t *testing.T) {
	script := faults.NewScript(1)
	for name, inner := range map[string]cascache.Provider{"plain": newMemory(), "able": able{newMemory()}} {
		p := faults.NewProvider(inner, script)
		_, bulk := cascache.AbilityOf[cascache.BulkProvider](p)
		_, prefixed := cascache.AbilityOf[cascache.PrefixGetter](p)
		_, shared := cascache.AbilityOf[cascache.Sharer](p)
		want := name == "able"
		if got := []bool{bulk, prefixed, shared}; !slices.Equal(got, slices.Repeat([]bool{want}, 3)) {
			t.Errorf("%s: abilities %v, want %t for all", name, got, want)
		}
	}
}

func TestFailDoesNothing(t *testing.T) {
	own := errors.New("own")
	for _, test := range []struct {
		rule faults.Rule
		want error
	}{
		{faults.Rule{Kind: faults.Fail}, faults.ErrInjected},
		{faults.Rule{Kind: faults.Fail, Err: own}, own},
	} {
		p, m := over(test.rule)
		_, found, getErr := p.Get(t.Context(), "k")
		ok, setErr := p.Set(t.Context(), "k", value, 1, time.Hour)
		for _, err := range []error{getErr, setErr, p.Del(t.Context(), "k"), p.Close(t.Context())} {
			if !errors.Is(err, test.want) {
				t.Errorf("a failing call returned %v, want %v", err, test.want)
			}
		}
		if found || ok || m.count() != 0 {
			t.Errorf("failing calls were carried out, %d of them", m.count())
		}
	}
}

func TestLoseReplyCarriesTheCallOut(t *testing.T) {
	p, m := over(faults.Rule{Kind: faults.LoseReply})
	if ok, err := p.Set(t.Context(), "k", value, 1, time.Hour); ok || !errors.Is(err, faults.ErrInjected) {
		t.Errorf("Set without a reply returned (%t, %v)", ok, err)
	}
	if !m.has("k") {
		t.Error("a Set whose reply was lost was not carried out")
	}
	if err := p.Del(t.Context(), "k"); !errors.Is(err, faults.ErrInjected) || m.has("k") {
		t.Errorf("a Del whose reply was lost returned %v; the entry is still there: %t", err, m.has("k"))
	}
}

func TestDelayHeedsTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, m := over(faults.Rule{Call: faults.Set, Kind: faults.Delay, Delay: time.Second})
		begun := time.Now()
		put(t, p, "k")
		if took := time.Since(begun); took != time.Second || !m.has("k") {
			t.Errorf("a Set with a delay of 1s took %v and stored: %t", took, m.has("k"))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if _, err := p.Set(ctx, "other", value, 1, time.Hour); !errors.Is(err, context.DeadlineExceeded) || m.has("other") {
			t.Errorf("a delayed Set whose context ended returned %v and stored: %t", err, m.has("other"))
		}
	})
}

func TestHangEndsWithItsContextOrTheScript(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		script := faults.NewScript(1, faults.Rule{Kind: faults.Hang})
		p := faults.NewProvider(newMemory(), script)
		errs := make(chan error, 2)
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		go func() { errs <- p.Del(ctx, "k") }()
		if err := <-errs; !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a hanging call whose context ended returned %v", err)
		}
		go func() { errs <- p.Del(t.Context(), "k") }()
		synctest.Wait()
		script.Release()
		if err := <-errs; !errors.Is(err, faults.ErrInjected) {
			t.Errorf("a hanging call that was released returned %v", err)
		}
	})
}

func TestDropLosesTheValueAndWhatItReplaces(t *testing.T) {
	p, m := over(faults.Rule{Kind: faults.Drop, After: 1})
	put(t, p, "k")
	if ok := put(t, p, "k"); !ok || m.has("k") {
		t.Errorf("a dropped Set returned %t and left an entry: %t", ok, m.has("k"))
	}
}

func TestDeclineLeavesWhatIsThere(t *testing.T) {
	p, m := over(faults.Rule{Kind: faults.Decline, After: 1})
	put(t, p, "k")
	if ok := put(t, p, "k"); ok || !m.has("k") {
		t.Errorf("a declined Set returned %t and left the entry: %t", ok, m.has("k"))
	}
}

func TestLateLandsWithFlush(t *testing.T) {
	p, m := over(faults.Rule{Kind: faults.Late})
	if ok := put(t, p, "k"); !ok || m.has("k") {
		t.Errorf("a late Set returned %t; it was stored at once: %t", ok, m.has("k"))
	}
	if err := p.Del(t.Context(), "k"); err != nil {
		t.Fatal(err)
	}
	p.Flush()
	if !m.has("k") {
		t.Error("a late Set did not land after the Del")
	}
}

func TestLateLandsAfterItsDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, m := over(faults.Rule{Kind: faults.Late, Delay: time.Minute})
		put(t, p, "k")
		time.Sleep(59 * time.Second)
		early := m.has("k")
		time.Sleep(2 * time.Second)
		if early || !m.has("k") {
			t.Errorf("a Set that is late by a minute was there before: %t, after: %t", early, m.has("k"))
		}
	})
}

func TestMiss(t *testing.T) {
	p, _ := over(faults.Rule{Kind: faults.Miss})
	put(t, p, "k")
	if got, found, err := p.Get(t.Context(), "k"); got != nil || found || err != nil {
		t.Errorf("Get returned (%q, %t, %v), want a miss", got, found, err)
	}
}

func TestTearCutsValues(t *testing.T) {
	for _, call := range []faults.Call{faults.Get, faults.Set} {
		p, _ := over(faults.Rule{Call: call, Kind: faults.Tear})
		put(t, p, "k")
		got, found, err := p.Get(t.Context(), "k")
		if !found || err != nil || len(got) >= len(value) || !bytes.HasPrefix(value, got) {
			t.Errorf("%s torn: got (%q, %t, %v), want the beginning of %q", call, got, found, err, value)
		}
	}
}

func TestFlipTurnsOneBit(t *testing.T) {
	for _, call := range []faults.Call{faults.Get, faults.Set} {
		p, m := over(faults.Rule{Call: call, Kind: faults.Flip})
		mine := bytes.Clone(value)
		if _, err := p.Set(t.Context(), "k", mine, 1, time.Hour); err != nil {
			t.Fatal(err)
		}
		got, _, _ := p.Get(t.Context(), "k")
		if n := differentBits(got, value); n != 1 {
			t.Errorf("%s flipped: %d bits of %q differ, want 1", call, n, got)
		}
		if !bytes.Equal(mine, value) {
			t.Errorf("%s flipped the caller's own bytes", call)
		}
		if call == faults.Get && differentBits(m.entries["k"], value) != 0 {
			t.Error("a flip of what Get returns has changed what is stored")
		}
	}
}

func differentBits(a, b []byte) int {
	n := 0
	for i := range a {
		n += bits.OnesCount8(a[i] ^ b[i])
	}
	return n
}

// In a bulk call, a rule that befalls some keys leaves the others alone.
func TestBulksFailKeyByKey(t *testing.T) {
	bad := func(key string) bool { return key == "b" }
	keys := []string{"a", "b", "c"}
	items := make([]cascache.Item, len(keys))
	for i, key := range keys {
		items[i] = cascache.Item{Key: key, Value: []byte(key), Cost: 1, TTL: time.Hour}
	}
	for _, test := range []struct {
		kind   faults.Kind
		values []string // what GetBulk finds, "" for nothing
		stored []bool   // what SetBulk tells
		left   bool     // whether SetBulk has stored b, and DelBulk left it
		failed bool
	}{
		{faults.Fail, []string{"a", "", "c"}, []bool{true, false, true}, false, true},
		{faults.LoseReply, []string{"a", "", "c"}, []bool{true, false, true}, true, true},
		{faults.Miss, []string{"a", "", "c"}, []bool{true, true, true}, true, false},
		{faults.Drop, []string{"a", "b", "c"}, []bool{true, true, true}, false, false},
		{faults.Decline, []string{"a", "b", "c"}, []bool{true, false, true}, false, false},
		{faults.Late, []string{"a", "b", "c"}, []bool{true, true, true}, false, false},
	} {
		t.Run(string(test.kind), func(t *testing.T) {
			rule := faults.Rule{Kind: test.kind, Key: bad}

			m := newMemory()
			p := faults.NewProvider(able{m}, faults.NewScript(1, rule))
			stored, err := p.SetBulk(t.Context(), items)
			if !slices.Equal(stored, test.stored) || (err != nil) != test.failed || m.has("b") != test.left || !m.has("a") || !m.has("c") {
				t.Errorf("SetBulk told %v (%v); b is stored: %t", stored, err, m.has("b"))
			}

			m = newMemory()
			if _, err := (able{m}).SetBulk(t.Context(), items); err != nil {
				t.Fatal(err)
			}
			p = faults.NewProvider(able{m}, faults.NewScript(1, rule))
			values, err := p.GetBulk(t.Context(), keys)
			for i := range values {
				if string(values[i]) != test.values[i] {
					t.Errorf("GetBulk found %q for %q, want %q", values[i], keys[i], test.values[i])
				}
			}
			if len(values) != len(keys) || (err != nil) != test.failed {
				t.Errorf("GetBulk returned %d values and %v", len(values), err)
			}

			err = p.DelBulk(t.Context(), keys)
			if (err != nil) != test.failed || m.has("a") || m.has("c") || m.has("b") != (test.kind == faults.Fail) {
				t.Errorf("DelBulk returned %v; b is still there: %t", err, m.has("b"))
			}
		})
	}
}

// Without the ability in what is wrapped, the bulk calls work all the same.
func TestBulksOverPlainCalls(t *testing.T) {
	p, m := over()
	items := []cascache.Item{{Key: "a", Value: []byte("a")}, {Key: "e", Value: nil}}
	if stored, err := p.SetBulk(t.Context(), items); err != nil || !slices.Equal(stored, []bool{true, true}) {
		t.Errorf("SetBulk returned (%v, %v)", stored, err)
	}
	values, err := p.GetBulk(t.Context(), []string{"a", "missing", "e"})
	if err != nil || len(values) != 3 || string(values[0]) != "a" || values[1] != nil || values[2] == nil {
		t.Errorf("GetBulk returned (%q, %v)", values, err)
	}
	if err := p.DelBulk(t.Context(), []string{"a", "e"}); err != nil || m.has("a") || m.has("e") {
		t.Errorf("DelBulk returned %v; a is still there: %t", err, m.has("a"))
	}
	if got, found, err := p.GetPrefixed(t.Context(), "a", "b"); got != nil || found || err != nil {
		t.Errorf("GetPrefixed returned (%q, %t, %v)", got, found, err)
	}
}

// A cache that was given it would fail at each call.
func TestClosedIsTold(t *testing.T) {
	script := faults.NewScript(1)
	p := faults.NewGenStore(cascache.NewLocalGenStore(0, 0), script)
	if p.Closed() {
		t.Error("what is open is not closed: Closed reports true")
	}
	_ = p.Close(t.Context())
	h, err := cascache.New(cascache.Options[string]{Namespace: "n", Codec: cascache.String{}, Provider: newMemory(), GenStore: p})
	if !p.Closed() || err == nil || h != nil {
		t.Errorf("New refuses what is closed: Closed reports %v, New returned %v, %v", p.Closed(), h, err)
	}
}
