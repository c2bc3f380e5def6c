package main

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
)

// A report is what a run has found out, and what the page is written from.
type report struct {
	Machine   machine       `json:"machine"`
	Rounds    int           `json:"rounds"`
	Results   []result      `json:"results"`
	Mixed     []mixedResult `json:"mixed"`
	Libraries []string      `json:"libraries"`
}

type machine struct {
	OS    string `json:"os"`
	Arch  string `json:"arch"`
	CPU   string `json:"cpu"`
	Cores int    `json:"cores"`
	Go    string `json:"go"`
	Redis string `json:"redis,omitempty"`
	// Load is the number of processes that wanted to run when the run began
	// and ended: more than Cores, and others were measured too.
	Load [2]string `json:"load"`
}

func (e *env) machine(ctx context.Context) machine {
	m := machine{OS: runtime.GOOS, Arch: runtime.GOARCH, CPU: cpuName(), Cores: runtime.NumCPU(), Go: strings.TrimPrefix(runtime.Version(), "go")}
	if e.redis != nil {
		m.Redis = e.redis.version(ctx)
	}
	return m
}

// cpuName returns what Linux calls the processor.
func cpuName() string {
	info, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return "unknown"
	}
	for line := range strings.Lines(string(info)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "unknown"
}

// load returns the load average of the last minute, where the system has one.
func load() string {
	b, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	first, _, _ := strings.Cut(string(b), " ")
	return first
}

// libraries returns the versions of what is compared.
func libraries() []string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return nil
	}
	compared := []string{
		"github.com/allegro/bigcache/v3", "github.com/dgraph-io/ristretto/v2", "github.com/go-redis/cache/v9",
		"github.com/maypok86/otter/v2", "github.com/redis/go-redis/v9", "github.com/redis/rueidis", "github.com/viccon/sturdyc",
	}
	var out []string
	for _, dep := range info.Deps {
		if slices.Contains(compared, dep.Path) {
			out = append(out, strings.TrimPrefix(dep.Path, "github.com/")+" "+dep.Version)
		}
	}
	return out
}

const (
	resultsFile = "benchmarks/results.json"
	scaleFile   = "benchmarks/scale.json"
	pageFile    = "benchmarks.md"
)

func writeJSON(dir, name string, v any) error {
	b, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		return err
	}
	return writeFile(dir, name, append(b, '\n'))
}

func writeFile(dir, name string, b []byte) error {
	file := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	return os.WriteFile(file, b, 0o644)
}

// readJSON leaves v as it is where there is no such file yet.
func readJSON(dir, name string, v any) error {
	b, err := os.ReadFile(filepath.Join(dir, name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return json.Unmarshal(b, v)
}

// write writes the page, the charts and, of what was measured just now, the
// figures.
func (r *report) write(dir string, rows []row) error {
	if err := writeJSON(dir, resultsFile, r); err != nil {
		return err
	}
	return writePage(dir, rows)
}
