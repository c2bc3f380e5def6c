package faults

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"sync"
	"time"

	cascache "github.com/unkn0wn-root/cascache/core"
)

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

// checkInner panics if what a constructor is to wrap, or its script, is nil or a
// nil of some type, rather than let the first call do it.
func checkInner(constructor string, inner any, scripts ...*Script) {
	v := reflect.ValueOf(inner)
	switch v.Kind() {
	case reflect.Invalid:
		panic("faults: " + constructor + ": inner is nil; it is required")
	case reflect.Chan, reflect.Func, reflect.Map, reflect.Pointer, reflect.Slice:
		if v.IsNil() {
			panic(fmt.Sprintf("faults: %s: inner is a nil %T; it must be a usable value", constructor, inner))
		}
	}
	if slices.Contains(scripts, nil) {
		panic("faults: " + constructor + ": the script is nil; it is required")
	}
}

// isClosed reports whether what is wrapped says that it is closed.
func isClosed(inner any) bool {
	c, ok := cascache.AbilityOf[cascache.ClosedTeller](inner)
	return ok && c.Closed()
}
