package lease

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/unkn0wn-root/cascache/internal/redistest"
)

// TestScripts lends a real server to the tests that hold the scripts to the
// model which the explorer explores. They are in the package of the model.
func TestScripts(t *testing.T) {
	server := redistest.Start(t, "--enable-debug-command", "yes")
	cmd := exec.CommandContext(t.Context(), "go", "test", "-count=1", "-v", "-run=^TestScripts", "./internal/protocol")
	cmd.Dir = storeFolder
	cmd.Env = append(os.Environ(), "CASCACHE_LEASE_SCRIPTS="+server.Addr())
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if !strings.Contains(string(out), "--- PASS: TestScriptsAgreeWithModel") {
		t.Fatalf("the scripts were not compared:\n%s", out)
	}
}
