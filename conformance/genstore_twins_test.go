package conformance

import (
	"context"
	"errors"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	cascache "github.com/unkn0wn-root/cascache/core"
)

// twinGens is plainGens but for the methods that a twin replaces. It has no
// optional abilities.
type twinGens struct {
	*plainGens
	current  func(ctx context.Context, key string) (uint64, error)
	snapshot func(ctx context.Context, key string) (uint64, error)
	bump     func(ctx context.Context, key string) (uint64, error)
	close    func(ctx context.Context) error
}

func (p *twinGens) Current(ctx context.Context, key string) (uint64, error) {
	if p.current != nil {
		return p.current(ctx, key)
	}
	return p.plainGens.Current(ctx, key)
}

func (p *twinGens) Snapshot(ctx context.Context, key string) (uint64, error) {
	if p.snapshot != nil {
		return p.snapshot(ctx, key)
	}
	return p.plainGens.Snapshot(ctx, key)
}

func (p *twinGens) Bump(ctx context.Context, key string) (uint64, error) {
	if p.bump != nil {
		return p.bump(ctx, key)
	}
	return p.plainGens.Bump(ctx, key)
}

func (p *twinGens) Close(ctx context.Context) error {
	if p.close != nil {
		return p.close(ctx)
	}
	return p.plainGens.Close(ctx)
}

// gens makes a twin of plainGens.
func gens(spoil func(p *twinGens)) func(*plainGens) cascache.GenStore {
	return func(inner *plainGens) cascache.GenStore {
		p := &twinGens{plainGens: inner}
		spoil(p)
		return p
	}
}

// drawing makes a twin that draws other numbers.
func drawing(drawn func(s *genState, key string, prev uint64) uint64) func(*plainGens) cascache.GenStore {
	return gens(func(p *twinGens) {
		state := p.genState
		p.mu.Lock()
		defer p.mu.Unlock()
		p.drawn = func(key string, prev uint64) uint64 { return drawn(state, key, prev) }
	})
}

// rightly draws as it should be done. The caller is inside.
func (s *genState) rightly() uint64 {
	s.floor = max(uint64(s.now.UnixMicro())*1000, s.floor+4000) + rand.Uint64N(1000)
	return s.floor
}

// keyedGens makes a twin that uses other keys than it is given.
func keyedGens(spoil func(key string) string) func(*plainGens) cascache.GenStore {
	return gens(func(p *twinGens) {
		p.current = func(ctx context.Context, key string) (uint64, error) { return p.plainGens.Current(ctx, spoil(key)) }
		p.snapshot = func(ctx context.Context, key string) (uint64, error) { return p.plainGens.Snapshot(ctx, spoil(key)) }
		p.bump = func(ctx context.Context, key string) (uint64, error) { return p.plainGens.Bump(ctx, spoil(key)) }
	})
}

// able makes a twin of ableGens, with what spoil replaces.
func able(spoil func(p *twinAble)) func(*plainGens) cascache.GenStore {
	return func(inner *plainGens) cascache.GenStore {
		p := &twinAble{ableGens: ableGens{inner}}
		spoil(p)
		return p
	}
}

// twinAble is ableGens but for the methods that a twin replaces.
type twinAble struct {
	ableGens
	bulks    [bulkKinds]bulkCall
	hold     func(ctx context.Context, keys []string, token string, lease time.Duration) error
	release  func(ctx context.Context, keys []string, token string) error
	current  func(ctx context.Context, key string) (uint64, error)
	bump     func(ctx context.Context, key string) (uint64, error)
	blocking bool
}

func (p *twinAble) right(kind int) bulkCall {
	return [...]bulkCall{p.ableGens.CurrentBulk, p.ableGens.SnapshotBulk, p.ableGens.BumpBulk}[kind]
}

func (p *twinAble) bulk(ctx context.Context, kind int, keys []string) ([]uint64, error) {
	if p.bulks[kind] != nil {
		return p.bulks[kind](ctx, keys)
	}
	return p.right(kind)(ctx, keys)
}

func (p *twinAble) CurrentBulk(ctx context.Context, keys []string) ([]uint64, error) {
	return p.bulk(ctx, currentBulk, keys)
}

func (p *twinAble) SnapshotBulk(ctx context.Context, keys []string) ([]uint64, error) {
	return p.bulk(ctx, snapshotBulk, keys)
}

func (p *twinAble) BumpBulk(ctx context.Context, keys []string) ([]uint64, error) {
	return p.bulk(ctx, bumpBulk, keys)
}

func (p *twinAble) Hold(ctx context.Context, keys []string, token string, lease time.Duration) error {
	if p.hold != nil {
		return p.hold(ctx, keys, token, lease)
	}
	return p.ableGens.Hold(ctx, keys, token, lease)
}

func (p *twinAble) Release(ctx context.Context, keys []string, token string) error {
	if p.release != nil {
		return p.release(ctx, keys, token)
	}
	return p.ableGens.Release(ctx, keys, token)
}

func (p *twinAble) Current(ctx context.Context, key string) (uint64, error) {
	if p.current != nil {
		return p.current(ctx, key)
	}
	return p.ableGens.Current(ctx, key)
}

func (p *twinAble) Bump(ctx context.Context, key string) (uint64, error) {
	if p.bump != nil {
		return p.bump(ctx, key)
	}
	return p.ableGens.Bump(ctx, key)
}

func (p *twinAble) NonBlocking() bool { return !p.blocking }

// each runs f for each key inside, as a Hold or Release does.
func (p *twinAble) each(ctx context.Context, keys []string, f func(key string)) error {
	_, err := p.inside(ctx, keys, func(key string) uint64 { f(key); return 0 })
	return err
}

// bulkGens makes a twin of one bulk call.
func bulkGens(kind int, spoil func(p *twinAble, ctx context.Context, keys []string) ([]uint64, error)) func(*plainGens) cascache.GenStore {
	return able(func(p *twinAble) {
		p.bulks[kind] = func(ctx context.Context, keys []string) ([]uint64, error) { return spoil(p, ctx, keys) }
	})
}

// holding makes a twin of Hold or Release, or both.
func holding(hold func(p *twinAble, key, token string, until time.Time), release func(p *twinAble, key, token string)) func(*plainGens) cascache.GenStore {
	return able(func(p *twinAble) {
		if hold != nil {
			p.hold = func(ctx context.Context, keys []string, token string, lease time.Duration) error {
				return p.each(ctx, keys, func(key string) { hold(p, key, token, p.now.Add(lease)) })
			}
		}
		if release != nil {
			p.release = func(ctx context.Context, keys []string, token string) error {
				return p.each(ctx, keys, func(key string) { release(p, key, token) })
			}
		}
	})
}

// A memory is what a handle remembers of what it has read.
type memory struct {
	mu   sync.Mutex
	gens map[string]uint64
}

func (m *memory) get(key string, read func() (uint64, error)) (uint64, error) {
	m.mu.Lock()
	gen := m.gens[key]
	m.mu.Unlock()
	if gen != 0 {
		return gen, nil
	}
	gen, err := read()
	m.set(key, gen)
	return gen, err
}

func (m *memory) of(key string) uint64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.gens[key]
}

func (m *memory) set(key string, gen uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.gens == nil {
		m.gens = make(map[string]uint64)
	}
	m.gens[key] = gen
}

// flights are calls that others join while they are under way.
type flights struct {
	mu    sync.Mutex
	under map[string]*flight
}

type flight struct {
	done chan struct{}
	gen  uint64
	err  error
}

func flightsOf(s *genState) *flights {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.flights == nil {
		s.flights = &flights{under: make(map[string]*flight)}
	}
	return s.flights
}

func (f *flights) share(name string, call func() (uint64, error)) (uint64, error) {
	f.mu.Lock()
	l, joined := f.under[name]
	if !joined {
		l = &flight{done: make(chan struct{})}
		f.under[name] = l
	}
	f.mu.Unlock()
	if joined {
		<-l.done
		return l.gen, l.err
	}
	l.gen, l.err = call()
	pause()
	f.mu.Lock()
	delete(f.under, name)
	f.mu.Unlock()
	close(l.done)
	return l.gen, l.err
}

// pause gives others a turn, in the middle of what should be one step.
func pause() { time.Sleep(50 * time.Microsecond) }

// A genTwin is a row of the table.
type genTwin struct {
	twin
	open    func(*plainGens) cascache.GenStore
	harness func(h *GenStoreHarness) // what differs from plainGenHarness, nil for nothing
}

func lackGen(lack Lack, reason string) func(*GenStoreHarness) {
	return func(h *GenStoreHarness) { h.Lacks = map[Lack]string{lack: reason} }
}

var genTwins = slices.Concat([]genTwin{
	{
		twin: twin{fault: "a bump draws a random number", fails: "BumpIsGreater",
			also: []string{"PeersBumpIsGreater", "ConcurrentBumpsAreGreater", "LostIsSurpassed"}},
		open: drawing(func(*genState, string, uint64) uint64 { return rand.Uint64N(math.MaxInt64) + 1 }),
	},
	{
		twin: twin{fault: "a bump in the same millisecond is the same number", fails: "BumpIsGreater",
			also: []string{"PeersBumpIsGreater", "ConcurrentBumpsAreGreater"}},
		open: drawing(func(s *genState, _ string, _ uint64) uint64 { s.floor += 100; return s.floor/1000 + 1 }),
		harness: func(h *GenStoreHarness) {
			h.Losses, h.Lacks = nil, map[Lack]string{Losing: "it is not what this is about"}
		},
	},
	{
		twin: twin{fault: "each process draws by its own clock, and one is behind", fails: "PeersBumpIsGreater"},
		open: clocks,
	},
	{
		twin: twin{fault: "bumps at once share one draw, also one that was made before they began", fails: "ConcurrentBumpsAreGreater"},
		open: gens(func(p *twinGens) {
			p.bump = func(ctx context.Context, key string) (uint64, error) {
				return flightsOf(p.genState).share("bump "+key, func() (uint64, error) { return p.insideOne(ctx, key, p.replace) })
			}
		}),
	},
	{
		twin: twin{fault: "a bump is a read and a write, and one in between is lost", fails: "GenerationsNeverGoBack"},
		open: gens(func(p *twinGens) {
			p.bump = func(ctx context.Context, key string) (uint64, error) {
				gen, err := p.insideOne(ctx, key, func(key string) uint64 { return p.draw(key) })
				if err != nil {
					return 0, err
				}
				time.Sleep(rand.N(200 * time.Microsecond))
				return p.insideOne(ctx, key, func(key string) uint64 { p.gens[key] = gen; return gen })
			}
		}),
	},
	{
		twin: twin{fault: "a counter from 0", fails: "LostIsNotReused"},
		open: drawing(func(_ *genState, _ string, prev uint64) uint64 { return prev + 1 }),
	},
	{
		twin: twin{fault: "the INCR of a value that a restart has rolled back", fails: "LostIsNotReused"},
		open: drawing(func(s *genState, key string, prev uint64) uint64 {
			if prev == 0 {
				prev = s.saved[key]
				delete(s.saved, key)
			}
			if prev == 0 {
				return s.rightly()
			}
			s.floor = max(s.floor, prev+1)
			return prev + 1
		}),
	},
	{
		twin: twin{fault: "the time in hours: two losses in one draw the same", fails: "LostIsNotReused"},
		open: drawing(func(s *genState, _ string, prev uint64) uint64 {
			return max(uint64(s.now.Unix())/3600, prev+1)
		}),
	},
	{
		twin: twin{fault: "a counter that starts from a random number", fails: "LostIsSurpassed"},
		open: drawing(func(_ *genState, _ string, prev uint64) uint64 {
			if prev == 0 {
				return rand.Uint64N(math.MaxInt64) + 1
			}
			return prev + 1
		}),
	},
	{
		twin: twin{fault: "what is lost comes back with an old copy", fails: "LostIsNotOlder"},
		open: gens(func(p *twinGens) {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.restored = func() { p.gens = maps.Clone(p.saved) }
		}),
	},
	{
		twin: twin{fault: "the caller chooses the number, and a retry writes it twice", fails: "RetriedBumpDrawsAgain"},
		open: gens(func(p *twinGens) {
			p.bump = func(ctx context.Context, key string) (uint64, error) {
				gen, err := p.insideOne(ctx, key, p.replace)
				if err == nil && p.interrupted() {
					gen, err = p.insideOne(ctx, key, func(key string) uint64 { p.gens[key] = gen; return gen })
				}
				return gen, err
			}
		}),
	},
	{
		twin: twin{fault: "what Bump returns has gone through a 53-bit number", fails: "NumbersAreExact"},
		open: gens(func(p *twinGens) {
			p.bump = func(ctx context.Context, key string) (uint64, error) {
				gen, err := p.plainGens.Bump(ctx, key)
				return gen &^ 255, err
			}
		}),
	},
	{
		twin: twin{fault: "what Current and Snapshot return has gone through a float64", fails: "NumbersAreExact"},
		open: gens(func(p *twinGens) {
			p.current = func(ctx context.Context, key string) (uint64, error) {
				gen, err := p.plainGens.Current(ctx, key)
				return roundUp(gen), err
			}
			p.snapshot = func(ctx context.Context, key string) (uint64, error) {
				gen, err := p.plainGens.Snapshot(ctx, key)
				return roundUp(gen), err
			}
		}),
	},

	{
		twin: twin{fault: "missing is 1", fails: "MissingIsZero", also: []string{"LostIsNotOlder"}},
		open: gens(func(p *twinGens) {
			one := func(gen uint64, err error) (uint64, error) {
				if gen == 0 && err == nil {
					gen = 1
				}
				return gen, err
			}
			p.current = func(ctx context.Context, key string) (uint64, error) { return one(p.plainGens.Current(ctx, key)) }
			p.snapshot = func(ctx context.Context, key string) (uint64, error) { return p.plainGens.Snapshot(ctx, key) }
		}),
	},
	{
		twin: twin{fault: "missing is an error", fails: "MissingIsZero"},
		open: gens(func(p *twinGens) {
			p.current = func(ctx context.Context, key string) (uint64, error) {
				gen, err := p.plainGens.Current(ctx, key)
				if gen == 0 && err == nil {
					err = errTwin
				}
				return gen, err
			}
		}),
	},
	{
		twin: twin{fault: "a bump of a key without a generation does nothing", fails: "BumpCreates"},
		open: gens(func(p *twinGens) {
			p.bump = func(ctx context.Context, key string) (uint64, error) {
				return p.insideOne(ctx, key, func(key string) uint64 {
					if p.gens[key] == 0 {
						return 0
					}
					return p.replace(key)
				})
			}
		}),
	},
	{
		twin: twin{fault: "a bump of a key without a generation tells of one that it does not store", fails: "BumpCreates"},
		open: gens(func(p *twinGens) {
			p.bump = func(ctx context.Context, key string) (uint64, error) {
				return p.insideOne(ctx, key, func(key string) uint64 {
					if p.gens[key] == 0 {
						return p.draw(key)
					}
					return p.replace(key)
				})
			}
		}),
	},
	{
		twin: twin{fault: "a bump removes the generation, for the next Snapshot to draw one", fails: "BumpCreates"},
		open: gens(func(p *twinGens) {
			p.bump = func(ctx context.Context, key string) (uint64, error) {
				return p.insideOne(ctx, key, func(key string) uint64 { delete(p.gens, key); return p.draw(key) })
			}
		}),
	},
	{
		twin: twin{fault: "one generation for all keys", fails: "OthersKeepTheirs",
			also: keyCases()},
		open: keyedGens(func(key string) string { return "all" }),
	},

	{
		twin: twin{fault: "Snapshot returns a number for a missing key, and does not store it", fails: "SnapshotCreates",
			also: []string{"PeersSeeSnapshot"}},
		open: gens(func(p *twinGens) {
			p.snapshot = func(ctx context.Context, key string) (uint64, error) {
				return p.insideOne(ctx, key, func(key string) uint64 {
					if p.gens[key] == 0 {
						return p.draw(key)
					}
					return p.gens[key]
				})
			}
		}),
	},
	{
		twin: twin{fault: "Snapshot only reads", fails: "SnapshotCreates"},
		open: gens(func(p *twinGens) { p.snapshot = p.plainGens.Current }),
	},
	{
		twin: twin{fault: "what Snapshot creates stays in the process until it is bumped", fails: "PeersSeeSnapshot",
			also: []string{"ConcurrentSnapshotsAgree"}},
		open: localSnapshots,
	},
	{
		twin: twin{fault: "Snapshot always draws anew", fails: "SnapshotKeeps"},
		open: gens(func(p *twinGens) { p.snapshot = p.plainGens.Bump }),
	},
	{
		twin: twin{fault: "Current creates", fails: "CurrentOnlyReads"},
		open: gens(func(p *twinGens) { p.current = p.plainGens.Snapshot }),
	},
	{
		twin: twin{fault: "Current answers 0 for a missing key, and creates it", fails: "CurrentOnlyReads"},
		open: gens(func(p *twinGens) {
			p.current = func(ctx context.Context, key string) (uint64, error) {
				return p.insideOne(ctx, key, func(key string) uint64 {
					gen := p.gens[key]
					p.take(key)
					return gen
				})
			}
		}),
	},
	{
		twin: twin{fault: "Snapshot reads, and then writes unless something greater is there", fails: "ConcurrentSnapshotsAgree"},
		open: gens(func(p *twinGens) {
			p.snapshot = func(ctx context.Context, key string) (uint64, error) {
				gen, err := p.plainGens.Current(ctx, key)
				if gen != 0 || err != nil {
					return gen, err
				}
				pause()
				return p.insideOne(ctx, key, func(key string) uint64 {
					gen := p.draw(key)
					p.gens[key] = max(gen, p.gens[key])
					return gen
				})
			}
		}),
	},
	{
		twin: twin{fault: "Snapshot reads, draws, and writes over what a bump has put there meanwhile", fails: "SnapshotDoesNotUndoABump"},
		open: overwritingSnapshots,
	},

	{
		twin: twin{fault: "what was read is remembered, and the handle's own bump does not know", fails: "BumpIsVisible"},
		open: gens(func(p *twinGens) {
			var before, bumped memory
			p.current = func(ctx context.Context, key string) (uint64, error) {
				gen, err := p.plainGens.Current(ctx, key)
				if err == nil && gen != 0 && bumped.of(key) == gen && before.of(key) != 0 {
					return before.of(key), nil
				}
				return gen, err
			}
			p.bump = func(ctx context.Context, key string) (uint64, error) {
				old, _ := p.plainGens.Current(ctx, key)
				gen, err := p.plainGens.Bump(ctx, key)
				before.set(key, old)
				bumped.set(key, gen)
				return gen, err
			}
		}),
	},
	{
		twin: twin{fault: "a read is remembered for a moment", fails: "PeersSeeBump"},
		open: gens(func(p *twinGens) {
			var near memory
			p.current = func(ctx context.Context, key string) (uint64, error) {
				if err := p.plainErr(ctx); err != nil {
					return 0, err
				}
				return near.get(key, func() (uint64, error) { return p.plainGens.Current(ctx, key) })
			}
			p.bump = func(ctx context.Context, key string) (uint64, error) {
				gen, err := p.plainGens.Bump(ctx, key)
				near.set(key, 0)
				return gen, err
			}
		}),
		harness: func(h *GenStoreHarness) {
			h.Losses, h.Lacks = nil, map[Lack]string{Losing: "it is not what this is about"}
		},
	},
	{
		twin: twin{fault: "reads go to a replica that is one bump behind", fails: "PeersSeeBump", also: []string{"BumpIsVisible", "LostIsNotOlder"}},
		open: lagging,
	},
	{
		twin: twin{fault: "Snapshot remembers what it has created", fails: "SnapshotSeesBump"},
		open: gens(func(p *twinGens) {
			var near memory
			p.snapshot = func(ctx context.Context, key string) (uint64, error) {
				if err := p.plainErr(ctx); err != nil {
					return 0, err
				}
				gen, err := p.plainGens.Current(ctx, key)
				if gen == 0 || err != nil {
					gen, err = p.plainGens.Snapshot(ctx, key)
					near.set(key, gen)
					return gen, err
				}
				return near.get(key, func() (uint64, error) { return p.plainGens.Snapshot(ctx, key) })
			}
		}),
	},
	{
		twin: twin{fault: "reads at once share one look-up, also one that has begun before", fails: "BumpIsVisibleUnderLoad"},
		open: gens(func(p *twinGens) {
			p.current = func(ctx context.Context, key string) (uint64, error) {
				return flightsOf(p.genState).share(key, func() (uint64, error) { return p.plainGens.Current(ctx, key) })
			}
		}),
	},

	{
		twin: twin{fault: "keys are folded to lower case", fails: "KeyLetterCase"},
		open: keyedGens(lower),
	},
	{
		twin: twin{fault: "spaces at the ends of keys are cut off", fails: "KeySpaces"},
		open: keyedGens(func(key string) string {
			if trimmed := strings.Trim(key, " \t\r\n"); trimmed != "" {
				return trimmed
			}
			return key
		}),
	},
	{
		twin: twin{fault: "keys are made valid UTF-8", fails: "KeyUnicode"},
		open: keyedGens(func(key string) string { return strings.ToValidUTF8(key, "\ufffd") }),
	},
	{
		twin: twin{fault: "keys end at a NUL", fails: "KeyNUL"},
		open: keyedGens(func(key string) string {
			if at := strings.IndexByte(key, 0); at > 0 {
				return key[:at]
			}
			return key
		}),
	},
	{
		twin: twin{fault: "what stands in braces is the key", fails: "KeyPunctuation"},
		open: keyedGens(func(key string) string {
			if open := strings.IndexByte(key, '{'); open >= 0 {
				if n := strings.IndexByte(key[open:], '}'); n > 1 {
					return key[open+1 : open+n]
				}
			}
			return key
		}),
	},
	{
		twin: twin{fault: "null is no key", fails: "KeyThatLooksEmpty"},
		open: keyedGens(func(key string) string {
			if key == "null" || key == "nil" {
				return "undefined"
			}
			return key
		}),
	},
	{
		twin: twin{fault: "keys that are numbers lose their zeros", fails: "KeyThatLooksLikeANumber"},
		open: keyedGens(func(key string) string {
			if trimmed := strings.TrimLeft(key, "0"); trimmed != "" {
				return trimmed
			}
			return key
		}),
	},
	{
		twin: twin{fault: "keys are cut after 250 bytes", fails: "KeyLong"},
		open: keyedGens(func(key string) string { return key[:min(len(key), 250)] }),
	},
	{
		twin: twin{fault: "the hash of long keys takes every 64th byte", fails: "KeyLong"},
		open: keyedGens(func(key string) string {
			if len(key) < 1024 {
				return key
			}
			var b []byte
			for i := 0; i < len(key); i += 64 {
				b = append(b, key[i])
			}
			return string(b) + key[len(key)-len(key)%64:]
		}),
	},
	{
		twin: twin{fault: "Bump cuts the key after 250 bytes, and nobody else does", fails: "EveryCallMeansTheSameKey"},
		open: gens(func(p *twinGens) {
			p.bump = func(ctx context.Context, key string) (uint64, error) {
				return p.plainGens.Bump(ctx, key[:min(len(key), 250)])
			}
		}),
	},
	{
		twin: twin{fault: "a key that is no UTF-8 is refused", fails: "KeysAreAllUsable"},
		open: refusing(func(key string) bool {
			return strings.ContainsRune(key, '\ufffd') || strings.ToValidUTF8(key, "") != key
		}),
	},
	{
		twin: twin{fault: "a key over 250 bytes is refused", fails: "LongKeysAreUsable"},
		open: refusing(func(key string) bool { return len(key) > 250 }),
	},

	{
		twin: twin{fault: "every third Snapshot fails", fails: "HealthyCallsSucceed"},
		open: gens(func(p *twinGens) {
			var n atomic.Int64
			p.snapshot = func(ctx context.Context, key string) (uint64, error) {
				if n.Add(1)%3 == 0 && strings.HasPrefix(key, "healthy") {
					return 0, errTwin
				}
				return p.plainGens.Snapshot(ctx, key)
			}
		}),
	},
	{
		twin: twin{fault: "the first Close is an error", fails: "HealthyCallsSucceed"},
		open: gens(func(p *twinGens) {
			p.close = func(ctx context.Context) error {
				p.mu.Lock()
				first := !p.closed
				p.mu.Unlock()
				_ = p.plainGens.Close(ctx)
				if first {
					return errTwin
				}
				return nil
			}
		}),
	},
	{
		twin: twin{fault: "Current takes no notice of its context", fails: "DoneContextIsItsError"},
		open: gens(func(p *twinGens) {
			p.current = func(_ context.Context, key string) (uint64, error) {
				return p.plainGens.Current(context.Background(), key)
			}
		}),
	},
	{
		twin: twin{fault: "the error of a context is replaced by another", fails: "DoneContextIsItsError"},
		open: gens(func(p *twinGens) {
			p.snapshot = func(ctx context.Context, key string) (uint64, error) {
				if ctx.Err() != nil {
					return 0, errors.New("timeout")
				}
				return p.plainGens.Snapshot(ctx, key)
			}
		}),
	},
	{
		twin: twin{fault: "a bump whose context is done is taken for done", fails: "BumpUnderADoneContextIsHonest", also: []string{"DoneContextIsItsError"}},
		open: gens(func(p *twinGens) {
			p.bump = func(ctx context.Context, key string) (uint64, error) {
				if ctx.Err() != nil {
					return 0, nil
				}
				return p.plainGens.Bump(ctx, key)
			}
		}),
	},
	{
		twin: twin{fault: "a read that fails is a missing generation", fails: "FailedReadIsAnError"},
		open: gens(func(p *twinGens) {
			p.current = func(ctx context.Context, key string) (uint64, error) {
				gen, err := p.plainGens.Current(ctx, key)
				if errors.Is(err, errBroken) {
					err = nil
				}
				return gen, err
			}
		}),
	},
	{
		twin: twin{fault: "a bump that fails is not told of", fails: "FailedBumpIsAnError"},
		open: gens(func(p *twinGens) {
			p.bump = func(ctx context.Context, key string) (uint64, error) {
				gen, err := p.plainGens.Bump(ctx, key)
				if errors.Is(err, errBroken) {
					err = nil
				}
				return gen, err
			}
		}),
	},
	{
		twin: twin{fault: "a bump of a list that fails is not told of", fails: "FailedBulkIsAnError"},
		open: bulkGens(bumpBulk, func(p *twinAble, ctx context.Context, keys []string) ([]uint64, error) {
			gens, err := p.right(bumpBulk)(ctx, keys)
			if errors.Is(err, errBroken) {
				return make([]uint64, len(keys)), nil
			}
			return gens, err
		}),
	},
	{
		twin: twin{fault: "a hold that fails is not told of", fails: "FailedHoldIsAnError"},
		open: able(func(p *twinAble) {
			p.hold = func(ctx context.Context, keys []string, token string, lease time.Duration) error {
				if err := p.ableGens.Hold(ctx, keys, token, lease); !errors.Is(err, errBroken) {
					return err
				}
				return nil
			}
		}),
	},
	{
		twin: twin{fault: "a store that waits says that it does not", fails: "NonBlockingIsQuick"},
		open: able(func(p *twinAble) {
			p.release = func(ctx context.Context, keys []string, token string) error {
				if slices.Contains(keys, "kept") {
					time.Sleep(2 * quick)
				}
				return p.ableGens.Release(ctx, keys, token)
			}
		}),
	},

	{
		twin: twin{fault: "the second Close is an error", fails: "CloseTwice"},
		open: gens(func(p *twinGens) {
			p.close = func(ctx context.Context) error {
				p.mu.Lock()
				closed := p.closed
				p.mu.Unlock()
				if closed {
					return errTwin
				}
				return p.plainGens.Close(ctx)
			}
		}),
	},
	{
		twin: twin{fault: "reads go on after Close", fails: "ClosedReadIsAnError"},
		open: gens(func(p *twinGens) {
			other := &plainGens{genState: p.genState}
			p.current = other.Current
		}),
	},
	{
		twin: twin{fault: "a bump after Close is taken for done", fails: "ClosedBumpIsAnError"},
		open: gens(func(p *twinGens) {
			p.bump = func(ctx context.Context, key string) (uint64, error) {
				gen, err := p.plainGens.Bump(ctx, key)
				if errors.Is(err, cascache.ErrClosed) {
					err = nil
				}
				return gen, err
			}
		}),
	},
	{
		twin: twin{fault: "a bump of a list after Close is taken for done", fails: "ClosedBulkIsAnError"},
		open: bulkGens(bumpBulk, func(p *twinAble, ctx context.Context, keys []string) ([]uint64, error) {
			gens, err := p.right(bumpBulk)(ctx, keys)
			if errors.Is(err, cascache.ErrClosed) {
				return make([]uint64, len(keys)), nil
			}
			return gens, err
		}),
	},
	{
		twin: twin{fault: "a hold after Close is taken for one", fails: "ClosedHoldIsAnError"},
		open: able(func(p *twinAble) {
			p.hold = func(ctx context.Context, keys []string, token string, lease time.Duration) error {
				if err := p.ableGens.Hold(ctx, keys, token, lease); !errors.Is(err, cascache.ErrClosed) {
					return err
				}
				return nil
			}
		}),
	},
	{
		twin: twin{fault: "Close empties the store for all", fails: "CloseLeavesPeers"},
		open: gens(func(p *twinGens) {
			p.close = func(ctx context.Context) error {
				p.mu.Lock()
				clear(p.gens)
				p.mu.Unlock()
				return p.plainGens.Close(ctx)
			}
		}),
	},
	{
		twin: twin{fault: "Close closes the connection of all", fails: "CloseLeavesPeers"},
		open: gens(func(p *twinGens) {
			p.close = func(ctx context.Context) error {
				p.mu.Lock()
				p.broken = true
				p.mu.Unlock()
				return p.plainGens.Close(ctx)
			}
		}),
	},
	{
		twin: twin{fault: "Close takes the maps away from the calls under way", fails: "CloseUnderLoad"},
		open: gens(func(p *twinGens) {
			gone := false // guarded by p.mu
			p.close = func(ctx context.Context) error {
				_ = p.plainGens.Close(ctx)
				p.mu.Lock()
				gone = true
				p.mu.Unlock()
				return nil
			}
			p.bump = func(ctx context.Context, key string) (uint64, error) {
				if err := p.plainErr(ctx); err != nil {
					return 0, err
				}
				pause()
				p.mu.Lock()
				defer p.mu.Unlock()
				if gone {
					panic("assignment to entry in nil map")
				}
				return p.replace(key), nil
			}
		}),
	},
	{
		twin: twin{fault: "bulk calls are not guarded by the lock, and see half of a bump", fails: "ConcurrentBulksKeepTheRules"},
		open: bulkGens(snapshotBulk, func(p *twinAble, ctx context.Context, keys []string) ([]uint64, error) {
			old := make([]uint64, len(keys))
			for i, key := range keys {
				old[i], _ = p.ableGens.Current(ctx, key)
			}
			pause()
			gens, err := p.right(snapshotBulk)(ctx, keys)
			if err != nil {
				return nil, err
			}
			for i := range gens {
				if old[i] != 0 && gens[i] != old[i] { // it was bumped meanwhile
					p.mu.Lock()
					p.gens[keys[i]] = old[i]
					p.mu.Unlock()
				}
			}
			return gens, nil
		}),
	},
	{
		twin: twin{fault: "all instances use the same map", fails: "InstancesStayApart"},
		open: func(p *plainGens) cascache.GenStore { return &apart{p} },
	},
},
	bulkTwins(), holdTwins, genWrapperTwins, knowingTwins)

// keyCases are the cases on what keys are apart.
func keyCases() []string {
	var cases []string
	for _, f := range keyFamilies {
		cases = append(cases, f.name)
	}
	return cases
}

// apart shares the keys of one case with all others of its kind; the other
// cases are not about that.
type apart struct{ *plainGens }

var apartState = newPlainGens()

func (p *apart) at(key string) *plainGens {
	if strings.HasPrefix(key, "apart-") {
		return apartState
	}
	return p.plainGens
}

func (p *apart) Current(ctx context.Context, key string) (uint64, error) {
	return p.at(key).Current(ctx, key)
}

func (p *apart) Bump(ctx context.Context, key string) (uint64, error) {
	return p.at(key).Bump(ctx, key)
}

func (p *plainGens) plainErr(ctx context.Context) error {
	err := p.enter(ctx)
	defer p.leave()
	return err
}

func roundUp(gen uint64) uint64 {
	if gen == 0 {
		return 0
	}
	return uint64(float64(gen)) | 255
}

// clocks draws by the clock of the handle, of which every second one is behind.
func clocks(inner *plainGens) cascache.GenStore {
	return gens(func(p *twinGens) {
		p.bump = func(ctx context.Context, key string) (uint64, error) {
			return p.insideOne(ctx, key, func(key string) uint64 {
				gen := p.replace(key)
				if p.ordinal%2 == 1 {
					gen -= 2_000_000
					p.gens[key] = gen
				}
				return gen
			})
		}
	})(inner)
}

// lagging reads what was current before the last bump, once.
func lagging(inner *plainGens) cascache.GenStore {
	return gens(func(p *twinGens) {
		p.bump = func(ctx context.Context, key string) (uint64, error) {
			return p.insideOne(ctx, key, func(key string) uint64 {
				p.scratch[key] = p.gens[key]
				return p.replace(key)
			})
		}
		p.current = func(ctx context.Context, key string) (uint64, error) {
			return p.insideOne(ctx, key, func(key string) uint64 {
				if old := p.scratch[key]; old != 0 {
					delete(p.scratch, key)
					return old
				}
				return p.gens[key]
			})
		}
	})(inner)
}

// localSnapshots keeps what Snapshot creates in the handle.
func localSnapshots(inner *plainGens) cascache.GenStore {
	return gens(func(p *twinGens) {
		var created memory
		p.snapshot = func(ctx context.Context, key string) (uint64, error) {
			gen, err := p.plainGens.Current(ctx, key)
			if gen != 0 || err != nil {
				return gen, err
			}
			gen, err = p.insideOne(ctx, key, func(key string) uint64 { return p.draw(key) })
			if old := created.of(key); old != 0 {
				gen = old
			}
			created.set(key, gen)
			return gen, err
		}
		p.current = func(ctx context.Context, key string) (uint64, error) {
			gen, err := p.plainGens.Current(ctx, key)
			if gen == 0 && err == nil {
				gen = created.of(key)
			}
			return gen, err
		}
		p.bump = func(ctx context.Context, key string) (uint64, error) {
			created.set(key, 0)
			return p.plainGens.Bump(ctx, key)
		}
	})(inner)
}

// overwritingSnapshots write what they have drawn over whatever is there, but
// for what another Snapshot has put there.
func overwritingSnapshots(inner *plainGens) cascache.GenStore {
	return gens(func(p *twinGens) {
		p.snapshot = func(ctx context.Context, key string) (uint64, error) {
			fresh := uint64(0)
			gen, err := p.insideOne(ctx, key, func(key string) uint64 {
				if p.gens[key] == 0 {
					if p.scratch[key] == 0 {
						p.scratch[key] = p.draw(key)
					}
					fresh = p.scratch[key]
				}
				return p.gens[key]
			})
			if fresh == 0 || err != nil {
				return gen, err
			}
			pause()
			return p.insideOne(ctx, key, func(key string) uint64 {
				delete(p.scratch, key)
				p.gens[key] = fresh
				return fresh
			})
		}
	})(inner)
}

// refusing makes a twin that does not take some keys.
func refusing(bad func(key string) bool) func(*plainGens) cascache.GenStore {
	return gens(func(p *twinGens) {
		refuse := func(do func(context.Context, string) (uint64, error)) func(context.Context, string) (uint64, error) {
			return func(ctx context.Context, key string) (uint64, error) {
				if bad(key) {
					return 0, errTwin
				}
				return do(ctx, key)
			}
		}
		p.current, p.snapshot, p.bump = refuse(p.plainGens.Current), refuse(p.plainGens.Snapshot), refuse(p.plainGens.Bump)
	})
}

// bulkTwins have the same faults in each of the bulk calls.
func bulkTwins() []genTwin {
	twins := []genTwin{
		{
			twin: twin{fault: "CurrentBulk remembers what it has read", fails: "CurrentBulkSeesBump"},
			open: rememberingBulk(currentBulk),
		},
		{
			twin: twin{fault: "CurrentBulk creates what is missing", fails: "CurrentBulkCreatesNothing"},
			open: bulkGens(currentBulk, func(p *twinAble, ctx context.Context, keys []string) ([]uint64, error) {
				return p.right(snapshotBulk)(ctx, keys)
			}),
		},
		{
			twin: twin{fault: "SnapshotBulk tells of generations that it does not store", fails: "SnapshotBulkCreates"},
			open: bulkGens(snapshotBulk, func(p *twinAble, ctx context.Context, keys []string) ([]uint64, error) {
				return p.inside(ctx, keys, func(key string) uint64 {
					if p.gens[key] == 0 && !p.held(key) {
						return p.draw(key)
					}
					return p.gens[key]
				})
			}),
		},
		{
			twin: twin{fault: "SnapshotBulk draws anew for all keys when one is missing", fails: "SnapshotBulkCreates"},
			open: bulkGens(snapshotBulk, func(p *twinAble, ctx context.Context, keys []string) ([]uint64, error) {
				gens, err := p.right(currentBulk)(ctx, keys)
				if err != nil || !slices.Contains(gens, 0) {
					return gens, err
				}
				return p.right(bumpBulk)(ctx, keys)
			}),
		},
		{
			twin: twin{fault: "SnapshotBulk remembers what it has read", fails: "SnapshotBulkSeesBump"},
			open: rememberingBulk(snapshotBulk),
		},
		{
			twin: twin{fault: "BumpBulk leaves out the last key of three and more", fails: "BumpBulkIsVisible"},
			open: bulkGens(bumpBulk, func(p *twinAble, ctx context.Context, keys []string) ([]uint64, error) {
				last := len(keys) - 1
				if last < 2 || strings.HasPrefix(keys[0], "greater") {
					return p.right(bumpBulk)(ctx, keys)
				}
				gens, err := p.right(bumpBulk)(ctx, keys[:last])
				if err != nil {
					return nil, err
				}
				gen, err := p.right(snapshotBulk)(ctx, keys[last:])
				return append(gens, gen...), err
			}),
		},
		{
			twin: twin{fault: "BumpBulk draws one random number for all", fails: "BumpBulkIsGreater",
				also: []string{"BumpBulkIsVisible", "ConcurrentBulksKeepTheRules"}},
			open: bulkGens(bumpBulk, func(p *twinAble, ctx context.Context, keys []string) ([]uint64, error) {
				return p.inside(ctx, keys, func(key string) uint64 {
					if !p.held(key) {
						p.gens[key] = rand.Uint64N(math.MaxInt64) + 1
					}
					return p.gens[key]
				})
			}),
		},
	}
	for _, b := range genBulkKinds {
		twins = append(twins,
			genTwin{
				twin: twin{fault: b.name + " answers in the order of the sorted keys", fails: b.name + "AnswersInOrder"},
				open: bulkGens(b.kind, func(p *twinAble, ctx context.Context, keys []string) ([]uint64, error) {
					sorted := slices.Clone(keys)
					slices.Sort(sorted)
					return p.right(b.kind)(ctx, sorted)
				}),
			},
			genTwin{
				twin: twin{fault: b.name + " answers for all keys what the first one has", fails: b.name + "AnswersInOrder"},
				open: bulkGens(b.kind, func(p *twinAble, ctx context.Context, keys []string) ([]uint64, error) {
					gens, err := p.right(b.kind)(ctx, keys)
					for i := range gens {
						gens[i] = gens[0]
					}
					return gens, err
				}),
			},
			genTwin{
				twin: twin{fault: b.name + " leaves out keys that had no generation", fails: b.name + "AnswersEachKey"},
				open: bulkGens(b.kind, func(p *twinAble, ctx context.Context, keys []string) ([]uint64, error) {
					before, err := p.right(currentBulk)(ctx, keys)
					if err != nil || !strings.HasPrefix(strings.Join(keys, " "), "missing-") && !slices.Contains(keys, "here") {
						return p.right(b.kind)(ctx, keys)
					}
					gens, err := p.right(b.kind)(ctx, keys)
					out := gens[:0]
					for i, gen := range gens {
						if before[i] != 0 {
							out = append(out, gen)
						}
					}
					return out, err
				}),
			},
			genTwin{
				twin: twin{fault: b.name + " is for 512 keys at most", fails: b.name + "TakesAnyNumber"},
				open: bulkGens(b.kind, func(p *twinAble, ctx context.Context, keys []string) ([]uint64, error) {
					gens, err := p.right(b.kind)(ctx, keys[:min(len(keys), 512)])
					return append(gens, make([]uint64, len(keys)-len(gens))...)[:len(gens)], err
				}),
			},
			genTwin{
				twin: twin{fault: b.name + " of no keys is an error", fails: b.name + "TakesAnyNumber"},
				open: bulkGens(b.kind, func(p *twinAble, ctx context.Context, keys []string) ([]uint64, error) {
					if len(keys) == 0 {
						return nil, errTwin
					}
					return p.right(b.kind)(ctx, keys)
				}),
			},
			genTwin{
				twin: twin{fault: b.name + " sorts the keys that it is given", fails: b.name + "OnlyReadsTheKeys"},
				open: bulkGens(b.kind, func(p *twinAble, ctx context.Context, keys []string) ([]uint64, error) {
					gens, err := p.right(b.kind)(ctx, slices.Clone(keys))
					slices.Sort(keys)
					return gens, err
				}),
			},
		)
	}
	return twins
}

// rememberingBulk keeps what a bulk call has returned, for keys of one case.
func rememberingBulk(kind int) func(*plainGens) cascache.GenStore {
	return func(inner *plainGens) cascache.GenStore {
		var near memory
		return bulkGens(kind, func(p *twinAble, ctx context.Context, keys []string) ([]uint64, error) {
			gens, err := p.right(kind)(ctx, keys)
			for i := range gens {
				if old := near.of(keys[i]); old != 0 && gens[i] != 0 && strings.HasPrefix(keys[i], "visible") {
					gens[i] = old
				}
				near.set(keys[i], gens[i])
			}
			return gens, err
		})(inner)
	}
}

var holdTwins = []genTwin{
	{
		twin: twin{fault: "a hold does nothing but be noted", fails: "HoldTakesThePlace", also: []string{"ExpiredHoldLeavesNothing"}},
		open: able(func(p *twinAble) {
			p.hold = func(ctx context.Context, _ []string, _ string, _ time.Duration) error { return p.plainErr(ctx) }
		}),
	},
	{
		twin: twin{fault: "a Snapshot during a hold is an error", fails: "HoldTakesThePlace"},
		open: func(inner *plainGens) cascache.GenStore { return refusingHeld{ableGens{inner}} },
	},
	{
		twin: twin{fault: "each process knows only its own holds", fails: "PeersSeeHold", also: []string{"ConcurrentHoldsAllCount"}},
		open: localHolds,
	},
	{
		twin: twin{fault: "SnapshotBulk creates generations of held keys", fails: "BulksSeeHold"},
		open: bulkGens(snapshotBulk, func(p *twinAble, ctx context.Context, keys []string) ([]uint64, error) {
			return p.inside(ctx, keys, func(key string) uint64 {
				if p.gens[key] == 0 {
					p.gens[key] = p.draw(key)
				}
				return p.gens[key]
			})
		}),
	},
	{
		twin: twin{fault: "BumpBulk frees held keys", fails: "BulksSeeHold"},
		open: bulkGens(bumpBulk, func(p *twinAble, ctx context.Context, keys []string) ([]uint64, error) {
			return p.inside(ctx, keys, func(key string) uint64 {
				delete(p.holds, key)
				return p.replace(key)
			})
		}),
	},
	{
		twin: twin{fault: "Bump frees a held key", fails: "HeldBumpLeavesItHeld", also: []string{"BumpsDoNotBreakAHold", "PeersSeeHold"}},
		open: able(func(p *twinAble) {
			p.bump = func(ctx context.Context, key string) (uint64, error) {
				return p.insideOne(ctx, key, func(key string) uint64 {
					delete(p.holds, key)
					return p.replace(key)
				})
			}
		}),
	},
	{
		twin: twin{fault: "Bump of a held key is an error", fails: "HeldBumpLeavesItHeld"},
		open: able(func(p *twinAble) {
			p.bump = func(ctx context.Context, key string) (uint64, error) {
				gen, err := p.ableGens.Bump(ctx, key)
				if gen == 0 && err == nil {
					err = errTwin
				}
				return gen, err
			}
		}),
	},
	{
		twin: twin{fault: "Bump looks for a hold, and writes a moment later", fails: "BumpsDoNotBreakAHold"},
		open: able(func(p *twinAble) {
			p.bump = func(ctx context.Context, key string) (uint64, error) {
				held := false
				if _, err := p.insideOne(ctx, key, func(key string) uint64 { held = p.held(key); return 0 }); held || err != nil {
					return 0, err
				}
				pause()
				return p.insideOne(ctx, key, func(key string) uint64 {
					p.gens[key] = p.draw(key)
					return p.gens[key]
				})
			}
		}),
	},
	{
		twin: twin{fault: "a hold has no expiry", fails: "HoldEnds", also: []string{"ExpiredHoldsDoNotCount"}},
		open: holding(func(p *twinAble, key, token string, until time.Time) {
			delete(p.gens, key)
			p.add(key, token, until.Add(1000*time.Hour))
		}, nil),
	},
	{
		twin: twin{fault: "a hold lies beside the generation, which is there again when the hold expires", fails: "ExpiredHoldLeavesNothing"},
		open: func(inner *plainGens) cascache.GenStore { return besideGens{ableGens{inner}} },
	},
	{
		twin: twin{fault: "a token that holds already keeps its first lease", fails: "HoldAgainBeginsAnew"},
		open: holding(func(p *twinAble, key, token string, until time.Time) {
			delete(p.gens, key)
			if _, known := p.holds[key][token]; !known {
				p.add(key, token, until)
			}
		}, nil),
	},
	{
		twin: twin{fault: "a hold is a counter", fails: "HoldAgainIsOneHold"},
		open: countingHolds,
	},
	{
		twin: twin{fault: "a key has one expiry for all of its holds, that of the last one", fails: "HoldsHaveTheirOwnEnds", also: []string{"ExpiredHoldsDoNotCount"}},
		open: holding(func(p *twinAble, key, token string, until time.Time) {
			delete(p.gens, key)
			p.add(key, token, until)
			if len(p.holds[key]) > 1 {
				for other := range p.holds[key] {
					p.holds[key][other] = until
				}
			}
		}, nil),
	},
	{
		twin: twin{fault: "a key has one expiry for all of its holds, the latest", fails: "ExpiredHoldsDoNotCount"},
		open: holding(func(p *twinAble, key, token string, until time.Time) {
			delete(p.gens, key)
			p.add(key, token, until)
			latest := until
			for _, other := range p.holds[key] {
				if other.After(latest) {
					latest = other
				}
			}
			for other := range p.holds[key] {
				p.holds[key][other] = latest
			}
		}, nil),
	},
	{
		twin: twin{fault: "a release puts the generation from before the hold back", fails: "ReleaseDrawsGreater"},
		open: holding(func(p *twinAble, key, token string, until time.Time) {
			if gen := p.gens[key]; gen != 0 {
				p.scratch[key] = gen
			}
			delete(p.gens, key)
			p.add(key, token, until)
		}, func(p *twinAble, key, token string) {
			_, mine := p.holds[key][token]
			delete(p.holds[key], token)
			if old := p.scratch[key]; mine && old != 0 && !p.held(key) && p.gens[key] == 0 {
				p.gens[key] = old
				return
			}
			p.replace(key)
		}),
	},
	{
		twin: twin{fault: "a release leaves no generation", fails: "ReleaseRestores"},
		open: holding(nil, func(p *twinAble, key, token string) {
			delete(p.holds[key], token)
			delete(p.gens, key)
		}),
	},
	{
		twin: twin{fault: "a release of what has expired does nothing", fails: "ReleaseBumpsWhatVanished"},
		open: holding(nil, func(p *twinAble, key, token string) {
			if until, mine := p.holds[key][token]; mine && p.now.Before(until) {
				delete(p.holds[key], token)
				p.replace(key)
			}
		}),
	},
	{
		twin: twin{fault: "anyone can release the only hold", fails: "ReleaseLeavesTheHoldsOfOthers"},
		open: holding(nil, func(p *twinAble, key, token string) {
			if _, mine := p.holds[key][token]; !mine && len(p.holds[key]) == 1 {
				delete(p.holds, key)
			}
			delete(p.holds[key], token)
			p.replace(key)
		}),
	},
	{
		twin: twin{fault: "a release by one holder ends the holds of all", fails: "LastReleaseEnds", also: []string{"ConcurrentHoldsAllCount"}},
		open: holding(nil, func(p *twinAble, key, token string) {
			if _, mine := p.holds[key][token]; mine {
				delete(p.holds, key)
			}
			p.replace(key)
		}),
	},
	{
		twin: twin{fault: "Hold takes up to 100 keys", fails: "HoldTakesManyKeys"},
		open: able(func(p *twinAble) {
			p.hold = func(ctx context.Context, keys []string, token string, lease time.Duration) error {
				return p.ableGens.Hold(ctx, keys[:min(len(keys), 100)], token, lease)
			}
		}),
	},
	{
		twin: twin{fault: "Release takes up to 100 keys", fails: "HoldTakesManyKeys"},
		open: able(func(p *twinAble) {
			p.release = func(ctx context.Context, keys []string, token string) error {
				return p.ableGens.Release(ctx, keys[:min(len(keys), 100)], token)
			}
		}),
	},
	{
		twin: twin{fault: "the set of holders is read, and written back a moment later", fails: "ConcurrentHoldsAllCount"},
		open: able(func(p *twinAble) {
			p.hold = func(ctx context.Context, keys []string, token string, lease time.Duration) error {
				var seen []map[string]time.Time
				if err := p.each(ctx, keys, func(key string) { seen = append(seen, maps.Clone(p.holds[key])) }); err != nil {
					return err
				}
				pause()
				i := 0
				return p.each(ctx, keys, func(key string) {
					delete(p.gens, key)
					p.holds[key] = seen[i]
					p.add(key, token, p.now.Add(lease))
					i++
				})
			}
		}),
	},
}

// refusingHeld answers a Snapshot of a held key with an error.
type refusingHeld struct{ ableGens }

func (p refusingHeld) Snapshot(ctx context.Context, key string) (uint64, error) {
	gen, err := p.ableGens.Snapshot(ctx, key)
	if gen == 0 && err == nil {
		err = errTwin
	}
	return gen, err
}

// besideGens keeps the generation while a hold stands.
type besideGens struct{ ableGens }

func (p besideGens) Hold(ctx context.Context, keys []string, token string, lease time.Duration) error {
	_, err := p.inside(ctx, keys, func(key string) uint64 { p.add(key, token, p.now.Add(lease)); return 0 })
	return err
}

func (p besideGens) look(key string) uint64 {
	if p.held(key) {
		return 0
	}
	return p.gens[key]
}

func (p besideGens) take(key string) uint64 {
	if p.held(key) {
		return 0
	}
	return p.genState.take(key)
}

func (p besideGens) Current(ctx context.Context, key string) (uint64, error) {
	return p.insideOne(ctx, key, p.look)
}

func (p besideGens) Snapshot(ctx context.Context, key string) (uint64, error) {
	return p.insideOne(ctx, key, p.take)
}

func (p besideGens) CurrentBulk(ctx context.Context, keys []string) ([]uint64, error) {
	return p.inside(ctx, keys, p.look)
}

func (p besideGens) SnapshotBulk(ctx context.Context, keys []string) ([]uint64, error) {
	return p.inside(ctx, keys, p.take)
}

// localHolds keeps in the handle who holds what.
func localHolds(inner *plainGens) cascache.GenStore {
	mine := &genState{now: inner.now, holds: make(map[string]map[string]time.Time)} // guarded by inner.mu
	held := func(key string) bool {
		mine.now = inner.now
		return mine.held(key)
	}
	p := &localHolder{ableGens: ableGens{inner}, isHeld: held}
	p.Holder = able(func(p *twinAble) {
		p.hold = func(ctx context.Context, keys []string, token string, lease time.Duration) error {
			return p.each(ctx, keys, func(key string) {
				delete(p.gens, key)
				mine.add(key, token, p.now.Add(lease))
			})
		}
		p.release = func(ctx context.Context, keys []string, token string) error {
			return p.each(ctx, keys, func(key string) {
				delete(mine.holds[key], token)
				if !held(key) {
					p.gens[key] = p.draw(key)
				}
			})
		}
	})(inner).(cascache.Holder)
	return p
}

type localHolder struct {
	ableGens
	cascache.Holder
	isHeld func(key string) bool
}

func (p *localHolder) Hold(ctx context.Context, keys []string, token string, lease time.Duration) error {
	return p.Holder.Hold(ctx, keys, token, lease)
}

func (p *localHolder) Release(ctx context.Context, keys []string, token string) error {
	return p.Holder.Release(ctx, keys, token)
}

func (p *localHolder) unlessHeld(f func(key string) uint64) func(key string) uint64 {
	return func(key string) uint64 {
		if p.isHeld(key) {
			return 0
		}
		return f(key)
	}
}

func (p *localHolder) Current(ctx context.Context, key string) (uint64, error) {
	return p.insideOne(ctx, key, p.unlessHeld(p.look))
}

func (p *localHolder) Snapshot(ctx context.Context, key string) (uint64, error) {
	return p.insideOne(ctx, key, p.unlessHeld(p.take))
}

func (p *localHolder) Bump(ctx context.Context, key string) (uint64, error) {
	gen, err := p.insideOne(ctx, key, p.unlessHeld(p.replace))
	if err == nil && p.interrupted() {
		gen, err = p.insideOne(ctx, key, p.unlessHeld(p.replace))
	}
	return gen, err
}

func (p *localHolder) CurrentBulk(ctx context.Context, keys []string) ([]uint64, error) {
	return p.inside(ctx, keys, p.unlessHeld(p.look))
}

func (p *localHolder) SnapshotBulk(ctx context.Context, keys []string) ([]uint64, error) {
	return p.inside(ctx, keys, p.unlessHeld(p.take))
}

func (p *localHolder) BumpBulk(ctx context.Context, keys []string) ([]uint64, error) {
	return p.inside(ctx, keys, p.unlessHeld(p.replace))
}

// countingHolds counts how often a token has held a key.
func countingHolds(inner *plainGens) cascache.GenStore {
	counts := make(map[string]int) // by token and key; guarded by inner.mu
	return holding(func(p *twinAble, key, token string, until time.Time) {
		delete(p.gens, key)
		if _, live := p.holds[key][token]; !live {
			counts[token+" "+key] = 0
		}
		counts[token+" "+key]++
		p.add(key, token, until)
	}, func(p *twinAble, key, token string) {
		if counts[token+" "+key]--; counts[token+" "+key] <= 0 {
			delete(p.holds[key], token)
		}
		p.replace(key)
	})(inner)
}

var genWrapperTwins = []genTwin{
	{
		twin: twin{fault: "Unwrap returns the wrapper itself", fails: "UnwrapEnds"},
		open: func(p *plainGens) cascache.GenStore { return selfWrappingGens{p} },
	},
	{
		twin: twin{fault: "a wrapper hides the bulk calls", fails: "WrapperKeepsBulk"},
		open: func(p *plainGens) cascache.GenStore { return hidesBulkGens{p, ableGens{p}} },
	},
	{
		twin: twin{fault: "a wrapper hides Hold", fails: "WrapperKeepsHold"},
		open: func(p *plainGens) cascache.GenStore { return hidesHold{p, ableGens{p}} },
	},
	{
		twin: twin{fault: "a wrapper reports that its store never blocks, which may", fails: "WrapperBlocksWithItsStore"},
		open: func(p *plainGens) cascache.GenStore { return deniesBlocking{ableGens{p}} },
	},
	{
		twin:    twin{fault: "failures are declared as lacking, and are told of", fails: "LackFailures"},
		open:    openAbleGens,
		harness: lackGen(Failures, "I did not try"),
	},
	{
		twin:    twin{fault: "sharing is declared as lacking, and works", fails: "LackSharing"},
		open:    openAbleGens,
		harness: lackGen(Sharing, "I did not try"),
	},
	{
		twin:    twin{fault: "a rule of safety is declared as lacking", fails: "LackG1"},
		open:    openAbleGens,
		harness: lackGen("G1", "too hard"),
	},
}

type selfWrappingGens struct{ *plainGens }

func (w selfWrappingGens) Unwrap() any { return w }

// The wrappers that hide one ability have the others by embedding.
type (
	hidesBulkGens struct {
		*plainGens
		cascache.Holder
	}
	hidesHold struct {
		*plainGens
		cascache.BulkGenStore
	}
	deniesBlocking struct{ ableGens }
	maybeBlocking  struct{ ableGens }
)

func (w hidesBulkGens) Unwrap() any     { return ableGens{w.plainGens} }
func (w hidesHold) Unwrap() any         { return ableGens{w.plainGens} }
func (w deniesBlocking) Unwrap() any    { return maybeBlocking(w) }
func (maybeBlocking) NonBlocking() bool { return false }

func TestGenStoreTwinsAreCaught(t *testing.T) {
	var twins []twin
	var suites []*suite[*genSubject]
	for _, tw := range genTwins {
		h := plainGenHarness(tw.open)
		if tw.harness != nil {
			tw.harness(&h)
		}
		twins = append(twins, tw.twin)
		suites = append(suites, genStoreSuite(h))
	}
	requireAllCaught(t, twins, suites)
	requireTwins(t, genStoreRules, twins)
}
