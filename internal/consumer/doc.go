// Package consumer proves what an import of a released module brings into the
// module graph of its user.
//
// Its test builds the zip of every released module into a module proxy in a
// temporary directory, as a release would, and then writes programs outside
// the workspace, with a module cache of their own, that require some of them.
// Each program is built and run, and its module graph holds nothing but what
// the program's row allows. To prove a further module, add a row to
// consumer_test.go.
//
// The test reads the folders of the other modules, which the go command's test
// cache does not know: run it with -count=1, as make test does.
package consumer
