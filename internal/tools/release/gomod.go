package main

import (
	"fmt"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"
)

const (
	base      = "github.com/unkn0wn-root/cascache"
	unstamped = "v0.0.0" // the version at which siblings are required between releases
)

// releasedForm returns the go.mod of a release: no replaces, which users of the
// module would not get, and each sibling at the version that released gives.
func releasedForm(file *modfile.File, released func(folder string) (version string, err error)) ([]byte, error) {
	for _, r := range slices.Clone(file.Replace) {
		if err := file.DropReplace(r.Old.Path, r.Old.Version); err != nil {
			return nil, err
		}
	}
	for _, r := range slices.Clone(file.Require) {
		folder, ok := sibling(r.Mod.Path)
		if !ok {
			continue
		}
		version, err := released(folder)
		if err != nil {
			return nil, err
		}
		if err := file.AddRequire(r.Mod.Path, version); err != nil {
			return nil, err
		}
	}
	file.Cleanup()
	return file.Format()
}

// checkReleasedForm says whether nothing of the working form is left.
func checkReleasedForm(file *modfile.File) error {
	if len(file.Replace) > 0 || len(file.Exclude) > 0 {
		return fmt.Errorf("go.mod still replaces or excludes a module, which its users would not")
	}
	for _, r := range file.Require {
		if _, ok := sibling(r.Mod.Path); ok && (r.Mod.Version == unstamped || !plain(r.Mod.Version)) {
			return fmt.Errorf("go.mod requires %s, which is no release", r.Mod)
		}
	}
	return nil
}

// siblings returns the folders of the modules of this repository that file requires.
func siblings(file *modfile.File) []string {
	var folders []string
	for _, r := range file.Require {
		if folder, ok := sibling(r.Mod.Path); ok {
			folders = append(folders, folder)
		}
	}
	return folders
}

// sibling returns the folder of a module of this repository.
func sibling(modulePath string) (folder string, ok bool) {
	return strings.CutPrefix(modulePath, base+"/")
}
