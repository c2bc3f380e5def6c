package vet_test

import (
	"fmt"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/analysis/passes/nilness"

	"github.com/unkn0wn-root/cascache/vet"
)

// A vet command of your own can have the analyzer beside others. Its main is
//
//	multichecker.Main(analyzers...)
func Example() {
	analyzers := []*analysis.Analyzer{vet.Analyzer, nilness.Analyzer}
	if err := analysis.Validate(analyzers); err != nil {
		fmt.Println(err)
		return
	}
	for _, a := range analyzers {
		fmt.Println(a.Name)
	}
	// Output:
	// cascache
	// nilness
}
