package campaign

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/unkn0wn-root/cascache/internal/redistest"
)

// process is a replica, seen from the run.
type process struct {
	tb   testing.TB
	task task
	cmd  *exec.Cmd
	in   io.Writer
	gone chan struct{} // closed when it has ended

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

// starter starts all processes on one thread that lives as long as this one
// does: the death of a child's parent is that of the thread that started it.
var starter = sync.OnceValue(func() chan<- func() {
	jobs := make(chan func())
	go func() {
		runtime.LockOSThread()
		for job := range jobs {
			job()
		}
	}()
	return jobs
})

// startProcess starts a replica and returns once it works.
func startProcess(tb testing.TB, t task) *process {
	tb.Helper()
	variable, err := json.Marshal(t)
	if err != nil {
		tb.Fatal(err)
	}
	p := &process{tb: tb, task: t, cmd: exec.Command(os.Args[0]), gone: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), childVariable+"="+string(variable))
	p.cmd.Stderr = &p.stderr
	in, err := p.cmd.StdinPipe() // its end ends the child, should the test die
	if err != nil {
		tb.Fatal(err)
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		tb.Fatal(err)
	}
	// A stopped process would not notice that its input has ended.
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	started := make(chan error)
	starter() <- func() { started <- p.cmd.Start() }
	if err := <-started; err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(p.kill)
	p.in = in
	ready := make(chan struct{}, 1)
	go func() {
		defer close(p.gone)
		scanner := bufio.NewScanner(out)
		scanner.Buffer(nil, 1<<20)
		for scanner.Scan() {
			var s said
			if json.Unmarshal(scanner.Bytes(), &s) != nil {
				continue
			}
			p.mu.Lock()
			if s.Kind != "stale" || len(p.heard) < 10_000 {
				p.heard = append(p.heard, s)
			}
			p.mu.Unlock()
			if s.Kind == "ready" {
				ready <- struct{}{}
			}
		}
		_ = p.cmd.Wait()
	}()
	select {
	case <-ready:
	case <-p.gone:
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
	_ = p.cmd.Process.Kill()
	<-p.gone
}

// stop asks the process to end and returns what it has left over.
func (p *process) stop() error {
	p.tell(order{Stop: true})
	select {
	case <-p.gone:
	case <-time.After(2 * redistest.Patience):
		_ = p.cmd.Process.Signal(syscall.SIGQUIT)
		<-p.gone
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
	if err := p.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		p.tb.Errorf("campaign: continue replica %d: %v", p.task.Replica, err)
	}
}

// stopped tells whether the kernel has suspended the process.
func (p *process) stopped() bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	if err != nil {
		return false
	}
	end := bytes.LastIndexByte(stat, ')')
	return end >= 0 && end+2 < len(stat) && stat[end+2] == 'T'
}
