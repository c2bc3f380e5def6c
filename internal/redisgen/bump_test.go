package redisgen

import "testing"

func TestTail(t *testing.T) {
	seen := make(map[string]int)
	const draws = 100_000
	for range draws {
		s := tail()
		if len(s) != 3 {
			t.Fatalf("the tail of a generation is three digits, not %q", s)
		}
		for i := range len(s) {
			if s[i] < '0' || s[i] > '9' {
				t.Fatalf("the tail of a generation is three digits, not %q", s)
			}
		}
		seen[s]++
	}
	if len(seen) != 1000 {
		t.Errorf("%d draws led to %d tails of 1000: the odds of a generation drawn twice after a loss are worse than the docs say", draws, len(seen))
	}
}
