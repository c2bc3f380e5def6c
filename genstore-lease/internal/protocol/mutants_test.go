package protocol

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// mutants are this package with one rule removed. Each must fail the test that
// names the rule.
var mutants = []struct{ name, test, file, old, new string }{
	{"the lease runs from the answer", "TestRule1LeaseRunsFromBeforeTheHeartbeat", "replica.go",
		"r.until.Store(max(r.until.Load(), b.sent+r.lease))", "r.until.Store(max(r.until.Load(), r.clock()+r.lease))"},
	{"writers wait no longer than the lease", "TestRule1WritersWaitLongerThanTheLease", "writer.go",
		"{ return lease + lease/100 + margin }", "{ _ = margin; return lease }"},
	{"writers count from a lease before the receipt", "TestRule2WritersCountFromTheReceipt", "writer.go",
		"passed:  now + w.span,", "passed:  now,"},
	{"a lease before all is applied", "TestRule3NoLeaseBeforeAllIsApplied", "replica.go",
		"\tif r.applied < a.Head {\n\t\treturn true // rule 3: no lease before all is applied\n\t}\n", ""},
	{"the table before the lease", "TestRule4LeaseIsCheckedFirst/one", "replica.go",
		"\tif !r.serves() {\n\t\treturn 0, false\n\t}\n\treturn r.look(prefix, key)", "\tgen, ok = r.look(prefix, key)\n\tif !r.serves() {\n\t\treturn 0, false\n\t}\n\treturn gen, ok"},
	{"the table before the lease, of many", "TestRule4LeaseIsCheckedFirst/many", "replica.go",
		"\tif !r.serves() {\n\t\treturn\n\t}\n\tfor i, key := range keys {\n\t\tif gen, ok := r.look(\"\", key); ok {\n\t\t\tgens[i] = gen\n\t\t}\n\t}",
		"\tfor i, key := range keys {\n\t\tif gen, ok := r.look(\"\", key); ok {\n\t\t\tgens[i] = gen\n\t\t}\n\t}\n\tif !r.serves() {\n\t\tclear(gens)\n\t}"},
	{"a remembered flag", "TestRule4ClockIsReadAtEachLookUp", "replica.go",
		"{ return r.clock() < r.until.Load() }", "{ return r.until.Load() > 0 }"},
	{"no floors", "TestRule5LateLearning", "replica.go",
		"if head < *r.floor(hash) {", "if false {"},
	{"floors that invalidations do not raise", "TestRule5LateLearning", "replica.go",
		"*floor = max(*floor, e.Seq)", "*floor = max(*floor, 0)"},
	{"any epoch", "TestRule5EpochIsTheSame", "replica.go",
		`if r.stopped || epoch == "" || epoch != r.epoch {`, `if r.stopped || epoch == "" {`},
	{"a table that survives its epoch", "TestRule6NewEpochDropsTheTable", "replica.go",
		"\t\tr.table.clear()\n\t\tclear(r.floors)\n", "\t\tclear(r.floors)\n"},
	{"a table that survives a gap", "TestRule6GapDropsTheTable", "replica.go",
		"\t} else if !r.follow(a) {\n\t\tr.table.clear()\n", "\t} else if !r.follow(a) {\n"},
	{"a gap that is not seen", "TestRule6GapDropsTheTable/and_its_beginning_is_lost", "replica.go",
		"\t\tdefault:\n\t\t\treturn false\n\t\t}\n\t}\n\treturn r.applied", "\t\tdefault:\n\t\t\tr.apply(e)\n\t\t\tr.applied = e.Seq\n\t\t}\n\t}\n\treturn r.applied"},
	{"floors of 0 after a gap", "TestRule6FloorsBecomeTheHead/on_a_gap", "replica.go",
		"r.floors[i] = max(r.floors[i], head)", "r.floors[i] = max(r.floors[i], 0)"},
	{"floors of 0 in a new epoch", "TestRule6FloorsBecomeTheHead/on_a_new_epoch", "replica.go",
		"\t\tr.epoch = a.Epoch\n\t\tr.skipTo(a.Head)", "\t\tr.epoch = a.Epoch\n\t\tr.applied = a.Head"},
	{"floors that outlive their epoch", "TestRule6FloorsBecomeTheHead/whose_floors_start_anew", "replica.go",
		"\t\tclear(r.floors)\n", ""},
	{"floors of own changes that a gap lowers", "TestRule6FloorsBecomeTheHead/but_own_changes_keep_theirs", "replica.go",
		"r.floors[i] = max(r.floors[i], head)", "r.floors[i] = head"},
	{"an acknowledgement of what was asked for", "TestRule7AcknowledgesWhatIsApplied", "replica.go",
		"Applied: r.applied, sent: sent}", "Applied: r.applied + r.beats - r.answered - 1, sent: sent}"},
	{"an acknowledgement of no epoch", "TestRule7HeartbeatsCarryTheirEpoch", "replica.go",
		"Epoch: r.epoch, Applied", `Epoch: "", Applied`},
	{"late answers that lead back", "TestRule7LateAnswersLeadNowhere", "replica.go",
		" || b.Epoch != r.epoch {\n\t\treturn false", " {\n\t\treturn false"},
	{"answers that count twice", "TestRule7LateAnswersLeadNowhere", "replica.go",
		"b.Number <= r.answered || ", ""},
	{"a new epoch that is not waited for", "TestRule9WritersWaitInANewEpoch", "writer.go",
		"settled: w.since + w.span, // rule 9", "settled: 0,"},
	{"an epoch that is known from the first one on", "TestRule9WritersWaitInANewEpoch", "writer.go",
		"w.epoch, w.since = epoch, now", "w.epoch = epoch\n\t\tif w.since == 0 {\n\t\t\tw.since = now\n\t\t}"},
	{"silence of any length", "TestRule10SilenceLastsAFullLease", "writer.go",
		"now-last.since >= w.span && m.ID != w.self", "m.ID != w.self"},
	{"silence in spite of heartbeats", "TestRule10SilenceLastsAFullLease", "writer.go",
		"case !known || last.number != m.Number:", "case !known:"},
	{"a leaving replica that serves", "TestRule10StopIsFinal", "replica.go",
		"\tr.until.Store(0)\n", ""},
	{"a leaving replica that comes back", "TestRule10StopIsFinal", "replica.go",
		"\tif r.stopped || b.Number", "\tif b.Number"},
	{"a held key that stays in the table", "TestRule12HeldKeysAreNotInTheTable", "replica.go",
		"\t\tr.table.remove(hash, e.Key) // rule 12: never a held one\n", ""},
	{"a barrier that waits for one", "TestBarrierWaitsForEveryMember", "writer.go",
		"\t\tif m.Applied < b.seq && m.ID != b.self {\n\t\t\treturn\n\t\t}\n\t}\n\tb.acked = true",
		"\t\tif m.Applied >= b.seq {\n\t\t\tb.acked = true\n\t\t}\n\t}\n\tb.acked = b.acked || len(v.Members) == 0"},
	{"a barrier that an old view opens", "TestBarrierWaitsForEveryMember", "writer.go",
		" || v.Head < b.seq {", " {"},
	{"a barrier that another epoch opens", "TestBarrierWaitsForEveryMember", "writer.go",
		"if v.Epoch != b.epoch || ", "if "},
	{"an own replica that is taken for one that has seen", "TestBarrierWaitsForEveryMember", "writer.go",
		"\tif reflected {\n\t\tb.self = w.self\n\t}\n", "\tb.self = w.self\n"},
	{"an own change that another epoch reflects", "TestOwnChangesAreServedAtOnce", "replica.go",
		"\tif epoch != r.epoch {\n\t\treturn false\n\t}\n\tfor", "\tfor"},
	{"older invalidations that count", "TestGenerationsDoNotGoBack", "replica.go",
		"case known == nil || known.at >= e.Seq:", "case known == nil:"},
	{"older reads that count", "TestGenerationsDoNotGoBack", "replica.go",
		"known.at > head || ", ""},
}

// TestRulesAreNeeded compiles this package with each mutant and expects the
// test of the rule to fail.
func TestRulesAreNeeded(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles the package once for each mutant")
	}
	for _, m := range mutants {
		t.Run(m.name, func(t *testing.T) {
			source, err := os.ReadFile(m.file)
			if err != nil {
				t.Fatal(err)
			}
			if n := bytes.Count(source, []byte(m.old)); n != 1 {
				t.Fatalf("the place to change must occur once in %s: it occurs %d times", m.file, n)
			}
			dir := t.TempDir()
			changed := filepath.Join(dir, m.file)
			if err := os.WriteFile(changed, bytes.Replace(source, []byte(m.old), []byte(m.new), 1), 0o600); err != nil {
				t.Fatal(err)
			}
			original, err := filepath.Abs(m.file)
			if err != nil {
				t.Fatal(err)
			}
			overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{original: changed}})
			if err != nil {
				t.Fatal(err)
			}
			overlayFile := filepath.Join(dir, "overlay.json")
			if err := os.WriteFile(overlayFile, overlay, 0o600); err != nil {
				t.Fatal(err)
			}
			// What the rules' tests need, and no more: the rest takes most of
			// the time to compile.
			out, err := exec.CommandContext(t.Context(), "go", "test", "-count=1", "-vet=off", "-overlay="+overlayFile,
				"-run=^"+strings.ReplaceAll(m.test, "/", "$/^")+"$",
				"replica.go", "table.go", "writer.go", "rules_test.go", "server_test.go").CombinedOutput()
			var exit *exec.ExitError
			if !errors.As(err, &exit) || !strings.Contains(string(out), "--- FAIL: "+strings.Split(m.test, "/")[0]) {
				t.Fatalf("%s must fail without the rule: %v\n%s", m.test, err, out)
			}
		})
	}
}
