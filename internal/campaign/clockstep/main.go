// Clockstep writes an overlay for the go command into a folder, and prints its
// name: with it and the build tag steppedclock, package time has a function
// StepWallClock that moves what Now says, for the whole program, and leaves
// monotonic time alone. That is what it looks like when somebody sets a
// machine's clock, without setting that of this machine.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: clockstep <folder to write to>")
		os.Exit(2)
	}
	overlay, err := prepare(os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, "clockstep:", err)
		os.Exit(1)
	}
	fmt.Println(overlay)
}

// prepare makes the overlay for the Go that the go command is of.
func prepare(folder string) (overlay string, err error) {
	goroot, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		return "", err
	}
	return write(folder, strings.TrimSpace(string(goroot)))
}

const (
	reading = "sec, nsec, mono := runtimeNow()\n"

	stepped = reading + `	if step := wallStep.Load(); step != 0 {
		at := sec*1e9 + int64(nsec) + step
		sec, nsec = at/1e9, int32(at%1e9)
	}
`
	addition = `package time

import "sync/atomic"

var wallStep atomic.Int64

// StepWallClock moves the wall clock of this program by d.
func StepWallClock(d Duration) { wallStep.Add(int64(d)) }
`
)

// write makes the overlay for the standard library under goroot.
func write(folder, goroot string) (overlay string, err error) {
	folder, err = filepath.Abs(folder)
	if err != nil {
		return "", err
	}
	source := filepath.Join(goroot, "src", "time")
	text, err := os.ReadFile(filepath.Join(source, "time.go"))
	if err != nil {
		return "", err
	}
	if strings.Count(string(text), "func Now() Time {\n\t"+reading) != 1 {
		return "", fmt.Errorf("time.Now in %s is not what this program knows how to change", source)
	}
	changed := strings.Replace(string(text), "func Now() Time {\n\t"+reading, "func Now() Time {\n\t"+stepped, 1)
	replace := map[string]string{}
	for name, content := range map[string]string{"time.go": changed, "wallstep.go": addition} {
		to := filepath.Join(folder, name)
		if err := os.WriteFile(to, []byte(content), 0o600); err != nil {
			return "", err
		}
		replace[filepath.Join(source, name)] = to
	}
	text, err = json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	overlay = filepath.Join(folder, "overlay.json")
	return overlay, os.WriteFile(overlay, text, 0o600)
}
