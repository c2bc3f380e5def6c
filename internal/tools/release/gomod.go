package main

import (
	"fmt"

	"golang.org/x/mod/modfile"

	"github.com/unkn0wn-root/cascache/internal/tools/workspace"
)

// checkReleasedForm says whether nothing of the working form is left in a
// go.mod.
func checkReleasedForm(file *modfile.File) error {
	if len(file.Replace) > 0 || len(file.Exclude) > 0 {
		return fmt.Errorf("go.mod still replaces or excludes a module, which its users would not")
	}
	for _, r := range file.Require {
		if _, ok := workspace.Sibling(r.Mod.Path); ok && (r.Mod.Version == workspace.Unreleased || !plain(r.Mod.Version)) {
			return fmt.Errorf("go.mod requires %s, which is no release", r.Mod)
		}
	}
	return nil
}
