package writing

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"
)

// message is what parent and child tell one another, in JSON.
type message struct {
	Kind  string
	Step  string `json:",omitempty"` // of "step"
	N     int    `json:",omitempty"` // which caller or load it is about
	Value string `json:",omitempty"`
	Err   string `json:",omitempty"`
	Tally *tally `json:",omitempty"`
}

// child is a process that a test has started, seen from the test.
type child struct {
	tb      testing.TB
	history *history
	cmd     *exec.Cmd
	in      *json.Encoder
	out     chan message // closed when the child says no more
	said    []message    // received, and not asked for yet
	stderr  bytes.Buffer // to be read after the end
	once    sync.Once
}

func startChild(tb testing.TB, h *history, t task) *child {
	tb.Helper()
	variable, err := json.Marshal(t)
	if err != nil {
		tb.Fatal(err)
	}
	c := &child{tb: tb, history: h, cmd: exec.Command(os.Args[0]), out: make(chan message, 100)}
	c.cmd.Env = append(os.Environ(), childVariable+"="+string(variable))
	c.cmd.Stderr = &c.stderr
	in, err := c.cmd.StdinPipe() // its end ends the child, should the test die
	if err != nil {
		tb.Fatal(err)
	}
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		tb.Fatal(err)
	}
	if err := c.cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(c.kill)
	c.in = json.NewEncoder(in)
	go func() {
		defer close(c.out)
		for decoder := json.NewDecoder(out); ; {
			var m message
			if decoder.Decode(&m) != nil {
				return
			}
			c.out <- m
		}
	}()
	return c
}

// kill ends the process by SIGKILL and returns once it is gone.
func (c *child) kill() {
	c.once.Do(func() {
		_ = c.cmd.Process.Kill()
		_ = c.cmd.Wait()
		c.history.note("test", "the child is dead")
	})
}

func (c *child) send(m message) {
	c.tb.Helper()
	if err := c.in.Encode(m); err != nil {
		c.fatal("a child takes messages", err)
	}
}

// await returns the first message that matches and that was not returned
// before.
func (c *child) await(what string, match func(message) bool) message {
	c.tb.Helper()
	for i, m := range c.said {
		if match(m) {
			c.said = append(c.said[:i:i], c.said[i+1:]...)
			return m
		}
	}
	limit := time.After(patience)
	for {
		select {
		case m, open := <-c.out:
			if !open {
				c.fatal("a child says: "+what, "nothing more")
			}
			c.history.note("child", "%s %s", m.Kind, m.Step+m.Value+m.Err)
			if match(m) {
				return m
			}
			c.said = append(c.said, m)
		case <-limit:
			c.fatal("a child says: "+what, "not within "+patience.String())
		}
	}
}

func (c *child) fatal(rule string, got any) {
	c.tb.Helper()
	c.kill()
	c.history.broken(c.tb, rule, got, "it, from a process that said on stderr: "+c.stderr.String())
	c.tb.FailNow()
}

// parent is the test, seen from a child.
type parent struct {
	in *json.Decoder

	mu  sync.Mutex // guards out
	out *json.Encoder
}

func newParent() *parent {
	return &parent{in: json.NewDecoder(os.Stdin), out: json.NewEncoder(os.Stdout)}
}

func (p *parent) say(m message) {
	p.mu.Lock()
	defer p.mu.Unlock()
	must(p.out.Encode(m))
}

func (p *parent) hear() (m message) {
	must(p.in.Decode(&m))
	return m
}
