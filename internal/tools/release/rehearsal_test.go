package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/modfile"

	"github.com/unkn0wn-root/cascache/internal/tools/modproxy"
	"github.com/unkn0wn-root/cascache/internal/tools/workspace"
)

const firstChangelog = `# Changelog

## [Unreleased]

## [0.1.0] - 2026-01-02

### Added

- Everything.
`

// TestRehearsal makes the first releases of some modules and a few more, in a
// repository that is a copy of this one, and then uses them.
func TestRehearsal(t *testing.T) {
	if testing.Short() {
		t.Skip("vets, tests and tags several modules")
	}
	r := rehearse(t)
	for _, folder := range []string{"wire", "core", "conformance", "codec-json", "provider-ristretto"} {
		r.write(folder+"/CHANGELOG.md", firstChangelog)
	}
	r.commit("Ready for the first release")

	r.refused("a module whose siblings have no release", "core requires wire, which has no release yet", true, "core@v0.1.0")
	r.refused("a version that leaves a gap", "version v0.3.0: the first release is one of v0.1.0, v1.0.0", true, "wire@v0.3.0")
	r.refused("a changelog that does not list the version", "`## [Unreleased]` is not followed by `## [1.0.0]", true, "wire@v1.0.0")
	r.released(false, "wire@v0.1.0")
	r.hasTags("a dry run keeps nothing")

	r.released(true, "wire@v0.1.0")
	r.released(true, "provider-ristretto@v0.1.0", "codec-json@v0.1.0", "conformance@v0.1.0", "core@v0.1.0")
	first := []string{"codec-json/v0.1.0", "conformance/v0.1.0", "core/v0.1.0", "provider-ristretto/v0.1.0", "wire/v0.1.0"}
	r.hasTags("each release has its tag", first...)
	r.requires("codec-json/v0.1.0", "core v0.1.0", "conformance v0.1.0", "wire v0.1.0")
	r.refused("a version that exists", "what comes after v0.1.0 is one of v0.1.1, v0.2.0, v1.0.0", true, "wire@v0.1.0")

	// A test that fails.
	r.write("wire/broken_test.go", "package wire\n\nimport \"testing\"\n\nfunc TestBroken(t *testing.T) { t.Fatal(\"broken on purpose\") }\n")
	r.change("wire", "0.1.1", "0.1.0")
	r.refused("what fails its tests", "broken on purpose", true, "wire@v0.1.1")
	r.remove("wire/broken_test.go")
	r.change("wire", "", "0.1.0")

	// Something new in core, whose users don't have to follow.
	r.write("core/rehearsed.go", "package cascache\n\n// Rehearsed is here for the rehearsal.\nfunc Rehearsed() int { return 1 }\n")
	r.refused("what is not committed", "core has changes that are not committed", true, "core@v0.1.1")
	r.change("core", "0.1.1", "0.1.0")
	out := r.released(true, "core@v0.1.1")
	if want := "API, new since v0.1.0: Rehearsed: added"; !strings.Contains(out, want) {
		t.Errorf("a release says what is new: got\n%s\nwant %q", out, want)
	}
	r.requires("core/v0.1.1", "wire v0.1.0")
	r.requires("codec-json/v0.1.0", "core v0.1.0", "conformance v0.1.0", "wire v0.1.0")

	// Something incompatible, which is not for a patch.
	r.write("core/rehearsed.go", "package cascache\n\n// Rehearsed is here for the rehearsal.\nfunc Rehearsed() string { return \"\" }\n")
	r.change("core", "0.1.2", "0.1.1", "0.1.0")
	r.refused("an incompatible API as a patch", "Rehearsed: changed from func() int to func() string", true, "core@v0.1.2")

	all := append([]string{"core/v0.1.1"}, first...)
	slices.Sort(all)
	r.hasTags("a refused release has no tag", all...)

	r.interrupted("wire@v0.1.1")
	r.hasTags("an interrupted release has no tag", all...)
	r.used()
}

// A rehearsal is a repository to release from.
type rehearsal struct {
	t    *testing.T
	root string // of the copy
	temp string // where releases are made
	main string // the commit of its branch
}

// rehearse copies this repository into a new one, without its history and its
// tags, so that it can be released for the first time. The copy of a module has
// few of its tests: those of wire, the examples, and what makes codec-json
// require conformance.
func rehearse(t *testing.T) *rehearsal {
	t.Helper()
	r := &rehearsal{t: t, root: filepath.Join(t.TempDir(), "copy"), temp: t.TempDir()}
	t.Setenv("TMPDIR", r.temp)
	// No settings of this machine: it may sign commits, or have no name.
	t.Setenv("GIT_CONFIG_GLOBAL", os.DevNull)
	t.Setenv("GIT_CONFIG_SYSTEM", os.DevNull)
	t.Setenv("GOTOOLCHAIN", "local")

	err := filepath.WalkDir("../../..", func(source string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel("../../..", source)
		if err != nil {
			return err
		}
		target := filepath.Join(r.root, name)
		switch {
		case d.IsDir() && d.Name() == ".git":
			return filepath.SkipDir
		case d.Name() == ".git": // of a linked worktree: a file that leads to the repository itself
			return nil
		case d.IsDir():
			return os.MkdirAll(target, 0o755)
		case !d.Type().IsRegular(), strings.HasSuffix(name, "_test.go") && !rehearsed(filepath.ToSlash(name)):
			return nil
		}
		content, err := os.ReadFile(source)
		if err != nil {
			return err
		}
		return os.WriteFile(target, content, 0o644)
	})
	if err != nil {
		t.Fatal(err)
	}
	r.git("init", "--quiet", "--initial-branch", "main")
	r.git("config", "user.name", "Somebody")
	r.git("config", "user.email", "somebody@example.com")
	r.commit("Everything")
	return r
}

func rehearsed(test string) bool {
	return strings.HasPrefix(test, "wire/") || strings.HasSuffix(test, "/example_test.go") || test == "codec-json/conformance_test.go"
}

func (r *rehearsal) git(args ...string) string {
	r.t.Helper()
	out, err := repository(r.root).git(r.t.Context(), args...)
	if err != nil {
		r.t.Fatal(err)
	}
	return out
}

func (r *rehearsal) commit(message string) {
	r.t.Helper()
	r.git("add", "--all")
	r.git("commit", "--quiet", "--message", message)
	r.main = r.git("rev-parse", "HEAD")
}

func (r *rehearsal) write(name, text string) {
	r.t.Helper()
	if err := os.WriteFile(filepath.Join(r.root, filepath.FromSlash(name)), []byte(text), 0o644); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rehearsal) remove(name string) {
	r.t.Helper()
	if err := os.Remove(filepath.Join(r.root, filepath.FromSlash(name))); err != nil {
		r.t.Fatal(err)
	}
}

// change commits what was written, and a changelog of these releases, newest
// first; "" is none.
func (r *rehearsal) change(folder string, versions ...string) {
	r.t.Helper()
	text := "# Changelog\n\n## [Unreleased]\n"
	for _, version := range versions {
		if version != "" {
			text += "\n## [" + version + "] - 2026-01-02\n\n### Added\n\n- Something.\n"
		}
	}
	r.write(folder+"/CHANGELOG.md", text)
	r.commit("Change " + folder)
}

// run makes releases, and checks that it leaves the repository as it was.
func (r *rehearsal) run(ctx context.Context, tag bool, out io.Writer, asked ...string) error {
	r.t.Helper()
	before := r.git("status", "--porcelain", "--branch")
	started := time.Now()
	err := releaseAll(ctx, r.root, asked, tag, true, out)
	r.t.Logf("%v, with tags %v: %v", asked, tag, time.Since(started).Round(time.Millisecond))
	if after := r.git("status", "--porcelain", "--branch"); after != before {
		r.t.Errorf("a release touches no file of the repository: it was\n%s\nand is\n%s", before, after)
	}
	if head := r.git("rev-parse", "main"); head != r.main {
		r.t.Errorf("a release commits to no branch: main was %s and is %s", r.main, head)
	}
	if lists := r.git("worktree", "list"); strings.Contains(lists, "\n") {
		r.t.Errorf("a release leaves no worktree behind: got\n%s", lists)
	}
	left, globErr := filepath.Glob(filepath.Join(r.temp, "*"))
	if globErr != nil {
		r.t.Fatal(globErr)
	}
	for _, name := range left {
		if !strings.HasPrefix(filepath.Base(name), "go-build") { // the go command, killed in its work
			r.t.Errorf("a release throws away where it was made: %s is left", name)
		}
	}
	return err
}

func (r *rehearsal) released(tag bool, asked ...string) (out string) {
	r.t.Helper()
	var said bytes.Buffer
	if err := r.run(r.t.Context(), tag, &said, asked...); err != nil {
		r.t.Fatalf("%v must be released: %v\n%s", asked, err, &said)
	}
	return said.String()
}

func (r *rehearsal) refused(rule, reason string, tag bool, asked ...string) {
	r.t.Helper()
	var said bytes.Buffer
	err := r.run(r.t.Context(), tag, &said, asked...)
	if err == nil || !strings.Contains(err.Error(), reason) {
		r.t.Fatalf("%s must not be released: got %v, want a refusal with %q", rule, err, reason)
	}
}

// slowTest tells the rehearsal that it runs, and does not end by itself.
const slowTest = `package wire

import (
	"net"
	"testing"
)

func TestSlow(t *testing.T) {
	conn, err := net.Dial("tcp", %q)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = conn.Read(make([]byte, 1))
}
`

// interrupted ends a release while its tests run, as ctrl-C would.
func (r *rehearsal) interrupted(asked ...string) {
	r.t.Helper()
	listener, err := net.Listen("tcp", "localhost:0")
	if err != nil {
		r.t.Fatal(err)
	}
	defer listener.Close()
	r.write("wire/slow_test.go", fmt.Sprintf(slowTest, listener.Addr()))
	r.change("wire", "0.1.1", "0.1.0")

	ctx, cancel := context.WithCancel(r.t.Context())
	defer cancel()
	ended := make(chan error, 1)
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			ended <- err
			return
		}
		cancel()
		_, err = conn.Read(make([]byte, 1)) // until the test's process is gone
		ended <- err
	}()
	err = r.run(ctx, true, io.Discard, asked...)
	if !errors.Is(err, context.Canceled) {
		r.t.Fatalf("a release that is interrupted says so: got %v, want %v", err, context.Canceled)
	}
	select {
	case <-ended:
	case <-time.After(30 * time.Second):
		r.t.Errorf("a release that is interrupted leaves no process behind: its test still runs")
	}
}

func (r *rehearsal) hasTags(rule string, want ...string) {
	r.t.Helper()
	if got := strings.Fields(r.git("tag", "--list")); !slices.Equal(got, want) {
		r.t.Fatalf("%s: got the tags %q, want %q", rule, got, want)
	}
}

// requires checks the go.mod at a tag: no replaces, and just these siblings.
func (r *rehearsal) requires(tag string, want ...string) {
	r.t.Helper()
	folder, _, _ := strings.Cut(tag, "/")
	file, err := modfile.Parse(tag, []byte(r.git("show", tag+":"+folder+"/go.mod")), nil)
	if err != nil {
		r.t.Fatal(err)
	}
	var got []string
	for _, require := range file.Require {
		if s, ok := workspace.Sibling(require.Mod.Path); ok {
			got = append(got, s+" "+require.Mod.Version)
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if len(file.Replace) > 0 || !slices.Equal(got, want) {
		r.t.Errorf("%s is as its users get it: got %d replaces and the siblings %q, want none and %q", tag, len(file.Replace), got, want)
	}
	if changed := strings.Fields(r.git("diff", "--name-only", tag+"~", tag)); folder != "wire" &&
		!slices.Equal(changed, []string{folder + "/go.mod", folder + "/go.sum"}) {
		r.t.Errorf("the commit of %s gives the module its released form and nothing else: it changes %q", tag, changed)
	}
}

const user = `package main

import (
	"context"
	"fmt"
	"os"

	jsoncodec "github.com/unkn0wn-root/cascache/codec-json"
	cascache "github.com/unkn0wn-root/cascache/core"
	ristrettoprovider "github.com/unkn0wn-root/cascache/provider-ristretto"
)

func main() {
	provider, err := ristrettoprovider.New(ristrettoprovider.Config{})
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	cache, err := cascache.New(cascache.Options[int]{Namespace: "n", Provider: provider, Codec: jsoncodec.JSON[int]{}})
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	defer cache.Close(context.Background())
	fmt.Println(cache.Invalidate(context.Background(), "1"), cascache.Rehearsed())
}
`

// used builds and runs a program outside the repository that requires what was
// released: once from a proxy made of the tags, and once from the tags
// themselves, which the go command clones as it would from where they are
// published. Both must be the same, down to the checksums.
func (r *rehearsal) used() {
	r.t.Helper()
	ctx := r.t.Context()
	w, err := open(ctx, repository(r.root), r.t.TempDir(), true, io.Discard)
	if err != nil {
		r.t.Fatal(err)
	}
	for _, tagged := range []release{{"core", "v0.1.1"}, {"codec-json", "v0.1.0"}, {"provider-ristretto", "v0.1.0"}} {
		if err := w.stage(ctx, tagged); err != nil {
			r.t.Fatal(err)
		}
	}
	published := filepath.Join(r.t.TempDir(), "gitconfig")
	if err := os.WriteFile(published, fmt.Appendf(nil, "[url \"file://%s\"]\n\tinsteadOf = https://%s\n", r.root, workspace.Base), 0o644); err != nil {
		r.t.Fatal(err)
	}
	elsewhere, err := modproxy.Dir(r.t.TempDir()).Env(r.t.TempDir(), workspace.Base)
	if err != nil {
		r.t.Fatal(err)
	}
	sums := make(map[string]string)
	for source, env := range map[string][]string{
		"the staged proxy": w.env,
		"git":              append(elsewhere, "GIT_CONFIG_GLOBAL="+published, "GONOPROXY="+workspace.Base),
	} {
		dir := r.t.TempDir()
		for name, text := range map[string]string{
			"main.go": user,
			"go.mod": "module example.com/user\n\ngo 1.26.0\n\nrequire (\n\t" + workspace.Base + "/core v0.1.1\n\t" +
				workspace.Base + "/codec-json v0.1.0\n\t" + workspace.Base + "/provider-ristretto v0.1.0\n)\n",
		} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
				r.t.Fatal(err)
			}
		}
		goCommand := func(args ...string) string {
			r.t.Helper()
			out, err := run(ctx, dir, env, "go", args...)
			if err != nil {
				r.t.Fatalf("from %s: %v", source, err)
			}
			return out
		}
		goCommand("mod", "tidy")
		if out := goCommand("run", "."); out != "<nil> 1" {
			r.t.Errorf("a program built from %s uses the cache and what is new in core: it printed %q", source, out)
		}
		var got []string
		for line := range strings.Lines(goCommand("list", "-m", "all")) {
			if s, ok := workspace.Sibling(strings.TrimSpace(line)); ok {
				got = append(got, s)
			}
		}
		want := []string{"codec-json v0.1.0", "conformance v0.1.0", "core v0.1.1", "provider-ristretto v0.1.0", "wire v0.1.0"}
		if !slices.Equal(got, want) {
			r.t.Errorf("a program built from %s has tagged versions only: got %q, want %q", source, got, want)
		}
		sum, err := os.ReadFile(filepath.Join(dir, "go.sum"))
		if err != nil {
			r.t.Fatal(err)
		}
		sums[source] = string(sum)
	}
	if sums["git"] != sums["the staged proxy"] {
		r.t.Errorf("what was tested is what is published: from git the checksums are\n%s\nand from the staged proxy\n%s", sums["git"], sums["the staged proxy"])
	}
	// The release commits hold the checksums of what is published, too.
	held, err := exec.Command("git", "-C", r.root, "show", "codec-json/v0.1.0:codec-json/go.sum").Output()
	if err != nil {
		r.t.Fatal(err)
	}
	for line := range strings.Lines(string(held)) {
		if strings.Contains(line, "/core v0.1.0") {
			continue // the user has v0.1.1
		}
		if strings.Contains(line, workspace.Base) && !strings.Contains(sums["git"], line) {
			r.t.Errorf("the go.sum of codec-json v0.1.0 holds %q, which is not what git serves", strings.TrimSpace(line))
		}
	}
}
