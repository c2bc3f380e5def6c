package campaign

import (
	"errors"
	"fmt"
	"time"

	"github.com/anishathalye/porcupine"
)

// generations is what the recorded calls about one row must agree with: a
// register that only moves forward. A generation may be lost at any time, and
// may move on by itself, since a bump that failed may be carried out later and
// that of a killed process is not in the record. A read shows a generation that
// is not smaller than any before it in that order, and a bump draws a greater
// one: so one that was replaced never returns (G1, G4).
var generations = porcupine.Model{
	Init: func() any { return uint64(0) },
	Step: func(state, input, output any) (bool, any) {
		floor, gen := state.(uint64), output.(uint64)
		if input.(uint64) == opBump {
			return gen > floor, gen
		}
		return gen >= floor, gen
	},
	DescribeOperation: func(input, output any) string {
		return fmt.Sprintf("%s -> %d", [...]string{"read", "bump"}[input.(uint64)], output)
	},
	DescribeState: func(state any) string { return fmt.Sprint("at least ", state) },
}

var errUndecided = errors.New("campaign: porcupine has not decided in time")

// checkHistory checks what was recorded, row by row.
func checkHistory(m memory) (calls int, err error) {
	byRow := map[uint64][]porcupine.Operation{}
	n := min(m.NextRecord, maxRecords)
	for _, r := range m.Records[:n] {
		if r.Return == 0 {
			continue // its process was killed while it wrote this
		}
		byRow[r.Row] = append(byRow[r.Row], porcupine.Operation{Input: r.Op, Output: r.Gen, Call: int64(r.Call), Return: int64(r.Return)})
	}
	for row, history := range byRow {
		calls += len(history)
		// Each recorded call has its own client, since calls overlap freely.
		for i := range history {
			history[i].ClientId = i
		}
		switch porcupine.CheckOperationsTimeout(generations, history, 20*time.Second) {
		case porcupine.Illegal:
			return calls, fmt.Errorf("campaign: G1, G4: in no order of the %d recorded calls about row %d do its generations only move forward%s", len(history), row, backwards(history))
		case porcupine.Unknown:
			err = errUndecided
		}
	}
	return calls, err
}

// backwards describes the first call that has seen less than what another one
// had shown before it began.
func backwards(history []porcupine.Operation) string {
	for _, late := range history {
		for _, early := range history {
			if early.Return < late.Call && early.Output.(uint64) > late.Output.(uint64) {
				return fmt.Sprintf("; such as %s (events %d to %d) after %s (events %d to %d)",
					generations.DescribeOperation(late.Input, late.Output), late.Call, late.Return,
					generations.DescribeOperation(early.Input, early.Output), early.Call, early.Return)
			}
		}
	}
	return ""
}
