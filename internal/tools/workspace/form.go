package workspace

import (
	"slices"
	"strings"

	"golang.org/x/mod/modfile"
)

const (
	// Base is what the path of a module of this repository has before its folder.
	Base = "github.com/unkn0wn-root/cascache"

	// Unreleased is the version at which siblings are required in the working
	// form of a go.mod, where they are replaced by their folders.
	Unreleased = "v0.0.0"
)

// Sibling returns the folder of a module of this repository.
func Sibling(modulePath string) (folder string, ok bool) {
	return strings.CutPrefix(modulePath, Base+"/")
}

// Siblings returns the folders of the modules of this repository that file
// requires.
func Siblings(file *modfile.File) []string {
	var folders []string
	for _, r := range file.Require {
		if folder, ok := Sibling(r.Mod.Path); ok {
			folders = append(folders, folder)
		}
	}
	return folders
}

// Release gives a go.mod the form of a release: no replaces, which users of the
// module would not get, and each sibling at the version that the function
// returns for its folder.
func Release(file *modfile.File, version func(folder string) (string, error)) error {
	for _, r := range slices.Clone(file.Replace) {
		if err := file.DropReplace(r.Old.Path, r.Old.Version); err != nil {
			return err
		}
	}
	for _, folder := range Siblings(file) {
		v, err := version(folder)
		if err != nil {
			return err
		}
		if err := file.AddRequire(Base+"/"+folder, v); err != nil {
			return err
		}
	}
	file.Cleanup()
	return nil
}
