package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"

	"github.com/unkn0wn-root/cascache/internal/tools/modproxy"
	"github.com/unkn0wn-root/cascache/internal/tools/workspace"
)

// A workshop is where releases are made: a clone of the repository, and what
// lies beside it, all of which is thrown away. The repository that it was
// cloned from is only read, until finished tags are fetched into it.
type workshop struct {
	dir    string
	clone  repository
	start  string // the commit that is released
	proxy  modproxy.Dir
	env    []string // of the go command
	staged map[release]bool
	short  bool // without the long tests
	out    io.Writer
}

// open clones the commit that is checked out in source into dir.
func open(ctx context.Context, source repository, dir string, short bool, out io.Writer) (*workshop, error) {
	w := &workshop{
		dir:    dir,
		clone:  repository(filepath.Join(dir, "clone")),
		proxy:  modproxy.Dir(filepath.Join(dir, "proxy")),
		staged: make(map[release]bool),
		short:  short,
		out:    out,
	}
	var err error
	if w.start, err = source.git(ctx, "rev-parse", "HEAD"); err != nil {
		return nil, err
	}
	if _, err := source.git(ctx, "clone", "--quiet", "--no-checkout", ".", string(w.clone)); err != nil {
		return nil, err
	}
	// The clone has the machine's settings, and these are often the repository's.
	for _, setting := range []string{"user.name", "user.email"} {
		if value, err := source.git(ctx, "config", setting); err == nil {
			if _, err := w.clone.git(ctx, "config", setting, value); err != nil {
				return nil, err
			}
		}
	}
	if _, err := w.clone.git(ctx, "checkout", "--quiet", "--detach", w.start); err != nil {
		return nil, err
	}
	w.env, err = w.proxy.Env(filepath.Join(dir, "modcache"), workspace.Base)
	return w, err
}

// path returns where a module lies in the clone, or a file of it.
func (w *workshop) path(folder string, name ...string) string {
	return filepath.Join(append([]string{string(w.clone), filepath.FromSlash(folder)}, name...)...)
}

func (w *workshop) goMod(folder string) (*modfile.File, error) {
	file := w.path(folder, "go.mod")
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	return modfile.Parse(file, data, nil)
}

func (w *workshop) say(format string, args ...any) { fmt.Fprintf(w.out, "   "+format+"\n", args...) }

// make makes one release: a commit whose module is as its users get it, and
// the tag that points to it.
func (w *workshop) make(ctx context.Context, r release, now time.Time) error {
	fmt.Fprintf(w.out, "== %s\n", r)
	if _, err := w.clone.git(ctx, "checkout", "--quiet", "--force", "--detach", w.start); err != nil {
		return err
	}
	last, err := w.last(ctx, r.folder)
	if err != nil {
		return err
	}
	if err := checkVersion(last, r.version); err != nil {
		return err
	}
	changelog, err := os.ReadFile(w.path(r.folder, "CHANGELOG.md"))
	if err != nil {
		return err
	}
	notes, err := checkChangelog(string(changelog), last, r.version, now)
	if err != nil {
		return fmt.Errorf("CHANGELOG.md: %w", err)
	}
	if err := w.release(ctx, r.folder); err != nil {
		return err
	}
	if err := w.compare(ctx, r, last); err != nil {
		return err
	}
	if err := w.test(ctx, r.folder); err != nil {
		return err
	}
	if err := w.commit(ctx, r, notes); err != nil {
		return err
	}
	return w.prove(ctx, r)
}

// last returns the last release of a module, or "".
func (w *workshop) last(ctx context.Context, folder string) (string, error) {
	tags, err := w.clone.git(ctx, "tag", "--list", folder+"/v*")
	if err != nil {
		return "", err
	}
	var versions []string
	for tag := range strings.FieldsSeq(tags) {
		if version := strings.TrimPrefix(tag, folder+"/"); plain(version) {
			versions = append(versions, version)
		}
	}
	if len(versions) == 0 {
		return "", nil
	}
	return slices.MaxFunc(versions, semver.Compare), nil
}

// release gives a module its released form: siblings at their last releases,
// no replaces, and a go.sum to match.
func (w *workshop) release(ctx context.Context, folder string) error {
	file, err := w.goMod(folder)
	if err != nil {
		return err
	}
	err = workspace.Release(file, func(s string) (string, error) {
		version, err := w.last(ctx, s)
		switch {
		case err != nil:
			return "", err
		case version == "":
			return "", fmt.Errorf("%s requires %s, which has no release yet: release it first, or both at once", folder, s)
		}
		w.say("requires %s %s", s, version)
		return version, w.stage(ctx, release{s, version})
	})
	if err != nil {
		return err
	}
	formed, err := file.Format()
	if err != nil {
		return err
	}
	if err := os.WriteFile(w.path(folder, "go.mod"), formed, 0o644); err != nil {
		return err
	}
	if _, err := run(ctx, w.path(folder), w.env, "go", "mod", "tidy"); err != nil {
		return err
	}
	if file, err = w.goMod(folder); err != nil {
		return err
	}
	return checkReleasedForm(file)
}

// stage puts a release into the proxy, and those that it requires.
func (w *workshop) stage(ctx context.Context, r release) error {
	if w.staged[r] {
		return nil
	}
	w.staged[r] = true
	if err := w.proxy.StageTag(string(w.clone), module.Version{Path: workspace.Base + "/" + r.folder, Version: r.version}, r.folder); err != nil {
		return err
	}
	goMod, err := w.clone.git(ctx, "show", r.tag()+":"+r.folder+"/go.mod")
	if err != nil {
		return err
	}
	file, err := modfile.Parse(r.tag()+":go.mod", []byte(goMod), nil)
	if err != nil {
		return err
	}
	if err := checkReleasedForm(file); err != nil {
		return fmt.Errorf("%s: %w", r.tag(), err)
	}
	for _, require := range file.Require {
		if folder, ok := workspace.Sibling(require.Mod.Path); ok {
			if err := w.stage(ctx, release{folder, require.Mod.Version}); err != nil {
				return err
			}
		}
	}
	return nil
}

// compare holds the API against that of the last release.
func (w *workshop) compare(ctx context.Context, r release, last string) error {
	if last == "" {
		w.say("first release: no API to compare with")
		return nil
	}
	if err := w.stage(ctx, release{r.folder, last}); err != nil { // and all that the old one requires
		return err
	}
	old := filepath.Join(w.dir, "last", r.folder)
	if _, err := w.clone.git(ctx, "worktree", "add", "--quiet", "--detach", old, release{r.folder, last}.tag()); err != nil {
		return err
	}
	incompatible, compatible, err := compare(ctx, w.env, workspace.Base+"/"+r.folder,
		filepath.Join(old, filepath.FromSlash(r.folder)), w.path(r.folder))
	if err != nil {
		return err
	}
	for _, change := range incompatible {
		w.say("API, incompatible with %s: %s", last, change)
	}
	for _, change := range compatible {
		w.say("API, new since %s: %s", last, change)
	}
	if len(incompatible)+len(compatible) == 0 {
		w.say("API as in %s", last)
	}
	return checkChanges(last, r.version, incompatible, compatible)
}

func (w *workshop) test(ctx context.Context, folder string) error {
	if _, err := run(ctx, w.path(folder), w.env, "go", "vet", "./..."); err != nil {
		return err
	}
	args := []string{"test", "-count=1", "./..."}
	if w.short {
		args = slices.Insert(args, 1, "-short")
	}
	if _, err := run(ctx, w.path(folder), w.env, "go", args...); err != nil {
		return err
	}
	w.say("go vet and go %s pass", strings.Join(args, " "))
	return nil
}

// commit commits the released form and tags it. A module whose working form is
// its released one is tagged where it is.
func (w *workshop) commit(ctx context.Context, r release, notes string) error {
	changed, err := w.changed(ctx)
	if err != nil {
		return err
	}
	for _, name := range changed {
		if name != r.folder+"/go.mod" && name != r.folder+"/go.sum" {
			return fmt.Errorf("the release changes %s, and may change nothing but the module's go.mod and go.sum", name)
		}
	}
	if len(changed) > 0 {
		if _, err := w.clone.git(ctx, "add", "--", r.folder); err != nil {
			return err
		}
		if _, err := w.clone.git(ctx, "commit", "--quiet", "--message", "Release "+r.String()); err != nil {
			return err
		}
		diff, err := w.clone.git(ctx, "diff", "--unified=0", w.start, "HEAD", "--", r.folder+"/go.mod")
		if err != nil {
			return err
		}
		for line := range strings.Lines(diff) {
			w.say("%s", strings.TrimRight(line, "\n"))
		}
	}
	message := r.String() + "\n\n" + notes
	if _, err := w.clone.git(ctx, "tag", "--annotate", "--cleanup=verbatim", "--message", message, r.tag()); err != nil {
		return err
	}
	w.say("tagged %s", r.tag())
	return nil
}

// changed returns the files of the clone that are not as the start has them.
func (w *workshop) changed(ctx context.Context) ([]string, error) {
	edited, err := w.clone.git(ctx, "diff", "--name-only", w.start)
	if err != nil {
		return nil, err
	}
	added, err := w.clone.git(ctx, "ls-files", "--others", "--exclude-standard")
	return slices.Concat(strings.Fields(edited), strings.Fields(added)), err
}

// prove builds every package of the release in a module outside the
// repository, which gets it from the proxy as a user would.
func (w *workshop) prove(ctx context.Context, r release) error {
	if err := w.stage(ctx, r); err != nil {
		return err
	}
	file, err := w.goMod(r.folder)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp(w.dir, "consumer")
	if err != nil {
		return err
	}
	goMod := fmt.Sprintf("module example.com/consumer\n\ngo %s\n\nrequire %s/%s %s\n", file.Go.Version, workspace.Base, r.folder, r.version)
	if err := os.WriteFile(filepath.Join(dir, "go.mod"), []byte(goMod), 0o644); err != nil {
		return err
	}
	if _, err := run(ctx, dir, w.env, "go", "build", "-mod=mod", workspace.Base+"/"+r.folder+"/..."); err != nil {
		return err
	}
	w.say("builds outside the repository")
	return nil
}

// deliver fetches the tags of finished releases into the repository.
func (w *workshop) deliver(ctx context.Context, target repository, releases []release) error {
	args := []string{"fetch", "--quiet", "--atomic", "--no-tags", string(w.clone)}
	for _, r := range releases {
		ref := "refs/tags/" + r.tag()
		args = append(args, ref+":"+ref)
	}
	_, err := target.git(ctx, args...)
	return err
}

// checkCommitted: what is released is what is committed, so what is not would
// be missing from the release without a word.
func checkCommitted(ctx context.Context, source repository, releases []release) error {
	var problems []error
	for _, r := range releases {
		changed, err := source.git(ctx, "status", "--porcelain", "--", r.folder)
		if err != nil {
			return err
		}
		if changed != "" {
			problems = append(problems, fmt.Errorf("%s has changes that are not committed:\n%s", r.folder, changed))
		}
	}
	return errors.Join(problems...)
}
