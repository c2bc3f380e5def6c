package main

import (
	"context"
	"fmt"
	"strings"

	"golang.org/x/exp/apidiff"
	"golang.org/x/tools/go/packages"
)

// compare returns what became of the API of the module in one directory in
// another: what breaks those who compile against the old one, and what doesn't.
func compare(ctx context.Context, env []string, module, oldDir, newDir string) (incompatible, compatible []string, err error) {
	before, err := load(ctx, env, module, oldDir)
	if err != nil {
		return nil, nil, err
	}
	after, err := load(ctx, env, module, newDir)
	if err != nil {
		return nil, nil, err
	}
	for _, c := range apidiff.ModuleChanges(before, after).Changes {
		if c.Compatible {
			compatible = append(compatible, c.Message)
		} else {
			incompatible = append(incompatible, c.Message)
		}
	}
	return incompatible, compatible, nil
}

// load returns the packages of a module that others can import.
func load(ctx context.Context, env []string, module, dir string) (*apidiff.Module, error) {
	found, err := packages.Load(&packages.Config{
		Context: ctx,
		Dir:     dir,
		Env:     env,
		Mode:    packages.NeedName | packages.NeedTypes | packages.NeedTypesSizes | packages.NeedImports | packages.NeedExportFile,
	}, "./...")
	if err != nil {
		return nil, err
	}
	m := &apidiff.Module{Path: module}
	for _, p := range found {
		for _, e := range p.Errors {
			// A difference to half a package would say nothing.
			return nil, fmt.Errorf("%s: %w", p.PkgPath, e)
		}
		rest := strings.TrimPrefix(p.PkgPath, module) + "/"
		if p.Name != "main" && !strings.Contains(rest, "/internal/") {
			m.Packages = append(m.Packages, p.Types)
		}
	}
	if len(m.Packages) == 0 {
		return nil, fmt.Errorf("%s has no package to compare", module)
	}
	return m, nil
}
