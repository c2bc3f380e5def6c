package vet_test

import (
	"testing"

	"golang.org/x/tools/go/analysis/analysistest"

	"github.com/unkn0wn-root/cascache/vet"
)

// TestAnalyzer: each mistake is reported, and nothing beside it. What is to be
// reported stands in the packages of testdata, in comments that begin with want.
func TestAnalyzer(t *testing.T) {
	analysistest.Run(t, analysistest.TestData(), vet.Analyzer,
		"snapshot", "commit", "dropped", "load", "begin", "ignore", "tests")
}

// TestAnalyzerOfTestFiles: what is in the files of tests is reported when it is
// asked for.
func TestAnalyzerOfTestFiles(t *testing.T) {
	if err := vet.Analyzer.Flags.Set("test-files", "true"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { vet.Analyzer.Flags.Set("test-files", "false") })
	analysistest.Run(t, analysistest.TestData(), vet.Analyzer, "testfiles")
}
