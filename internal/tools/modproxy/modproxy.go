// Package modproxy builds a module proxy in a directory, which the go command
// uses by its file:// URL: https://go.dev/ref/mod#goproxy-protocol.
//
// What is staged there can be required, built and tested like a release,
// without being one.
package modproxy

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/mod/module"
	"golang.org/x/mod/zip"
)

// A Dir is the directory of a proxy. One that does not exist is made.
type Dir string

// Stage writes one version of a module. goMod is what the zip's go.mod holds.
func (d Dir) Stage(m module.Version, goMod []byte, files []zip.File) error {
	var archive bytes.Buffer
	if err := zip.Create(&archive, m, files); err != nil {
		return err
	}
	return d.write(m, goMod, archive.Bytes(), time.Unix(0, 0))
}

// StageTag writes the version that the tag `<folder>/<version>` of a git
// repository releases, as the go command would make it of the same tag: the
// two have the same checksum.
func (d Dir) StageTag(repository string, m module.Version, folder string) error {
	tag := folder + "/" + m.Version
	goMod, err := exec.Command("git", "-C", repository, "show", tag+":"+folder+"/go.mod").Output()
	if err != nil {
		return fmt.Errorf("go.mod at %s: %w", tag, err)
	}
	date, err := exec.Command("git", "-C", repository, "log", "-1", "--format=%cI", tag).Output()
	if err != nil {
		return fmt.Errorf("date of %s: %w", tag, err)
	}
	committed, err := time.Parse(time.RFC3339, strings.TrimSpace(string(date)))
	if err != nil {
		return fmt.Errorf("date of %s: %w", tag, err)
	}
	var archive bytes.Buffer
	if err := zip.CreateFromVCS(&archive, m, repository, tag, folder); err != nil {
		return err
	}
	return d.write(m, goMod, archive.Bytes(), committed)
}

func (d Dir) write(m module.Version, goMod, archive []byte, committed time.Time) error {
	path, err := module.EscapePath(m.Path)
	if err != nil {
		return err
	}
	info, err := json.Marshal(struct {
		Version string
		Time    time.Time
	}{m.Version, committed.UTC()})
	if err != nil {
		return err
	}
	dir := filepath.Join(string(d), filepath.FromSlash(path), "@v")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for suffix, content := range map[string][]byte{".info": info, ".mod": goMod, ".zip": archive} {
		if err := os.WriteFile(filepath.Join(dir, m.Version+suffix), content, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// Env returns the environment of a go command that finds the staged modules,
// outside any workspace and any settings of this machine, with a module cache
// of its own in modCache: what is staged must not stay behind where the same
// version will be downloaded one day. It takes third parties from what this
// machine has downloaded already, and only what is missing there from where
// this machine downloads. The staged modules, those under base, are in no
// checksum database; the others are looked up as usual.
func (d Dir) Env(modCache, base string) ([]string, error) {
	out, err := exec.Command("go", "env", "GOMODCACHE", "GOPROXY", "GOCACHE", "GOSUMDB").Output()
	if err != nil {
		return nil, fmt.Errorf("go env: %w", err)
	}
	host := strings.Split(string(out), "\n")
	proxies := []string{
		"file://" + filepath.ToSlash(string(d)),
		"file://" + filepath.ToSlash(host[0]) + "/cache/download",
		host[1],
	}
	return append(os.Environ(),
		"GOPROXY="+strings.Join(proxies, ","),
		"GOMODCACHE="+modCache,
		"GOCACHE="+host[2],
		"GOSUMDB="+host[3],
		"GONOSUMDB="+base,
		"GOFLAGS=-modcacherw -trimpath -buildvcs=false", // a cache that can be removed; builds that the next run can use
		"GOWORK=off",
		"GOENV=off",
		// Set, either would go round the proxies.
		"GOPRIVATE=", "GONOPROXY=",
	), nil
}

// A DiskFile is a file of a module's zip that lies at Source.
type DiskFile struct{ Name, Source string }

// Path returns the file's name in the zip.
func (f DiskFile) Path() string { return f.Name }

// Lstat describes the source.
func (f DiskFile) Lstat() (fs.FileInfo, error) { return os.Lstat(f.Source) }

// Open opens the source.
func (f DiskFile) Open() (io.ReadCloser, error) { return os.Open(f.Source) }

// A MemoryFile is a file of a module's zip that is nowhere else.
type MemoryFile struct {
	Name    string
	Content []byte
}

// Path returns the file's name in the zip.
func (f MemoryFile) Path() string { return f.Name }

// Lstat describes the content.
func (f MemoryFile) Lstat() (fs.FileInfo, error) { return memoryInfo{f}, nil }

// Open opens the content.
func (f MemoryFile) Open() (io.ReadCloser, error) {
	return io.NopCloser(bytes.NewReader(f.Content)), nil
}

type memoryInfo struct{ file MemoryFile }

func (i memoryInfo) Name() string       { return i.file.Name }
func (i memoryInfo) Size() int64        { return int64(len(i.file.Content)) }
func (i memoryInfo) Mode() fs.FileMode  { return 0o644 }
func (i memoryInfo) ModTime() time.Time { return time.Time{} }
func (i memoryInfo) IsDir() bool        { return false }
func (i memoryInfo) Sys() any           { return nil }
