// Package tools holds what stands behind the Makefile, and pins the version of
// staticcheck in its go.mod.
//
//   - deps looks for a redis-server, or installs one.
//   - doccheck looks for comments and examples on the pages of every package.
//   - each runs one command in every module of the workspace.
//   - fuzz finds every fuzz target and runs it for a while.
//   - modproxy makes a module proxy in a directory, workspace reads go.work: for the others.
//   - modcheck holds the rules that the go.mod files and module folders follow.
//   - release checks, tests and tags releases.
//   - soak passes the conformance suites many times, on a busy machine.
//
// They are run from the root of the repository.
package tools
