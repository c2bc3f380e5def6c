package cascache

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// mutants are changes to this package that break the promise, each of which
// the explorer must find.
var mutants = []struct {
	name     string
	scenario string // that finds it
	file     string
	old, new string
}{
	{"a read serves whatever generation the entry has",
		"near and a provider that has more", "get.go",
		"case r.Gen != r.gen:", "case r.Gen != r.gen && false:"},
	{"a read takes no generation for proof",
		"a fill across a loss and a write", "apart.go",
		"r.gen, r.why, r.err = a.proof(ctx, key, entry)\n", "if r.gen, r.why, r.err = a.proof(ctx, key, entry); r.why == ReasonNoGen {\n\t\t\tr.gen, r.why = r.Gen, \"\"\n\t\t}\n"},
	{"a fill stamps the generation that is current, not the one observed",
		"a fill across a write, read twice", "set.go",
		"entry, why, err := h.port.check(ctx, f.key, f.gen)", "f.gen, _ = h.gens.current(ctx, h.keys.entry(f.key))\n\tentry, why, err := h.port.check(ctx, f.key, f.gen)"},
	{"an invalidation only deletes",
		"a fill across a write, read twice", "generations.go",
		"func (g *generations) bumpBulk(ctx context.Context, entries []string) []error {\n\tif len(entries) == 0 {",
		"func (g *generations) bumpBulk(ctx context.Context, entries []string) []error {\n\tif len(entries) >= 0 {"},
	{"a bulk read checks only its first member",
		"a bulk read and a bulk fill against a writer", "bulk_get.go",
		"if member.Gen != current {", "if i == 0 && member.Gen != current {"},
	{"a bulk fill stamps what is current",
		"a bulk read and a bulk fill against a writer", "bulk_set.go",
		"reasons, err := h.port.checkBulk(ctx, entries, gens)", "for i := range asked {\n\t\t\tasked[i].gen, _ = h.gens.current(ctx, entries[i])\n\t\t\tgens[i] = asked[i].gen\n\t\t}\n\t\treasons, err := h.port.checkBulk(ctx, entries, gens)"},
	{"a load is shared by key alone",
		"two readers through the loader against a writer", "flight.go",
		"s, ok := f.byKey[flightKey{w.key, w.gen}]", "ok := false\n\tfor k, other := range f.byKey {\n\t\tif k.key == w.key {\n\t\t\ts, ok = other, true\n\t\t}\n\t}"},
	{"absence is believed under any generation",
		"two readers through the loader against a writer", "get.go",
		"case r.Gen != r.gen:", "case r.Gen != r.gen && !r.Absent:"},
	{"suspicion is ended by a bump from before the mark",
		"a failed bump and a good one, each with a reply", "suspect.go",
		"if !known || marked.at > began {", "if !known || marked.at == 0 {"},
	{"a failed bump makes nothing suspect",
		"a failed bump and a good one, each with a reply", "invalidate.go",
		"\t\t\th.recovery.mark(entries[i])\n", ""},
	{"a write under a hold is not followed by a bump",
		"a writer that dies after its release", "mutate.go",
		"bumpErrs := h.gens.release(ctx, entries, token)", "var bumpErrs []error"},
	{"a write of unknown outcome is released",
		"a late commit under a hold", "mutate.go",
		"if writeErr != nil && !errors.Is(writeErr, ErrNotCommitted) {\n", "if writeErr != nil && !errors.Is(writeErr, ErrNotCommitted) {\n\t\th.gens.release(ctx, entries, token)\n"},
	{"near is served without the check",
		"a fill of near across a write", "near.go",
		"case nearGen(current, entry.deps) != entry.Gen:", "case nearGen(current, entry.deps) != entry.Gen && false:"},
	{"absence kept near is believed under any generation",
		"absence kept near, and an insert", "near.go",
		"case nearGen(current, entry.deps) != entry.Gen:", "case nearGen(current, entry.deps) != entry.Gen && !entry.Absent:"},
	{"near is written before the compare",
		"near and a provider that has more", "set.go",
		"entry, why, err := h.port.check(ctx, f.key, f.gen)", "h.keepNear(ctx, &f, h.ttls.single)\n\tentry, why, err := h.port.check(ctx, f.key, f.gen)"},
	{"a self-heal deletes what it knows nothing bad of",
		"a warm bulk, a writer, a loss and a single fill", "get.go",
		"return why == ReasonCorrupt ||", "return why == ReasonNewer || why == ReasonCorrupt ||"},
	{"generations are read before the call began",
		"batches, two writers and a loss", "generations.go",
		"\treturn g.lookUpBulk(ctx, g.many, entries)",
		"if last := remembered.Load(); last != nil && last.of == g && slices.Equal(last.entries, entries) {\n\t\treturn last.gens, nil\n\t}\n\tgens, err := g.lookUpBulk(ctx, g.many, entries)\n\tremembered.Store(&memory{g, entries, gens})\n\treturn gens, err\n}\n\ntype memory struct {\n\tof      *generations\n\tentries []string\n\tgens    []uint64\n}\n\nvar remembered atomic.Pointer[memory]\n\nfunc init() {"},
	{"a fill through a Combined stamps what is current",
		"a fill across a write, read twice, combined at once", "set.go",
		"item, err := h.item(f, entry)",
		"f.gen = h.port.read(ctx, f.key, 0, false).gen\n\titem, err := h.item(f, entry)"},
	{"a bulk fill through a Combined leaves the compare to the bulk entry",
		"a bulk read and a bulk fill against a writer, combined at once", "bulk_set.go",
		"\t\t\tgens[i] = f.gen\n",
		"\t\t\tf.gen = h.port.read(ctx, f.key, 0, false).gen\n\t\t\tgens[i] = f.gen\n\t\t\titems[i], _ = h.item(f, items[i].Key)\n"},
	{"a load through a Combined is filled under a generation from after it",
		"two readers through the loader against a writer, combined gens first", "loadercache.go",
		"	return c.h.store(ctx, proved, whole)",
		"	for i := range proved {\n\t\tproved[i].gen = c.h.port.read(ctx, proved[i].key, 0, true).gen\n\t}\n	return c.h.store(ctx, proved, whole)"},
	{"a Combined is asked for suspect keys all the same",
		"a failed bump and a good one, each with a reply, combined value first", "together.go",
		"\tif t.isSuspect(entry) { // first, as in proof\n\t\tr.why = ReasonSuspect\n\t\treturn r\n\t}\n", ""},
	{"singles of a bulk are served under any generation",
		"a bulk read and a bulk fill against a writer", "bulk_get.go",
		"r.serve(ctx, i, &single)", "single.Gen = single.gen\n\t\t\tr.serve(ctx, i, &single)"},
	{"what an entry depends on is not compared",
		"a page of a row against a writer", "derive.go",
		"\t\tdefault:\n\t\t\treturn gen, \"\", ReasonDependency, err\n", ""},
	{"generations of dependencies are compared by order",
		"a page of two rows against a writer of one", "derive.go",
		"switch s.gens[i] {", "switch min(s.gens[i], want) {"},
	{"dependencies are taken after the load",
		"a page of a row against a writer", "tagsof.go",
		"taken, why := f.tracker.collected()", "taken, why := f.tracker.collected()\n\tfor i := range taken {\n\t\ttaken[i].Gen = l.cache.currentTag(f.ctx, taken[i].Key)\n\t}"},
	{"a load is shared after its dependency has moved",
		"two readers of a page against a writer", "flight.go",
		"return failed || !s.boarded", "return failed || true || !s.boarded"},
	{"a row whose fill was refused leaves no dependency",
		"a page of a row against a writer", "dep.go",
		"\t\tt.fail(why)\n", ""},
	{"dependencies of dependencies are left out",
		"a page of a page against a writer", "dep.go",
		"for key, gen := range deps.All() {\n\t\tt.add(storeID, key, gen)\n", "for key, gen := range deps.All() {\n\t\t_, _ = key, gen\n"},
	{"a dependency is not suspect",
		"a page against a failed bump and its retry", "derive.go",
		"|| slices.ContainsFunc(s.keys, p.suspects.has) {", "{"},
	{"members of a bulk entry are served whatever they depend on",
		"a page in a bulk against a writer", "proof.go",
		"case proof.gen != want:", "case proof.gen != want && false:"},
	{"a fill by hand takes the dependencies of its key at the end",
		"a fill by hand against a clear", "derive.go",
		"if len(known) == 0 || own == 0 {", "if len(known) >= 0 || own == 0 {"},
	{"a tag moves before it is told that some tag will",
		"a tag known too late against its invalidation", "tags.go",
		"if err := p.gens.bump(ctx, p.keys.tags); err != nil {", "p.gens.bumpBulk(ctx, keys)\n\tif err := p.gens.bump(ctx, p.keys.tags); err != nil || true {"},
	{"tags are taken after the load",
		"a tag known too late against its invalidation", "tagsof.go",
		"|| anyTag != before[i][l.cache.anyTag()] {", "{"},
}

// TestExplorerFindsMutants compiles this package with each mutant and expects
// the explorer to fail.
func TestExplorerFindsMutants(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles the package once for each mutant")
	}
	files := explorerFiles(t)
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
			args := []string{"test", "-count=1", "-vet=off", "-overlay=" + overlayFile,
				"-run=^TestExplorerExhaustsSmallScripts$/^" + strings.ReplaceAll(regexp.QuoteMeta(m.scenario), " ", "_") + "$"}
			out, err := exec.CommandContext(t.Context(), "go", append(args, files...)...).CombinedOutput()
			var exit *exec.ExitError
			if !errors.As(err, &exit) || !strings.Contains(string(out), "in this order of steps") {
				t.Fatalf("the explorer must find a stale read in this mutant: %v\n%s", err, out)
			}
		})
	}
}

// explorerFiles returns the files of this package, and of its tests those of the
// explorer alone: the others take most of the time to compile.
func explorerFiles(t *testing.T) []string {
	t.Helper()
	var files []string
	all, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range all {
		if !strings.HasSuffix(file, "_test.go") || strings.HasPrefix(file, "explorer") || file == "norace_test.go" {
			files = append(files, file)
		}
	}
	return files
}
