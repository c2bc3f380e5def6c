package conformance

import (
	"testing"

	cascache "github.com/unkn0wn-root/cascache/core"
)

func BenchmarkAbleGens(b *testing.B) { BenchmarkGenStore(b, plainGenHarness(openAbleGens)) }

func BenchmarkLocalGenStore(b *testing.B) {
	BenchmarkGenStore(b, localHarness(func() cascache.GenStore { return cascache.NewLocalGenStore(0, 0) }))
}

func BenchmarkStripedGenStore(b *testing.B) {
	BenchmarkGenStore(b, localHarness(func() cascache.GenStore { return cascache.NewStripedGenStore(0) }))
}
