// Package tools holds what stands behind the Makefile. Its go.mod pins the versions
// of staticcheck and revive, and names cascachevet of this repository.
//
//   - alone tests every module on its own, with -race where goroutines meet.
//   - deps looks for a redis-server, a Chromium and a Prometheus, and installs them
//     where it may.
//   - doccheck demands a comment on what users fill in or implement, and an example
//     of every exported type.
//   - fuzz finds every fuzz target and runs it for a while.
//   - modcheck holds the go.mod files and module folders to their rules.
//   - mutate makes small changes to the code and tells which of them no test
//     notices.
//   - release checks, tests and tags releases.
//
// Two packages serve these programs: modproxy makes a module proxy in a
// directory, and workspace reads go.work and the go.mod files.
//
// The programs are run from the root of the repository.
package tools
