package conformance

import (
	"testing"
	"time"

	cascache "github.com/unkn0wn-root/cascache/core"
)

func TestNearRulesAreWellFormed(t *testing.T) {
	requireWellFormed(t, nearRules[*record](), nearLacks)
}

func TestPlainNearPasses(t *testing.T) { RunNear(t, plainNearHarness(openPlainNear)) }

func TestCopyingNearPasses(t *testing.T) {
	RunNear(t, plainNearHarness(func(n *plainNear) cascache.Near[*record] { return copyingNear{n} }))
}

func TestOddNearPasses(t *testing.T) {
	h := plainNearHarness(openOddNear)
	h.Lacks = map[Lack]string{LongKeys: "it takes keys of less than 1,000 bytes"}
	RunNear(t, h)
}

func TestNearByTheWallClockPasses(t *testing.T) {
	h := plainNearHarness(func(n *plainNear) cascache.Near[*record] { return timedNear{n, time.Now()} })
	h.Advance = nil
	RunNear(t, h)
}

// endlessNear is plain without a bound.
type endlessNear struct{ *plainNear }

func (n endlessNear) Set(key string, value *record, gen uint64, ttl time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.closed {
		n.entries[key] = plainNearEntry{value, gen, max(n.now+ttl, ttl)}
	}
}

func TestNearWithoutABoundPasses(t *testing.T) {
	h := plainNearHarness(func(n *plainNear) cascache.Near[*record] { return endlessNear{n} })
	h.MaxEntries, h.Lacks = 0, map[Lack]string{Bounds: "entries stay until they expire"}
	RunNear(t, h)
}

func TestNearHarnessWithoutABoundOrReasonIsToldSo(t *testing.T) {
	h := plainNearHarness(openPlainNear)
	h.MaxEntries = 0
	if o := nearSuite(h).box(t)["BoundIsKept"]; o.status != failed {
		t.Errorf("got %+v, want a failure that asks for MaxEntries or a reason", o)
	}
}

func TestNeedlessLackOfABoundIsNoticed(t *testing.T) {
	h := plainNearHarness(openPlainNear)
	h.Lacks = map[Lack]string{Bounds: "it is said to have none"}
	if o := nearSuite(h).box(t)["LackBounds"]; o.status != failed {
		t.Errorf("got %+v, want a failure, since the bound is kept", o)
	}
}

func TestNearHarnessWithOtherValuesAtEachCallIsToldSo(t *testing.T) {
	h := plainNearHarness(openPlainNear)
	calls := 0
	h.Values = func() []*record { calls++; return []*record{{ID: int64(calls)}, {ID: -1}} }
	if o := nearSuite(h).box(t)["ValuesAreLeftAlone"]; o.status != failed {
		t.Errorf("got %+v, want a failure that names Values", o)
	}
}

func BenchmarkPlainNear(b *testing.B) { BenchmarkNear(b, plainNearHarness(openPlainNear)) }

// secondsNear is plain with times to live rounded up to seconds.
type secondsNear struct{ *plainNear }

func (n secondsNear) Set(key string, value *record, gen uint64, ttl time.Duration) {
	if whole := ttl.Truncate(time.Second); whole < ttl && ttl < lasting {
		ttl = whole + time.Second
	}
	n.plainNear.Set(key, value, gen, ttl)
}

func TestNearThatCountsInSecondsPasses(t *testing.T) {
	h := plainNearHarness(func(n *plainNear) cascache.Near[*record] { return secondsNear{n} })
	h.Lacks = map[Lack]string{SubSecondTTL: "it counts in seconds"}
	RunNear(t, h)
}
