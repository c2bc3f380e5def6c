package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"time"

	"github.com/unkn0wn-root/cascache/examples/internal/pause"
	"github.com/unkn0wn-root/cascache/internal/redistest/child"
)

// crashPatience is how long a replica has for the write that it is to crash in.
const crashPatience = 40 * time.Second

// restartPause is how long a killed replica is away.
const restartPause = 500 * time.Millisecond

// A fleet is the replicas of a run.
type fleet struct {
	assignment assignment // of all; each has its own slot
	receive    func(message)
	crashed    func(slot int) // after a replica has ended

	mu       sync.Mutex
	replicas map[int]*replicaProcess // by slot
	closing  bool
	failure  error // of a replica that ended by itself
}

type replicaProcess struct {
	*child.Process
	stdin interface{ Close() error }
	state string // "runs", "paused", "killed"
}

// launch starts the replica of a slot.
func (f *fleet) launch(slot int) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closing {
		return errors.New("the run is over")
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	a := f.assignment
	a.Slot = slot
	told, err := json.Marshal(a)
	if err != nil {
		return err
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), replicaEnv+"="+string(told))
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	cmd.Stdout = child.Lines(func(line []byte) {
		var m message
		if json.Unmarshal(line, &m) != nil {
			return
		}
		if m.Error != nil {
			f.fail(fmt.Errorf("replica %d: %s", slot, *m.Error))
		}
		f.receive(m)
	})
	p, err := child.Start(cmd)
	if err != nil {
		return fmt.Errorf("start replica %d: %w", slot, err)
	}
	r := &replicaProcess{Process: p, stdin: stdin, state: "runs"}
	if f.replicas == nil {
		f.replicas = make(map[int]*replicaProcess)
	}
	f.replicas[slot] = r
	return nil
}

func (f *fleet) fail(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.failure == nil {
		f.failure = err
	}
}

// err returns why a replica ended by itself, or nil.
func (f *fleet) err() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.failure
}

// running returns a replica that runs.
func (f *fleet) running(slot int) (*replicaProcess, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	r := f.replicas[slot]
	if r == nil || r.state != "runs" {
		return nil, fmt.Errorf("replica %d does not run at the moment", slot)
	}
	return r, nil
}

func (f *fleet) mark(r *replicaProcess, state string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	r.state = state
}

// pause freezes a replica for d.
func (f *fleet) pause(ctx context.Context, slot int, d time.Duration) error {
	r, err := f.running(slot)
	if err != nil {
		return err
	}
	f.mark(r, "paused")
	defer f.mark(r, "runs")
	return freeze(ctx, r.Process, d)
}

// freeze stops a process for d.
func freeze(ctx context.Context, p *child.Process, d time.Duration) error {
	if err := p.Pause(); err != nil {
		return err
	}
	_ = pause.For(ctx, d)
	return p.Resume()
}

// kill ends a replica the hard way and starts another in its place.
func (f *fleet) kill(ctx context.Context, slot int) error {
	r, err := f.running(slot)
	if err != nil {
		return err
	}
	f.mark(r, "killed")
	r.Kill()
	return f.replace(ctx, slot)
}

// crash has a replica die by its own hand in its next write, and starts another
// in its place.
func (f *fleet) crash(ctx context.Context, b *board, slot int) error {
	r, err := f.running(slot)
	if err != nil {
		return err
	}
	f.mark(r, "killed")
	b.set(wordCrashID, 0)
	b.set(wordCrash, int64(slot))
	select {
	case <-r.Exited():
	case <-time.After(crashPatience):
		b.set(wordCrash, 0)
		f.mark(r, "runs")
		return fmt.Errorf("replica %d did not crash: it is writing nothing", slot)
	case <-ctx.Done():
		return ctx.Err()
	}
	f.crashed(slot)
	return f.replace(ctx, slot)
}

// replace starts a replica where one has ended.
func (f *fleet) replace(ctx context.Context, slot int) error {
	if err := pause.For(ctx, restartPause); err != nil {
		return err
	}
	return f.launch(slot)
}

// states tells how each replica is, by slot.
func (f *fleet) states() map[int]string {
	f.mu.Lock()
	defer f.mu.Unlock()
	states := make(map[int]string)
	for slot, r := range f.replicas {
		states[slot] = r.state
	}
	return states
}

// close ends all replicas and returns once everything they said has been
// received.
func (f *fleet) close() {
	f.mu.Lock()
	f.closing = true
	replicas := f.replicas
	f.mu.Unlock()
	for _, r := range replicas {
		_ = r.Resume()      // it may be paused, or gone
		_ = r.stdin.Close() // which asks it to end
	}
	for _, r := range replicas {
		select {
		case <-r.Exited():
		case <-time.After(5 * time.Second):
			r.Kill()
		}
	}
}
