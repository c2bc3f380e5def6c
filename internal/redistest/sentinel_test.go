package redistest

import (
	"testing"
	"time"
)

func TestSentinelFailsOver(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	for name, args := range map[string][]string{
		"open":          nil,
		"with password": {"--requirepass", "secret"},
	} {
		t.Run(name, func(t *testing.T) {
			began := time.Now()
			g := StartSentinel(t, 2, args...)
			t.Logf("up in %v", time.Since(began).Round(time.Millisecond))
			old := g.Master()
			if old != g.Servers[0] {
				t.Fatalf("the first server begins as the master")
			}
			old.Do("SET", "k", "v")
			for _, s := range g.Servers[1:] {
				old.WaitReplicated(s)
			}
			began = time.Now()
			old.Kill()
			next := g.WaitMaster(old)
			t.Logf("switched in %v", time.Since(began).Round(time.Millisecond))
			if got := next.Do("GET", "k"); got != "v" {
				t.Fatalf("the new master keeps what was replicated: got %v", got)
			}
		})
	}
}
