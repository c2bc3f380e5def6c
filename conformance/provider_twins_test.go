package conformance

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"path"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	cascache "github.com/unkn0wn-root/cascache/core"
)

// twinProvider is plain but for the methods that a twin replaces.
type twinProvider struct {
	*plain
	get   func(ctx context.Context, key string) ([]byte, bool, error)
	set   func(ctx context.Context, key string, value []byte, cost int64, ttl time.Duration) (bool, error)
	del   func(ctx context.Context, key string) error
	close func(ctx context.Context) error
	flush func() // Settle
}

func (p *twinProvider) Get(ctx context.Context, key string) ([]byte, bool, error) {
	if p.get != nil {
		return p.get(ctx, key)
	}
	return p.plain.Get(ctx, key)
}

func (p *twinProvider) Set(ctx context.Context, key string, value []byte, cost int64, ttl time.Duration) (bool, error) {
	if p.set != nil {
		return p.set(ctx, key, value, cost, ttl)
	}
	return p.plain.Set(ctx, key, value, cost, ttl)
}

func (p *twinProvider) Del(ctx context.Context, key string) error {
	if p.del != nil {
		return p.del(ctx, key)
	}
	return p.plain.Del(ctx, key)
}

func (p *twinProvider) Close(ctx context.Context) error {
	if p.close != nil {
		return p.close(ctx)
	}
	return p.plain.Close(ctx)
}

func (p *twinProvider) settle() {
	if p.flush != nil {
		p.flush()
	}
}

// single makes a twin of plain without bulk calls.
func single(spoil func(p *twinProvider)) func(*plain) cascache.Provider {
	return func(inner *plain) cascache.Provider {
		p := &twinProvider{plain: inner}
		spoil(p)
		return p
	}
}

// twinBulks is a twinProvider with bulk calls.
type twinBulks struct {
	*twinProvider
	getBulk  func(ctx context.Context, keys []string) ([][]byte, error)
	setBulk  func(ctx context.Context, items []cascache.Item) ([]bool, error)
	delBulk  func(ctx context.Context, keys []string) error
	prefixed func(ctx context.Context, prefix, key string) ([]byte, bool, error)
}

func (p *twinBulks) GetPrefixed(ctx context.Context, prefix, key string) ([]byte, bool, error) {
	if p.prefixed != nil {
		return p.prefixed(ctx, prefix, key)
	}
	return p.Get(ctx, prefix+key)
}

func (p *twinBulks) GetBulk(ctx context.Context, keys []string) ([][]byte, error) {
	if p.getBulk != nil {
		return p.getBulk(ctx, keys)
	}
	return bulked{p.plain}.GetBulk(ctx, keys)
}

func (p *twinBulks) SetBulk(ctx context.Context, items []cascache.Item) ([]bool, error) {
	if p.setBulk != nil {
		return p.setBulk(ctx, items)
	}
	return bulked{p.plain}.SetBulk(ctx, items)
}

func (p *twinBulks) DelBulk(ctx context.Context, keys []string) error {
	if p.delBulk != nil {
		return p.delBulk(ctx, keys)
	}
	return bulked{p.plain}.DelBulk(ctx, keys)
}

// bulks makes a twin of bulked.
func bulks(spoil func(p *twinBulks)) func(*plain) cascache.Provider {
	return func(inner *plain) cascache.Provider {
		p := &twinBulks{twinProvider: &twinProvider{plain: inner}}
		spoil(p)
		return p
	}
}

// keyed makes a twin that uses other keys than it is given.
func keyed(spoil func(key string) string) func(*plain) cascache.Provider {
	return single(func(p *twinProvider) {
		p.get = func(ctx context.Context, key string) ([]byte, bool, error) { return p.plain.Get(ctx, spoil(key)) }
		p.set = func(ctx context.Context, key string, value []byte, cost int64, ttl time.Duration) (bool, error) {
			return p.plain.Set(ctx, spoil(key), value, cost, ttl)
		}
		p.del = func(ctx context.Context, key string) error { return p.plain.Del(ctx, spoil(key)) }
	})
}

// timed makes a twin that uses other times to live than it is given.
func timed(spoil func(ttl time.Duration) time.Duration) func(*plain) cascache.Provider {
	return single(func(p *twinProvider) {
		p.set = func(ctx context.Context, key string, value []byte, cost int64, ttl time.Duration) (bool, error) {
			return p.plain.Set(ctx, key, value, cost, spoil(ttl))
		}
	})
}

// valued makes a twin that returns other values than it was given.
func valued(spoil func(value []byte) []byte) func(*plain) cascache.Provider {
	return single(func(p *twinProvider) {
		p.get = func(ctx context.Context, key string) ([]byte, bool, error) {
			value, found, err := p.plain.Get(ctx, key)
			if found {
				value = spoil(value)
			}
			return value, found, err
		}
	})
}

// remembering makes a twin that keeps what it has read in a second map, whose
// entries end with those of the first. forget tells what removes them there.
func remembering(forgetOnSet, forgetOnDel bool) func(p *twinProvider) func(ctx context.Context, key string) ([]byte, bool, error) {
	return func(p *twinProvider) func(ctx context.Context, key string) ([]byte, bool, error) {
		near := make(map[string]plainEntry) // guarded by p.mu
		forget := func(key string) {
			p.mu.Lock()
			defer p.mu.Unlock()
			delete(near, key)
		}
		p.set = func(ctx context.Context, key string, value []byte, cost int64, ttl time.Duration) (bool, error) {
			if forgetOnSet {
				defer forget(key)
			}
			return p.plain.Set(ctx, key, value, cost, ttl)
		}
		p.del = func(ctx context.Context, key string) error {
			if forgetOnDel {
				defer forget(key)
			}
			return p.plain.Del(ctx, key)
		}
		return func(ctx context.Context, key string) ([]byte, bool, error) {
			err := p.enter(ctx)
			defer p.leave()
			if err != nil {
				return nil, false, err
			}
			if e, ok := near[key]; ok && p.now.Before(e.until) {
				return e.value, true, nil
			}
			value, found := p.read(key)
			if found {
				near[key] = p.entries[key]
			}
			return value, found, nil
		}
	}
}

// queueing makes a twin whose sets become visible when they settle.
func queueing(p *twinProvider, firstStays, delPurges bool) {
	queue := make(map[string]plainEntry) // guarded by p.mu
	p.set = func(ctx context.Context, key string, value []byte, _ int64, ttl time.Duration) (bool, error) {
		err := p.enter(ctx)
		defer p.leave()
		if err != nil {
			return false, err
		}
		if _, queued := queue[key]; !queued || !firstStays {
			queue[key] = plainEntry{value, p.now.Add(ttl)}
		}
		return true, nil
	}
	p.del = func(ctx context.Context, key string) error {
		err := p.enter(ctx)
		defer p.leave()
		if err != nil {
			return err
		}
		delete(p.entries, key)
		if delPurges {
			delete(queue, key)
		}
		return nil
	}
	p.flush = func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		maps.Copy(p.entries, queue)
		clear(queue)
	}
}

var errTwin = errors.New("twin: an error of its own")

const minute = time.Minute

// lower turns the letters A to Z into a to z.
func lower(key string) string {
	b := []byte(key)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}

// A providerTwin is a row of the table.
type providerTwin struct {
	twin
	open    func(*plain) cascache.Provider
	harness func(h *ProviderHarness) // what differs from plainHarness, nil for nothing
}

func lack(lack Lack, reason string) func(*ProviderHarness) {
	return func(h *ProviderHarness) { h.Lacks = map[Lack]string{lack: reason} }
}

var providerTwins = []providerTwin{
	{
		twin: twin{fault: "a miss is an error", fails: "MissIsNotAnError"},
		open: single(func(p *twinProvider) {
			p.get = func(ctx context.Context, key string) ([]byte, bool, error) {
				value, found, err := p.plain.Get(ctx, key)
				if err == nil && !found {
					err = errTwin
				}
				return value, found, err
			}
		}),
	},
	{
		twin: twin{fault: "a miss comes with an empty slice", fails: "MissIsNotAnError"},
		open: single(func(p *twinProvider) {
			p.get = func(ctx context.Context, key string) ([]byte, bool, error) {
				value, found, err := p.plain.Get(ctx, key)
				if err == nil && !found {
					value = []byte{}
				}
				return value, found, err
			}
		}),
	},
	{
		twin: twin{fault: "a Set of a key that is there is an error", fails: "HealthyCallsSucceed"},
		open: single(func(p *twinProvider) {
			p.set = func(ctx context.Context, key string, value []byte, cost int64, ttl time.Duration) (bool, error) {
				if _, found, _ := p.plain.Get(ctx, key); found {
					return false, errTwin
				}
				return p.plain.Set(ctx, key, value, cost, ttl)
			}
		}),
	},
	{
		twin: twin{fault: "the first Close is an error", fails: "HealthyCallsSucceed"},
		open: single(func(p *twinProvider) {
			p.close = func(ctx context.Context) error {
				p.mu.Lock()
				first := !p.closed
				p.mu.Unlock()
				_ = p.plain.Close(ctx)
				if first {
					return errTwin
				}
				return nil
			}
		}),
	},
	{
		twin: twin{fault: "the length of a value is kept in 16 bits", fails: "ValuesComeBackWhole"},
		open: valued(func(value []byte) []byte { return value[:len(value)&math.MaxUint16] }),
	},
	{
		twin: twin{fault: "line ends of a value are cut off", fails: "ValuesComeBackWhole"},
		open: valued(func(value []byte) []byte { return bytes.TrimSuffix(value, []byte("\r\n")) }),
	},
	{
		twin: twin{fault: "nothing is stored, since the size of the cache is 0", fails: "KeepsSomething"},
		open: single(func(p *twinProvider) {
			p.set = func(context.Context, string, []byte, int64, time.Duration) (bool, error) {
				p.mu.Lock()
				defer p.mu.Unlock()
				switch {
				case p.closed:
					return false, cascache.ErrClosed
				case p.broken:
					return false, errBroken
				}
				return false, nil
			}
		}),
		harness: func(h *ProviderHarness) { h.Lacks = map[Lack]string{ContextErrors: "of Set"} },
	},
	{
		twin: twin{fault: "misses are remembered for a minute", fails: "MissIsForgotten"},
		open: single(func(p *twinProvider) {
			missed := make(map[string]time.Time)
			p.get = func(ctx context.Context, key string) ([]byte, bool, error) {
				err := p.enter(ctx)
				defer p.leave()
				if err != nil {
					return nil, false, err
				}
				if until, ok := missed[key]; ok && p.now.Before(until) {
					return nil, false, nil
				}
				value, found := p.read(key)
				if !found {
					missed[key] = p.now.Add(minute)
				}
				return value, found, nil
			}
		}),
	},
	{
		twin: twin{fault: "Get takes the entry out", fails: "GetLeavesTheEntry"},
		open: single(func(p *twinProvider) {
			p.get = func(ctx context.Context, key string) ([]byte, bool, error) {
				value, found, err := p.plain.Get(ctx, key)
				_ = p.plain.Del(ctx, key)
				return value, found, err
			}
		}),
	},
	{
		twin: twin{fault: "values of 256 bytes and more are read into one buffer", fails: "ReturnedBytesStay"},
		open: func(inner *plain) cascache.Provider {
			var buf [1 << 20]byte
			return valued(func(value []byte) []byte {
				if len(value) < 256 || len(value) > len(buf) {
					return value
				}
				return buf[:copy(buf[:], value)]
			})(inner)
		},
	},
	{
		twin: twin{fault: "values of 256 bytes and more are written over the old ones", fails: "ReturnedBytesStay"},
		open: single(func(p *twinProvider) {
			p.set = func(ctx context.Context, key string, value []byte, cost int64, ttl time.Duration) (bool, error) {
				if old, found, _ := p.plain.Get(ctx, key); found && len(old) == len(value) && len(value) >= 256 {
					value = old[:copy(old, value)]
				} else {
					value = append([]byte{}, value...)
				}
				return p.plain.Set(ctx, key, value, cost, ttl)
			}
		}),
	},

	{
		twin: twin{fault: "values are encrypted in place", fails: "SetOnlyReadsTheValue"},
		open: single(func(p *twinProvider) {
			xor := func(b []byte) []byte {
				for i := range b {
					b[i] ^= 0x5a
				}
				return b
			}
			p.set = func(ctx context.Context, key string, value []byte, cost int64, ttl time.Duration) (bool, error) {
				return p.plain.Set(ctx, key, xor(value), cost, ttl)
			}
			p.get = func(ctx context.Context, key string) ([]byte, bool, error) {
				value, found, err := p.plain.Get(ctx, key)
				return xor(bytes.Clone(value)), found, err
			}
		}),
	},
	{
		twin: twin{fault: "a checksum is appended to the value", fails: "SetOnlyReadsTheValue"},
		open: single(func(p *twinProvider) {
			p.set = func(ctx context.Context, key string, value []byte, cost int64, ttl time.Duration) (bool, error) {
				stored := append(value, 1, 2, 3, 4)
				return p.plain.Set(ctx, key, bytes.Clone(stored[:len(value)]), cost, ttl)
			}
		}),
	},
	{
		twin: twin{fault: "what was read is remembered, and Set does not know", fails: "LastSetWins"},
		open: single(func(p *twinProvider) { p.get = remembering(false, true)(p) }),
	},
	{
		twin: twin{fault: "a shorter value is written over the start of a longer one", fails: "LastSetWins"},
		open: single(func(p *twinProvider) {
			p.set = func(ctx context.Context, key string, value []byte, cost int64, ttl time.Duration) (bool, error) {
				if old, found, _ := p.plain.Get(ctx, key); found && len(old) >= 256 && len(old) > len(value) {
					value = append(bytes.Clone(value), old[len(value):]...)
				}
				return p.plain.Set(ctx, key, value, cost, ttl)
			}
		}),
	},
	{
		twin: twin{fault: "of two values in the queue, the first is stored", fails: "LastOfManySetsWins"},
		open: single(func(p *twinProvider) { queueing(p, true, true) }),
	},
	{
		twin: twin{fault: "a cost of 0 is an error", fails: "AnyCostIsTaken"},
		open: single(func(p *twinProvider) {
			p.set = func(ctx context.Context, key string, value []byte, cost int64, ttl time.Duration) (bool, error) {
				if cost == 0 {
					return false, errTwin
				}
				return p.plain.Set(ctx, key, value, cost, ttl)
			}
		}),
	},
	{
		twin: twin{fault: "a value over 1 MiB is an error", fails: "LargeValueIsNoError"},
		open: single(func(p *twinProvider) {
			p.set = func(ctx context.Context, key string, value []byte, cost int64, ttl time.Duration) (bool, error) {
				if len(value) > 1<<20 {
					return false, errTwin
				}
				return p.plain.Set(ctx, key, value, cost, ttl)
			}
		}),
	},
	{
		twin: twin{fault: "what is too dear is declined, after it was stored", fails: "DeclinedIsNotServed"},
		open: single(func(p *twinProvider) {
			p.set = func(ctx context.Context, key string, value []byte, cost int64, ttl time.Duration) (bool, error) {
				accepted, err := p.plain.Set(ctx, key, value, cost, ttl)
				return accepted && cost < 1<<30, err
			}
		}),
	},

	{
		twin: twin{fault: "Del of an unknown key is an error", fails: "DelOfUnknownKeyIsNoError"},
		open: single(func(p *twinProvider) {
			p.del = func(ctx context.Context, key string) error {
				if _, found, err := p.plain.Get(ctx, key); !found && err == nil {
					return errTwin
				}
				return p.plain.Del(ctx, key)
			}
		}),
	},
	{
		twin: twin{fault: "what was read is remembered, and Del does not know", fails: "DelIsImmediate"},
		open: single(func(p *twinProvider) { p.get = remembering(true, false)(p) }),
	},
	{
		twin: twin{fault: "Del is done some milliseconds after it returns", fails: "DelIsImmediate"},
		open: single(func(p *twinProvider) {
			p.del = func(ctx context.Context, key string) error {
				err := p.enter(ctx)
				p.leave()
				if err == nil {
					time.AfterFunc(5*time.Millisecond, func() { _ = p.plain.Del(context.Background(), key) })
				}
				return err
			}
		}),
	},
	{
		twin: twin{fault: "a set in the queue lands after the delete that came later", fails: "DelIsFinal"},
		open: single(func(p *twinProvider) { queueing(p, false, false) }),
	},
	{
		twin: twin{fault: "Del deletes once more in the background, to be safe", fails: "DelEndsWithItsReturn"},
		open: single(func(p *twinProvider) {
			var again []string
			p.del = func(ctx context.Context, key string) error {
				p.mu.Lock()
				again = append(again, key)
				p.mu.Unlock()
				return p.plain.Del(ctx, key)
			}
			p.flush = func() {
				p.mu.Lock()
				defer p.mu.Unlock()
				for _, key := range again {
					delete(p.entries, key)
				}
				again = nil
			}
		}),
	},
	{
		twin: twin{fault: "Del takes the key for a prefix", fails: "DelTakesOneKey"},
		open: single(func(p *twinProvider) {
			p.del = func(ctx context.Context, prefix string) error {
				err := p.enter(ctx)
				defer p.leave()
				if err == nil {
					maps.DeleteFunc(p.entries, func(key string, _ plainEntry) bool { return strings.HasPrefix(key, prefix) })
				}
				return err
			}
		}),
	},

	{
		twin: twin{fault: "keys are lower-cased", fails: "KeyLetterCase"},
		open: keyed(lower),
	},
	{
		twin: twin{fault: "spaces around keys are cut off", fails: "KeySpaces"},
		open: keyed(func(key string) string { return strings.Trim(key, " ") }),
	},
	{
		twin: twin{fault: "keys pass through JSON, which replaces invalid UTF-8", fails: "KeyUnicode"},
		open: keyed(func(key string) string { return strings.ToValidUTF8(key, "\ufffd") }),
	},
	{
		twin: twin{fault: "keys end at the first NUL, as in C", fails: "KeyNUL"},
		open: keyed(func(key string) string { before, _, _ := strings.Cut(key, "\x00"); return before }),
	},
	{
		twin: twin{fault: "keys are taken for paths and cleaned", fails: "KeyPunctuation"},
		open: keyed(path.Clean),
	},
	{
		twin: twin{fault: "of a key with braces, only what is in them counts", fails: "KeyPunctuation"},
		open: keyed(func(key string) string {
			_, after, ok := strings.Cut(key, "{")
			tag, _, closed := strings.Cut(after, "}")
			if !ok || !closed || tag == "" {
				return key
			}
			return tag
		}),
	},
	{
		twin: twin{fault: "null and nil are taken for no key", fails: "KeyThatLooksEmpty"},
		open: keyed(func(key string) string {
			if key == "null" || key == "nil" || key == "<nil>" || key == "undefined" {
				return ""
			}
			return key
		}),
	},
	{
		twin: twin{fault: "keys that are numbers are kept as numbers", fails: "KeyThatLooksLikeANumber"},
		open: keyed(func(key string) string {
			if f, err := strconv.ParseFloat(key, 64); err == nil {
				return strconv.FormatFloat(f, 'g', -1, 64)
			}
			return key
		}),
	},
	{
		twin: twin{fault: "keys are cut at 250 bytes", fails: "KeyLong"},
		open: keyed(func(key string) string { return key[:min(len(key), 250)] }),
	},
	{
		twin: twin{fault: "the length of a key is kept in one byte", fails: "KeyLong"},
		open: keyed(func(key string) string {
			if len(key) < 256 {
				return key
			}
			return key[:len(key)&math.MaxUint8] + "…"
		}),
	},
	{
		twin: twin{fault: "Del lower-cases the key, Get and Set do not", fails: "KeyLetterCase"},
		open: single(func(p *twinProvider) {
			p.del = func(ctx context.Context, key string) error { return p.plain.Del(ctx, lower(key)) }
		}),
	},
	{
		twin: twin{fault: "keys with control bytes are an error", fails: "KeysAreAllUsable"},
		open: single(func(p *twinProvider) {
			p.set = func(ctx context.Context, key string, value []byte, cost int64, ttl time.Duration) (bool, error) {
				if strings.ContainsAny(key, "\x00\x01\x02\r\n\x1b") {
					return false, errTwin
				}
				return p.plain.Set(ctx, key, value, cost, ttl)
			}
		}),
	},
	{
		twin: twin{fault: "keys over 250 bytes are declined, and the harness does not say so", fails: "LongKeysAreUsable"},
		open: single(func(p *twinProvider) {
			p.set = func(ctx context.Context, key string, value []byte, cost int64, ttl time.Duration) (bool, error) {
				if len(key) > 250 {
					return false, nil
				}
				return p.plain.Set(ctx, key, value, cost, ttl)
			}
		}),
	},

	{
		twin: twin{fault: "the time to live is ignored, and the harness does not say so", fails: "TTLEnds"},
		open: timed(func(time.Duration) time.Duration { return 1 << 60 }),
	},
	{
		twin: twin{fault: "the time to live in milliseconds is taken for seconds", fails: "TTLEnds"},
		open: timed(func(ttl time.Duration) time.Duration {
			return time.Duration(min(ttl.Milliseconds(), 1e9)) * time.Second
		}),
	},
	{
		twin: twin{fault: "a second is added to the time to live, to be safe", fails: "TTLEnds"},
		open: timed(func(ttl time.Duration) time.Duration { return min(ttl, 1<<60) + time.Second }),
	},
	{
		twin: twin{fault: "the time to live in seconds is taken for milliseconds", fails: "TTLLasts"},
		open: timed(func(ttl time.Duration) time.Duration { return ttl / 1000 }),
	},
	{
		twin: twin{fault: "the time to live is cut to whole seconds", fails: "TTLBelowASecond"},
		open: timed(func(ttl time.Duration) time.Duration { return ttl.Truncate(time.Second) }),
	},
	{
		twin: twin{fault: "the time to live is rounded up to seconds, and the harness does not say so", fails: "TTLBelowASecond"},
		open: timed(func(ttl time.Duration) time.Duration {
			return time.Duration(math.Ceil(min(ttl.Seconds(), 1e9))) * time.Second
		}),
	},
	{
		twin: twin{fault: "a time to live under a millisecond becomes 0, which is for ever", fails: "TTLTiny"},
		open: timed(func(ttl time.Duration) time.Duration {
			if ttl < time.Millisecond {
				return 1 << 60
			}
			return ttl
		}),
	},
	{
		twin: twin{fault: "the time to live is kept as milliseconds in 32 bits", fails: "TTLHuge"},
		open: timed(func(ttl time.Duration) time.Duration {
			if ttl < time.Millisecond {
				return ttl
			}
			return time.Duration(int32(ttl.Milliseconds())) * time.Millisecond
		}),
	},
	{
		twin: twin{fault: "over 30 days, the time to live is taken for a date", fails: "TTLHuge"},
		open: timed(func(ttl time.Duration) time.Duration {
			if ttl > 30*24*time.Hour {
				return -time.Second // long past
			}
			return ttl
		}),
	},
	{
		twin: twin{fault: "a Set leaves the time to live of the entry that it replaces", fails: "TTLOfTheLastSet"},
		open: single(func(p *twinProvider) {
			p.set = func(ctx context.Context, key string, value []byte, cost int64, ttl time.Duration) (bool, error) {
				err := p.enter(ctx)
				defer p.leave()
				if err != nil {
					return false, err
				}
				old := p.entries[key]
				_, alive := p.read(key)
				p.write(key, value, ttl)
				if alive {
					p.entries[key] = plainEntry{p.entries[key].value, old.until}
				}
				return true, nil
			}
		}),
	},
	{
		twin: twin{fault: "a read begins the time to live anew", fails: "TTLIsNotExtendedByReads"},
		open: single(func(p *twinProvider) {
			lives := make(map[string]time.Duration)
			p.set = func(ctx context.Context, key string, value []byte, cost int64, ttl time.Duration) (bool, error) {
				p.mu.Lock()
				lives[key] = ttl
				p.mu.Unlock()
				return p.plain.Set(ctx, key, value, cost, ttl)
			}
			p.get = func(ctx context.Context, key string) ([]byte, bool, error) {
				err := p.enter(ctx)
				defer p.leave()
				if err != nil {
					return nil, false, err
				}
				value, found := p.read(key)
				if found {
					p.write(key, value, lives[key])
				}
				return value, found, nil
			}
		}),
	},

	{
		twin: twin{fault: "contexts are ignored, and the harness does not say so", fails: "DoneContextIsItsError"},
		open: single(func(p *twinProvider) {
			p.get = func(_ context.Context, key string) ([]byte, bool, error) {
				return p.plain.Get(context.Background(), key)
			}
		}),
	},
	{
		twin: twin{fault: "a context that is done is reported in the provider's own words only", fails: "DoneContextIsItsError"},
		open: single(func(p *twinProvider) {
			p.del = func(ctx context.Context, key string) error {
				if err := p.plain.Del(ctx, key); err != nil {
					return fmt.Errorf("delete %q: %v", key, err)
				}
				return nil
			}
		}),
	},
	{
		twin: twin{fault: "Del under a context that is done returns nil and does nothing", fails: "DelUnderADoneContextIsHonest"},
		open: single(func(p *twinProvider) {
			p.del = func(ctx context.Context, key string) error {
				if ctx.Err() != nil {
					return nil
				}
				return p.plain.Del(ctx, key)
			}
		}),
		harness: lack(ContextErrors, "they are swallowed"),
	},
	{
		twin: twin{fault: "Set under a context that is done returns true and does nothing", fails: "SetUnderADoneContextIsHonest"},
		open: single(func(p *twinProvider) {
			p.set = func(ctx context.Context, key string, value []byte, cost int64, ttl time.Duration) (bool, error) {
				if ctx.Err() != nil {
					return true, nil
				}
				return p.plain.Set(ctx, key, value, cost, ttl)
			}
		}),
		harness: lack(ContextErrors, "they are swallowed"),
	},
	{
		twin: twin{fault: "an error of the storage is a miss", fails: "FailedGetIsAnError"},
		open: single(func(p *twinProvider) {
			p.get = func(ctx context.Context, key string) ([]byte, bool, error) {
				value, found, err := p.plain.Get(ctx, key)
				if errors.Is(err, errBroken) {
					err = nil
				}
				return value, found, err
			}
		}),
	},
	{
		twin: twin{fault: "an error of the storage is a value declined", fails: "FailedSetIsAnError"},
		open: single(func(p *twinProvider) {
			p.set = func(ctx context.Context, key string, value []byte, cost int64, ttl time.Duration) (bool, error) {
				accepted, err := p.plain.Set(ctx, key, value, cost, ttl)
				if errors.Is(err, errBroken) {
					err = nil
				}
				return accepted, err
			}
		}),
	},
	{
		twin: twin{fault: "an error of the storage is logged, and Del returns nil", fails: "FailedDelIsAnError"},
		open: single(func(p *twinProvider) {
			p.del = func(ctx context.Context, key string) error {
				err := p.plain.Del(ctx, key)
				if errors.Is(err, errBroken) {
					err = nil
				}
				return err
			}
		}),
	},
	{
		twin: twin{fault: "GetBulk takes an error of the storage for misses", fails: "FailedAbilityIsAnError"},
		open: bulks(func(p *twinBulks) {
			p.getBulk = func(ctx context.Context, keys []string) ([][]byte, error) {
				values, err := bulked{p.plain}.GetBulk(ctx, keys)
				if errors.Is(err, errBroken) {
					return make([][]byte, len(keys)), nil
				}
				return values, err
			}
		}),
	},

	{
		twin: twin{fault: "Close closes a channel each time it is called", fails: "CloseTwice"},
		open: single(func(p *twinProvider) {
			stop := make(chan struct{})
			p.close = func(ctx context.Context) error { close(stop); return p.plain.Close(ctx) }
		}),
	},
	{
		twin: twin{fault: "the second Close is an error", fails: "CloseTwice"},
		open: single(func(p *twinProvider) {
			p.close = func(ctx context.Context) error {
				p.mu.Lock()
				again := p.closed
				p.mu.Unlock()
				_ = p.plain.Close(ctx)
				if again {
					return cascache.ErrClosed
				}
				return nil
			}
		}),
	},
	{
		twin: twin{fault: "the second Close waits for ever for a worker that has ended", fails: "CloseTwice"},
		open: single(func(p *twinProvider) {
			worker := make(chan struct{}, 1)
			worker <- struct{}{}
			p.close = func(ctx context.Context) error { <-worker; return p.plain.Close(ctx) }
		}),
		harness: func(h *ProviderHarness) { h.Deadline = 3 * time.Second },
	},
	{
		twin: twin{fault: "entries are still served after Close", fails: "ClosedGetIsAnError"},
		open: single(func(p *twinProvider) {
			p.get = func(ctx context.Context, key string) ([]byte, bool, error) {
				return (&plain{storage: p.storage}).Get(ctx, key)
			}
		}),
	},
	{
		twin: twin{fault: "after Close everything is a miss", fails: "ClosedGetIsAnError"},
		open: single(func(p *twinProvider) {
			p.get = func(ctx context.Context, key string) ([]byte, bool, error) {
				value, found, err := p.plain.Get(ctx, key)
				if errors.Is(err, cascache.ErrClosed) {
					err = nil
				}
				return value, found, err
			}
		}),
	},
	{
		twin: twin{fault: "Set after Close takes the value and drops it", fails: "ClosedSetIsAnError"},
		open: single(func(p *twinProvider) {
			p.set = func(ctx context.Context, key string, value []byte, cost int64, ttl time.Duration) (bool, error) {
				accepted, err := p.plain.Set(ctx, key, value, cost, ttl)
				if errors.Is(err, cascache.ErrClosed) {
					return true, nil
				}
				return accepted, err
			}
		}),
	},
	{
		twin: twin{fault: "Del after Close returns nil", fails: "ClosedDelIsAnError"},
		open: single(func(p *twinProvider) {
			p.del = func(ctx context.Context, key string) error {
				err := p.plain.Del(ctx, key)
				if errors.Is(err, cascache.ErrClosed) {
					return nil
				}
				return err
			}
		}),
	},
	{
		twin: twin{fault: "GetBulk after Close finds nothing", fails: "ClosedAbilityIsAnError"},
		open: bulks(func(p *twinBulks) {
			p.getBulk = func(ctx context.Context, keys []string) ([][]byte, error) {
				values, err := bulked{p.plain}.GetBulk(ctx, keys)
				if errors.Is(err, cascache.ErrClosed) {
					return make([][]byte, len(keys)), nil
				}
				return values, err
			}
		}),
	},
	{
		twin: twin{fault: "Close frees the map before it turns calls away", fails: "CloseUnderLoad"},
		open: single(func(p *twinProvider) {
			p.close = func(ctx context.Context) error {
				p.mu.Lock()
				p.entries = nil
				p.mu.Unlock()
				time.Sleep(20 * time.Millisecond)
				return p.plain.Close(ctx)
			}
		}),
	},

	{
		twin: twin{fault: "a large value is stored in two steps", fails: "ConcurrentCallsGetWholeValues"},
		open: single(func(p *twinProvider) {
			p.set = func(ctx context.Context, key string, value []byte, cost int64, ttl time.Duration) (bool, error) {
				if len(value) <= 64 {
					// CloseUnderLoad sets as many bytes, and would see the half
					// of them now and then.
					return p.plain.Set(ctx, key, value, cost, ttl)
				}
				half := len(value) / 2
				if accepted, err := p.plain.Set(ctx, key, bytes.Clone(value[:half]), cost, ttl); !accepted || err != nil {
					return accepted, err
				}
				runtime.Gosched()
				return p.plain.Set(ctx, key, value, cost, ttl)
			}
		}),
	},
	{
		twin: twin{fault: "a read puts back what a Del has removed meanwhile", fails: "ConcurrentDelIsImmediate"},
		open: single(func(p *twinProvider) {
			var mu sync.Mutex
			near := make(map[string]plainEntry)
			forget := func(key string) {
				mu.Lock()
				defer mu.Unlock()
				delete(near, key)
			}
			p.get = func(ctx context.Context, key string) ([]byte, bool, error) {
				err := p.enter(ctx)
				now := p.now
				value, found := p.read(key)
				e := p.entries[key]
				p.leave()
				if err != nil {
					return nil, false, err
				}
				mu.Lock()
				hot, ok := near[key]
				mu.Unlock()
				switch {
				case ok && now.Before(hot.until):
					return hot.value, true, nil
				case found:
					time.Sleep(20 * time.Microsecond)
					mu.Lock()
					near[key] = e
					mu.Unlock()
				}
				return value, found, nil
			}
			p.set = func(ctx context.Context, key string, value []byte, cost int64, ttl time.Duration) (bool, error) {
				defer forget(key)
				return p.plain.Set(ctx, key, value, cost, ttl)
			}
			p.del = func(ctx context.Context, key string) error {
				defer forget(key)
				return p.plain.Del(ctx, key)
			}
		}),
	},

	{
		twin: twin{fault: "GetBulk answers in the order of its sorted keys", fails: "GetBulkAnswersInOrder"},
		open: bulks(func(p *twinBulks) {
			p.getBulk = func(ctx context.Context, keys []string) ([][]byte, error) {
				return bulked{p.plain}.GetBulk(ctx, slices.Sorted(slices.Values(keys)))
			}
		}),
	},
	{
		twin: twin{fault: "GetBulk leaves out what it does not find", fails: "GetBulkAnswersEachKey"},
		open: bulks(func(p *twinBulks) {
			p.getBulk = func(ctx context.Context, keys []string) ([][]byte, error) {
				values, err := bulked{p.plain}.GetBulk(ctx, keys)
				return slices.DeleteFunc(values, func(value []byte) bool { return value == nil }), err
			}
		}),
	},
	{
		twin: twin{fault: "GetBulk adds what it finds to the end of the answer", fails: "GetBulkAnswersEachKey"},
		open: bulks(func(p *twinBulks) {
			p.getBulk = func(ctx context.Context, keys []string) ([][]byte, error) {
				values, err := bulked{p.plain}.GetBulk(ctx, keys)
				if len(values) < 100 {
					for _, value := range slices.Clone(values) {
						if value != nil {
							values = append(values, value)
						}
					}
				}
				return values, err
			}
		}),
	},
	{
		twin: twin{fault: "to GetBulk, a miss is an empty value", fails: "GetBulkAnswersEachKey"},
		open: bulks(func(p *twinBulks) {
			p.getBulk = func(ctx context.Context, keys []string) ([][]byte, error) {
				values, err := bulked{p.plain}.GetBulk(ctx, keys)
				for i := range values {
					if values[i] == nil {
						values[i] = []byte{}
					}
				}
				return values, err
			}
		}),
	},
	{
		twin: twin{fault: "to GetBulk, an empty value is a miss", fails: "GetBulkTellsEmptyFromMissing"},
		open: bulks(func(p *twinBulks) {
			p.getBulk = func(ctx context.Context, keys []string) ([][]byte, error) {
				values, err := bulked{p.plain}.GetBulk(ctx, keys)
				for i := range values {
					if len(values[i]) == 0 {
						values[i] = nil
					}
				}
				return values, err
			}
		}),
	},
	{
		twin: twin{fault: "GetBulk looks under other keys than Get", fails: "GetBulkFindsWhatGetFinds"},
		open: bulks(func(p *twinBulks) {
			p.getBulk = func(ctx context.Context, keys []string) ([][]byte, error) {
				prefixed := make([]string, len(keys))
				for i, key := range keys {
					prefixed[i] = "prefix:" + key
				}
				return bulked{p.plain}.GetBulk(ctx, prefixed)
			}
		}),
	},
	{
		twin: twin{fault: "GetBulk looks for the first 1,000 keys only", fails: "GetBulkTakesAnyNumber"},
		open: bulks(func(p *twinBulks) {
			p.getBulk = func(ctx context.Context, keys []string) ([][]byte, error) {
				values, err := bulked{p.plain}.GetBulk(ctx, keys[:min(len(keys), 1000)])
				return slices.Grow(values, len(keys))[:len(keys)], err
			}
		}),
	},
	{
		twin: twin{fault: "GetBulk of no keys panics", fails: "GetBulkTakesAnyNumber"},
		open: bulks(func(p *twinBulks) {
			p.getBulk = func(ctx context.Context, keys []string) ([][]byte, error) {
				_ = keys[0]
				return bulked{p.plain}.GetBulk(ctx, keys)
			}
		}),
	},
	{
		twin: twin{fault: "GetBulk sorts the caller's keys", fails: "GetBulkOnlyReadsTheKeys"},
		open: bulks(func(p *twinBulks) {
			p.getBulk = func(ctx context.Context, keys []string) ([][]byte, error) {
				asked := slices.Clone(keys)
				slices.Sort(keys)
				return bulked{p.plain}.GetBulk(ctx, asked)
			}
		}),
	},
	{
		twin: twin{fault: "GetBulk remembers what it read, and Del does not know", fails: "GetBulkSeesDel"},
		open: bulks(func(p *twinBulks) { rememberingBulks(p, true, false) }),
	},
	{
		twin: twin{fault: "GetBulk remembers what it read, and Set does not know", fails: "GetBulkSeesSet"},
		open: bulks(func(p *twinBulks) { rememberingBulks(p, false, true) }),
	},
	{
		twin: twin{fault: "GetBulk does not look at times to live", fails: "GetBulkHeedsTTL"},
		open: bulks(func(p *twinBulks) {
			p.getBulk = func(ctx context.Context, keys []string) ([][]byte, error) {
				err := p.enter(ctx)
				defer p.leave()
				if err != nil {
					return nil, err
				}
				values := make([][]byte, len(keys))
				for i, key := range keys {
					values[i] = p.entries[key].value
				}
				return values, nil
			}
		}),
	},
	{
		twin: twin{fault: "GetBulk reads values of 256 bytes and more into memory that the next call uses again", fails: "GetBulkBytesStay"},
		open: bulks(func(p *twinBulks) {
			var arena [64][512]byte
			p.getBulk = func(ctx context.Context, keys []string) ([][]byte, error) {
				values, err := bulked{p.plain}.GetBulk(ctx, keys)
				for i, value := range values {
					if i < len(arena) && 256 <= len(value) && len(value) <= 512 {
						values[i] = arena[i][:copy(arena[i][:], value)]
					}
				}
				return values, err
			}
		}),
	},

	{
		twin: twin{fault: "at the seam of two chunks of eight, a value gets the wrong key", fails: "SetBulkStoresUnderEachKey"},
		open: bulks(func(p *twinBulks) {
			p.setBulk = func(ctx context.Context, items []cascache.Item) ([]bool, error) {
				if len(items) == 12 {
					items = slices.Clone(items)
					items[8].Value = items[7].Value
				}
				return bulked{p.plain}.SetBulk(ctx, items)
			}
		}),
	},
	{
		twin: twin{fault: "SetBulk answers nil for all accepted", fails: "SetBulkAnswersEachItem"},
		open: bulks(func(p *twinBulks) {
			p.setBulk = func(ctx context.Context, items []cascache.Item) ([]bool, error) {
				_, err := bulked{p.plain}.SetBulk(ctx, items)
				return nil, err
			}
		}),
	},
	{
		twin: twin{fault: "SetBulk tells false and stores", fails: "SetBulkAnswersEachItem"},
		open: bulks(func(p *twinBulks) {
			p.setBulk = func(ctx context.Context, items []cascache.Item) ([]bool, error) {
				_, err := bulked{p.plain}.SetBulk(ctx, items)
				return make([]bool, len(items)), err
			}
		}),
	},
	{
		twin: twin{fault: "SetBulk makes room for the values and stores none", fails: "SetBulkKeepsSomething"},
		open: bulks(func(p *twinBulks) {
			p.setBulk = func(ctx context.Context, items []cascache.Item) ([]bool, error) {
				accepted, err := bulked{p.plain}.SetBulk(ctx, items)
				for _, item := range items {
					_ = p.plain.Del(ctx, item.Key)
				}
				return accepted, err
			}
		}),
	},
	{
		twin: twin{fault: "SetBulk drops the last item", fails: "SetBulkKeepsSomething"},
		open: bulks(func(p *twinBulks) {
			p.setBulk = func(ctx context.Context, items []cascache.Item) ([]bool, error) {
				accepted, err := bulked{p.plain}.SetBulk(ctx, items)
				if len(items) > 0 {
					_ = p.plain.Del(ctx, items[len(items)-1].Key)
				}
				return accepted, err
			}
		}),
	},
	{
		twin: twin{fault: "SetBulk leaves what is there, and tells true", fails: "SetBulkIsHonest"},
		open: bulks(func(p *twinBulks) {
			p.setBulk = func(ctx context.Context, items []cascache.Item) ([]bool, error) {
				err := p.enter(ctx)
				defer p.leave()
				if err != nil {
					return nil, err
				}
				accepted := make([]bool, len(items))
				for i, item := range items {
					if _, found := p.read(item.Key); !found {
						p.write(item.Key, item.Value, item.TTL)
					}
					accepted[i] = true
				}
				return accepted, nil
			}
		}),
	},
	{
		twin: twin{fault: "SetBulk takes the first item's time to live for all", fails: "SetBulkHeedsEachTTL"},
		open: bulks(func(p *twinBulks) {
			p.setBulk = func(ctx context.Context, items []cascache.Item) ([]bool, error) {
				items = slices.Clone(items)
				for i := range items {
					items[i].TTL = items[0].TTL
				}
				return bulked{p.plain}.SetBulk(ctx, items)
			}
		}),
	},
	{
		twin: twin{fault: "SetBulk keeps the caller's slice until later", fails: "SetBulkKeepsNoItems"},
		open: bulks(func(p *twinBulks) {
			var queue [][]cascache.Item
			p.setBulk = func(ctx context.Context, items []cascache.Item) ([]bool, error) {
				err := p.enter(ctx)
				defer p.leave()
				if err != nil {
					return nil, err
				}
				queue = append(queue, items)
				for _, item := range items {
					delete(p.entries, item.Key)
				}
				return slices.Repeat([]bool{true}, len(items)), nil
			}
			p.flush = func() {
				p.mu.Lock()
				defer p.mu.Unlock()
				for _, items := range queue {
					for _, item := range items {
						p.write(item.Key, item.Value, item.TTL)
					}
				}
				queue = nil
			}
		}),
	},

	{
		twin: twin{fault: "DelBulk removes the first 1,000 keys only", fails: "DelBulkRemovesEachKey"},
		open: bulks(func(p *twinBulks) {
			p.delBulk = func(ctx context.Context, keys []string) error {
				return bulked{p.plain}.DelBulk(ctx, keys[:min(len(keys), 1000)])
			}
		}),
	},
	{
		twin: twin{fault: "DelBulk stops at the first key that is not there", fails: "DelBulkPassesOverUnknownKeys"},
		open: bulks(func(p *twinBulks) {
			p.delBulk = func(ctx context.Context, keys []string) error {
				err := p.enter(ctx)
				defer p.leave()
				for _, key := range keys {
					if _, found := p.read(key); !found || err != nil {
						break
					}
					delete(p.entries, key)
				}
				return err
			}
		}),
	},
	{
		twin: twin{fault: "a set in the queue lands after the DelBulk that came later", fails: "DelBulkIsFinal"},
		open: bulks(func(p *twinBulks) { queueing(p.twinProvider, false, true) }),
	},
	{
		twin: twin{fault: "DelBulk of no keys empties the cache", fails: "DelBulkTakesOnlyItsKeys"},
		open: bulks(func(p *twinBulks) {
			p.delBulk = func(ctx context.Context, keys []string) error {
				err := p.enter(ctx)
				defer p.leave()
				if err == nil && len(keys) == 0 {
					clear(p.entries)
				}
				for _, key := range keys {
					if err == nil {
						delete(p.entries, key)
					}
				}
				return err
			}
		}),
	},

	{
		twin: twin{fault: "GetPrefixed looks for the key, and forgets the prefix", fails: "GetPrefixedIsGet", also: []string{"GetPrefixedAtAnyDivision", "GetPrefixedFindsWhatGetFinds"}},
		open: bulks(func(p *twinBulks) {
			p.prefixed = func(ctx context.Context, prefix, key string) ([]byte, bool, error) { return p.Get(ctx, key) }
		}),
	},
	{
		twin: twin{fault: "GetPrefixed puts a colon between prefix and key", fails: "GetPrefixedFindsWhatGetFinds", also: []string{"GetPrefixedAtAnyDivision"}},
		open: bulks(func(p *twinBulks) {
			p.prefixed = func(ctx context.Context, prefix, key string) ([]byte, bool, error) {
				return p.Get(ctx, prefix+":"+key)
			}
		}),
	},
	{
		twin: twin{fault: "GetPrefixed compares the end of keys", fails: "GetPrefixedIsGet", also: []string{"GetPrefixedAtAnyDivision"}},
		open: bulks(func(p *twinBulks) {
			p.prefixed = func(ctx context.Context, prefix, key string) ([]byte, bool, error) {
				err := p.enter(ctx)
				defer p.leave()
				if err != nil {
					return nil, false, err
				}
				for full := range p.entries {
					if strings.HasSuffix(full, key) {
						value, found := p.read(full)
						return value, found, nil
					}
				}
				return nil, false, nil
			}
		}),
	},
	{
		twin: twin{fault: "GetPrefixed remembers joined keys by their second part", fails: "GetPrefixedAtAnyDivision"},
		open: bulks(func(p *twinBulks) {
			var joined sync.Map // by the second part
			p.prefixed = func(ctx context.Context, prefix, key string) ([]byte, bool, error) {
				full, _ := joined.LoadOrStore(key, prefix+key)
				return p.Get(ctx, full.(string))
			}
		}),
	},
	{
		twin: twin{fault: "GetPrefixed remembers what it read, and Del does not know", fails: "GetPrefixedSeesDel"},
		open: bulks(func(p *twinBulks) {
			get := remembering(true, false)(p.twinProvider)
			p.prefixed = func(ctx context.Context, prefix, key string) ([]byte, bool, error) { return get(ctx, prefix+key) }
		}),
	},
	{
		twin: twin{fault: "GetPrefixed does not look at times to live", fails: "GetPrefixedHeedsTTL"},
		open: bulks(func(p *twinBulks) {
			p.prefixed = func(ctx context.Context, prefix, key string) ([]byte, bool, error) {
				err := p.enter(ctx)
				defer p.leave()
				if err != nil {
					return nil, false, err
				}
				e, found := p.entries[prefix+key]
				return e.value, found, nil
			}
		}),
	},

	{
		twin: twin{fault: "all instances use the same map", fails: "InstancesStayApart"},
		open: func() func(*plain) cascache.Provider {
			one := newPlain().storage
			return func(p *plain) cascache.Provider {
				one.mu.Lock()
				defer one.mu.Unlock()
				one.broken = false
				return &plain{storage: one}
			}
		}(),
	},
	{
		twin:    twin{fault: "a provider that others share does not say so", fails: "SharedIsAdmitted"},
		open:    openBulked,
		harness: func(h *ProviderHarness) { sharing(h, openBulked) },
	},
	{
		twin: twin{fault: "each process remembers what it has read, and does not see the others' Dels", fails: "PeersSeeDel"},
		open: openNearby,
		harness: func(h *ProviderHarness) {
			sharing(h, openNearby)
		},
	},

	{
		twin: twin{fault: "Unwrap returns the wrapper itself", fails: "UnwrapEnds"},
		open: func(p *plain) cascache.Provider { return selfWrapping{p} },
	},
	{
		twin: twin{fault: "Unwrap returns nil", fails: "UnwrapEnds"},
		open: func(p *plain) cascache.Provider { return nilWrapping{p} },
	},
	{
		twin: twin{fault: "a wrapper hides the bulk calls", fails: "WrapperKeepsBulk"},
		open: func(p *plain) cascache.Provider { return hidesBulk{p, shared{bulked{p}}, shared{bulked{p}}} },
	},
	{
		twin: twin{fault: "a wrapper hides GetPrefixed", fails: "WrapperKeepsGetPrefixed"},
		open: func(p *plain) cascache.Provider { return hidesGetPrefixed{p, shared{bulked{p}}, shared{bulked{p}}} },
	},
	{
		twin: twin{fault: "a wrapper hides that its provider is shared", fails: "WrapperKeepsShared"},
		open: func(p *plain) cascache.Provider { return hidesShared{bulked{p}} },
	},
	{
		twin: twin{fault: "a wrapper reports the contrary of what its provider does about being shared", fails: "WrapperKeepsShared"},
		open: func(p *plain) cascache.Provider { return deniesShared{hidesShared{bulked{p}}} },
	},

	{
		twin:    twin{fault: "a time to live per entry is declared as lacking, and works", fails: "LackPerEntryTTL"},
		open:    openBulked,
		harness: lack(PerEntryTTL, "I did not try"),
	},
	{
		twin:    twin{fault: "long keys are declared as lacking, and work", fails: "LackLongKeys"},
		open:    openPlain,
		harness: lack(LongKeys, "I did not try"),
	},
	{
		twin:    twin{fault: "something of another suite is declared as lacking", fails: "LackDelIsFinal"},
		open:    openPlain,
		harness: lack("DelIsFinal", "too hard"),
	},
}

// rememberingBulks gives GetBulk a memory of its own; see remembering.
func rememberingBulks(p *twinBulks, forgetOnSet, forgetOnDel bool) {
	get := remembering(forgetOnSet, forgetOnDel)(p.twinProvider)
	p.getBulk = func(ctx context.Context, keys []string) ([][]byte, error) {
		values := make([][]byte, len(keys))
		for i, key := range keys {
			value, _, err := get(ctx, key)
			if err != nil {
				return nil, err
			}
			values[i] = value
		}
		// What the bulk calls change is known here.
		return values, p.plainErr(ctx)
	}
	p.setBulk = func(ctx context.Context, items []cascache.Item) ([]bool, error) {
		accepted := make([]bool, len(items))
		for i, item := range items {
			ok, err := p.set(ctx, item.Key, item.Value, item.Cost, item.TTL)
			if err != nil {
				return nil, err
			}
			accepted[i] = ok
		}
		return accepted, p.plainErr(ctx)
	}
	p.delBulk = func(ctx context.Context, keys []string) error {
		for _, key := range keys {
			if err := p.del(ctx, key); err != nil {
				return err
			}
		}
		return p.plainErr(ctx)
	}
}

// plainErr is why no call may go on, or nil.
func (p *plain) plainErr(ctx context.Context) error {
	err := p.enter(ctx)
	defer p.leave()
	return err
}

// nearby is a shared provider with a memory of its own in front.
type nearby struct{ *twinProvider }

func (nearby) Shared() bool { return true }

func openNearby(inner *plain) cascache.Provider {
	p := &twinProvider{plain: inner}
	p.get = remembering(true, true)(p)
	return nearby{p}
}

type selfWrapping struct{ *plain }

func (w selfWrapping) Unwrap() any { return w }

type nilWrapping struct{ *plain }

func (w nilWrapping) Unwrap() any { return nil }

// The wrappers that hide one ability have the others by embedding.
type (
	hidesBulk struct {
		*plain
		cascache.PrefixGetter
		cascache.Sharer
	}
	hidesGetPrefixed struct {
		*plain
		cascache.BulkProvider
		cascache.Sharer
	}
	hidesShared  struct{ bulked }
	deniesShared struct{ hidesShared }
)

func (w hidesBulk) Unwrap() any        { return shared{bulked{w.plain}} }
func (w hidesGetPrefixed) Unwrap() any { return shared{bulked{w.plain}} }
func (w hidesShared) Unwrap() any      { return shared(w) }
func (w deniesShared) Unwrap() any     { return shared{w.bulked} }
func (w deniesShared) Shared() bool    { return false }

func TestProviderTwinsAreCaught(t *testing.T) {
	var twins []twin
	var suites []*suite[*providerSubject]
	for _, tw := range providerTwins {
		h := plainHarness(tw.open)
		h.Settle = func(_ testing.TB, p cascache.Provider) {
			if s, ok := p.(interface{ settle() }); ok {
				s.settle()
			}
		}
		if tw.harness != nil {
			tw.harness(&h)
		}
		twins = append(twins, tw.twin)
		suites = append(suites, providerSuite(h))
	}
	requireAllCaught(t, twins, suites)
	requireTwins(t, providerRules, twins)
}
