// Package child runs processes that live no longer than the one that started
// them. It does not import testing: the lab in examples runs it, too.
package child

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"sync"
)

// A Process is a started program that is waited for.
type Process struct {
	cmd    *exec.Cmd
	exited chan struct{}
}

// starter starts all processes on one thread that lives as long as this program
// does: the kernel ties the death signal of a child (see dieWithParent) to the
// thread that started it.
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

// Start starts cmd. On Linux the child ends with this program, also when that
// is killed.
func Start(cmd *exec.Cmd) (*Process, error) {
	cmd.SysProcAttr = dieWithParent()
	started := make(chan error)
	starter() <- func() { started <- cmd.Start() }
	if err := <-started; err != nil {
		return nil, err
	}
	p := &Process{cmd: cmd, exited: make(chan struct{})}
	go func() {
		_ = cmd.Wait() // its output says how it ended
		close(p.exited)
	}()
	return p, nil
}

// Exited returns a channel that is closed once the process has ended and all of
// its output has been written to the writers of its command.
func (p *Process) Exited() <-chan struct{} { return p.exited }

// Running tells whether the process lives, paused or not.
func (p *Process) Running() bool {
	select {
	case <-p.exited:
		return false
	default:
		return true
	}
}

// PID returns the id of the process.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Signal sends a signal to the process.
func (p *Process) Signal(s os.Signal) error { return p.cmd.Process.Signal(s) }

// Kill ends the process by SIGKILL, a paused one too, and returns once it is gone.
func (p *Process) Kill() {
	_ = p.cmd.Process.Kill() // it may have ended by itself
	<-p.exited
}

// Pause suspends the process, as a frozen machine would. The kernel does so soon
// after Pause has returned: see Paused.
func (p *Process) Pause() error { return suspend(p.cmd.Process) }

// Resume continues a paused process.
func (p *Process) Resume() error { return proceed(p.cmd.Process) }

// Paused tells whether the kernel has suspended the process. Where there is no
// /proc to ask, the signal is taken at its word.
func (p *Process) Paused() bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.PID()))
	if err != nil {
		return true
	}
	// "pid (name) state …", and a name may hold anything.
	end := bytes.LastIndexByte(stat, ')')
	return end >= 0 && end+2 < len(stat) && stat[end+2] == 'T'
}

// Lines returns a writer, for the output of a command, that calls f with each
// line. The line is f's until f returns; a last one without its end is left out.
func Lines(f func(line []byte)) io.Writer { return &lines{call: f} }

type lines struct {
	call func([]byte)
	rest []byte
}

func (l *lines) Write(p []byte) (int, error) {
	l.rest = append(l.rest, p...)
	for {
		line, rest, ended := bytes.Cut(l.rest, []byte{'\n'})
		if !ended {
			return len(p), nil
		}
		l.call(line)
		l.rest = rest
	}
}
