package cascache

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

// mutants are changes to this package that break the promise, each of which
// the explorer must find.
var mutants = []struct {
	name     string
	file     string
	old, new string
}{
	{"a read serves whatever generation the entry has", "get.go",
		"if gen != current {", "if gen != current && false {"},
	{"a read takes no generation for proof", "get.go",
		"if current == 0 {\n\t\th.emit.miss(ctx, key, ReasonNoGen)\n\t\treturn none, foundNothing, nil\n\t}\n\tif gen != current {",
		"if current != 0 && gen != current {"},
	{"a fill stamps the generation that is current, not the one observed", "set.go",
		"if reason, ok := compare(current, f.gen); !ok {", "f.gen = current\n\tif reason, ok := compare(current, f.gen); !ok {"},
	{"an invalidation only deletes", "generations.go",
		"func (g *generations) bumpBatch(ctx context.Context, entries []string) []error {\n\tif len(entries) == 0 {",
		"func (g *generations) bumpBatch(ctx context.Context, entries []string) []error {\n\tif len(entries) >= 0 {"},
	{"a bulk read checks only its first member", "bulk_get.go",
		"if member.Gen != current {", "if i == 0 && member.Gen != current {"},
	{"a bulk fill stamps what is current", "bulk_set.go",
		"reason, ok := compare(current[i], f.gen)", "f.gen = current[i]\n\t\treason, ok := compare(current[i], f.gen)"},
	{"a load is shared by key alone", "flight.go",
		"s, ok := f.byKey[flightKey{key, gen}]", "var s seat[V]\n\tok := false\n\tfor k, other := range f.byKey {\n\t\tif k.key == key {\n\t\t\ts, ok = other, true\n\t\t}\n\t}"},
	{"absence is believed under any generation", "get.go",
		"if gen != current {", "if gen != current && kind != wire.KindAbsent {"},
	{"suspicion is ended by a bump from before the mark", "suspect.go",
		"if !known || marked > began {", "if !known || marked == 0 {"},
	{"a failed bump makes nothing suspect", "invalidate.go",
		"\tif bumpErr != nil {\n\t\th.recovery.mark(entry)\n\t}\n", ""},
	{"a write under a hold is not followed by a bump", "mutate.go",
		"releaseErr := h.release(ctx, entries, token)", "var releaseErr error"},
	{"a write of unknown outcome is released", "mutate.go",
		"if writeErr != nil && !errors.Is(writeErr, ErrNotCommitted) {\n", "if writeErr != nil && !errors.Is(writeErr, ErrNotCommitted) {\n\t\th.release(ctx, entries, token)\n"},
	{"singles of a bulk are served under any generation", "bulk_get.go",
		"case gen != current:", "case false:"},
}

// TestExplorerFindsMutants compiles this package with each mutant and expects
// the explorer to fail.
func TestExplorerFindsMutants(t *testing.T) {
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
			out, err := exec.CommandContext(t.Context(), "go", "test", "-count=1", "-vet=off", "-overlay="+overlayFile,
				"-run=^TestExplorerExhaustsSmallScripts$", ".").CombinedOutput()
			var exit *exec.ExitError
			if !errors.As(err, &exit) || !strings.Contains(string(out), "after the invalidation for version") {
				t.Fatalf("the explorer must find a stale read in this mutant: %v\n%s", err, out)
			}
		})
	}
}
