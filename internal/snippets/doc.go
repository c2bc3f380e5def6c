// Package snippets keeps the documents true: the README, CONTRIBUTING.md and
// everything in docs.
//
// Code that a reader copies works:
//
//   - A fenced block marked go is a complete file. It is compiled and vetted
//     as if it lay in the workspace. If its package is main, it is run and must
//     succeed; if it holds tests, they are run. A block marked text that follows
//     directly is what it prints.
//   - A block marked go fragment is declarations or statements, and must parse.
//   - Both are formatted as gofmt does it.
//   - The README has a section "Quick start" with a program that runs.
//
// What a document names is there:
//
//   - tests, benchmarks, fuzz targets and examples, by their names;
//   - targets of the Makefile;
//   - paths of this repository, in code spans and in the arguments of go;
//   - what a go test command is to run;
//   - exported names of the packages, their fields and methods.
//
// Nothing is left out: every hook, reason and optional ability is explained on its
// page, every page stands in the indexes, every released module in the README.
//
// Links lead to files and headings that exist, and every page can be reached from
// the README. The page on the wire format is held to more: a decoder written
// from it alone must agree with package wire.
//
// The tests read files outside their module, which the go command's test cache
// does not know: run them with -count=1, as make test does.
package snippets
