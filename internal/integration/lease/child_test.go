package lease

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	leasegenstore "github.com/unkn0wn-root/cascache/genstore-lease"
)

// task is what a child process is to do: be a replica that reads all keys of
// the board, and writes some.
type task struct {
	Addrs   []string // of Redis, or of Sentinels
	Master  string   // the name of the group, with Sentinels
	Board   string
	Slot    int
	Readers int
	Rest    time.Duration // of a reader after each thousand reads; 0 saturates the processor
	Writers int
	Pause   time.Duration // of a writer between two changes, on average
	Hold    bool          // now and then, instead of a bump
}

func (t *task) client() redis.UniversalClient {
	if t.Master != "" {
		return redis.NewFailoverClient(&redis.FailoverOptions{MasterName: t.Master, SentinelAddrs: t.Addrs, ContextTimeoutEnabled: true})
	}
	return redis.NewClient(&redis.Options{Addr: t.Addrs[0], ContextTimeoutEnabled: true})
}

// runChild is the child process. It ends when its standard input does.
func runChild(t task) {
	b := mapBoard(t.Board)
	store, err := leasegenstore.New(leasegenstore.Config{Client: t.client(), Namespace: "faults"})
	must(err)
	c := &b.counts[t.Slot]
	ctx, end := context.WithCancel(context.Background())
	for range t.Readers {
		go readOn(ctx, store, b, c, t.Rest)
	}
	for range t.Writers {
		go writeOn(ctx, store, b, c, t)
	}
	_, _ = io.Copy(io.Discard, os.Stdin)
	end()
	closing, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = store.Close(closing)
}

func boardKey(i int) string { return strconv.Itoa(i) }

const boardPrefix = "single:faults:"

// readOn reads until ctx is done. A read is what the cache makes of a store: it
// asks for what is known, and Redis for what is not.
func readOn(ctx context.Context, store *leasegenstore.Store, b *board, c *counts, rest time.Duration) {
	var keys [boardKeys]string
	for i := range keys {
		keys[i] = boardKey(i)
	}
	for n := rand.Uint64(); ctx.Err() == nil; n++ {
		if rest > 0 && n%1000 == 0 {
			time.Sleep(rest)
		}
		i := n % boardKeys
		oldest := b.oldest[i].Load()
		gen, ok := store.CurrentLocal(boardPrefix, keys[i])
		if ok {
			c.local.Add(1)
			if gen < oldest {
				c.stale.Add(1)
			}
			continue
		}
		reading, cancel := context.WithTimeout(ctx, 200*time.Millisecond)
		gen, err := store.Current(reading, boardPrefix+keys[i])
		if err == nil && gen == 0 {
			gen, err = store.Snapshot(reading, boardPrefix+keys[i])
		}
		cancel()
		switch {
		case err != nil || gen == 0:
			c.unknown.Add(1)
			time.Sleep(time.Millisecond)
		case gen < oldest:
			c.stale.Add(1)
		default:
			c.remote.Add(1)
		}
	}
}

// writeOn changes keys until ctx is done.
func writeOn(ctx context.Context, store *leasegenstore.Store, b *board, c *counts, t task) {
	for ctx.Err() == nil {
		time.Sleep(rand.N(2*t.Pause + 1))
		i := rand.IntN(boardKeys)
		key := boardPrefix + boardKey(i)
		writing, cancel := context.WithTimeout(ctx, 2*time.Second)
		if t.Hold && rand.IntN(20) == 0 {
			token := strconv.FormatUint(rand.Uint64(), 36)
			before := b.oldest[i].Load()
			if err := store.Hold(writing, []string{key}, token, time.Second); err == nil {
				// No generation from before it may be read any more.
				b.raise(i, before+1)
				c.bumps.Add(1)
				_ = store.Release(writing, []string{key}, token)
			} else {
				c.failed.Add(1)
			}
		} else if gen, err := store.Bump(writing, key); err == nil {
			b.raise(i, gen)
			c.bumps.Add(1)
		} else {
			c.failed.Add(1)
		}
		cancel()
	}
}

// A child is a process that a test has started.
type child struct {
	tb     testing.TB
	cmd    *exec.Cmd
	in     io.WriteCloser
	stderr bytes.Buffer // to be read after the end
	ended  bool
}

// startChild starts a process of this program, or of another build of it.
func startChild(tb testing.TB, program string, t task) *child {
	tb.Helper()
	variable, err := json.Marshal(t)
	if err != nil {
		tb.Fatal(err)
	}
	c := &child{tb: tb, cmd: exec.Command(program)}
	c.cmd.Env = append(os.Environ(), childVariable+"="+string(variable))
	c.cmd.Stderr = &c.stderr
	if c.in, err = c.cmd.StdinPipe(); err != nil { // its end ends the child, should the test die
		tb.Fatal(err)
	}
	if err := c.cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(c.kill)
	return c
}

func (c *child) signal(sig syscall.Signal) {
	if !c.ended {
		_ = c.cmd.Process.Signal(sig)
	}
}

// kill ends the child without warning.
func (c *child) kill() {
	if !c.ended {
		c.ended = true
		_ = c.cmd.Process.Kill()
		_ = c.cmd.Wait()
	}
}

// stop lets the child close its store and end.
func (c *child) stop() error {
	if c.ended {
		return nil
	}
	c.ended = true
	c.in.Close()
	timer := time.AfterFunc(10*time.Second, func() { _ = c.cmd.Process.Kill() })
	defer timer.Stop()
	if err := c.cmd.Wait(); err != nil {
		return fmt.Errorf("a replica ended with %w: %s", err, c.stderr.String())
	}
	return nil
}
