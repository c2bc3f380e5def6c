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
			out, err := deps(t, bash, cat, test.commands, "CASCACHE_REQUIRE_REDIS="+test.require)
			if ok := err == nil; ok != test.ok {
				t.Errorf("deps must fail exactly when a required server is missing: got %v\n%s", err, out)
			}
			if !strings.Contains(string(out), test.says) {
				t.Errorf("deps must say what it does and what is missing: want %q, got\n%s", test.says, out)
			}
		})
	}
}

// deps runs the script where there are these commands and nothing else.
func deps(t *testing.T, bash, cat string, commands map[string]string, env ...string) ([]byte, error) {
	t.Helper()
	path := t.TempDir()
	if err := os.Symlink(cat, filepath.Join(path, "cat")); err != nil {
		t.Fatal(err)
	}
	for name, script := range commands {
		if err := os.WriteFile(filepath.Join(path, name), []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command(bash, "deps")
	cmd.Env = append(env, "PATH="+path)
	return cmd.CombinedOutput()
}

// TestDepsBrowser runs the script where there is a server, for the browser.
func TestDepsBrowser(t *testing.T) {
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
		install = `echo "$@"; printf '#!/bin/sh\n' >"${0%/*}/chromium"; /bin/chmod 755 "${0%/*}/chromium"`
	)
	tests := []struct {
		name     string
		commands map[string]string
		ci       string
		ok       bool
		says     string
	}{
		{"a browser is there", map[string]string{"chromium": no, "id": user, "sudo": no}, "true", true, "the tests will use"},
		{"one by another name", map[string]string{"google-chrome": no, "id": user, "sudo": no}, "true", true, "google-chrome"},
		{"root may install one", map[string]string{"id": root, "apk": install}, "true", true, "add chromium"},
		{"sudo may install one", map[string]string{"id": user, "sudo": `shift; "$@"`, "apk": install}, "true", true, "add chromium"},
		{"the installation fails", map[string]string{"id": root, "apk": no}, "", true, "will be skipped"},
		{"the installation fails in CI", map[string]string{"id": root, "apk": no}, "true", false, "this is a failure"},
		{"nobody may install one", map[string]string{"id": user, "sudo": no, "apk": install}, "", true, "will be skipped"},
		{"nobody may install one in CI", map[string]string{"id": user, "sudo": no, "apk": install}, "true", false, "none could be installed"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			test.commands["redis-server"] = "echo Redis server v=7.0.15 sha=0"
			out, err := deps(t, bash, cat, test.commands, "CI="+test.ci)
			if ok := err == nil; ok != test.ok {
				t.Errorf("deps must fail exactly when CI lacks a browser: got %v\n%s", err, out)
			}
			if !strings.Contains(string(out), test.says) {
				t.Errorf("deps must say what it does and what is missing: want %q, got\n%s", test.says, out)
			}
		})
	}
}
