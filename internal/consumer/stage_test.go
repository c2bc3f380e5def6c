package consumer

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
	"golang.org/x/mod/zip"
)

const (
	base    = "github.com/unkn0wn-root/cascache"
	root    = "../.."  // the repository, seen from this folder
	release = "v0.1.0" // the version that every module is staged at
)

// A proxy is a directory that the go command can use as a file:// module proxy.
type proxy string

// stageReleased stages every released module of the workspace at version and
// returns their folders.
func (p proxy) stageReleased(t *testing.T, version string) []string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(root, "go.work"))
	if err != nil {
		t.Fatal(err)
	}
	work, err := modfile.ParseWork("go.work", data, nil)
	if err != nil {
		t.Fatal(err)
	}
	var folders []string
	for _, use := range work.Use {
		if folder := strings.TrimPrefix(use.Path, "./"); released(folder) {
			folders = append(folders, folder)
		}
	}
	if !slices.Contains(folders, "core") {
		t.Fatalf("go.work does not use ./core, but %v: nothing to prove", folders)
	}
	for _, folder := range folders {
		p.stageFolder(t, folder, version)
	}
	return folders
}

func released(folder string) bool {
	first, _, _ := strings.Cut(folder, "/")
	return first != "internal" && first != "examples" && first != "bench"
}

// stageFolder stages one module of the repository as its release would be: no
// replaces, and siblings at the version that is staged too. Further edits of
// its go.mod make a module that differs from the repository's.
func (p proxy) stageFolder(t *testing.T, folder, version string, edits ...func(*modfile.File)) {
	t.Helper()
	dir := filepath.Join(root, folder)
	data, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	mod, err := modfile.Parse(folder+"/go.mod", data, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range slices.Clone(mod.Replace) {
		if err := mod.DropReplace(r.Old.Path, r.Old.Version); err != nil {
			t.Fatal(err)
		}
	}
	for _, r := range mod.Require {
		sibling, ok := strings.CutPrefix(r.Mod.Path, base+"/")
		if !ok {
			continue
		}
		if !released(sibling) {
			t.Errorf("%s requires %s, which is never released: nobody could download it", folder, sibling)
		}
		if err := mod.AddRequire(r.Mod.Path, release); err != nil {
			t.Fatal(err)
		}
	}
	for _, edit := range edits {
		edit(mod)
	}
	mod.Cleanup()
	goMod, err := mod.Format()
	if err != nil {
		t.Fatal(err)
	}

	checked, err := zip.CheckDir(dir)
	if err == nil {
		err = checked.Err()
	}
	if err != nil {
		t.Fatalf("%s cannot be released: %v", folder, err)
	}
	files := []zip.File{memoryFile{"go.mod", goMod}}
	licensed := false
	for _, source := range checked.Valid {
		name, err := filepath.Rel(dir, source)
		if err != nil {
			t.Fatal(err)
		}
		licensed = licensed || name == "LICENSE"
		if name != "go.mod" {
			files = append(files, diskFile{filepath.ToSlash(name), source})
		}
	}
	if !licensed {
		t.Errorf("the zip of %s has no LICENSE, so that nobody may use it", folder)
	}
	p.stage(t, module.Version{Path: base + "/" + folder, Version: version}, goMod, files)
}

// stage writes one module in the form of https://go.dev/ref/mod#goproxy-protocol.
func (p proxy) stage(t *testing.T, m module.Version, goMod []byte, files []zip.File) {
	t.Helper()
	dir := filepath.Join(string(p), filepath.FromSlash(m.Path), "@v")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	var archive bytes.Buffer
	if err := zip.Create(&archive, m, files); err != nil {
		t.Fatalf("zip of %s: %v", m, err)
	}
	info := fmt.Sprintf(`{"Version":%q,"Time":"2025-01-01T00:00:00Z"}`, m.Version)
	for name, content := range map[string][]byte{
		m.Version + ".info": []byte(info),
		m.Version + ".mod":  goMod,
		m.Version + ".zip":  archive.Bytes(),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// diskFile and memoryFile are files of a module's zip.
type diskFile struct{ name, source string }

func (f diskFile) Path() string                 { return f.name }
func (f diskFile) Lstat() (fs.FileInfo, error)  { return os.Lstat(f.source) }
func (f diskFile) Open() (io.ReadCloser, error) { return os.Open(f.source) }

type memoryFile struct {
	name    string
	content []byte
}

func (f memoryFile) Path() string                { return f.name }
func (f memoryFile) Lstat() (fs.FileInfo, error) { return memoryInfo{f}, nil }
func (f memoryFile) Open() (io.ReadCloser, error) {
	return io.NopCloser(bytes.NewReader(f.content)), nil
}

type memoryInfo struct{ file memoryFile }

func (i memoryInfo) Name() string       { return i.file.name }
func (i memoryInfo) Size() int64        { return int64(len(i.file.content)) }
func (i memoryInfo) Mode() fs.FileMode  { return 0o644 }
func (i memoryInfo) ModTime() time.Time { return time.Time{} }
func (i memoryInfo) IsDir() bool        { return false }
func (i memoryInfo) Sys() any           { return nil }
