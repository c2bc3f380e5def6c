// Cascachevet reports mistakes in the use of CasCache that break its promise; see
// [github.com/unkn0wn-root/cascache/vet].
//
//	go vet -vettool=$(which cascachevet) ./...
//	cascachevet ./...
//
// The first form remembers what it found in the build cache, and analyzes again
// only packages that have changed.
package main

import (
	"golang.org/x/tools/go/analysis/singlechecker"

	"github.com/unkn0wn-root/cascache/vet"
)

func main() { singlechecker.Main(vet.Analyzer) }
