package conformance

import (
	"maps"
	"math"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	cascache "github.com/unkn0wn-root/cascache/core"
)

// twinNear is plainNear but for the methods that a twin replaces.
type twinNear struct {
	*plainNear
	get   func(key string) (*record, uint64, bool)
	set   func(key string, value *record, gen uint64, ttl time.Duration)
	del   func(key string)
	close func() error
	flush func() // Settle
}

func (n *twinNear) Get(key string) (*record, uint64, bool) {
	if n.get != nil {
		return n.get(key)
	}
	return n.plainNear.Get(key)
}

func (n *twinNear) Set(key string, value *record, gen uint64, ttl time.Duration) {
	if n.set != nil {
		n.set(key, value, gen, ttl)
		return
	}
	n.plainNear.Set(key, value, gen, ttl)
}

func (n *twinNear) Del(key string) {
	if n.del != nil {
		n.del(key)
		return
	}
	n.plainNear.Del(key)
}

func (n *twinNear) Close() error {
	if n.close != nil {
		return n.close()
	}
	return n.plainNear.Close()
}

func (n *twinNear) settle() {
	if n.flush != nil {
		n.flush()
	}
}

// locked calls f with the lock of n held.
func (n *twinNear) locked(f func()) {
	n.mu.Lock()
	defer n.mu.Unlock()
	f()
}

// isClosed reports whether Close was called.
func (n *twinNear) isClosed() (closed bool) {
	n.locked(func() { closed = n.closed })
	return closed
}

// nearKeyed makes a twin that uses other keys than it is given.
func nearKeyed(spoil func(key string) string) func(*twinNear) {
	return func(n *twinNear) {
		n.get = func(key string) (*record, uint64, bool) { return n.plainNear.Get(spoil(key)) }
		n.set = func(key string, value *record, gen uint64, ttl time.Duration) {
			n.plainNear.Set(spoil(key), value, gen, ttl)
		}
		n.del = func(key string) { n.plainNear.Del(spoil(key)) }
	}
}

// nearTimed makes a twin that uses other times to live than it is given.
func nearTimed(spoil func(ttl time.Duration) time.Duration) func(*twinNear) {
	return func(n *twinNear) {
		n.set = func(key string, value *record, gen uint64, ttl time.Duration) {
			n.plainNear.Set(key, value, gen, spoil(ttl))
		}
	}
}

// nearGens makes a twin that keeps other generations than it is given.
func nearGens(spoil func(gen uint64) uint64) func(*twinNear) {
	return func(n *twinNear) {
		n.set = func(key string, value *record, gen uint64, ttl time.Duration) {
			n.plainNear.Set(key, value, spoil(gen), ttl)
		}
	}
}

// nearSetsOnly makes a twin that keeps only some keys.
func nearSetsOnly(keeps func(key string) bool) func(*twinNear) {
	return func(n *twinNear) {
		n.set = func(key string, value *record, gen uint64, ttl time.Duration) {
			if keeps(key) {
				n.plainNear.Set(key, value, gen, ttl)
			}
		}
	}
}

// nearMerging makes a twin whose Set of a key that is there stores what merge
// makes of the old entry and the new one.
func nearMerging(merge func(old, next plainNearEntry) plainNearEntry) func(*twinNear) {
	return func(n *twinNear) {
		n.set = func(key string, value *record, gen uint64, ttl time.Duration) {
			n.locked(func() {
				if n.closed {
					return
				}
				old, there := n.live(key)
				n.write(key, value, gen, ttl)
				if there {
					n.entries[key] = merge(old, n.entries[key])
				}
			})
		}
	}
}

// nearQueueing makes a twin whose sets become visible when they settle.
func nearQueueing(n *twinNear, firstStays, delPurges bool) {
	queue := make(map[string]plainNearEntry) // guarded by n.mu; until is the time to live
	n.set = func(key string, value *record, gen uint64, ttl time.Duration) {
		n.locked(func() {
			delete(n.entries, key)
			if _, queued := queue[key]; !queued || !firstStays {
				queue[key] = plainNearEntry{value, gen, ttl}
			}
		})
	}
	n.del = func(key string) {
		n.locked(func() {
			delete(n.entries, key)
			if delPurges {
				delete(queue, key)
			}
		})
	}
	n.flush = func() {
		n.locked(func() {
			for key, e := range queue {
				if !n.closed {
					n.write(key, e.value, e.gen, e.until)
				}
			}
			clear(queue)
		})
	}
}

// A nearTwin is a row of the table.
type nearTwin struct {
	twin
	spoil   func(n *twinNear)
	harness func(h *NearHarness[*record]) // what differs from plainNearHarness, nil for nothing
}

var nearTwins = []nearTwin{
	{
		twin: twin{fault: "a miss is a hit of generation 0", fails: "NeverSetIsAMiss"},
		spoil: func(n *twinNear) {
			n.get = func(key string) (*record, uint64, bool) {
				value, gen, _ := n.plainNear.Get(key)
				return value, gen, true
			}
		},
	},
	{
		twin:  twin{fault: "a generation is off by one", fails: "PairsComeBackWhole"},
		spoil: nearGens(func(gen uint64) uint64 { return gen + 1 }),
	},
	{
		twin:  twin{fault: "a generation is kept in 32 bits", fails: "PairsComeBackWhole"},
		spoil: nearGens(func(gen uint64) uint64 { return uint64(uint32(gen)) }),
	},
	{
		twin:  twin{fault: "a generation passes through a float64", fails: "PairsComeBackWhole"},
		spoil: nearGens(func(gen uint64) uint64 { return uint64(float64(gen)) }),
	},
	{
		twin:  twin{fault: "the highest bit of a generation is a flag of the tier's own", fails: "PairsComeBackWhole"},
		spoil: nearGens(func(gen uint64) uint64 { return gen & math.MaxInt64 }),
	},
	{
		twin: twin{fault: "one value is taken for another", fails: "PairsComeBackWhole"},
		spoil: func(n *twinNear) {
			n.get = func(key string) (*record, uint64, bool) {
				value, gen, ok := n.plainNear.Get(key)
				if ok && value.ID == 1 {
					value = records()[1]
				}
				return value, gen, ok
			}
		},
	},
	{
		twin:  twin{fault: "nothing is kept, since the size of the tier is 0", fails: "KeepsSomething"},
		spoil: nearSetsOnly(func(string) bool { return false }),
	},
	{
		twin: twin{fault: "misses are remembered for a minute", fails: "MissIsForgotten"},
		spoil: func(n *twinNear) {
			missed := make(map[string]time.Duration) // guarded by n.mu
			n.get = func(key string) (value *record, gen uint64, ok bool) {
				n.locked(func() {
					if until, known := missed[key]; known && n.now < until {
						return
					}
					var e plainNearEntry
					if e, ok = n.live(key); !ok {
						missed[key] = n.now + minute
					}
					value, gen = e.value, e.gen
				})
				return value, gen, ok
			}
		},
	},
	{
		twin: twin{fault: "Get takes the entry out", fails: "GetLeavesTheEntry"},
		spoil: func(n *twinNear) {
			n.get = func(key string) (value *record, gen uint64, ok bool) {
				n.locked(func() {
					var e plainNearEntry
					e, ok = n.live(key)
					value, gen = e.value, e.gen
					delete(n.entries, key)
				})
				return value, gen, ok
			}
		},
	},
	{
		twin: twin{fault: "Del wipes the value, to use its memory again", fails: "ValuesAreLeftAlone"},
		spoil: func(n *twinNear) {
			n.del = func(key string) {
				n.locked(func() {
					if e, ok := n.entries[key]; ok && strings.HasPrefix(key, "shared-") && e.value.ID == 1 {
						e.value.Name = ""
					}
					delete(n.entries, key)
				})
			}
		},
	},

	{
		twin:  twin{fault: "Set leaves alone what is there", fails: "LastSetWins"},
		spoil: nearMerging(func(old, _ plainNearEntry) plainNearEntry { return old }),
	},
	{
		twin: twin{fault: "Set takes the new generation and keeps the old value", fails: "LastSetWins"},
		spoil: nearMerging(func(old, next plainNearEntry) plainNearEntry {
			next.value = old.value
			return next
		}),
	},
	{
		twin: twin{fault: "the greater generation stays", fails: "LastSetWins"},
		spoil: nearMerging(func(old, next plainNearEntry) plainNearEntry {
			if old.gen > next.gen {
				return old
			}
			return next
		}),
	},
	{
		twin: twin{fault: "a value of the same generation is not replaced", fails: "LastSetWins"},
		spoil: nearMerging(func(old, next plainNearEntry) plainNearEntry {
			if old.gen == next.gen {
				return old
			}
			return next
		}),
	},
	{
		twin:  twin{fault: "of the sets that wait, the first stays", fails: "LastOfManySetsWins"},
		spoil: func(n *twinNear) { nearQueueing(n, true, true) },
	},

	{
		twin: twin{fault: "Del of a key that is not there empties the tier", fails: "DelOfAMissingKeyDoesNothing"},
		spoil: func(n *twinNear) {
			n.del = func(key string) {
				n.locked(func() {
					if _, there := n.entries[key]; !there {
						clear(n.entries)
					}
					delete(n.entries, key)
				})
			}
		},
	},
	{
		twin: twin{fault: "Del is carried out when the tier settles", fails: "DelIsImmediate"},
		spoil: func(n *twinNear) {
			waiting := make(map[string]bool) // guarded by n.mu
			n.del = func(key string) { n.locked(func() { waiting[key] = true }) }
			n.flush = func() {
				n.locked(func() {
					maps.DeleteFunc(n.entries, func(key string, _ plainNearEntry) bool { return waiting[key] })
					clear(waiting)
				})
			}
		},
	},
	{
		twin: twin{fault: "Del does nothing", fails: "DelIsImmediate"},
		spoil: func(n *twinNear) {
			n.del = func(string) {}
		},
	},
	{
		twin:  twin{fault: "sets that wait outlive a Del", fails: "DelIsFinal"},
		spoil: func(n *twinNear) { nearQueueing(n, false, false) },
	},
	{
		twin: twin{fault: "Del keeps the key from being set for a minute", fails: "DelEndsWithItsReturn"},
		spoil: func(n *twinNear) {
			barred := make(map[string]time.Duration) // guarded by n.mu
			n.set = func(key string, value *record, gen uint64, ttl time.Duration) {
				n.locked(func() {
					if until, ok := barred[key]; !n.closed && (!ok || n.now >= until) {
						n.write(key, value, gen, ttl)
					}
				})
			}
			n.del = func(key string) {
				n.locked(func() {
					barred[key] = n.now + minute
					delete(n.entries, key)
				})
			}
		},
	},
	{
		twin: twin{fault: "Del takes the key for a prefix", fails: "DelTakesOneKey"},
		spoil: func(n *twinNear) {
			n.del = func(prefix string) {
				n.locked(func() {
					maps.DeleteFunc(n.entries, func(key string, _ plainNearEntry) bool { return strings.HasPrefix(key, prefix) })
				})
			}
		},
	},

	{twin: twin{fault: "keys are lower-cased", fails: "KeyLetterCase"}, spoil: nearKeyed(lower)},
	{twin: twin{fault: "keys are trimmed", fails: "KeySpaces"}, spoil: nearKeyed(func(key string) string { return strings.TrimSuffix(key, " ") })},
	{
		twin:  twin{fault: "keys are made valid UTF-8", fails: "KeyUnicode"},
		spoil: nearKeyed(func(key string) string { return strings.ToValidUTF8(key, "\ufffd") }),
	},
	{
		twin:  twin{fault: "keys end at the first NUL after the first byte", fails: "KeyNUL"},
		spoil: nearKeyed(func(key string) string { return cutAfterFirst(key, "\x00") }),
	},
	{
		twin:  twin{fault: "a plus sign is a space", fails: "KeyPunctuation"},
		spoil: nearKeyed(func(key string) string { return strings.Replace(key, "a+b", "a b", 1) }),
	},
	{
		twin: twin{fault: "a key that reads as nothing is kept as null", fails: "KeyThatLooksEmpty"},
		spoil: nearKeyed(func(key string) string {
			if key == "nil" || key == "<nil>" || key == "undefined" {
				return "null"
			}
			return key
		}),
	},
	{
		twin: twin{fault: "a key that reads as a number is kept as one", fails: "KeyThatLooksLikeANumber"},
		spoil: nearKeyed(func(key string) string {
			if n, err := strconv.Atoi(key); err == nil {
				return strconv.Itoa(n)
			}
			return key
		}),
	},
	{
		twin:  twin{fault: "keys are cut to 255 bytes", fails: "KeyLong"},
		spoil: nearKeyed(func(key string) string { return key[:min(len(key), 255)] }),
	},
	{
		twin:  twin{fault: "keys with a NUL are not kept", fails: "KeysAreAllUsable"},
		spoil: nearSetsOnly(func(key string) bool { return !strings.Contains(key, "\x00") }),
	},
	{
		twin:  twin{fault: "keys of more than 250 bytes are not kept", fails: "LongKeysAreUsable"},
		spoil: nearSetsOnly(func(key string) bool { return len(key) <= 250 }),
	},
	{
		twin:    twin{fault: "keys of more than 250 bytes are said not to be kept, and are", fails: "LackLongKeys"},
		spoil:   func(*twinNear) {},
		harness: func(h *NearHarness[*record]) { h.Lacks = map[Lack]string{LongKeys: "it has no room for them"} },
	},

	{
		twin:  twin{fault: "times to live are ignored", fails: "TTLEnds"},
		spoil: nearTimed(func(time.Duration) time.Duration { return math.MaxInt64 }),
	},
	{
		twin: twin{fault: "times to live are read as microseconds", fails: "TTLLasts"},
		spoil: nearTimed(func(ttl time.Duration) time.Duration {
			if ttl >= lasting {
				return ttl
			}
			return ttl / 1000
		}),
	},
	{
		twin: twin{fault: "times to live are rounded up to seconds", fails: "TTLBelowASecond"},
		spoil: nearTimed(func(ttl time.Duration) time.Duration {
			return min((ttl+time.Second-1)/time.Second, 1<<32) * time.Second
		}),
	},
	{
		twin: twin{fault: "a time to live of less than a millisecond is none, and so for ever", fails: "TTLTiny"},
		spoil: nearTimed(func(ttl time.Duration) time.Duration {
			if ttl < time.Millisecond {
				return math.MaxInt64
			}
			return ttl
		}),
	},
	{
		twin: twin{fault: "the time at which an entry ends overflows", fails: "TTLHuge"},
		spoil: func(n *twinNear) {
			n.set = func(key string, value *record, gen uint64, ttl time.Duration) {
				n.locked(func() {
					if !n.closed {
						n.write(key, value, gen, ttl)
						n.entries[key] = plainNearEntry{value, gen, n.now + ttl + 1}
					}
				})
			}
		},
	},
	{
		twin: twin{fault: "the first time to live stays", fails: "TTLOfTheLastSet"},
		spoil: nearMerging(func(old, next plainNearEntry) plainNearEntry {
			next.until = old.until
			return next
		}),
	},
	{
		twin: twin{fault: "the longest time to live stays", fails: "TTLOfTheLastSet"},
		spoil: nearMerging(func(old, next plainNearEntry) plainNearEntry {
			next.until = max(old.until, next.until)
			return next
		}),
	},
	{
		twin: twin{fault: "a read begins the time to live anew", fails: "TTLIsNotExtendedByReads"},
		spoil: func(n *twinNear) {
			lives := make(map[string]time.Duration) // guarded by n.mu
			n.set = func(key string, value *record, gen uint64, ttl time.Duration) {
				n.locked(func() {
					if !n.closed {
						lives[key] = ttl
						n.write(key, value, gen, ttl)
					}
				})
			}
			n.get = func(key string) (value *record, gen uint64, ok bool) {
				n.locked(func() {
					var e plainNearEntry
					if e, ok = n.live(key); ok {
						value, gen = e.value, e.gen
						n.write(key, value, gen, lives[key])
					}
				})
				return value, gen, ok
			}
		},
	},

	{
		twin: twin{fault: "there is no bound", fails: "BoundIsKept"},
		spoil: func(n *twinNear) {
			n.set = func(key string, value *record, gen uint64, ttl time.Duration) {
				n.locked(func() {
					if !n.closed {
						n.entries[key] = plainNearEntry{value, gen, max(n.now+ttl, ttl)}
					}
				})
			}
		},
	},

	{
		twin: twin{fault: "the second Close is an error", fails: "CloseTwice"},
		spoil: func(n *twinNear) {
			n.close = func() error {
				if n.isClosed() {
					return errTwin
				}
				return n.plainNear.Close()
			}
		},
	},
	{
		twin: twin{fault: "the second Close panics", fails: "CloseTwice"},
		spoil: func(n *twinNear) {
			done := make(chan struct{})
			n.close = func() error {
				close(done)
				return n.plainNear.Close()
			}
		},
	},
	{
		twin: twin{fault: "Close leaves the entries to be read", fails: "ClosedGetMisses"},
		spoil: func(n *twinNear) {
			n.close = func() error {
				n.locked(func() { n.closed = true })
				return nil
			}
		},
	},
	{
		twin: twin{fault: "a Set after Close opens the tier again", fails: "ClosedSetKeepsNothing"},
		spoil: func(n *twinNear) {
			n.set = func(key string, value *record, gen uint64, ttl time.Duration) {
				n.locked(func() { n.write(key, value, gen, ttl) })
			}
		},
	},
	{
		twin: twin{fault: "a Get after Close panics", fails: "ClosedGetMisses", also: []string{"ClosedSetKeepsNothing", "CloseUnderLoad"}},
		spoil: func(n *twinNear) {
			n.get = func(key string) (*record, uint64, bool) {
				if n.isClosed() {
					panic("closed")
				}
				return n.plainNear.Get(key)
			}
		},
	},
	{
		twin: twin{fault: "a Set after Close panics", fails: "ClosedSetKeepsNothing", also: []string{"CloseUnderLoad"}},
		spoil: func(n *twinNear) {
			n.set = func(key string, value *record, gen uint64, ttl time.Duration) {
				if n.isClosed() {
					panic("closed")
				}
				n.plainNear.Set(key, value, gen, ttl)
			}
		},
	},
	{
		twin: twin{fault: "a Del after Close panics", fails: "ClosedDelDoesNothing", also: []string{"CloseUnderLoad"}},
		spoil: func(n *twinNear) {
			n.del = func(key string) {
				if n.isClosed() {
					panic("closed")
				}
				n.plainNear.Del(key)
			}
		},
	},
	{
		twin: twin{fault: "while Close is at work, there is nothing to read from", fails: "CloseUnderLoad"},
		spoil: func(n *twinNear) {
			var closing atomic.Bool
			n.close = func() error {
				closing.Store(true)
				time.Sleep(5 * time.Millisecond) // how long it is at work
				defer closing.Store(false)
				return n.plainNear.Close()
			}
			n.get = func(key string) (*record, uint64, bool) {
				if closing.Load() {
					panic("the tier is being taken apart")
				}
				return n.plainNear.Get(key)
			}
		},
	},

	{
		twin: twin{fault: "values and generations are in maps of their own", fails: "ConcurrentPairsAreWhole"},
		spoil: func(n *twinNear) {
			var values sync.Map // by key
			n.set = func(key string, value *record, gen uint64, ttl time.Duration) {
				values.Store(key, value)
				runtime.Gosched()
				n.plainNear.Set(key, nil, gen, ttl)
			}
			n.get = func(key string) (*record, uint64, bool) {
				_, gen, ok := n.plainNear.Get(key)
				runtime.Gosched()
				value, _ := values.Load(key)
				v, _ := value.(*record)
				return v, gen, ok && v != nil
			}
		},
	},
	{
		twin: twin{fault: "an entry's memory is used again while it is being read", fails: "ConcurrentPairsAreWhole"},
		spoil: func(n *twinNear) {
			type box struct {
				value *record
				gen   uint64
			}
			var free []*box                // guarded by n.mu, as all that follows
			boxes := make(map[string]*box) // those in use
			recycle := func(key string) {
				if b := boxes[key]; b != nil {
					free = append(free, b)
					delete(boxes, key)
				}
			}
			n.del = func(key string) {
				n.locked(func() {
					recycle(key)
					delete(n.entries, key)
				})
			}
			n.set = func(key string, value *record, gen uint64, ttl time.Duration) {
				n.locked(func() {
					if n.closed {
						return
					}
					recycle(key)
					b := &box{}
					if len(free) > 0 {
						b, free = free[0], free[1:]
					}
					n.write(key, value, gen, ttl)
					*b = box{value, gen}
					boxes[key] = b
				})
			}
			n.get = func(key string) (value *record, gen uint64, ok bool) {
				var b *box
				n.locked(func() {
					if _, ok = n.live(key); ok {
						b = boxes[key]
					}
				})
				if !ok {
					return nil, 0, false
				}
				runtime.Gosched()
				n.locked(func() { value, gen = b.value, b.gen })
				return value, gen, true
			}
		},
	},
	{
		twin: twin{fault: "a Set is dropped while others read the key", fails: "ConcurrentSetIsImmediate"},
		spoil: func(n *twinNear) {
			var reading atomic.Int64
			n.get = func(key string) (*record, uint64, bool) {
				reading.Add(1)
				defer reading.Add(-1)
				runtime.Gosched()
				return n.plainNear.Get(key)
			}
			n.set = func(key string, value *record, gen uint64, ttl time.Duration) {
				for range 100 { // for long enough to meet a reader, if there are any
					if reading.Load() > 0 {
						return
					}
					runtime.Gosched()
				}
				n.plainNear.Set(key, value, gen, ttl)
			}
		},
	},
	{
		twin: twin{fault: "a read puts back what was evicted meanwhile, or deleted", fails: "ConcurrentDelIsImmediate"},
		spoil: func(n *twinNear) {
			n.get = func(key string) (value *record, gen uint64, ok bool) {
				var e plainNearEntry
				n.locked(func() { e, ok = n.live(key) })
				if !ok {
					return nil, 0, false
				}
				runtime.Gosched()
				n.locked(func() {
					if _, there := n.entries[key]; !there && !n.closed {
						n.entries[key] = e
					}
				})
				return e.value, e.gen, true
			}
		},
	},
}

// cutAfterFirst cuts s at the first sep after its first byte.
func cutAfterFirst(s, sep string) string {
	if at := strings.Index(s[1:], sep); at >= 0 {
		return s[:at+1]
	}
	return s
}

func TestNearTwinsAreCaught(t *testing.T) {
	var twins []twin
	var suites []*suite[*nearSubject[*record]]
	for _, tw := range nearTwins {
		h := plainNearHarness(func(inner *plainNear) cascache.Near[*record] {
			n := &twinNear{plainNear: inner}
			tw.spoil(n)
			return n
		})
		if tw.harness != nil {
			tw.harness(&h)
		}
		twins = append(twins, tw.twin)
		suites = append(suites, nearSuite(h))
	}
	for _, tw := range nearEntryTwins {
		h := plainNearHarness(tw.open)
		if tw.harness != nil {
			tw.harness(&h)
		}
		twins = append(twins, tw.twin)
		suites = append(suites, nearSuite(h))
	}
	requireAllCaught(t, twins, suites)
	requireTwins(t, nearRules[*record](), twins)
}
