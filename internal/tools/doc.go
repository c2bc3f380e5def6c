// Package tools holds what stands behind the Makefile, and pins the version of
// staticcheck in its go.mod.
//
//   - deps looks for a redis-server and a Chromium, and installs them where it may.
//   - doccheck demands a comment on everything exported, and an example of every
//     exported type.
//   - each runs one command in every module of the workspace.
//   - fuzz finds every fuzz target and runs it for a while.
//   - modcheck holds the go.mod files and module folders to their rules.
//   - mutate makes small changes to the code and tells which of them no test
//     notices. No make target runs it: docs/reliability.md has its command.
//   - release checks, tests and tags releases.
//   - soak passes the conformance suites many times, on a busy machine.
//
// Two packages serve these programs: modproxy makes a module proxy in a
// directory, and workspace reads go.work and the go.mod files.
//
// The programs are run from the root of the repository.
package tools
