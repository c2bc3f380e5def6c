package writing

import (
	"context"
	"encoding/json"
	"flag"
	"os"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// childVariable is set for the processes that the tests start, to a task in
// JSON.
const childVariable = "CASCACHE_WRITING_CHILD"

// task is what a child process is to do.
type task struct {
	Run      string // "write", "serve" or "stress"
	Setup    setup
	Database string        // the file that all processes map
	Naive    bool          // of "write": commit, then Invalidate
	Plain    bool          // of "serve" and "stress": a plain single-flight in place of the loader
	Duration time.Duration // of "stress"
}

func TestMain(m *testing.M) {
	redis.SetLogger(quiet{}) // it tells each connection that a test breaks
	if variable := os.Getenv(childVariable); variable != "" {
		var t task
		must(json.Unmarshal([]byte(variable), &t))
		parent := newParent()
		switch t.Run {
		case "write":
			runWrite(t, parent)
		case "serve":
			runServe(t, parent)
		case "stress":
			runStress(t, parent)
		default:
			panic(t.Run)
		}
		return
	}
	// The tests wait for leases and servers more than they compute; -parallel
	// still has the last word.
	must(flag.Set("test.parallel", "8"))
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
