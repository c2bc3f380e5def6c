package main

import (
	"context"
	"os/exec"
	"runtime"
	"sync"
	"time"

	"github.com/unkn0wn-root/cascache/examples/internal/pause"
)

// A child is a started process that is waited for.
type child struct {
	cmd    *exec.Cmd
	exited chan struct{} // closed once it has ended and is reaped
}

// spawner starts all children on one thread that lives as long as the program:
// the kernel ties the death signal of a child to the thread that started it.
var spawner = sync.OnceValue(func() chan<- func() {
	jobs := make(chan func())
	go func() {
		runtime.LockOSThread()
		for job := range jobs {
			job()
		}
	}()
	return jobs
})

// startChild starts cmd, which ends with this program however that ends.
func startChild(cmd *exec.Cmd) (*child, error) {
	cmd.SysProcAttr = dieWithParent()
	started := make(chan error)
	spawner() <- func() { started <- cmd.Start() }
	if err := <-started; err != nil {
		return nil, err
	}
	c := &child{cmd: cmd, exited: make(chan struct{})}
	go func() {
		_ = cmd.Wait() // how it ended is of no interest
		close(c.exited)
	}()
	return c, nil
}

// kill ends the process the hard way and returns once it is gone.
func (c *child) kill() {
	_ = c.cmd.Process.Kill() // it may have ended by itself
	<-c.exited
}

// pause stops the process for d, as a frozen machine would.
func (c *child) pause(ctx context.Context, d time.Duration) error {
	if err := suspend(c.cmd.Process); err != nil {
		return err
	}
	_ = pause.For(ctx, d)
	return proceed(c.cmd.Process)
}
