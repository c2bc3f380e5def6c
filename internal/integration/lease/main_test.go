package lease

import (
	"context"
	"encoding/json"
	"os"
	"testing"

	"github.com/redis/go-redis/v9"
)

// childVariable is set for the processes that the tests start, to a task in
// JSON.
const childVariable = "CASCACHE_LEASE_CHILD"

func TestMain(m *testing.M) {
	redis.SetLogger(quiet{}) // it tells each connection that a test breaks
	if variable := os.Getenv(childVariable); variable != "" {
		var t task
		must(json.Unmarshal([]byte(variable), &t))
		runChild(t)
		return
	}
	os.Exit(m.Run())
}

type quiet struct{}

func (quiet) Printf(context.Context, string, ...any) {}

// must is for child processes: a panic is reported by the parent.
func must(err error) {
	if err != nil {
		panic(err)
	}
}
