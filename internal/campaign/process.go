package campaign

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/unkn0wn-root/cascache/internal/redistest"
	"github.com/unkn0wn-root/cascache/internal/redistest/child"
)

// process is a replica, seen from the run.
type process struct {
	tb   testing.TB
	task task
	*child.Process
	in io.Writer

	stderr lockedBuffer

	mu     sync.Mutex // guards what follows
	heard  []said
	killed bool
}

// lockedBuffer may be read while a process still writes to it.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// startProcess starts a replica and returns once it works.
func startProcess(tb testing.TB, t task) *process {
	tb.Helper()
	variable, err := json.Marshal(t)
	if err != nil {
		tb.Fatal(err)
	}
	p := &process{tb: tb, task: t}
	ready := make(chan struct{}, 1)
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childVariable+"="+string(variable))
	cmd.Stderr = &p.stderr
	cmd.Stdout = child.Lines(func(line []byte) {
		var s said
		if json.Unmarshal(line, &s) != nil {
			return
		}
		p.mu.Lock()
		if s.Kind != "stale" || len(p.heard) < 10_000 {
			p.heard = append(p.heard, s)
		}
		p.mu.Unlock()
		if s.Kind == "ready" {
			ready <- struct{}{}
		}
	})
	if p.in, err = cmd.StdinPipe(); err != nil { // its end ends the child, should the test die
		tb.Fatal(err)
	}
	if p.Process, err = child.Start(cmd); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(p.kill)
	select {
	case <-ready:
	case <-p.Exited():
		tb.Fatalf("campaign: replica %d ended at once and said:\n%s", t.Replica, p.stderr.String())
	case <-time.After(redistest.Patience):
		tb.Fatalf("campaign: replica %d did not start in time", t.Replica)
	}
	return p
}

func (p *process) tell(o order) {
	line, err := json.Marshal(o)
	if err == nil {
		_, err = p.in.Write(append(line, '\n'))
	}
	if err != nil {
		p.tb.Errorf("campaign: replica %d takes no orders: %v; it said:\n%s", p.task.Replica, err, p.stderr.String())
	}
}

// kill ends the process by SIGKILL, also a stopped one, and returns once it is
// gone.
func (p *process) kill() {
	p.mu.Lock()
	p.killed = true
	p.mu.Unlock()
	p.Kill()
}

// stop asks the process to end and returns what it has left over.
func (p *process) stop() error {
	p.tell(order{Stop: true})
	select {
	case <-p.Exited():
	case <-time.After(2 * redistest.Patience):
		_ = p.Signal(syscall.SIGQUIT)
		<-p.Exited()
		return fmt.Errorf("replica %d does not end; its goroutines:\n%s", p.task.Replica, p.stderr.String())
	}
	stopped := p.of("stopped")
	switch {
	case len(stopped) == 0:
		return fmt.Errorf("replica %d has ended by itself: %s", p.task.Replica, p.stderr.String())
	case stopped[0] != "":
		return fmt.Errorf("replica %d leaves goroutines: %s", p.task.Replica, stopped[0])
	}
	return nil
}

// of returns what was said of one kind.
func (p *process) of(kind string) (texts []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range p.heard {
		if s.Kind == kind {
			texts = append(texts, s.Text)
		}
	}
	return texts
}

// resume continues a stopped process.
func (p *process) resume() {
	if err := p.Resume(); err != nil {
		p.tb.Errorf("campaign: continue replica %d: %v", p.task.Replica, err)
	}
}
