package lease

import (
	"flag"
	"math/rand/v2"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/unkn0wn-root/cascache/internal/redistest"
)

var faultTime = flag.Duration("faults.time", 500*time.Millisecond, "how long each fault of TestFaults goes on")

// A run is three replicas in processes of their own, that read without end and
// change what they read, and a Redis.
type run struct {
	t        *testing.T
	program  string
	server   *redistest.Server
	sentinel *redistest.Sentinel
	board    *board
	task     task
	children []*child
	slots    int
}

const runReplicas = 3

func startRun(t *testing.T, program string, saturated, withSentinel bool) *run {
	r := &run{t: t, program: program}
	path := filepath.Join(t.TempDir(), "board")
	r.board = mapBoard(path)
	r.task = task{Board: path, Readers: 1, Writers: 1, Pause: 3 * time.Millisecond, Hold: true, Rest: time.Millisecond}
	if saturated {
		r.task.Readers, r.task.Rest = 2, 0
	}
	if withSentinel {
		r.sentinel = redistest.StartSentinel(t, 1)
		r.task.Master, r.task.Addrs = r.sentinel.MasterName, r.sentinel.Addrs()
	} else {
		r.server = redistest.Start(t)
		r.task.Addrs = []string{r.server.Addr()}
	}
	for range runReplicas {
		r.children = append(r.children, r.child())
	}
	r.hits("at the beginning")
	return r
}

func (r *run) child() *child {
	task := r.task
	task.Slot = r.slots
	r.slots++
	return startChild(r.t, r.program, task)
}

// hits waits until reads are answered from memory and bumps return.
func (r *run) hits(when string) {
	r.t.Helper()
	before := r.board.sum()
	redistest.Eventually(r.t, redistest.Patience, "reads from memory and bumps "+when, func() bool {
		now := r.board.sum()
		return now.local > before.local+1000 && now.bumps > before.bumps+10
	})
}

// end ends the replicas and returns what they counted.
func (r *run) end() sum {
	r.hits("after the fault")
	for _, c := range r.children {
		if err := c.stop(); err != nil {
			r.t.Error(err)
		}
	}
	return r.board.sum()
}

// again does something now and then for as long as a fault goes on.
func again(pause time.Duration, something func()) {
	for end := time.Now().Add(*faultTime); time.Now().Before(end); {
		something()
		time.Sleep(rand.N(2 * pause))
	}
}

// keyOf returns the Redis key of the namespace that ends so.
func (r *run) keyOf(end string) string {
	keys, _ := r.server.Do("KEYS", "lease:*:faults:"+end).([]any)
	if len(keys) != 1 {
		return "none yet"
	}
	key, _ := keys[0].(string)
	return key
}

var faults = []struct {
	name     string
	sentinel bool
	strike   func(r *run)
}{
	{"none", false, func(*run) { time.Sleep(*faultTime) }},
	{"Redis stopped for a second", false, func(r *run) {
		again(300*time.Millisecond, func() {
			r.server.Pause()
			time.Sleep(time.Second)
			r.server.Resume()
		})
	}},
	{"Redis paused at random for under 200 ms", false, func(r *run) {
		again(100*time.Millisecond, func() {
			r.server.Pause()
			time.Sleep(rand.N(200 * time.Millisecond))
			r.server.Resume()
		})
	}},
	{"Redis flushed", false, func(r *run) {
		again(150*time.Millisecond, func() { r.server.Do("FLUSHALL") })
	}},
	{"Redis killed and restarted empty", false, func(r *run) {
		again(400*time.Millisecond, func() { r.server.Kill(); r.server.RestartEmpty() })
	}},
	{"Redis killed and restarted from an old snapshot", false, func(r *run) {
		r.server.Save()
		again(400*time.Millisecond, func() { r.server.Kill(); r.server.Restart() })
	}},
	{"Redis failed over by Sentinel", true, func(r *run) {
		time.Sleep(*faultTime / 2)
		old := r.sentinel.Master()
		old.Kill()
		r.sentinel.WaitMaster(old)
		time.Sleep(*faultTime / 2)
	}},
	{"replicas killed", false, func(r *run) {
		again(200*time.Millisecond, func() {
			i := rand.IntN(len(r.children))
			r.children[i].kill()
			if r.slots < boardSlots {
				r.children[i] = r.child()
			}
		})
		for i, c := range r.children {
			if c.ended {
				r.children[i] = r.child()
			}
		}
	}},
	{"replicas paused for two seconds", false, func(r *run) {
		c := r.children[0]
		c.signal(syscall.SIGSTOP)
		time.Sleep(2 * time.Second)
		c.signal(syscall.SIGCONT)
		time.Sleep(*faultTime / 4)
	}},
	{"replicas paused at random for under 200 ms", false, func(r *run) {
		again(50*time.Millisecond, func() {
			c := r.children[rand.IntN(len(r.children))]
			c.signal(syscall.SIGSTOP)
			time.Sleep(rand.N(200 * time.Millisecond))
			c.signal(syscall.SIGCONT)
		})
	}},
	{"connections cut", false, func(r *run) {
		again(50*time.Millisecond, func() {
			r.server.Do("CLIENT", "KILL", "TYPE", "normal")
			r.server.Do("CLIENT", "KILL", "TYPE", "pubsub")
		})
	}},
	{"log deleted", false, func(r *run) {
		again(50*time.Millisecond, func() { r.server.Do("DEL", r.keyOf("log")) })
	}},
	{"hash deleted", false, func(r *run) {
		again(150*time.Millisecond, func() { r.server.Do("DEL", r.keyOf("state")) })
	}},
}

// TestFaults counts stale reads under each fault. With -faults.time=2s it makes
// some hundred million reads.
func TestFaults(t *testing.T) {
	if testing.Short() {
		t.Skip("goes on for a minute")
	}
	for name, saturated := range map[string]bool{"saturated": true, "unsaturated": false} {
		t.Run(name, func(t *testing.T) {
			if saturated && *faultTime < 2*time.Second {
				t.Skip("only with -faults.time=2s or more")
			}
			for _, fault := range faults {
				t.Run(fault.name, func(t *testing.T) {
					r := startRun(t, os.Args[0], saturated, fault.sentinel)
					fault.strike(r)
					s := r.end()
					s.log(t)
					if s.stale > 0 {
						t.Errorf("G4: %d of %d reads returned a generation older than one that a bump had returned when they began", s.stale, s.local+s.remote)
					}
				})
			}
		})
	}
}
