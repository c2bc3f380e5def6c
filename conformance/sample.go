package conformance

import (
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
)

// sample returns size bytes that look random and are the same for the same
// tag, so that a value tells which call it came from.
func sample(tag string, size int) []byte {
	out := make([]byte, size)
	_, _ = rand.NewChaCha8(sha256.Sum256([]byte(tag))).Read(out)
	return out
}

// quote shows a key or a value in a report, shortened.
func quote[T ~string | ~[]byte](b T) string {
	const most = 48
	if len(b) <= most {
		return fmt.Sprintf("%q", string(b))
	}
	return fmt.Sprintf("%q… (%d bytes)", string(b[:most/2]), len(b))
}

// names returns n keys that begin alike.
func names(prefix string, n int) []string {
	keys := make([]string, n)
	for i := range keys {
		keys[i] = fmt.Sprintf("%s-%d", prefix, i)
	}
	return keys
}

// groupSize is how many keys are treated alike where one alone proves nothing,
// as it may be lost.
const groupSize = 32
