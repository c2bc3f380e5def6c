// Mutate changes the code of a package in one small place at a time, and looks
// whether its tests notice: a change that they don't shows a test that is
// missing, or code that does not matter.
//
//	go run ./internal/tools/mutate [-n 300] [-seed 1] [-workers 2] [-least 100] <folder of a module>...
//
// The sample is drawn by the seed, so that it comes out the same for the same
// code. A mutant is tried on the short tests that cover its place, the quickest
// first, and is killed when one of them fails, panics or does not end. Those
// that do not compile are replaced by others.
//
// Changes that no test can see, because they change nothing but the memory or
// the time that something takes, are listed in equivalent.txt with the reason,
// and not counted.
package main

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
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
	least   float64       // how many percent must be killed
}

func main() {
	var o options
	flag.IntVar(&o.n, "n", 300, "how many mutants to try in all")
	flag.Uint64Var(&o.seed, "seed", 1, "what the sample is drawn by")
	flag.IntVar(&o.workers, "workers", 2, "how many mutants to try at once")
	flag.DurationVar(&o.slow, "slow", 5*time.Second, "leave out tests that take longer")
	flag.DurationVar(&o.limit, "limit", 20*time.Second, "how long the tests of one mutant may take, beyond what they usually do")
	flag.StringVar(&o.only, "only", "", "try mutants only at places that begin like these, such as get.go:55,set.go")
	flag.Float64Var(&o.least, "least", 100, "fail if fewer than so many percent of the mutants are killed")
	flag.Parse()
	dead, alive, err := run(flag.Args(), o, os.Stdout)
	if err == nil && float64(dead) < o.least/100*float64(dead+alive) {
		err = fmt.Errorf("%d of %d mutants survived; at least %g %% must be killed", alive, dead+alive, o.least)
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
	killed     fate = "killed"
	equivalent fate = "equivalent"
	survived   fate = "survived"
	uncovered  fate = "survived, no test goes there"
	invalid    fate = "does not compile"
)

// equivalents are lines of "folder/file | code | old -> new | reason".
//
//go:embed equivalent.txt
var equivalents string

func isEquivalent(m mutant) bool {
	for line := range strings.Lines(equivalents) {
		if strings.HasPrefix(line, m.known()+" | ") {
			return true
		}
	}
	return false
}

func run(folders []string, o options, out io.Writer) (dead, alive int, err error) {
	if len(folders) == 0 {
		return 0, 0, errors.New("no folder is given")
	}
	var all []mutant
	packages := map[string]*tested{}
	for _, folder := range folders {
		p, err := load(folder, o.slow, out)
		if err != nil {
			return 0, 0, fmt.Errorf("%s: %w", folder, err)
		}
		defer os.RemoveAll(p.temp)
		packages[p.dir] = p
		for _, m := range p.mutants {
			begins := func(place string) bool { return strings.HasPrefix(m.place(), place) }
			if slices.ContainsFunc(strings.Split(o.only, ","), begins) {
				all = append(all, m)
			}
		}
	}
	fmt.Fprintf(out, "%d places for a mutant, %d to try, seed %d\n", len(all), min(o.n, len(all)), o.seed)
	rand.New(rand.NewPCG(o.seed, 0)).Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })

	// Most mutants share a build, in which an environment variable turns one
	// of them on: building takes longer than testing. The others are built
	// alone. What does not compile makes room for one more.
	builds := buildJointly(packages, all[:min(len(all), o.n+o.n/4)], out)
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
				t, err := packages[all[i].dir].try(all[i], builds[i], o.limit)
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
		return 0, 0, failure
	}
	var same int
	var left []string
	for _, t := range results[:next] {
		switch t.fate {
		case invalid:
			continue
		case equivalent:
			same++
			continue
		case killed:
			dead++
		default:
			left = append(left, fmt.Sprintf("%s (%s)\n    %s", t.mutant, t.fate, t.known()))
		}
	}
	slices.Sort(left)
	fmt.Fprintf(out, "%d of %d mutants killed, %.1f %%; %d more change nothing that a test could see\n", dead, dead+len(left), 100*float64(dead)/float64(max(dead+len(left), 1)), same)
	for _, text := range left {
		fmt.Fprintln(out, "survived:", text)
	}
	return dead, len(left), nil
}

// tested is a package with what its tests cover.
type tested struct {
	dir     string
	temp    string
	name    string
	tests   []test // quickest first
	mutants []mutant
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
	var listed struct {
		Name    string
		GoFiles []string
	}
	text, err := p.goes(context.Background(), "list", "-json=Name,GoFiles", ".")
	if err == nil {
		err = json.Unmarshal(text, &listed)
	}
	if err != nil {
		return nil, err
	}
	p.name = listed.Name
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

func (p *tested) command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.Env = p.dir, append(os.Environ(), "GOWORK=off")
	return cmd
}

func (p *tested) runs(ctx context.Context, name string, args ...string) ([]byte, error) {
	cmd := p.command(ctx, name, args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	text, err := cmd.Output()
	if err != nil {
		err = fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, stderr.String())
	}
	return text, err
}

// joint is a build with many mutants, of which one is on, or none.
type joint struct {
	binary string
	number int
}

// numberVariable tells a joint build which of its mutants is on.
const numberVariable = "MUTANT"

const chooser = `
import (
	mutantOS "os"
	mutantNumbers "strconv"
)

var mutantNumber = func() int {
	n, _ := mutantNumbers.Atoi(mutantOS.Getenv("` + numberVariable + `"))
	return n
}()

func mutantOn(n int) bool { return n == mutantNumber }
`

// buildJointly builds as many of the mutants as possible in as few binaries as
// possible, and returns where each of them is.
func buildJointly(packages map[string]*tested, mutants []mutant, out io.Writer) map[int]joint {
	builds := map[int]joint{}
	var rest []int
	for i, m := range mutants {
		if m.both != "" {
			rest = append(rest, i)
		}
	}
	for len(rest) > 0 {
		// Those of one package that do not overlap.
		var group, others []int
		for _, i := range rest {
			fits := mutants[i].dir == mutants[rest[0]].dir && !slices.ContainsFunc(group, func(j int) bool { return mutants[i].overlaps(mutants[j]) })
			if fits {
				group = append(group, i)
			} else {
				others = append(others, i)
			}
		}
		packages[mutants[rest[0]].dir].buildGroup(mutants, group, builds, out)
		rest = others
	}
	return builds
}

// buildGroup builds a group, without those that the compiler complains of.
func (p *tested) buildGroup(mutants []mutant, group []int, builds map[int]joint, out io.Writer) {
	for len(group) > 0 {
		numbers := map[mutant]int{}
		byFile := map[string][]mutant{}
		for _, i := range group {
			numbers[mutants[i]] = i + 1
			byFile[mutants[i].file] = append(byFile[mutants[i].file], mutants[i])
		}
		files := map[string][]byte{"mutant_chooser.go": []byte("package " + p.name + "\n" + chooser)}
		for name, some := range byFile {
			source, err := os.ReadFile(filepath.Join(p.dir, name))
			if err != nil {
				return
			}
			files[name] = together(source, some, func(m mutant) int { return numbers[m] })
		}
		_, binary, err := p.build(files)
		if err == nil {
			p.dropDisturbed(binary, out)
			for _, i := range group {
				builds[i] = joint{binary, i + 1}
			}
			return
		}
		before := len(group)
		for _, found := range compilerPlace.FindAllStringSubmatch(err.Error(), -1) {
			line, _ := strconv.Atoi(found[2])
			group = slices.DeleteFunc(group, func(i int) bool {
				m := mutants[i]
				return m.file == found[1] && m.wrapLine <= line && line <= m.wrapEnd
			})
		}
		if len(group) == before {
			fmt.Fprintf(out, "a joint build fails, and its %d mutants are built alone: %v\n", before, err)
			return
		}
	}
}

var compilerPlace = regexp.MustCompile(`([A-Za-z0-9_]+\.go):([0-9]+):`)

// dropDisturbed leaves out tests that fail in a joint build with no mutant on,
// such as those that count allocations.
func (p *tested) dropDisturbed(binary string, out io.Writer) {
	for {
		text, err := p.runs(context.Background(), binary, "-test.short", "-test.run", "^("+p.names()+")$")
		if err == nil {
			return
		}
		before := len(p.tests)
		p.tests = slices.DeleteFunc(p.tests, func(t test) bool {
			failed := strings.Contains(string(text), "--- FAIL: "+t.name+" ")
			if failed {
				fmt.Fprintf(out, "%s is left out: it notices that mutants share a build\n", t.name)
			}
			return failed
		})
		if len(p.tests) == before {
			fmt.Fprintf(out, "a joint build does not run: %v\n%s", err, text)
			return
		}
	}
}

// names returns a pattern for all tests.
func (p *tested) names() string {
	var names []string
	for _, t := range p.tests {
		names = append(names, t.name)
	}
	return strings.Join(names, "|")
}

// build builds the tests with other contents of some files.
func (p *tested) build(files map[string][]byte) (temp, binary string, err error) {
	if temp, err = os.MkdirTemp(p.temp, ""); err != nil {
		return "", "", err
	}
	replace := map[string]string{}
	for name, content := range files {
		replace[filepath.Join(p.dir, name)] = filepath.Join(temp, name)
		if err := os.WriteFile(filepath.Join(temp, name), content, 0o600); err != nil {
			return temp, "", err
		}
	}
	text, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return temp, "", err
	}
	overlay, binary := filepath.Join(temp, "overlay.json"), filepath.Join(temp, "mutant.test")
	if err := os.WriteFile(overlay, text, 0o600); err != nil {
		return temp, "", err
	}
	_, err = p.goes(context.Background(), "test", "-c", "-vet=off", "-gcflags=-e", "-overlay", overlay, "-o", binary, ".")
	return temp, binary, err
}

// try runs what covers a mutant, and builds it first unless it is in a joint
// build.
func (p *tested) try(m mutant, in joint, limit time.Duration) (tried, error) {
	t := tried{mutant: m}
	if isEquivalent(m) {
		t.fate = equivalent
		return t, nil
	}
	var names []string
	var usual time.Duration
	choose := func(goes func(blocks []block) bool) {
		for _, test := range p.tests {
			if goes(test.covered[m.file]) {
				names = append(names, test.name)
				usual += test.took
			}
		}
	}
	choose(func(blocks []block) bool { return covers(blocks, m.line, m.column) })
	if len(names) == 0 {
		// A profile leaves out some places, such as the conditions of cases.
		choose(func(blocks []block) bool { return enters(blocks, m.funcLine, m.funcEnd) })
	}
	if in.binary == "" {
		source, err := os.ReadFile(filepath.Join(p.dir, m.file))
		if err != nil {
			return t, err
		}
		temp, binary, err := p.build(map[string][]byte{m.file: m.apply(source)})
		defer os.RemoveAll(temp)
		if err != nil {
			t.fate = invalid
			return t, nil
		}
		in.binary = binary
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
		cmd := p.command(ctx, in.binary, "-test.run", "^("+strings.Join(batch, "|")+")$", "-test.short", "-test.failfast", "-test.timeout", limit.String())
		cmd.Env = append(cmd.Env, fmt.Sprintf("%s=%d", numberVariable, in.number))
		err := cmd.Run()
		cancel()
		if err != nil {
			t.fate, t.killer = killed, "by "+strings.Join(batch, ", ")
			return t, nil
		}
	}
	t.fate = survived
	return t, nil
}
