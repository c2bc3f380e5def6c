package linearizability

import (
	"errors"
	"fmt"
	"time"

	"github.com/anishathalye/porcupine"
)

// ErrUndecided is returned when the time for a check is up.
var ErrUndecided = errors.New("linearizability: not decided in time")

// Check returns nil if the history is one of a generation store, and an error
// that tells why not.
func Check(history []porcupine.Operation, laxity Laxity, timeout time.Duration) error {
	if err := checkBumps(history); err != nil {
		return err
	}
	switch porcupine.CheckOperationsTimeout(Model(laxity), history, timeout) {
	case porcupine.Ok:
		return nil
	case porcupine.Unknown:
		return ErrUndecided
	}
	return fmt.Errorf("linearizability: there is no order of these %d calls in which every answer is right%s", len(history), culprits(history, laxity))
}

// checkBumps makes sure that what a bump returned was not known before it
// began.
func checkBumps(history []porcupine.Operation) error {
	type seen struct {
		key string
		gen uint64
	}
	first := make(map[seen]int64) // when the first call that returned it had ended
	for _, op := range history {
		at := seen{op.Input.(Input).Key, op.Output.(Output).Gen}
		if old, ok := first[at]; at.gen != 0 && (!ok || op.Return < old) {
			first[at] = op.Return
		}
	}
	for _, op := range history {
		in, out := op.Input.(Input), op.Output.(Output)
		if in.Op == Bump && out.Gen != 0 && first[seen{in.Key, out.Gen}] < op.Call {
			return fmt.Errorf("linearizability: a Bump of %q returned %d, which had been returned before the bump began", in.Key, out.Gen)
		}
	}
	return nil
}

// culprits names the key whose calls do not fit, and a shortest beginning of
// them that does not.
func culprits(history []porcupine.Operation, laxity Laxity) string {
	for _, part := range byKey(history) {
		if porcupine.CheckOperations(Model(laxity), part) {
			continue
		}
		for n := 1; n <= len(part); n++ {
			if !porcupine.CheckOperations(Model(laxity), part[:n]) {
				text := ""
				for _, op := range part[max(0, n-10):n] {
					text += fmt.Sprintf("\n  %8d to %8d  client %d: %+v -> %+v", op.Call, op.Return, op.ClientId, op.Input, op.Output)
				}
				return fmt.Sprintf("; the first %d calls of %q by their beginning do not fit:%s", n, part[0].Input.(Input).Key, text)
			}
		}
	}
	return ""
}
