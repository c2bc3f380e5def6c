// Mutate changes the code of a package in one small place at a time, and looks
// whether its tests notice: a change that they don't shows a test that is
// missing, or code that does not matter.
//
//	go run ./internal/tools/mutate [-n 300] [-seed 1] [-workers 2] <folder of a module>...
//
// The sample is drawn by the seed, so that it comes out the same for the same
// code. A mutant is tried on the short tests that cover its place, the quickest
// first, and is killed when one of them fails, panics or does not end. Those
// that do not compile are replaced by others.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

type options struct {
	n       int
	seed    uint64
	workers int
	slow    time.Duration // tests that take longer are left out
	limit   time.Duration // for the tests of one mutant
	only    string        // prefix of the places to try
}

func main() {
	var o options
	flag.IntVar(&o.n, "n", 300, "how many mutants to try in all")
	flag.Uint64Var(&o.seed, "seed", 1, "what the sample is drawn by")
	flag.IntVar(&o.workers, "workers", 2, "how many mutants to try at once")
	flag.DurationVar(&o.slow, "slow", 5*time.Second, "leave out tests that take longer")
	flag.DurationVar(&o.limit, "limit", 2*time.Minute, "how long the tests of one mutant may take, beyond what they usually do")
	flag.StringVar(&o.only, "only", "", "try mutants only at places that begin like that, such as get.go:55")
	flag.Parse()
	survivors, err := run(flag.Args(), o, os.Stdout)
	if err == nil && survivors > 0 {
		err = fmt.Errorf("%d mutants survived", survivors)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "mutate:", err)
		os.Exit(1)
	}
}

// tried is what became of a mutant.
type tried struct {
	mutant
	fate   fate
	killer string
}

type fate string

const (
	killed    fate = "killed"
	survived  fate = "survived"
	uncovered fate = "survived, no test goes there"
	invalid   fate = "does not compile"
)

func run(folders []string, o options, out io.Writer) (survivors int, err error) {
	if len(folders) == 0 {
		return 0, errors.New("no folder is given")
	}
	var all []mutant
	packages := map[string]*tested{}
	for _, folder := range folders {
		p, err := load(folder, o.slow, out)
		if err != nil {
			return 0, fmt.Errorf("%s: %w", folder, err)
		}
		defer os.RemoveAll(p.temp)
		packages[p.dir] = p
		for _, m := range p.mutants {
			if strings.HasPrefix(m.place(), o.only) {
				all = append(all, m)
			}
		}
	}
	fmt.Fprintf(out, "%d places for a mutant, %d to try, seed %d\n", len(all), min(o.n, len(all)), o.seed)
	rand.New(rand.NewPCG(o.seed, 0)).Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })

	// The workers go through the shuffled list; what does not compile makes
	// room for one more. The result does not depend on who is faster.
	results := make([]tried, len(all))
	var mu sync.Mutex // guards what follows
	next, valid := 0, 0
	var failure error
	var working sync.WaitGroup
	for range o.workers {
		working.Go(func() {
			for {
				mu.Lock()
				if failure != nil || next == len(all) || valid >= o.n {
					mu.Unlock()
					return
				}
				i := next
				next, valid = next+1, valid+1
				mu.Unlock()
				t, err := packages[all[i].dir].try(all[i], o.limit)
				mu.Lock()
				results[i] = t
				if t.fate == invalid {
					valid--
				}
				failure = errors.Join(failure, err)
				mu.Unlock()
				if err == nil && t.fate != invalid {
					fmt.Fprintf(out, "%-9s %s %s\n", t.fate, t.mutant, t.killer)
				}
			}
		})
	}
	working.Wait()
	if failure != nil {
		return 0, failure
	}
	var total, dead int
	var left []string
	for _, t := range results[:next] {
		switch t.fate {
		case invalid:
			continue
		case killed:
			dead++
		default:
			left = append(left, fmt.Sprintf("%s (%s)", t.mutant, t.fate))
		}
		total++
	}
	slices.Sort(left)
	fmt.Fprintf(out, "%d of %d mutants killed, %.1f %%\n", dead, total, 100*float64(dead)/float64(max(total, 1)))
	for _, text := range left {
		fmt.Fprintln(out, "survived:", text)
	}
	return len(left), nil
}

// tested is a package with what its tests cover.
type tested struct {
	dir     string
	temp    string
	tests   []test // quickest first
	mutants []mutant
	id      int
	mu      sync.Mutex // guards id
}

type test struct {
	name    string
	took    time.Duration
	covered map[string][]block // by file
}

// load finds the mutants of a package, and what each of its tests covers.
func load(folder string, slow time.Duration, out io.Writer) (*tested, error) {
	dir, err := filepath.Abs(folder)
	if err != nil {
		return nil, err
	}
	p := &tested{dir: dir}
	if p.temp, err = os.MkdirTemp("", "mutate"); err != nil {
		return nil, err
	}
	var listed struct{ GoFiles []string }
	text, err := p.goes(context.Background(), "list", "-json=GoFiles", ".")
	if err == nil {
		err = json.Unmarshal(text, &listed)
	}
	if err != nil {
		return nil, err
	}
	for _, name := range listed.GoFiles {
		mutants, err := mutantsOf(dir, name)
		if err != nil {
			return nil, err
		}
		p.mutants = append(p.mutants, mutants...)
	}

	binary := filepath.Join(p.temp, "covering.test")
	if _, err := p.goes(context.Background(), "test", "-c", "-cover", "-o", binary, "."); err != nil {
		return nil, err
	}
	names, err := p.runs(context.Background(), binary, "-test.list", ".")
	if err != nil {
		return nil, err
	}
	for name := range strings.FieldsSeq(string(names)) {
		if strings.HasPrefix(name, "Benchmark") {
			continue
		}
		profile := filepath.Join(p.temp, "profile")
		began := time.Now()
		if text, err := p.runs(context.Background(), binary, "-test.run", "^"+name+"$", "-test.short", "-test.coverprofile", profile); err != nil {
			return nil, fmt.Errorf("%s fails as it is: %w\n%s", name, err, text)
		}
		t := test{name: name, took: time.Since(began)}
		if t.took > slow {
			fmt.Fprintf(out, "%s is left out: it takes %v\n", name, t.took.Round(time.Millisecond))
			continue
		}
		text, err := os.ReadFile(profile)
		if err != nil {
			return nil, err
		}
		t.covered = blocksOf(string(text))
		p.tests = append(p.tests, t)
	}
	slices.SortFunc(p.tests, func(a, b test) int { return int(a.took - b.took) })
	fmt.Fprintf(out, "%s: %d mutants, %d tests\n", folder, len(p.mutants), len(p.tests))
	return p, nil
}

func (p *tested) goes(ctx context.Context, args ...string) ([]byte, error) {
	return p.runs(ctx, "go", args...)
}

func (p *tested) runs(ctx context.Context, name string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.Env = p.dir, append(os.Environ(), "GOWORK=off")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	text, err := cmd.Output()
	if err != nil {
		err = fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, stderr.String())
	}
	return text, err
}

// try builds a mutant and runs what covers it.
func (p *tested) try(m mutant, limit time.Duration) (tried, error) {
	t := tried{mutant: m}
	var names []string
	var usual time.Duration
	for _, test := range p.tests {
		if covers(test.covered[m.file], m.line, m.column) {
			names = append(names, test.name)
			usual += test.took
		}
	}
	p.mu.Lock()
	p.id++
	temp := filepath.Join(p.temp, fmt.Sprint(p.id))
	p.mu.Unlock()
	if err := os.Mkdir(temp, 0o700); err != nil {
		return t, err
	}
	defer os.RemoveAll(temp)
	source, err := os.ReadFile(filepath.Join(p.dir, m.file))
	if err != nil {
		return t, err
	}
	changed, overlay, binary := filepath.Join(temp, m.file), filepath.Join(temp, "overlay.json"), filepath.Join(temp, "mutant.test")
	text, err := json.Marshal(map[string]any{"Replace": map[string]string{filepath.Join(p.dir, m.file): changed}})
	if err != nil {
		return t, err
	}
	if err := errors.Join(os.WriteFile(changed, m.apply(source), 0o600), os.WriteFile(overlay, text, 0o600)); err != nil {
		return t, err
	}
	if _, err := p.goes(context.Background(), "test", "-c", "-vet=off", "-overlay", overlay, "-o", binary, "."); err != nil {
		t.fate = invalid
		return t, nil
	}
	if len(names) == 0 {
		t.fate = uncovered
		return t, nil
	}
	// A few at a time: most die of the first, and all of them share a start.
	const some = 8
	limit += usual
	for batch := range slices.Chunk(names, some) {
		ctx, cancel := context.WithTimeout(context.Background(), limit)
		_, err := p.runs(ctx, binary, "-test.run", "^("+strings.Join(batch, "|")+")$", "-test.short", "-test.failfast", "-test.timeout", limit.String())
		cancel()
		if err != nil {
			t.fate, t.killer = killed, "by "+strings.Join(batch, ", ")
			return t, nil
		}
	}
	t.fate = survived
	return t, nil
}
