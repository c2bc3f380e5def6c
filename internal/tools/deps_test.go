package tools

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestDeps runs the script on machines made of nothing but the commands that
// a case puts there.
func TestDeps(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Fatal(err)
	}
	cat, err := exec.LookPath("cat")
	if err != nil {
		t.Fatal(err)
	}
	const (
		user    = "echo 1000"
		root    = "echo 0"
		no      = "exit 1"
		server  = "echo Redis server v=7.0.15 sha=0"
		old     = "echo Redis server v=6.2.1 sha=0"
		install = `echo "$@"; printf '#!/bin/sh\necho Valkey server v=8.1.0\n' >"${0%/*}/redis-server"; /bin/chmod 755 "${0%/*}/redis-server"`
	)
	tests := []struct {
		name     string
		commands map[string]string
		require  string
		ok       bool
		says     string
	}{
		{"a server is there", map[string]string{"redis-server": server, "id": user, "sudo": no}, "1", true, "the tests will use"},
		{"a server is there, and too old", map[string]string{"redis-server": old, "id": user, "sudo": no}, "1", false, "older than version 7"},
		{"root may install one", map[string]string{"id": root, "apk": install}, "1", true, "installing it with apk"},
		{"sudo may install one", map[string]string{"id": user, "sudo": `shift; "$@"`, "apk": install}, "1", true, "add redis"},
		{"the installation fails", map[string]string{"id": root, "apk": no}, "", true, "will be skipped"},
		{"the installation fails where a server is required", map[string]string{"id": root, "apk": no}, "1", false, "this is a failure"},
		{"nobody may install one", map[string]string{"id": user, "sudo": no, "apk": install}, "", true, "will be skipped"},
		{"nobody may install one where a server is required", map[string]string{"id": user, "sudo": no, "apk": install}, "1", false, "none could be installed"},
		{"no package manager", map[string]string{"id": root}, "1", false, "Install it"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			path := t.TempDir()
			if err := os.Symlink(cat, filepath.Join(path, "cat")); err != nil {
				t.Fatal(err)
			}
			for name, script := range test.commands {
				if err := os.WriteFile(filepath.Join(path, name), []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
					t.Fatal(err)
				}
			}
			cmd := exec.Command(bash, "deps")
			cmd.Env = []string{"PATH=" + path, "CASCACHE_REQUIRE_REDIS=" + test.require}
			out, err := cmd.CombinedOutput()
			if ok := err == nil; ok != test.ok {
				t.Errorf("deps must fail exactly when a required server is missing: got %v\n%s", err, out)
			}
			if !strings.Contains(string(out), test.says) {
				t.Errorf("deps must say what it does and what is missing: want %q, got\n%s", test.says, out)
			}
		})
	}
}
