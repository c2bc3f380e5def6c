package faults

import (
	"errors"
	"fmt"
	"time"
)

// ErrInjected is the error of a failed call whose rule gives no other.
var ErrInjected = errors.New("faults: injected error")

// A Call names a method of what is wrapped. Bulk calls and other optional forms
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

// The calls of a generation store. Close is one of them too.
const (
	Current  Call = "Current"
	Snapshot Call = "Snapshot"
	Bump     Call = "Bump"
	Hold     Call = "Hold"
	Release  Call = "Release"
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

	// Forget loses the key's generation before the call, for every handle on
	// the same state: Current finds none, and Snapshot a new one. Current and
	// Snapshot.
	Forget Kind = "Forget"
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
