package writing

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"
)

// history is what has happened in a test, for the message of a failure.
type history struct {
	start time.Time

	mu    sync.Mutex // guards what follows
	lines []string
	last  map[string]string // by who
}

func newHistory() *history { return &history{start: time.Now(), last: make(map[string]string)} }

// note adds what somebody did or saw, unless it is what they saw last.
func (h *history) note(who, format string, args ...any) {
	what := fmt.Sprintf(format, args...)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.last[who] == what {
		return
	}
	h.last[who] = what
	at := time.Since(h.start).Round(100 * time.Microsecond)
	h.lines = append(h.lines, fmt.Sprintf("%10v  %s: %s", at, who, what))
}

// broken fails the test: the rule, what was seen, what it should have been,
// and how it came to that.
func (h *history) broken(tb testing.TB, rule string, got, want any) {
	tb.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	tb.Errorf("%s\n  got  %v\n  want %v\nhistory:\n%s", rule, got, want, strings.Join(h.lines, "\n"))
}
