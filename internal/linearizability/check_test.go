package linearizability

import (
	"strings"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
)

const patience = 20 * time.Second

// call is one line of a history that is made by hand.
func call(client int, from, to int64, op Op, gen uint64) porcupine.Operation {
	return porcupine.Operation{ClientId: client, Input: Input{Op: op, Key: "k", Holder: client}, Call: from, Return: to, Output: Output{Gen: gen}}
}

func failedCall(client int, from int64, op Op) porcupine.Operation {
	o := call(client, from, 1000, op, 0)
	o.Output = Output{Failed: true}
	return o
}

func TestCheckJudgesHistories(t *testing.T) {
	for _, test := range []struct {
		name        string
		history     []porcupine.Operation
		strict, lax bool // whether it is allowed
	}{
		{"nothing, and then something", []porcupine.Operation{call(0, 1, 2, Current, 0), call(0, 3, 4, Snapshot, 10), call(1, 5, 6, Current, 10)}, true, true},
		{"a stale read", []porcupine.Operation{call(0, 1, 2, Snapshot, 10), call(0, 3, 4, Bump, 20), call(1, 5, 6, Current, 10)}, false, false},
		{"a read that overlaps with the bump", []porcupine.Operation{call(0, 1, 2, Snapshot, 10), call(0, 3, 6, Bump, 20), call(1, 4, 5, Current, 10)}, true, true},
		{"two reads in the wrong order", []porcupine.Operation{
			call(0, 1, 2, Snapshot, 10), call(0, 3, 10, Bump, 20), call(1, 4, 5, Current, 20), call(1, 6, 7, Current, 10),
		}, false, false},
		{"a bump that is not greater", []porcupine.Operation{call(0, 1, 2, Snapshot, 10), call(0, 3, 4, Bump, 5)}, false, false},
		{"a number used again after a loss", []porcupine.Operation{
			call(0, 1, 2, Snapshot, 10), call(0, 3, 4, Lose, 0), call(0, 5, 6, Snapshot, 10),
		}, false, false},
		{"a greater number after a loss", []porcupine.Operation{
			call(0, 1, 2, Snapshot, 10), call(0, 3, 4, Lose, 0), call(0, 5, 6, Current, 0), call(0, 7, 8, Snapshot, 11),
		}, true, true},
		{"nothing without a loss", []porcupine.Operation{call(0, 1, 2, Snapshot, 10), call(0, 3, 4, Current, 0)}, false, false},
		{"a Current that creates", []porcupine.Operation{call(0, 1, 2, Current, 10)}, false, true},
		{"a change by itself", []porcupine.Operation{call(0, 1, 2, Snapshot, 10), call(0, 3, 4, Current, 12)}, false, true},
		{"two bumps at once that return the same", []porcupine.Operation{call(0, 1, 5, Bump, 10), call(1, 2, 6, Bump, 10)}, false, true},
		{"two bumps in a row that return the same", []porcupine.Operation{call(0, 1, 2, Bump, 10), call(1, 3, 4, Bump, 10)}, false, false},
		{"a bump that returns what was seen before it began", []porcupine.Operation{
			call(0, 1, 9, Bump, 10), call(1, 2, 3, Current, 10), call(2, 4, 8, Bump, 10),
		}, false, false},
		{"a bump that failed and was carried out", []porcupine.Operation{
			call(0, 1, 2, Snapshot, 10), failedCall(0, 3, Bump), call(1, 5, 6, Current, 10), call(1, 7, 8, Current, 20),
		}, true, true},
		{"a bump that failed and was not carried out", []porcupine.Operation{call(0, 1, 2, Snapshot, 10), failedCall(0, 3, Bump), call(1, 5, 6, Current, 10)}, true, true},
		{"a failed bump undone", []porcupine.Operation{
			call(0, 1, 2, Snapshot, 10), failedCall(0, 3, Bump), call(1, 5, 6, Current, 20), call(1, 7, 8, Current, 10),
		}, false, false},
		{"a generation while held", []porcupine.Operation{call(0, 1, 2, Hold, 0), call(1, 3, 4, Snapshot, 10)}, false, false},
		{"a bump while held", []porcupine.Operation{
			call(0, 1, 2, Hold, 0), call(1, 3, 4, Bump, 0), call(1, 5, 6, Current, 0), call(0, 7, 8, Release, 0), call(1, 9, 10, Current, 10),
		}, true, true},
		{"the old generation after a hold", []porcupine.Operation{
			call(0, 1, 2, Snapshot, 10), call(0, 3, 4, Hold, 0), call(0, 5, 6, Release, 0), call(1, 7, 8, Current, 10),
		}, false, false},
		{"one of two holds released", []porcupine.Operation{
			call(0, 1, 2, Hold, 0), call(1, 3, 4, Hold, 0), call(0, 5, 6, Release, 0), call(2, 7, 8, Current, 10),
		}, false, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			for laxity, allowed := range map[Laxity]bool{Strict: test.strict, Lax: test.lax} {
				if err := Check(test.history, laxity, patience); (err == nil) != allowed {
					t.Errorf("lax %t: allowed %t, want %t: %v", laxity, err == nil, allowed, err)
				}
			}
		})
	}
}

func TestErrorShowsTheCalls(t *testing.T) {
	err := Check([]porcupine.Operation{call(0, 1, 2, Snapshot, 10), call(0, 3, 4, Bump, 20), call(1, 5, 6, Current, 10)}, Strict, patience)
	if err == nil || !strings.Contains(err.Error(), "Current") || !strings.Contains(err.Error(), `"k"`) {
		t.Errorf("the error must show the calls of the key: %v", err)
	}
}
