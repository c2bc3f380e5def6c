package redistest

import (
	"os"
	"os/exec"
	"testing"
)

const (
	// BinaryEnv names the server to run in place of the redis-server in PATH.
	BinaryEnv = "CASCACHE_REDIS_SERVER"

	// RequireEnv makes a missing server fail the test rather than skip it, when
	// it is "1".
	RequireEnv = "CASCACHE_REQUIRE_REDIS"
)

// Binary returns the path of the server to run. Without one it skips the test,
// or fails it where [RequireEnv] demands a server.
func Binary(tb testing.TB) string {
	tb.Helper()
	name := os.Getenv(BinaryEnv)
	if name == "" {
		name = "redis-server"
	}
	path, err := exec.LookPath(name)
	if err == nil {
		return path
	}
	const how = "this test needs a Redis 7 server and found none (%v): run `make deps` or `apt-get install redis-server`, or set " + BinaryEnv + " to its path"
	if os.Getenv(RequireEnv) == "1" {
		tb.Fatalf(how, err)
	}
	tb.Skipf(how, err)
	return ""
}
