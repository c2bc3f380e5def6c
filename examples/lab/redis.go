package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/unkn0wn-root/cascache/examples/internal/pause"
	"github.com/unkn0wn-root/cascache/internal/redistest/child"
)

// quiet keeps go-redis from writing to the terminal: what fails is counted and
// shown, and much fails on purpose here.
type quiet struct{}

func (quiet) Printf(context.Context, string, ...any) {}

// redisStart bounds how long the lab waits for its own server.
const redisStart = 10 * time.Second

// A redisServer is the Redis of a lab: one that was there, or the lab's own.
type redisServer struct {
	addr   string
	client *redis.Client
	own    *child.Process // nil if it is somebody else's
	dir    string
	empty  bool // held nothing when the lab came
}

// openRedis connects to the Redis at addr, or starts one.
func openRedis(ctx context.Context, addr string) (_ *redisServer, err error) {
	r := &redisServer{addr: addr}
	defer func() {
		if err != nil {
			err = errors.Join(err, r.close())
		}
	}()
	if addr == newRedis {
		if r.dir, err = os.MkdirTemp("", "cascache-lab-redis-"); err != nil {
			return nil, err
		}
		if r.addr, err = freeAddress(); err != nil {
			return nil, err
		}
		if err := r.start(); err != nil {
			return nil, err
		}
	}
	r.client = redis.NewClient(&redis.Options{Addr: r.addr})
	if err := r.await(ctx); err != nil {
		return nil, fmt.Errorf("no Redis at %s: %w", r.addr, err)
	}
	info, err := r.client.Info(ctx, "server").Result()
	if err != nil {
		return nil, err
	}
	if major := majorVersion(info); major < 7 {
		return nil, fmt.Errorf("the Redis at %s is of version %d; 7 or later is needed", r.addr, major)
	}
	size, err := r.client.DBSize(ctx).Result()
	r.empty = size == 0
	return r, err
}

// majorVersion reads it from the server section of INFO; Valkey says there
// which Redis it is compatible with.
func majorVersion(info string) int {
	for line := range strings.Lines(info) {
		if version, ok := strings.CutPrefix(strings.TrimSpace(line), "redis_version:"); ok {
			major, _, _ := strings.Cut(version, ".")
			n, _ := strconv.Atoi(major)
			return n
		}
	}
	return 0
}

func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// start starts the lab's own server, which saves nothing.
func (r *redisServer) start() error {
	name := os.Getenv("CASCACHE_REDIS_SERVER") // as for the tests
	if name == "" {
		name = "redis-server"
	}
	path, err := exec.LookPath(name)
	if err != nil {
		return fmt.Errorf("-redis new needs a redis-server in PATH (make deps installs one): %w", err)
	}
	_, port, _ := net.SplitHostPort(r.addr)
	cmd := exec.Command(path, "--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", r.dir, "--daemonize", "no", "--logfile", "redis.log")
	r.own, err = child.Start(cmd)
	return err
}

// await returns once the server answers.
func (r *redisServer) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, redisStart)
	defer cancel()
	for {
		err := r.client.Ping(ctx).Err()
		if err == nil {
			return nil
		}
		if r.own == nil {
			return err // it should have been there
		}
		if pause.For(ctx, 20*time.Millisecond) != nil {
			return err
		}
	}
}

// pause keeps Redis from answering for d.
func (r *redisServer) pause(ctx context.Context, d time.Duration) error {
	if r.own != nil {
		return freeze(ctx, r.own, d)
	}
	return r.client.Do(ctx, "CLIENT", "PAUSE", d.Milliseconds(), "ALL").Err()
}

// flush deletes all that Redis holds, unless somebody else's data is among it.
func (r *redisServer) flush(ctx context.Context) error {
	if !r.empty {
		return errors.New("this Redis held data when the lab came, so the lab does not flush it; start the lab with -redis new")
	}
	return r.client.FlushAll(ctx).Err()
}

// kill ends the server and starts an empty one in its place.
func (r *redisServer) kill(ctx context.Context) error {
	if r.own == nil {
		return errors.New("this Redis is not the lab's to kill; start the lab with -redis new")
	}
	r.own.Kill()
	if err := pause.For(ctx, 500*time.Millisecond); err != nil {
		return err
	}
	if err := r.start(); err != nil {
		return err
	}
	return r.await(ctx)
}

func (r *redisServer) close() error {
	var errs []error
	if r.client != nil {
		errs = append(errs, r.client.Close())
	}
	if r.own != nil {
		r.own.Kill()
	}
	if r.dir != "" {
		errs = append(errs, os.RemoveAll(r.dir))
	}
	return errors.Join(errs...)
}
