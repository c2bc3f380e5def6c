package redistest

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
)

// A verdict records how a test would have ended.
type verdict struct {
	testing.TB
	failed, skipped string
}

func (v *verdict) Helper() {}

func (v *verdict) Fatalf(format string, args ...any) {
	v.failed = fmt.Sprintf(format, args...)
	runtime.Goexit()
}

func (v *verdict) Fatal(args ...any) { v.Fatalf("%s", fmt.Sprint(args...)) }

func (v *verdict) Skipf(format string, args ...any) {
	v.skipped = fmt.Sprintf(format, args...)
	runtime.Goexit()
}

func judge(t *testing.T, f func(testing.TB)) *verdict {
	v := &verdict{TB: t}
	done := make(chan struct{})
	go func() {
		defer close(done)
		f(v)
	}()
	<-done
	return v
}

func TestMissingServerSkipsUnlessRequired(t *testing.T) {
	t.Setenv(BinaryEnv, "no-such-redis-server")
	t.Setenv(RequireEnv, "")
	v := judge(t, func(tb testing.TB) { Start(tb) })
	if v.failed != "" || v.skipped == "" {
		t.Fatalf("without a server a test is skipped: failed %q, skipped %q", v.failed, v.skipped)
	}
	for _, hint := range []string{"make deps", "apt-get install redis-server", BinaryEnv} {
		if !strings.Contains(v.skipped, hint) {
			t.Errorf("the reason must say how to get a server (%s): %q", hint, v.skipped)
		}
	}

	t.Setenv(RequireEnv, "1")
	v = judge(t, func(tb testing.TB) { Start(tb) })
	if v.failed == "" || v.skipped != "" {
		t.Fatalf("with %s=1 a missing server fails the test: failed %q, skipped %q", RequireEnv, v.failed, v.skipped)
	}
}

func TestServerThatEndsAtOnceFailsWithItsOwnWords(t *testing.T) {
	v := judge(t, func(tb testing.TB) { Start(tb, "--no-such-directive", "1") })
	if !strings.Contains(v.failed, "no-such-directive") {
		t.Fatalf("the failure must carry what the server said: %q", v.failed)
	}
}
