package linearizability

import (
	"fmt"

	"github.com/anishathalye/porcupine"
)

// An Op is a kind of call.
type Op string

// The calls of a generation store, and the loss of a generation.
const (
	Current  Op = "Current"
	Snapshot Op = "Snapshot"
	Bump     Op = "Bump"
	Hold     Op = "Hold"
	Release  Op = "Release"
	Lose     Op = "Lose"
)

// An Input is what a call was given.
type Input struct {
	Op     Op
	Key    string
	Holder int // for Hold and Release: which token, from 0
}

// An Output is what a call returned.
type Output struct {
	Gen    uint64
	Failed bool // with an error: a write may have been carried out, now or later
}

// register is the generation of one key.
type register struct {
	floor   uint64 // the greatest generation that is known to have been current
	gen     uint64 // the current one; 0: none, or not seen yet
	unseen  bool   // there is one that is greater than floor, and nobody has seen it
	holders uint32 // a bit for each token that holds the key
}

func (r register) seeing(gen uint64) register { return register{floor: gen, gen: gen} }

// Laxity says what a model allows beyond the letter of the contract.
type Laxity bool

const (
	// Strict models let a generation change by bumps and holds only, and each Bump
	// returns the one that it made.
	Strict Laxity = false

	// Lax models let a generation change by itself, as where keys share one, and of
	// two bumps at once both may return the later generation.
	Lax Laxity = true
)

// Model returns what a history of a generation store must agree with. Keys are
// independent of one another.
func Model(laxity Laxity) porcupine.Model {
	m := porcupine.NondeterministicModel{
		Partition: byKey,
		Init:      func() []any { return []any{register{}} },
		Step: func(state, input, output any) []any {
			var next []any
			for _, r := range step(state.(register), input.(Input), output.(Output), laxity) {
				next = append(next, r)
			}
			return next
		},
		DescribeOperation: func(input, output any) string { return fmt.Sprintf("%+v -> %+v", input, output) },
		DescribeState:     func(state any) string { return fmt.Sprintf("%+v", state) },
	}
	return m.ToModel()
}

func byKey(history []porcupine.Operation) [][]porcupine.Operation {
	var keys []string
	parts := make(map[string][]porcupine.Operation)
	for _, op := range history {
		key := op.Input.(Input).Key
		if parts[key] == nil {
			keys = append(keys, key)
		}
		parts[key] = append(parts[key], op)
	}
	all := make([][]porcupine.Operation, len(keys))
	for i, key := range keys {
		all[i] = parts[key]
	}
	return all
}

// step returns the states in which the register can be after a call with that
// output; none if it cannot have returned that.
func step(r register, in Input, out Output, laxity Laxity) []register {
	switch in.Op {
	case Current:
		return read(r, out, laxity, false)
	case Snapshot:
		return read(r, out, laxity, true)
	case Bump:
		return bump(r, out, laxity)
	case Hold:
		held := register{floor: r.floor, holders: r.holders | 1<<in.Holder}
		if out.Failed {
			return []register{r, held}
		}
		return []register{held}
	case Release:
		released := r
		released.holders &^= 1 << in.Holder
		if released.holders == 0 {
			released = register{floor: r.floor, unseen: true}
		}
		if out.Failed {
			return []register{r, released}
		}
		return []register{released}
	case Lose:
		return []register{{floor: r.floor, holders: r.holders}}
	}
	return nil
}

func read(r register, out Output, laxity Laxity, creates bool) []register {
	switch {
	case out.Failed && creates && r.gen == 0 && r.holders == 0:
		return []register{r, {floor: r.floor, unseen: true}}
	case out.Failed:
		return []register{r}
	case r.holders != 0:
		return keepIf(out.Gen == 0, r)
	case out.Gen == 0:
		return keepIf(!creates && r.gen == 0 && !r.unseen, r)
	case out.Gen == r.gen:
		return []register{r}
	case r.unseen, creates && r.gen == 0, laxity == Lax:
		return keepIf(out.Gen > r.floor, r.seeing(out.Gen))
	}
	return nil
}

func bump(r register, out Output, laxity Laxity) []register {
	switch {
	case r.holders != 0:
		return keepIf(out.Failed || out.Gen == 0, r)
	case out.Failed:
		return []register{r, {floor: r.floor, unseen: true}}
	case out.Gen == r.gen && laxity == Lax:
		// Another bump made it. That it came after this one had begun is for
		// Check to see.
		return keepIf(out.Gen != 0, r)
	}
	return keepIf(out.Gen > r.floor, r.seeing(out.Gen))
}

func keepIf(ok bool, r register) []register {
	if ok {
		return []register{r}
	}
	return nil
}
