// Package workspace reads the modules that a go.work file lists, and knows the
// two forms of their go.mod files: the working one and that of a release.
package workspace

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"

	"golang.org/x/mod/modfile"
)

// A Module is one module of the workspace.
type Module struct {
	Folder string // relative to the root, with slashes: "internal/tools"
	File   *modfile.File
}

// Path is the module's path, or "" when its go.mod names none.
func (m Module) Path() string {
	if m.File.Module == nil {
		return ""
	}
	return m.File.Module.Mod.Path
}

// Go is the version in the module's go directive, or "" when it has none.
func (m Module) Go() string {
	if m.File.Go == nil {
		return ""
	}
	return m.File.Go.Version
}

// Released reports whether the module is one that users get. What lies under
// internal, examples and bench is never tagged, but for what released modules
// have in common.
func (m Module) Released() bool {
	if m.Folder == "internal/redisgen" {
		return true
	}
	first, _, _ := strings.Cut(m.Folder, "/")
	return first != "internal" && first != "examples" && first != "bench"
}

// Modules returns the modules that root/go.work uses, in its order.
func Modules(root string) ([]Module, error) {
	work, err := Work(root)
	if err != nil {
		return nil, err
	}
	var modules []Module
	for _, use := range work.Use {
		m, err := Read(root, path.Clean(use.Path))
		if err != nil {
			return nil, err
		}
		modules = append(modules, m)
	}
	return modules, nil
}

// Work parses root/go.work.
func Work(root string) (*modfile.WorkFile, error) {
	file := filepath.Join(root, "go.work")
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("no workspace: %w", err)
	}
	return modfile.ParseWork(file, data, nil)
}

// Read parses the go.mod in a folder of root.
func Read(root, folder string) (Module, error) {
	file := filepath.Join(root, filepath.FromSlash(folder), "go.mod")
	data, err := os.ReadFile(file)
	if err != nil {
		return Module{}, err
	}
	mod, err := modfile.Parse(file, data, nil)
	if err != nil {
		return Module{}, err
	}
	return Module{Folder: folder, File: mod}, nil
}
