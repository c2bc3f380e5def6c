package consumer

import (
	"path/filepath"
	"slices"
	"testing"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
	"golang.org/x/mod/zip"

	"github.com/unkn0wn-root/cascache/internal/tools/modproxy"
	"github.com/unkn0wn-root/cascache/internal/tools/workspace"
)

const (
	base    = workspace.Base
	root    = "../.."  // the repository, seen from this folder
	release = "v0.1.0" // the version that every module is staged at
)

// releasedModules returns the modules of the workspace that users can import.
func releasedModules(t *testing.T) []workspace.Module {
	t.Helper()
	modules, err := workspace.Modules(root)
	if err != nil {
		t.Fatal(err)
	}
	modules = slices.DeleteFunc(modules, func(m workspace.Module) bool { return !m.Released() })
	if !slices.ContainsFunc(modules, func(m workspace.Module) bool { return m.Folder == "core" }) {
		t.Fatalf("go.work does not use ./core: nothing to prove")
	}
	return modules
}

// stageReleased stages every released module of the workspace, and returns the
// proxy.
func stageReleased(t *testing.T) modproxy.Dir {
	t.Helper()
	p := modproxy.Dir(t.TempDir())
	for _, m := range releasedModules(t) {
		stageFolder(t, p, m.Folder, release)
	}
	return p
}

// stageFolder stages one module of the repository as its release would be: no
// replaces, and siblings at the version that is staged too. Further edits of
// its go.mod make a module that differs from the repository's.
func stageFolder(t *testing.T, p modproxy.Dir, folder, version string, edits ...func(*modfile.File)) {
	t.Helper()
	m, err := workspace.Read(root, folder)
	if err != nil {
		t.Fatal(err)
	}
	mod := m.File
	err = workspace.Release(mod, func(sibling string) (string, error) {
		if !(workspace.Module{Folder: sibling}).Released() {
			t.Errorf("%s requires %s, which is never released: nobody could download it", folder, sibling)
		}
		return release, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, edit := range edits {
		edit(mod)
	}
	mod.Cleanup()
	goMod, err := mod.Format()
	if err != nil {
		t.Fatal(err)
	}

	dir := filepath.Join(root, folder)
	checked, err := zip.CheckDir(dir)
	if err == nil {
		err = checked.Err()
	}
	if err != nil {
		t.Fatalf("%s cannot be released: %v", folder, err)
	}
	files := []zip.File{modproxy.MemoryFile{Name: "go.mod", Content: goMod}}
	licensed := false
	for _, source := range checked.Valid {
		name, err := filepath.Rel(dir, source)
		if err != nil {
			t.Fatal(err)
		}
		licensed = licensed || name == "LICENSE"
		if name != "go.mod" {
			files = append(files, modproxy.DiskFile{Name: filepath.ToSlash(name), Source: source})
		}
	}
	if !licensed {
		t.Errorf("the zip of %s has no LICENSE, so that nobody may use it", folder)
	}
	stage(t, p, module.Version{Path: base + "/" + folder, Version: version}, goMod, files)
}

func stage(t *testing.T, p modproxy.Dir, m module.Version, goMod []byte, files []zip.File) {
	t.Helper()
	if err := p.Stage(m, goMod, files); err != nil {
		t.Fatalf("zip of %s: %v", m, err)
	}
}
