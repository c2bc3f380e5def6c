package tools

import (
	"maps"
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

// TestDepsOfCI runs the script where there is a server, for the programs that
// must be there in CI.
func TestDepsOfCI(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Fatal(err)
	}
	cat, err := exec.LookPath("cat")
	if err != nil {
		t.Fatal(err)
	}
	const (
		user = "echo 1000"
		root = "echo 0"
		no   = "exit 1"
		add  = `shift; printf 'add %s\n' "$1"; for p in "$1" promtool; do printf '#!/bin/sh\n' >"${0%/*}/$p"; /bin/chmod 755 "${0%/*}/$p"; done`
	)
	programs := []struct {
		name     string
		commands []string // that make it up
		other    string   // another name for it
		rest     []string // what else must be there in CI
	}{
		{"chromium", []string{"chromium"}, "google-chrome", []string{"prometheus", "promtool"}},
		{"prometheus", []string{"prometheus", "promtool"}, "", []string{"chromium"}},
	}
	tests := []struct {
		name     string
		there    bool
		commands map[string]string
		ci       string
		ok       bool
		says     string
	}{
		{"it is there", true, map[string]string{"id": user, "sudo": no}, "true", true, "the tests will use"},
		{"root may install it", false, map[string]string{"id": root, "apk": add}, "true", true, "add "},
		{"sudo may install it", false, map[string]string{"id": user, "sudo": `shift; "$@"`, "apk": add}, "true", true, "add "},
		{"the installation fails", false, map[string]string{"id": root, "apk": no}, "", true, "will be skipped"},
		{"the installation fails in CI", false, map[string]string{"id": root, "apk": no}, "true", false, "this is a failure"},
		{"nobody may install it", false, map[string]string{"id": user, "sudo": no, "apk": add}, "", true, "will be skipped"},
		{"nobody may install it in CI", false, map[string]string{"id": user, "sudo": no, "apk": add}, "true", false, "none could be installed"},
	}
	for _, program := range programs {
		for _, test := range tests {
			t.Run(program.name+": "+test.name, func(t *testing.T) {
				out, err := deps(t, bash, cat, machine(program.rest, test.there, program.commands, test.commands), "CI="+test.ci)
				if ok := err == nil; ok != test.ok {
					t.Errorf("deps must fail exactly when CI lacks %s: got %v\n%s", program.name, err, out)
				}
				if !strings.Contains(string(out), test.says) {
					t.Errorf("deps must say what it does and what is missing: want %q, got\n%s", test.says, out)
				}
			})
		}
		if program.other != "" {
			t.Run(program.name+": by another name", func(t *testing.T) {
				out, err := deps(t, bash, cat, machine(program.rest, true, []string{program.other}, map[string]string{"id": user, "sudo": no}), "CI=true")
				if err != nil || !strings.Contains(string(out), program.other) {
					t.Errorf("deps must find %s: got %v\n%s", program.other, err, out)
				}
			})
		}
	}
}

// TestDepsPrometheusWithoutPromtool: the tests need both.
func TestDepsPrometheusWithoutPromtool(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Fatal(err)
	}
	cat, err := exec.LookPath("cat")
	if err != nil {
		t.Fatal(err)
	}
	more := map[string]string{"id": "echo 1000", "sudo": "exit 1"}
	out, err := deps(t, bash, cat, machine([]string{"chromium", "prometheus"}, false, nil, more), "CI=true")
	if err == nil || !strings.Contains(string(out), "there is no prometheus with its promtool") {
		t.Errorf("a Prometheus without its promtool is not enough: got %v\n%s", err, out)
	}
}

// machine returns the commands of a machine with a server: the rest, and those of
// a program if it is there.
func machine(rest []string, there bool, program []string, more map[string]string) map[string]string {
	commands := map[string]string{"redis-server": "echo Redis server v=7.0.15 sha=0"}
	for _, name := range rest {
		commands[name] = "exit 1"
	}
	if there {
		for _, name := range program {
			commands[name] = "exit 1"
		}
	}
	maps.Copy(commands, more)
	return commands
}
