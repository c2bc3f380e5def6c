package conformance

import (
	"math"
	"runtime"
	"sync"
	"testing"
	"time"

	cascache "github.com/unkn0wn-root/cascache/core"
)

// wholeNear is a near tier that is right and keeps whole entries, but for the
// methods that a twin replaces. Its plainNear has the lock and the clock.
type wholeNear struct {
	*plainNear
	whole map[string]wholeEntry // guarded by mu

	get      func(key string) (*record, uint64, bool)
	set      func(key string, value *record, gen uint64, ttl time.Duration)
	del      func(key string)
	getEntry func(key string) (cascache.NearEntry[*record], bool)
	setEntry func(key string, e cascache.NearEntry[*record], ttl time.Duration)
}

type wholeEntry struct {
	cascache.NearEntry[*record]
	until time.Duration
}

func newWholeNear(n *plainNear) *wholeNear {
	return &wholeNear{plainNear: n, whole: make(map[string]wholeEntry)}
}

func openWholeNear(n *plainNear) cascache.Near[*record] { return newWholeNear(n) }

func (n *wholeNear) read(key string) (cascache.NearEntry[*record], bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	e, ok := n.whole[key]
	if !ok || n.closed || n.now >= e.until {
		return cascache.NearEntry[*record]{}, false
	}
	return e.NearEntry, true
}

// write stores an entry, and drops another where there are too many.
func (n *wholeNear) write(key string, e cascache.NearEntry[*record], ttl time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		return
	}
	until := n.now + ttl
	if until < n.now {
		until = math.MaxInt64
	}
	n.whole[key] = wholeEntry{e, until}
	for old := range n.whole {
		if len(n.whole) <= plainNearMost {
			break
		}
		if old != key {
			delete(n.whole, old)
		}
	}
}

func (n *wholeNear) Get(key string) (*record, uint64, bool) {
	if n.get != nil {
		return n.get(key)
	}
	e, ok := n.read(key)
	if !ok || e.Absent {
		return nil, 0, false
	}
	return e.Value, e.Gen, true
}

func (n *wholeNear) Set(key string, value *record, gen uint64, ttl time.Duration) {
	if n.set != nil {
		n.set(key, value, gen, ttl)
		return
	}
	n.write(key, cascache.NearEntry[*record]{Value: value, Gen: gen}, ttl)
}

func (n *wholeNear) Del(key string) {
	if n.del != nil {
		n.del(key)
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.whole, key)
}

func (n *wholeNear) GetEntry(key string) (cascache.NearEntry[*record], bool) {
	if n.getEntry != nil {
		return n.getEntry(key)
	}
	return n.read(key)
}

func (n *wholeNear) SetEntry(key string, e cascache.NearEntry[*record], ttl time.Duration) {
	if n.setEntry != nil {
		n.setEntry(key, e, ttl)
		return
	}
	n.write(key, e, ttl)
}

// forwardingNear is right as well: a wrapper that keeps the ability.
type forwardingNear struct{ *wholeNear }

func (n forwardingNear) Unwrap() any { return n.wholeNear }

// coveringNear wraps a wholeNear and hides the ability.
type coveringNear struct {
	cascache.Near[*record]
	inner *wholeNear
}

func (n coveringNear) Unwrap() any      { return n.inner }
func (n coveringNear) self() *plainNear { return n.inner.plainNear }

type selfWrappingNear struct{ *wholeNear }

func (n selfWrappingNear) Unwrap() any { return n }

func TestNearOfWholeEntriesPasses(t *testing.T) { RunNear(t, plainNearHarness(openWholeNear)) }

func TestNearWrapperThatKeepsEntriesPasses(t *testing.T) {
	RunNear(t, plainNearHarness(func(n *plainNear) cascache.Near[*record] { return forwardingNear{newWholeNear(n)} }))
}

func TestNearWrapperThatSaysThatItHidesEntriesPasses(t *testing.T) {
	h := plainNearHarness(openCoveringNear)
	h.Lacks = map[Lack]string{EntryKeeping: "it measures Get and Set only"}
	RunNear(t, h)
}

func openCoveringNear(n *plainNear) cascache.Near[*record] {
	inner := newWholeNear(n)
	return coveringNear{inner, inner}
}

// spoilWhole makes the harness of a broken wholeNear.
func spoilWhole(spoil func(*wholeNear)) func(*plainNear) cascache.Near[*record] {
	return func(inner *plainNear) cascache.Near[*record] {
		n := newWholeNear(inner)
		spoil(n)
		return n
	}
}

// spoilSetEntry makes one that is given other entries than it keeps.
func spoilSetEntry(change func(n *wholeNear, key string, e *cascache.NearEntry[*record], ttl *time.Duration) (keep bool)) func(*plainNear) cascache.Near[*record] {
	return spoilWhole(func(n *wholeNear) {
		n.setEntry = func(key string, e cascache.NearEntry[*record], ttl time.Duration) {
			if change(n, key, &e, &ttl) {
				n.write(key, e, ttl)
			}
		}
	})
}

var nearEntryTwins = []struct {
	twin
	open    func(*plainNear) cascache.Near[*record]
	harness func(*NearHarness[*record])
}{
	{
		twin: twin{fault: "the value of an absent key is dropped", fails: "EntriesComeBackWhole"},
		open: spoilSetEntry(func(_ *wholeNear, _ string, e *cascache.NearEntry[*record], _ *time.Duration) bool {
			if e.Absent {
				e.Value = nil
			}
			return true
		}),
	},
	{
		twin: twin{
			fault: "absence is kept as a value of nothing", fails: "EntriesComeBackWhole",
			also: []string{"AbsenceIsNoValue", "EntriesAndValuesReplaceEachOther", "ConcurrentEntriesAreWhole"},
		},
		open: spoilSetEntry(func(_ *wholeNear, _ string, e *cascache.NearEntry[*record], _ *time.Duration) bool {
			e.Absent = false
			return true
		}),
	},
	{
		twin: twin{fault: "the fields that are known are copied, and no others", fails: "EntriesKeepTheirDependencies"},
		open: spoilSetEntry(func(_ *wholeNear, _ string, e *cascache.NearEntry[*record], _ *time.Duration) bool {
			*e = cascache.NearEntry[*record]{Value: e.Value, Gen: e.Gen, Absent: e.Absent}
			return true
		}),
	},
	{
		twin: twin{fault: "Get finds absence", fails: "AbsenceIsNoValue", also: []string{"EntriesAndValuesReplaceEachOther"}},
		open: spoilWhole(func(n *wholeNear) {
			n.get = func(key string) (*record, uint64, bool) {
				e, ok := n.read(key)
				return e.Value, e.Gen, ok
			}
		}),
	},
	{
		twin: twin{fault: "Set and SetEntry keep entries apart", fails: "EntriesAndValuesReplaceEachOther"},
		open: spoilWhole(func(n *wholeNear) {
			apart := newWholeNear(n.plainNear)
			n.get, n.set = apart.Get, apart.Set
			n.del = func(key string) {
				apart.Del(key)
				n.mu.Lock()
				defer n.mu.Unlock()
				delete(n.whole, key)
			}
		}),
	},
	{
		twin: twin{fault: "absence is not kept", fails: "AbsenceIsKept"},
		open: spoilSetEntry(func(n *wholeNear, key string, e *cascache.NearEntry[*record], _ *time.Duration) bool {
			if e.Absent {
				n.Del(key)
			}
			return !e.Absent
		}),
	},
	{
		twin: twin{fault: "Del takes values alone", fails: "DelTakesEntries"},
		open: spoilWhole(func(n *wholeNear) {
			n.del = func(key string) {
				n.mu.Lock()
				defer n.mu.Unlock()
				if !n.whole[key].Absent {
					delete(n.whole, key)
				}
			}
		}),
	},
	{
		twin: twin{fault: "absence is for ever", fails: "EntryTTLEnds"},
		open: spoilSetEntry(func(_ *wholeNear, _ string, e *cascache.NearEntry[*record], ttl *time.Duration) bool {
			if e.Absent {
				*ttl = math.MaxInt64
			}
			return true
		}),
	},
	{
		twin: twin{fault: "absence is kept for a second at most", fails: "EntryTTLLasts"},
		open: spoilSetEntry(func(_ *wholeNear, _ string, e *cascache.NearEntry[*record], ttl *time.Duration) bool {
			if e.Absent {
				*ttl = min(*ttl, time.Second)
			}
			return true
		}),
	},
	{
		twin: twin{fault: "absence weighs nothing", fails: "EntryBoundIsKept"},
		open: spoilWhole(func(n *wholeNear) {
			n.setEntry = func(key string, e cascache.NearEntry[*record], ttl time.Duration) {
				if !e.Absent {
					n.write(key, e, ttl)
					return
				}
				n.mu.Lock()
				defer n.mu.Unlock()
				if !n.closed {
					n.whole[key] = wholeEntry{e, max(n.now+ttl, ttl)}
				}
			}
		}),
	},
	{
		twin: twin{fault: "entries are still there after Close", fails: "ClosedTierHasNoEntries"},
		open: spoilWhole(func(n *wholeNear) {
			n.getEntry = func(key string) (cascache.NearEntry[*record], bool) {
				n.mu.Lock()
				defer n.mu.Unlock()
				e, ok := n.whole[key]
				return e.NearEntry, ok && n.now < e.until
			}
		}),
	},
	{
		twin: twin{fault: "SetEntry after Close panics", fails: "ClosedTierHasNoEntries"},
		open: spoilSetEntry(func(n *wholeNear, _ string, _ *cascache.NearEntry[*record], _ *time.Duration) bool {
			n.mu.Lock()
			defer n.mu.Unlock()
			if n.closed {
				panic("closed")
			}
			return true
		}),
	},
	{
		twin: twin{fault: "absence is in a map of its own", fails: "ConcurrentEntriesAreWhole"},
		open: spoilWhole(func(n *wholeNear) {
			var absent sync.Map // by key
			n.setEntry = func(key string, e cascache.NearEntry[*record], ttl time.Duration) {
				absent.Store(key, e.Absent)
				runtime.Gosched()
				n.write(key, e, ttl)
			}
			n.getEntry = func(key string) (cascache.NearEntry[*record], bool) {
				e, ok := n.read(key)
				runtime.Gosched()
				if a, known := absent.Load(key); known {
					e.Absent = a.(bool)
				}
				return e, ok
			}
			n.set = func(key string, value *record, gen uint64, ttl time.Duration) {
				absent.Delete(key)
				n.write(key, cascache.NearEntry[*record]{Value: value, Gen: gen}, ttl)
			}
		}),
	},
	{
		twin: twin{fault: "Unwrap returns the wrapper itself", fails: "UnwrapEnds"},
		open: func(n *plainNear) cascache.Near[*record] { return selfWrappingNear{newWholeNear(n)} },
	},
	{
		twin: twin{fault: "a wrapper hides the entries", fails: "WrapperKeepsEntries"},
		open: openCoveringNear,
	},
	{
		twin:    twin{fault: "a wrapper is said to hide the entries, and keeps them", fails: "LackEntryKeeping"},
		open:    func(n *plainNear) cascache.Near[*record] { return forwardingNear{newWholeNear(n)} },
		harness: func(h *NearHarness[*record]) { h.Lacks = map[Lack]string{EntryKeeping: "I did not try"} },
	},
}
