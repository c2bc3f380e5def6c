package conformance

import "testing"

func BenchmarkPlainCache(b *testing.B) { BenchmarkCache(b, plainCacheHarness()) }
