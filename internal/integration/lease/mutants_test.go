package lease

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

const storeFolder = "../../../genstore-lease"

var runMutants = flag.Bool("mutants", false, "run the tests that compile stores with a rule removed, for some minutes")

func mutating(t *testing.T) {
	t.Helper()
	if !*runMutants {
		t.Skip("only with -mutants")
	}
}

// A mutant is a change to a file of genstore-lease.
type mutant struct{ file, old, new string }

// overlay writes the file that makes the go command take the mutant, and returns
// its path.
func (m mutant) overlay(t *testing.T) string {
	t.Helper()
	original, err := filepath.Abs(filepath.Join(storeFolder, m.file))
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile(original)
	if err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(source, []byte(m.old)); n != 1 {
		t.Fatalf("the place to change must occur once in %s: it occurs %d times", m.file, n)
	}
	dir := t.TempDir()
	changed := filepath.Join(dir, filepath.Base(m.file))
	if err := os.WriteFile(changed, bytes.Replace(source, []byte(m.old), []byte(m.new), 1), 0o600); err != nil {
		t.Fatal(err)
	}
	overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{original: changed}})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(file, overlay, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// build compiles this package's test program with the mutant.
func (m mutant) build(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "mutant.test")
	out, err := exec.CommandContext(t.Context(), "go", "test", "-c", "-vet=off", "-overlay="+m.overlay(t), "-o", program, ".").CombinedOutput()
	if err != nil {
		t.Fatalf("the mutant does not compile: %v\n%s", err, out)
	}
	return program
}

// standStill makes look-ups of some keys do between their two steps what any
// goroutine may do at any time.
const standStill = "\tif key > \"3\" {\n\t\ttime.Sleep(time.Millisecond)\n\t}\n"

// TestFaultsWithLookUpsThatStandStill is about the order of a look-up's steps:
// with this one, standing still between them does no harm.
func TestFaultsWithLookUpsThatStandStill(t *testing.T) {
	mutating(t)
	program := mutant{
		"internal/protocol/replica.go",
		"\t\treturn 0, false\n\t}\n\treturn r.look(prefix, key)",
		"\t\treturn 0, false\n\t}\n" + standStill + "\treturn r.look(prefix, key)",
	}.build(t)
	*faultTime = max(*faultTime, 2*time.Second)
	for _, fault := range faults {
		for range 3 {
			if fault.name != "replicas paused at random for under 200 ms" {
				continue
			}
			r := startRun(t, program, true, fault.sentinel)
			fault.strike(r)
			s := r.end()
			s.log(t)
			if s.stale > 0 {
				t.Errorf("G4: %d of %d reads returned a generation older than one that a bump had returned when they began", s.stale, s.local+s.remote)
			}
		}
	}
}

// TestDirectedTestsFindMutants runs the test of a rule on a store without it.
func TestDirectedTestsFindMutants(t *testing.T) {
	mutating(t)
	for _, c := range []struct {
		name, test string
		mutant     mutant
	}{
		{"rule 2: counted from when it was sent", "TestRule2", mutant{
			"change.go",
			"\titems, err := s.run(ctx, sc, s.names.all(keys), s.args(token, lease, s.id)...)\n\treceived := s.now()",
			"\treceived := s.now()\n\titems, err := s.run(ctx, sc, s.names.all(keys), s.args(token, lease, s.id)...)",
		}},
		{"rule 11: leases where plain stores are", "TestRule11", mutant{
			"scripts/lease.lua", "if kind and kind ~= ARGV[10] then", "if false then",
		}},
		{"rule 11: no mark", "TestRule11", mutant{
			"scripts/lease.lua", "if not kind then redis.call('SET', MARK, ARGV[10]) end", "",
		}},
		{"rule 12: a hold that waits for nobody", "TestRule12", mutant{
			"change.go", "\t\tif w == nil {", "\t\tif w == nil || sc == holdScript {",
		}},
		{"rule 13: a context's end is success", "TestRule13", mutant{
			"change.go", "return fmt.Errorf(\"%w: %w\", ErrUnconfirmed, ctx.Err())", "return nil",
		}},
		{"rule 13: generations in spite of the error", "TestRule13BatchNamesNoGeneration", mutant{
			"change.go", "\t\t\tclear(gens[i*maxGroup:][:len(parts[i])])\n", "",
		}},
		{"no barrier", "TestSilentReplicaIsWaitedFor", mutant{
			"change.go", "\t\tif left <= 0 {\n\t\t\treturn nil\n\t\t}\n", "\t\tif left < 1<<62 {\n\t\t\treturn nil\n\t\t}\n",
		}},
		{"rule 10: who leaves goes on serving", "TestCloseLetsNobodyWait", mutant{
			"store.go", "\ts.replica.Stop()\n", "",
		}},
		{"rule 10: who leaves does not say so", "TestCloseLetsNobodyWait", mutant{
			"store.go", "s.client.HDel(ctx, s.names.state, \"member:\"+s.id)", "_ = s.id",
		}},
		{"rule 10: the silent are never removed", "TestDeadReplicaIsRemoved", mutant{
			"change.go", "if len(silent) > 0 &&", "if false &&",
		}},
		{"other leases", "TestLeasesAreOfOneLength", mutant{
			"scripts/lease.lua", "if state[4] ~= ARGV[6] then", "if false then",
		}},
		{"a log without end", "TestLogIsBounded", mutant{
			"scripts/change.lua", "redis.call('LTRIM', LOG, '-' .. ARGV[8], -1)", "",
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			out, err := exec.CommandContext(t.Context(), "go", "test", "-count=1", "-vet=off", "-overlay="+c.mutant.overlay(t), "-timeout=60s",
				"-run=^"+c.test+"$", ".").CombinedOutput()
			var exit *exec.ExitError
			if !errors.As(err, &exit) || !bytes.Contains(out, []byte("--- FAIL: "+c.test)) && !bytes.Contains(out, []byte("panic: test timed out")) {
				t.Fatalf("%s must fail without the rule: %v\n%s", c.test, err, out)
			}
		})
	}
}

// TestFaultsFindMutants runs some of TestFaults on stores with one rule removed,
// and expects them to find stale reads.
func TestFaultsFindMutants(t *testing.T) {
	mutating(t)
	for _, c := range []struct {
		name, fault string
		saturated   bool
		mutant      mutant
	}{
		{"rule 2: a writer counts from when it sent its bump", "Redis paused at random for under 200 ms", true, mutant{
			"change.go",
			"\titems, err := s.run(ctx, sc, s.names.all(keys), s.args(token, lease, s.id)...)\n\treceived := s.now()",
			"\treceived := s.now()\n\titems, err := s.run(ctx, sc, s.names.all(keys), s.args(token, lease, s.id)...)",
		}},
		{"rule 4: the table is looked up before the lease is checked", "replicas paused at random for under 200 ms", true, mutant{
			"internal/protocol/replica.go",
			"\tif !r.serves() {\n\t\treturn 0, false\n\t}\n\treturn r.look(prefix, key)",
			"\tgen, ok = r.look(prefix, key)\n" + standStill + "\tif !r.serves() {\n\t\treturn 0, false\n\t}\n\treturn gen, ok",
		}},
		{"rule 9: a bump in a new epoch returns when its members have it", "hash deleted", false, mutant{
			"internal/protocol/writer.go", "w.since + w.span, // rule 9", "0,",
		}},
		{"no barrier", "none", false, mutant{
			"change.go", "\t\tif left <= 0 {\n\t\t\treturn nil\n\t\t}\n", "\t\tif left < 1<<62 {\n\t\t\treturn nil\n\t\t}\n",
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			program := c.mutant.build(t)
			for _, fault := range faults {
				if fault.name != c.fault {
					continue
				}
				*faultTime = max(*faultTime, 2*time.Second)
				const tries = 10
				for try := range tries {
					r := startRun(t, program, c.saturated, fault.sentinel)
					fault.strike(r)
					s := r.end()
					s.log(t)
					if s.stale > 0 {
						t.Logf("found at try %d", try+1)
						return
					}
				}
				t.Errorf("%d runs under %q must find a stale read", tries, c.fault)
				return
			}
			t.Fatalf("no fault %q", c.fault)
		})
	}
}
