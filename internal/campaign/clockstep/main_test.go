package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

const program = `package main

import (
	"fmt"
	"time"
)

func main() {
	wall, start := time.Now().Round(0), time.Now()
	time.StepWallClock(-time.Hour)
	if back := wall.Sub(time.Now().Round(0)); back < 59*time.Minute || back > time.Hour {
		fmt.Println("the wall clock went back by", back)
	}
	if passed := time.Since(start); passed < 0 || passed > time.Minute {
		fmt.Println("by the monotonic clock", passed, "has passed")
	}
}
`

func TestTheClockOfAProgramIsStepped(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the standard library")
	}
	dir := t.TempDir()
	overlay, err := prepare(dir)
	if err != nil {
		t.Fatal(err)
	}
	main := filepath.Join(dir, "main.go")
	if err := os.WriteFile(main, []byte(program), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("go", "run", "-overlay", overlay, main).CombinedOutput()
	if err != nil || len(out) > 0 {
		t.Errorf("a program whose clock is stepped sees it, and monotonic time goes on: %v\n%s", err, out)
	}
}

func TestAnotherStandardLibraryIsRefused(t *testing.T) {
	dir := t.TempDir()
	source := filepath.Join(dir, "src", "time")
	if err := os.MkdirAll(source, 0o700); err != nil {
		t.Fatal(err)
	}
	for text, ok := range map[string]bool{
		"func Now() Time {\n\t" + reading + "}\n": true,
		"func Now() Time { return Time{} }\n":     false,
	} {
		if err := os.WriteFile(filepath.Join(source, "time.go"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		overlay, err := write(t.TempDir(), dir)
		if (err == nil) != ok {
			t.Errorf("time.Now is changed where it is known, and nowhere else: %q gave %v", text, err)
		}
		if !ok {
			continue
		}
		b, err := os.ReadFile(overlay)
		if err != nil {
			t.Fatal(err)
		}
		var content struct{ Replace map[string]string }
		if err := json.Unmarshal(b, &content); err != nil || len(content.Replace) != 2 {
			t.Errorf("an overlay names two files: got %s, %v", b, err)
		}
	}
}
