package ranged

import (
	"flag"
	"io"
	"strings"
	"testing"
	"time"
)

func TestValuesKnowTheirBounds(t *testing.T) {
	d, n, u := time.Second, 1, uint64(1)
	fs := flag.NewFlagSet("test", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	fs.Var(Duration(&d, time.Millisecond, time.Minute), "d", "")
	fs.Var(Int(&n, 1, 9), "n", "")
	fs.Var(Uint64(&u, 0, 9), "u", "")
	if err := fs.Parse([]string{"-d=1ms", "-n=9", "-u=0"}); err != nil || d != time.Millisecond || n != 9 || u != 0 {
		t.Errorf("values at their bounds are taken: got %v, %d, %d and %v", d, n, u, err)
	}
	for arg, allowed := range map[string]string{
		"-d=61s": "from 1ms to 1m0s", "-d=soon": "a duration from 1ms to 1m0s",
		"-n=10": "from 1 to 9", "-n=x": "a whole number from 1 to 9", "-u=10": "from 0 to 9", "-u=-1": "from 0 to 9",
	} {
		if err := fs.Parse([]string{arg}); err == nil || !strings.Contains(err.Error(), "must be "+allowed) &&
			!strings.Contains(err.Error(), allowed) {
			t.Errorf("%s is refused with what is allowed: got %v, want %q", arg, err, allowed)
		}
	}
}
