// Doccheck holds what a user reads on a package's page, as far as staticcheck and
// revive don't: a comment on each method of an interface and on each field of a
// struct that users fill in, and examples that run and show every type. It looks
// at every released module of the workspace, prints every breach and fails if
// there is one.
//
//	go run ./internal/tools/doccheck [root]
package main

import (
	"fmt"
	"os"
)

func main() {
	root := "."
	if len(os.Args) > 1 {
		root = os.Args[1]
	}
	breaches, err := check(root, unshown)
	if err != nil {
		fmt.Fprintln(os.Stderr, "doccheck:", err)
		os.Exit(1)
	}
	for _, b := range breaches {
		fmt.Fprintln(os.Stderr, b)
	}
	if len(breaches) > 0 {
		os.Exit(1)
	}
}
