package conformance

import (
	"context"
	"slices"
	"strings"
	"time"

	cascache "github.com/unkn0wn-root/cascache/core"
)

// knowingGens is ableGens that also knows all generations without a call, and
// is told of commits. Twins replace what is not nil.
type knowingGens struct {
	ableGens
	memory *memory // of the handle, for twins

	local      func(key string) (uint64, bool)
	join       func(prefix, key string) string // what is looked up
	localBulk  func(keys []string, gens []uint64)
	commit     func(ctx context.Context, key string) (uint64, error)
	commitBulk bulkCall
	hold       func(ctx context.Context, keys []string, token string, lease time.Duration) error
	bump       func(ctx context.Context, key string) (uint64, error)
}

func openKnowingGens(p *plainGens) cascache.GenStore {
	return &knowingGens{ableGens: ableGens{p}, memory: new(memory)}
}

// knowing makes a twin of knowingGens.
func knowing(spoil func(p *knowingGens)) func(*plainGens) cascache.GenStore {
	return func(inner *plainGens) cascache.GenStore {
		p := openKnowingGens(inner).(*knowingGens)
		spoil(p)
		return p
	}
}

// blockingGens is knowingGens that may block, as one that leases its generations
// from a server does.
type blockingGens struct{ *knowingGens }

func (p blockingGens) NonBlocking() bool { return false }

func openBlockingGens(p *plainGens) cascache.GenStore {
	return blockingGens{openKnowingGens(p).(*knowingGens)}
}

// known is what CurrentLocal is to answer.
func (p *knowingGens) known(key string) (uint64, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || p.held(key) {
		return 0, false
	}
	return p.gens[key], p.gens[key] != 0
}

func (p *knowingGens) CurrentLocal(prefix, key string) (uint64, bool) {
	if p.join != nil {
		return p.known(p.join(prefix, key))
	}
	if p.local != nil {
		return p.local(prefix + key)
	}
	return p.known(prefix + key)
}

func (p *knowingGens) CurrentLocalBulk(keys []string, gens []uint64) {
	if p.localBulk != nil {
		p.localBulk(keys, gens)
		return
	}
	for i, key := range keys {
		if gen, ok := p.CurrentLocal("", key); ok {
			gens[i] = gen
		}
	}
}

func (p *knowingGens) CurrentToCommit(ctx context.Context, key string) (uint64, error) {
	if p.commit != nil {
		return p.commit(ctx, key)
	}
	return p.Current(ctx, key)
}

func (p *knowingGens) CurrentToCommitBulk(ctx context.Context, keys []string) ([]uint64, error) {
	if p.commitBulk != nil {
		return p.commitBulk(ctx, keys)
	}
	gens := make([]uint64, len(keys))
	for i, key := range keys {
		gen, err := p.CurrentToCommit(ctx, key)
		if err != nil {
			return nil, err
		}
		gens[i] = gen
	}
	return gens, nil
}

func (p *knowingGens) Hold(ctx context.Context, keys []string, token string, lease time.Duration) error {
	if p.hold != nil {
		return p.hold(ctx, keys, token, lease)
	}
	return p.ableGens.Hold(ctx, keys, token, lease)
}

func (p *knowingGens) Bump(ctx context.Context, key string) (uint64, error) {
	if p.bump != nil {
		return p.bump(ctx, key)
	}
	return p.ableGens.Bump(ctx, key)
}

// forwardsKnowing is a wrapper that keeps every ability.
type forwardsKnowing struct{ *knowingGens }

func (f forwardsKnowing) Unwrap() any { return f.knowingGens }

func openForwardsKnowing(p *plainGens) cascache.GenStore {
	return forwardsKnowing{openKnowingGens(p).(*knowingGens)}
}

// hidesLocal and hidesCommit lose one ability.
type (
	hidesLocal struct {
		ableGens
		cascache.CommitReader
		inner *knowingGens
	}
	hidesCommit struct {
		ableGens
		cascache.LocalReader
		inner *knowingGens
	}
)

func (h hidesLocal) Unwrap() any  { return h.inner }
func (h hidesCommit) Unwrap() any { return h.inner }

var knowingTwins = []genTwin{
	{
		twin: twin{fault: "a handle remembers what it has read, and forgets by its own bumps and holds only", fails: "LocalSeesBump",
			also: []string{"LocalSeesBumpUnderLoad", "LocalDoesNotKnowHeld"}},
		open: knowing(func(p *knowingGens) {
			p.local = func(key string) (uint64, bool) {
				gen, _ := p.memory.get(key, func() (uint64, error) { gen, _ := p.known(key); return gen, nil })
				p.mu.Lock()
				defer p.mu.Unlock()
				return gen, gen != 0 && !p.closed
			}
			p.bump = func(ctx context.Context, key string) (uint64, error) {
				defer p.memory.set(key, 0)
				return p.ableGens.Bump(ctx, key)
			}
			p.hold = func(ctx context.Context, keys []string, token string, lease time.Duration) error {
				defer func() {
					for _, key := range keys {
						p.memory.set(key, 0)
					}
				}()
				return p.ableGens.Hold(ctx, keys, token, lease)
			}
		}),
	},
	{
		twin: twin{fault: "a look-up joins one that began before it", fails: "LocalSeesBumpUnderLoad"},
		open: knowing(func(p *knowingGens) {
			p.local = func(key string) (uint64, bool) {
				gen, _ := flightsOf(p.genState).share("local "+key, func() (uint64, error) { gen, _ := p.known(key); return gen, nil })
				return gen, gen != 0
			}
		}),
	},
	{
		twin: twin{fault: "a key that has none is known to be 0", fails: "LocalIsCurrent", also: []string{"LocalBulkIsLocal"}},
		open: knowing(func(p *knowingGens) {
			p.local = func(key string) (uint64, bool) { gen, _ := p.known(key); return gen, true }
		}),
	},
	{
		twin: twin{fault: "the generation is rounded", fails: "LocalIsCurrent"},
		open: knowing(func(p *knowingGens) {
			p.local = func(key string) (uint64, bool) { gen, ok := p.known(key); return roundUp(gen), ok }
		}),
	},
	{
		twin: twin{fault: "CurrentLocal puts a colon between prefix and key unless there is one", fails: "LocalIsCurrent"},
		open: knowing(func(p *knowingGens) {
			p.join = func(prefix, key string) string {
				if prefix == "" || strings.HasSuffix(prefix, ":") {
					return prefix + key
				}
				return prefix + ":" + key
			}
		}),
	},
	{
		twin: twin{fault: "CurrentLocal joins in a buffer of 128 bytes", fails: "LocalIsCurrent"},
		open: knowing(func(p *knowingGens) {
			p.join = func(prefix, key string) string {
				joined := prefix + key
				return joined[:min(len(joined), 128)]
			}
		}),
	},
	{
		twin: twin{fault: "CurrentLocal knows a key only if it is divided after a colon", fails: "LocalIsCurrent"},
		open: knowing(func(p *knowingGens) {
			p.join = func(prefix, key string) string {
				if prefix == "" || strings.HasSuffix(prefix, ":") {
					return prefix + key
				}
				return ""
			}
		}),
	},
	{
		twin: twin{fault: "a look-up in memory waits", fails: "LocalIsQuick"},
		open: knowing(func(p *knowingGens) {
			p.local = func(key string) (uint64, bool) {
				if strings.HasSuffix(key, "kept") {
					time.Sleep(2 * quick)
				}
				return p.known(key)
			}
		}),
	},
	{
		twin: twin{fault: "CurrentLocalBulk writes the known ones one after the other", fails: "LocalBulkIsLocal"},
		open: knowing(func(p *knowingGens) {
			p.localBulk = func(keys []string, gens []uint64) {
				n := 0
				for _, key := range keys {
					if gen, ok := p.known(key); ok {
						gens[n] = gen
						n++
					}
				}
			}
		}),
	},
	{
		twin: twin{fault: "CurrentLocalBulk answers in the order of the sorted keys", fails: "LocalBulkIsLocal"},
		open: knowing(func(p *knowingGens) {
			p.localBulk = func(keys []string, gens []uint64) {
				keys = slices.Clone(keys)
				slices.Sort(keys)
				slices.Reverse(keys)
				for i, key := range keys {
					gens[i], _ = p.known(key)
				}
			}
		}),
	},
	{
		twin: twin{fault: "a hold leaves what is known", fails: "LocalDoesNotKnowHeld"},
		open: knowing(func(p *knowingGens) {
			p.hold = func(ctx context.Context, keys []string, token string, lease time.Duration) error {
				p.mu.Lock()
				for _, key := range keys {
					p.scratch[key] = p.gens[key]
				}
				p.mu.Unlock()
				return p.ableGens.Hold(ctx, keys, token, lease)
			}
			p.local = func(key string) (uint64, bool) {
				if gen, ok := p.known(key); ok {
					return gen, true
				}
				p.mu.Lock()
				defer p.mu.Unlock()
				return p.scratch[key], p.scratch[key] != 0 && p.held(key) && !p.closed
			}
		}),
	},
	{
		twin: twin{fault: "a look-up creates", fails: "LocalCreatesNothing"},
		open: knowing(func(p *knowingGens) {
			p.local = func(key string) (uint64, bool) {
				gen, err := p.Snapshot(context.Background(), key)
				return gen, err == nil && gen != 0
			}
		}),
	},
	{
		twin: twin{fault: "what was known is known after Close", fails: "ClosedKnowsNothing"},
		open: knowing(func(p *knowingGens) {
			p.local = func(key string) (uint64, bool) {
				p.mu.Lock()
				defer p.mu.Unlock()
				return p.gens[key], p.gens[key] != 0 && !p.held(key)
			}
		}),
	},
	{
		twin: twin{fault: "it knows nothing", fails: "LocalKnowsSomething"},
		open: knowing(func(p *knowingGens) { p.local = func(string) (uint64, bool) { return 0, false } }),
	},

	{
		twin: twin{fault: "CurrentToCommitBulk answers in reverse", fails: "CommitIsCurrent"},
		open: knowing(func(p *knowingGens) {
			p.commitBulk = func(ctx context.Context, keys []string) ([]uint64, error) {
				gens, err := p.CurrentBulk(ctx, keys)
				slices.Reverse(gens)
				return gens, err
			}
		}),
	},
	{
		twin: twin{fault: "a commit is compared with what was read before", fails: "CommitSeesBump"},
		open: knowing(func(p *knowingGens) {
			p.commit = func(ctx context.Context, key string) (uint64, error) {
				if _, err := p.Current(ctx, "any"); err != nil {
					return 0, err
				}
				p.mu.Lock()
				defer p.mu.Unlock()
				if p.held(key) {
					return 0, nil
				}
				if p.gens[key] != 0 && p.scratch[key] == 0 {
					p.scratch[key] = p.gens[key]
				}
				return p.scratch[key], nil
			}
		}),
	},
	{
		twin: twin{fault: "a commit creates", fails: "CommitCreatesNothing"},
		open: knowing(func(p *knowingGens) { p.commit = p.Snapshot }),
	},
	{
		twin: twin{fault: "a commit ends holds", fails: "CommitLeavesHolds"},
		open: knowing(func(p *knowingGens) {
			p.commit = func(ctx context.Context, key string) (uint64, error) {
				gen, err := p.Current(ctx, key)
				p.mu.Lock()
				defer p.mu.Unlock()
				clear(p.holds[key])
				return gen, err
			}
		}),
	},
	{
		twin: twin{fault: "a commit is answered after Close", fails: "ClosedCommitIsAnError"},
		open: knowing(func(p *knowingGens) {
			p.commit = func(_ context.Context, key string) (uint64, error) {
				gen, _ := p.known(key)
				return gen, nil
			}
		}),
	},

	{
		twin: twin{fault: "a wrapper hides CurrentLocal", fails: "WrapperKeepsCurrentLocal"},
		open: func(p *plainGens) cascache.GenStore {
			inner := openKnowingGens(p).(*knowingGens)
			return hidesLocal{inner.ableGens, inner, inner}
		},
	},
	{
		twin: twin{fault: "a wrapper hides CurrentToCommit", fails: "WrapperKeepsCurrentToCommit"},
		open: func(p *plainGens) cascache.GenStore {
			inner := openKnowingGens(p).(*knowingGens)
			return hidesCommit{inner.ableGens, inner, inner}
		},
	},
}
