package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// asTool makes the test program the command, which the go command then runs.
const asTool = "CASCACHEVET_AS_TOOL"

func TestMain(m *testing.M) {
	if os.Getenv(asTool) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

const program = `package app

import (
	"context"

	cascache "github.com/unkn0wn-root/cascache/core"
)

func Forget(ctx context.Context, users *cascache.Handle[string]) {
	users.Invalidate(ctx, "1")
}
`

const programTest = `package app

import (
	"testing"

	cascache "github.com/unkn0wn-root/cascache/core"
)

func TestForget(t *testing.T) {
	_ = new(cascache.Handle[string]).Clear(t.Context())
}
`

// TestGoVet: the go command takes cascachevet for a vet tool, and hands its flag
// on.
func TestGoVet(t *testing.T) {
	tool, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write := func(name, content string) {
		t.Helper()
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	core, err := os.ReadFile("../../testdata/src/github.com/unkn0wn-root/cascache/core/core.go")
	if err != nil {
		t.Fatal(err)
	}
	const path = "github.com/unkn0wn-root/cascache/core"
	write("core/core.go", string(core))
	write("core/go.mod", "module "+path+"\n\ngo 1.25.0\n")
	write("go.mod", "module example.com/app\n\ngo 1.25.0\n\nrequire "+path+" v0.0.0\n\nreplace "+path+" => ./core\n")
	write("app.go", program)
	write("app_test.go", programTest)

	vet := func(args ...string) string {
		t.Helper()
		cmd := exec.Command("go", append(append([]string{"vet", "-vettool=" + tool}, args...), ".")...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), asTool+"=1", "GOWORK=off", "GOFLAGS=-mod=mod")
		out, err := cmd.CombinedOutput()
		if err == nil {
			t.Fatalf("go vet finds nothing in a program that drops the error of Invalidate:\n%s", out)
		}
		return string(out)
	}
	const want = "Invalidate drops the error"
	if out := vet(); strings.Count(out, want) != 1 || strings.Contains(out, "Clear") {
		t.Errorf("go vet reports what is wrong in app.go, and leaves out its test: got\n%s", out)
	}
	if out := vet("-test-files"); strings.Count(out, want) < 1 || !strings.Contains(out, "app_test.go") {
		t.Errorf("with -test-files go vet reports what is wrong in the test too: got\n%s", out)
	}
}
