package redisgen

import (
	"bufio"
	"context"
	"errors"
	"net"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"
)

// answering starts a server that answers every command with one error, and
// returns a client of it.
func answering(tb testing.TB, reply, password string) *redis.Client {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				lines := bufio.NewScanner(c)
				for lines.Scan() {
					if strings.HasPrefix(lines.Text(), "*") { // a command begins
						if _, err := c.Write([]byte("-" + reply + "\r\n")); err != nil {
							return
						}
					}
				}
			}()
		}
	}()
	c := redis.NewClient(&redis.Options{Addr: l.Addr().String(), Password: password, MaxRetries: -1, Protocol: 2, DisableIdentity: true})
	tb.Cleanup(func() { c.Close() })
	return c
}

func TestErrorsSayWhat(t *testing.T) {
	for name, c := range map[string]struct {
		reply string
		says  []string
		hides []string
	}{
		"refused":     {"READONLY You can't write against a read only replica.", []string{"READONLY"}, nil},
		"too old":     {"ERR Error compiling script (new function): user_script:1: unexpected symbol near '#'", []string{"Redis 7"}, nil},
		"much older":  {"ERR unknown command 'getex', with args beginning with: 'gen:{a}' 'secret'", []string{"Redis 7"}, []string{"secret"}},
		"renamed":     {"ERR unknown command 'EVALSHA', with args beginning with: 'abc' '1'", []string{"renamed or disabled"}, []string{"too old", "abc"}},
		"no GETEX":    {"ERR unknown command 'getex', with args beginning with: 'abc'", []string{"renamed or disabled", "Redis 7"}, []string{"too old", "abc"}},
		"quoting one": {"ERR wrong thing, with args beginning with: 'secret'", []string{"ERR wrong thing"}, []string{"secret"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := opened(t, answering(t, c.reply, ""), "ns")
			errs := make(map[string]error)
			ctx := context.Background()
			_, errs["current"] = s.Current(ctx, "single:app:k")
			_, errs["snapshot"] = s.Snapshot(ctx, "single:app:k")
			_, errs["bump"] = s.BumpBulk(ctx, []string{"single:app:k", "single:app:l"})
			errs["hold"] = s.Hold(ctx, []string{"single:app:k"}, "token-secret", 1)
			errs["release"] = s.Release(ctx, []string{"single:app:k"}, "token-secret")
			for op, err := range errs {
				if err == nil {
					t.Fatalf("%s returned nil", op)
				}
				for _, part := range append(c.says, op, `"single:app:k"`) {
					if !strings.Contains(err.Error(), part) {
						t.Errorf("the error of a %s must name %s: %v", op, part, err)
					}
				}
				for _, part := range append(c.hides, "#!lua", "redis.call", "token-secret") {
					if strings.Contains(err.Error(), part) {
						t.Errorf("the error of a %s tells %q: %v", op, part, err)
					}
				}
				var fromServer redis.Error
				if !errors.As(err, &fromServer) {
					t.Errorf("the error of a %s does not wrap the server's: %v", op, err)
				}
			}
		})
	}
}

func TestErrorsHideThePassword(t *testing.T) {
	s := opened(t, answering(t, "WRONGPASS invalid username-password pair or user is disabled.", "sesame"), "ns")
	_, err := s.Bump(context.Background(), "single:app:k")
	if err == nil || strings.Contains(err.Error(), "sesame") || !strings.Contains(err.Error(), "WRONGPASS") {
		t.Errorf("a bump with a wrong password returned %v", err)
	}
}

func TestUnreachable(t *testing.T) {
	s := opened(t, standalone(t, func(o *redis.Options) { o.MaxRetries, o.DialerRetries = -1, 1 }), "ns")
	_, err := s.Current(context.Background(), "single:app:k")
	if err == nil || !fromNetwork(err) || !strings.Contains(err.Error(), `current of "single:app:k"`) {
		t.Errorf("a server that is not there: %v", err)
	}
}

func TestJoined(t *testing.T) {
	a, b := errors.New("a"), errors.New("b")
	err := joined("bump", []string{"k", "l", "m", "n"}, []error{a, nil, b, errors.New("a")})
	want := "redisgenstore: bump of \"k\" and 1 more: a\nredisgenstore: bump of \"m\": b"
	if err == nil || err.Error() != want {
		t.Errorf("the errors of a batch read\n%v\nwant\n%s", err, want)
	}
	if !errors.Is(err, a) || !errors.Is(err, b) {
		t.Errorf("%v does not wrap its causes", err)
	}
	if err := joined("bump", []string{"k"}, make([]error, 1)); err != nil {
		t.Errorf("no errors became %v", err)
	}
}

// opened returns a store over client with defaults.
func opened(t *testing.T, client redis.UniversalClient, namespace string) *Store {
	s, err := New(Config{Client: client, Namespace: namespace})
	if err != nil {
		t.Fatal(err)
	}
	return s
}
