package faults

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// ErrInjected is the error of a failed call whose rule gives no other.
var ErrInjected = errors.New("faults: injected error")

// A Call names a method of what is wrapped. Batches and other optional forms
// count under the plain method.
type Call string

// The calls of a provider and of a codec. The zero value in a [Rule] stands
// for all calls.
const (
	Get    Call = "Get"
	Set    Call = "Set"
	Del    Call = "Del"
	Close  Call = "Close"
	Encode Call = "Encode"
	Decode Call = "Decode"
)

// A Kind is a way in which a call goes wrong.
type Kind string

// The kinds of faults. Each says to which calls it applies; a rule whose kind
// does not apply to a call passes it over.
const (
	// Fail returns an error, and does nothing. Any call.
	Fail Kind = "Fail"

	// LoseReply carries the call out and returns an error. Any call.
	LoseReply Kind = "LoseReply"

	// Delay waits for Rule.Delay, then carries the call out; when the context
	// is done first, it returns the context's error and does nothing. Any
	// call.
	Delay Kind = "Delay"

	// Hang waits until the context is done or the script released, and returns
	// an error. Any call.
	Hang Kind = "Hang"

	// Panic panics. Any call.
	Panic Kind = "Panic"

	// Miss finds nothing. Get.
	Miss Kind = "Miss"

	// Tear leaves the last bytes of a value out, as many as the script
	// chooses: of what Get returns, or of what Set stores.
	Tear Kind = "Tear"

	// Flip turns one bit of a value, which the script chooses: of what Get
	// returns, or of what Set stores.
	Flip Kind = "Flip"

	// Drop tells that the value was accepted, and loses it, along with what it
	// replaces: what any cache may do. Set.
	Drop Kind = "Drop"

	// Decline tells that the value was not accepted, and leaves what is there.
	// Set.
	Decline Kind = "Decline"

	// Late tells that the value was accepted, and stores it Rule.Delay later,
	// or with the next [Provider.Flush] when that is 0, whatever was set or
	// deleted meanwhile. No provider may do that. Set.
	Late Kind = "Late"
)

// A Rule is one thing that goes wrong.
type Rule struct {
	Call Call              // to which call; "" means any
	Key  func(string) bool // for which keys; nil means any. Close and codecs have the key ""
	Kind Kind              // how; required

	// Chance is the share of the matching calls that it befalls, from 0 to 1;
	// 0 means all of them.
	Chance float64

	After int // how many matching calls are spared first
	Times int // how many calls it befalls at most; 0 means no limit

	Delay time.Duration // for Delay and Late
	Err   error         // for Fail and LoseReply; nil means ErrInjected
}

func (r *Rule) err(call Call, key string) error {
	if r.Err != nil {
		return r.Err
	}
	return fmt.Errorf("%w: %s of %s %q", ErrInjected, r.Kind, call, key)
}

// A Script decides which calls go wrong, and how. Several wrappers may share
// one. All methods may be called concurrently.
type Script struct {
	seed uint64

	mu       sync.Mutex // guards what follows
	rules    []*progress
	added    int // rules ever, so that each draws numbers of its own
	counts   map[Kind]int
	released chan struct{}
}

// progress is how far a rule has come.
type progress struct {
	Rule
	number  int
	matched int
	fired   int
}

// NewScript returns a script with the given rules. It panics on a rule that
// can never be obeyed.
func NewScript(seed uint64, rules ...Rule) *Script {
	s := &Script{seed: seed, counts: make(map[Kind]int), released: make(chan struct{})}
	s.Set(rules...)
	return s
}

// Set replaces the rules from the next call on; without arguments nothing goes
// wrong any more. Calls that hang go on hanging: see Release.
func (s *Script) Set(rules ...Rule) {
	for _, r := range rules {
		if r.Kind == "" || r.Chance < 0 || r.Chance > 1 {
			panic(fmt.Sprintf("faults: the rule %+v needs a Kind, and a Chance from 0 to 1", r))
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rules = nil
	for _, r := range rules {
		s.rules = append(s.rules, &progress{Rule: r, number: s.added})
		s.added++
	}
}

// Release ends the calls that hang now.
func (s *Script) Release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.released)
	s.released = make(chan struct{})
}

// Count returns how many faults of a kind there have been.
func (s *Script) Count(kind Kind) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.counts[kind]
}

// A fault is what a rule decided for one call.
type fault struct {
	*Rule
	draw uint64 // random digits of its own, the same in every run
}

// decide returns the faults that a call meets, in the order of the rules.
// kinds are those that apply to it.
func (s *Script) decide(call Call, key string, kinds ...Kind) []fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	var faults []fault
	for _, r := range s.rules {
		if r.Call != "" && r.Call != call || r.Key != nil && !r.Key(key) || !applies(r.Kind, kinds) {
			continue
		}
		n := r.matched
		r.matched++
		draw := mix(s.seed, uint64(r.number), uint64(n))
		if n < r.After || r.Times > 0 && r.fired >= r.Times || r.Chance > 0 && share(draw) >= r.Chance {
			continue
		}
		r.fired++
		s.counts[r.Kind]++
		faults = append(faults, fault{&r.Rule, mix(draw, 1, 2)})
	}
	return faults
}

// concerns reports whether some rule may still befall such a call. It counts as
// none. key is asked for only where a rule is about keys.
func (s *Script) concerns(call Call, key func() string, kinds ...Kind) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.rules {
		if (r.Call == "" || r.Call == call) && (r.Times == 0 || r.fired < r.Times) && applies(r.Kind, kinds) && (r.Key == nil || r.Key(key())) {
			return true
		}
	}
	return false
}

// applies reports whether kind is one of those, or of those that fit any call.
func applies(kind Kind, kinds []Kind) bool {
	switch kind {
	case Fail, LoseReply, Delay, Hang, Panic:
		return true
	}
	for _, k := range kinds {
		if k == kind {
			return true
		}
	}
	return false
}

// mix makes one well-stirred number of three.
func mix(a, b, c uint64) uint64 {
	x := a
	for _, y := range [...]uint64{b, c, 0} {
		x += 0x9e3779b97f4a7c15 + y
		x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
		x = (x ^ x>>27) * 0x94d049bb133111eb
		x ^= x >> 31
	}
	return x
}

// share maps random digits to [0, 1).
func share(draw uint64) float64 { return float64(draw>>11) / (1 << 53) }

// before does what happens before a call is carried out. With an error the
// call must not be.
func (s *Script) before(ctx context.Context, faults []fault, call Call, key string) error {
	for _, f := range faults {
		switch f.Kind {
		case Fail:
			return f.err(call, key)
		case Panic:
			panic(fmt.Sprintf("faults: injected panic in %s of %q", call, key))
		case Delay:
			timer := time.NewTimer(f.Delay)
			select {
			case <-timer.C:
			case <-ctx.Done():
				timer.Stop()
				return ctx.Err()
			}
		case Hang:
			s.mu.Lock()
			released := s.released
			s.mu.Unlock()
			select {
			case <-released:
				return f.err(call, key)
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}
	return nil
}

// lost returns the error of a call whose reply is lost, or nil.
func lost(faults []fault, call Call, key string) error {
	for _, f := range faults {
		if f.Kind == LoseReply {
			return f.err(call, key)
		}
	}
	return nil
}

// find returns the first fault of a kind, or nil.
func find(faults []fault, kind Kind) *fault {
	for i := range faults {
		if faults[i].Kind == kind {
			return &faults[i]
		}
	}
	return nil
}

// damage returns value as the faults leave it, in memory of its own if they
// touch it.
func damage(faults []fault, value []byte) []byte {
	for _, f := range faults {
		if len(value) == 0 {
			return value
		}
		switch f.Kind {
		case Tear:
			value = value[:f.draw%uint64(len(value))]
		case Flip:
			value = append([]byte(nil), value...)
			value[f.draw%uint64(len(value))] ^= 1 << (f.draw >> 61)
		}
	}
	return value
}
