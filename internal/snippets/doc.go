// Package snippets builds and runs the Go code in the README and in docs, so
// that what a reader copies works.
//
//   - A fenced block marked go is a complete file. It is compiled and vetted
//     as if it lay in the workspace. If its package is main, it is run and must
//     succeed; if it holds tests, they are run. A block marked text that follows
//     directly is what it prints.
//   - A block marked go fragment is declarations or statements, and must parse.
//   - Both are formatted as gofmt does it.
//   - The README has a section "Quick start" with a program that runs.
//
// The test reads files outside its module, which the go command's test cache
// does not know: run it with -count=1, as make test does.
package snippets
