package redisprovider_test

import (
	"context"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/redis/go-redis/v9"

	redisprovider "github.com/unkn0wn-root/cascache/provider-redis"
)

// A serverError is an error reply.
type serverError string

func (e serverError) Error() string { return string(e) }

func (serverError) RedisError() {}

// A fakeServer answers in place of the network, as a hook of a client. Tests
// of what Redis itself does need a real one and lie in the integration module.
type fakeServer struct {
	mu     sync.Mutex
	values map[string]string
	sent   []string                       // one line per command, or per pipeline
	fails  func(cmd redis.Cmder) error    // nil, or why a command fails
	refuse func(cmds []redis.Cmder) error // nil, or why a pipeline is not sent at all
}

func newFakeServer() *fakeServer { return &fakeServer{values: map[string]string{}} }

func (f *fakeServer) DialHook(redis.DialHook) redis.DialHook {
	return func(context.Context, string, string) (net.Conn, error) {
		return nil, fmt.Errorf("the fake server must not be dialed")
	}
}

func (f *fakeServer) ProcessHook(redis.ProcessHook) redis.ProcessHook {
	return func(_ context.Context, cmd redis.Cmder) error {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.sent = append(f.sent, line(cmd))
		return f.answer(cmd)
	}
}

func (f *fakeServer) ProcessPipelineHook(redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(_ context.Context, cmds []redis.Cmder) error {
		f.mu.Lock()
		defer f.mu.Unlock()
		if f.refuse != nil {
			return f.refuse(cmds)
		}
		lines := make([]string, len(cmds))
		var first error
		for i, cmd := range cmds {
			lines[i] = line(cmd)
			err := f.answer(cmd)
			cmd.SetErr(err)
			if first == nil {
				first = err
			}
		}
		f.sent = append(f.sent, strings.Join(lines, " | "))
		return first
	}
}

func line(cmd redis.Cmder) string {
	words := make([]string, len(cmd.Args()))
	for i, arg := range cmd.Args() {
		words[i] = text(arg)
	}
	return strings.Join(words, " ")
}

func text(arg any) string {
	if b, ok := arg.([]byte); ok {
		return string(b)
	}
	return fmt.Sprint(arg)
}

func (f *fakeServer) answer(cmd redis.Cmder) error {
	if f.fails != nil {
		if err := f.fails(cmd); err != nil {
			return err
		}
	}
	args := cmd.Args()
	switch cmd.Name() {
	case "get":
		value, ok := f.values[text(args[1])]
		if !ok {
			return redis.Nil
		}
		cmd.(*redis.StringCmd).SetVal(value)
	case "mget":
		replies := make([]any, 0, len(args))
		for _, key := range args[1:] {
			if value, ok := f.values[text(key)]; ok {
				replies = append(replies, value)
			} else {
				replies = append(replies, nil)
			}
		}
		cmd.(*redis.SliceCmd).SetVal(replies)
	case "set":
		f.values[text(args[1])] = text(args[2])
		cmd.(*redis.StatusCmd).SetVal("OK")
	case "del":
		before := len(f.values)
		for _, key := range args[1:] {
			delete(f.values, text(key))
		}
		cmd.(*redis.IntCmd).SetVal(int64(before - len(f.values)))
	default:
		return serverError("ERR unknown command")
	}
	return nil
}

// takeSent returns what was sent since the last call.
func (f *fakeServer) takeSent() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	sent := f.sent
	f.sent = nil
	return sent
}

// client returns a client of the fake server. It never dials; its address is a
// number, since go-redis resolves names as early as that.
func (f *fakeServer) client(t testing.TB) *redis.Client {
	client := redis.NewClient(&redis.Options{Addr: "127.0.0.1:1"})
	client.AddHook(f)
	t.Cleanup(func() { _ = client.Close() })
	return client
}

func (f *fakeServer) clusterClient(t testing.TB) *redis.ClusterClient {
	client := redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{"127.0.0.1:1"}})
	client.AddHook(f)
	t.Cleanup(func() { _ = client.Close() })
	return client
}

func newProvider(t testing.TB, client redis.UniversalClient) *redisprovider.Provider {
	t.Helper()
	p, err := redisprovider.New(redisprovider.Config{Client: client})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(context.Background()); err != nil {
			t.Errorf("Close must succeed: %v", err)
		}
	})
	return p
}
