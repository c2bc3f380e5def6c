package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/unkn0wn-root/cascache/internal/tools/workspace"
)

// A release is a module's folder and the version it gets.
type release struct{ folder, version string }

func (r release) String() string { return r.folder + " " + r.version }

// tag is the name under which the go command looks for a module in a folder.
func (r release) tag() string { return r.folder + "/" + r.version }

// plan returns the releases that are asked for as folder@version, each after
// those of its siblings, which it is to require.
func plan(modules []workspace.Module, asked []string) ([]release, error) {
	byFolder := make(map[string]workspace.Module)
	for _, m := range modules {
		byFolder[m.Folder] = m
	}
	versions := make(map[string]string)
	for _, arg := range asked {
		folder, version, ok := strings.Cut(arg, "@")
		m, exists := byFolder[folder]
		switch {
		case !ok || !plain(version):
			return nil, fmt.Errorf("%q: want <folder>@vX.Y.Z", arg)
		case !exists || !m.Released():
			return nil, fmt.Errorf("%q: %s is no module that is released", arg, folder)
		case versions[folder] != "":
			return nil, fmt.Errorf("%s is asked for twice", folder)
		}
		versions[folder] = version
	}
	if len(versions) == 0 {
		return nil, fmt.Errorf("nothing to release: want <folder>@vX.Y.Z")
	}
	var order []release
	var follow func(folder string, seen []string) error
	follow = func(folder string, seen []string) error {
		if slices.Contains(seen, folder) {
			return fmt.Errorf("%s requires itself", strings.Join(append(seen, folder), " → "))
		}
		m, exists := byFolder[folder]
		if !exists {
			return fmt.Errorf("%s is required, and is no module of the workspace", folder)
		}
		for _, s := range workspace.Siblings(m.File) {
			if err := follow(s, append(seen, folder)); err != nil {
				return err
			}
		}
		r := release{folder, versions[folder]}
		if r.version != "" && !slices.Contains(order, r) {
			order = append(order, r)
		}
		return nil
	}
	for _, m := range modules {
		if versions[m.Folder] != "" {
			if err := follow(m.Folder, nil); err != nil {
				return nil, err
			}
		}
	}
	return order, nil
}
