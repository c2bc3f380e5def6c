package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/rueidis"
)

// env is what contenders run in: a Redis of their own, started when it is first
// asked for.
type env struct {
	ctx   context.Context
	trips atomic.Int64 // round trips of all clients made here
	redis *server
}

func newEnv(ctx context.Context) *env { return &env{ctx: ctx} }

func (e *env) close() {
	if e.redis != nil {
		e.redis.stop()
	}
}

// addr returns where the Redis listens.
func (e *env) addr() (string, error) {
	if e.redis == nil {
		s, err := startServer(e.ctx)
		if err != nil {
			return "", err
		}
		e.redis = s
	}
	return e.redis.addr, nil
}

// goRedis returns a client with room for all goroutines of a row.
func (e *env) goRedis() (*redis.Client, error) {
	addr, err := e.addr()
	if err != nil {
		return nil, err
	}
	return redis.NewClient(&redis.Options{
		Addr: addr, PoolSize: 64, MinIdleConns: 8,
		Dialer: func(ctx context.Context, network, addr string) (net.Conn, error) { return e.dial(ctx, addr) },
	}), nil
}

// rueidis returns a client, with its client-side cache on.
func (e *env) rueidis() (rueidis.Client, error) {
	addr, err := e.addr()
	if err != nil {
		return nil, err
	}
	return rueidis.NewClient(rueidis.ClientOption{
		InitAddress: []string{addr},
		DialCtxFn: func(ctx context.Context, addr string, _ *net.Dialer, _ *tls.Config) (net.Conn, error) {
			return e.dial(ctx, addr)
		},
	})
}

func (e *env) dial(ctx context.Context, addr string) (net.Conn, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	tcp, ok := conn.(*net.TCPConn)
	if !ok {
		return nil, fmt.Errorf("bench: %s is reached by a %T", addr, conn)
	}
	return &countedConn{TCPConn: tcp, trips: &e.trips}, nil
}

// countedConn counts round trips: one for each turn from writing to reading. It
// is a TCP connection in everything else, what clients look for below included.
type countedConn struct {
	*net.TCPConn
	trips   *atomic.Int64
	written atomic.Bool // since the last read
}

func (c *countedConn) Write(b []byte) (int, error) {
	if !c.written.Swap(true) {
		c.trips.Add(1)
	}
	return c.TCPConn.Write(b)
}

func (c *countedConn) Read(b []byte) (int, error) {
	n, err := c.TCPConn.Read(b)
	if n > 0 {
		c.written.Store(false)
	}
	return n, err
}

// server is a Redis that persists nothing.
type server struct {
	cmd  *exec.Cmd
	addr string
}

var errNoServer = errors.New("bench: redis-server is not installed; `make deps` installs it, -only picks rows that need none")

func startServer(ctx context.Context) (*server, error) {
	path, err := exec.LookPath("redis-server")
	if err != nil {
		return nil, errNoServer
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	addr := listener.Addr().String()
	if err := listener.Close(); err != nil {
		return nil, err
	}
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, path, "--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no",
		"--loglevel", "warning", "--dir", os.TempDir())
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	s := &server{cmd: cmd, addr: addr}
	deadline := time.Now().Add(10 * time.Second)
	for !s.answers() {
		if time.Now().After(deadline) {
			s.stop()
			return nil, fmt.Errorf("bench: the redis-server at %s did not answer within 10 s", addr)
		}
		time.Sleep(10 * time.Millisecond)
	}
	return s, nil
}

func (s *server) answers() bool {
	conn, err := net.DialTimeout("tcp", s.addr, time.Second)
	if err != nil {
		return false
	}
	defer conn.Close()
	if _, err := conn.Write([]byte("PING\r\n")); err != nil {
		return false
	}
	line, err := bufio.NewReader(conn).ReadString('\n')
	return err == nil && strings.HasPrefix(line, "+PONG")
}

// version returns the number that the server calls itself by.
func (s *server) version(ctx context.Context) string {
	client := redis.NewClient(&redis.Options{Addr: s.addr})
	defer client.Close()
	info, err := client.Info(ctx, "server").Result()
	if err != nil {
		return "unknown"
	}
	for line := range strings.Lines(info) {
		if v, ok := strings.CutPrefix(strings.TrimSpace(line), "redis_version:"); ok {
			return v
		}
	}
	return "unknown"
}

func (s *server) stop() {
	// Killed on purpose: how it ends says nothing.
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait()
}
