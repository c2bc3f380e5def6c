package redisprovider_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	cascache "github.com/unkn0wn-root/cascache/core"
)

const secret = "s3cret-value"

// What a server or the client says of a command may quote its arguments.
var quoting = map[string]error{
	"unknown command":  serverError("ERR unknown command 'set', with args beginning with: 'single:shop:1' '" + secret + "' 'px' "),
	"old server":       serverError("ERR unknown command `HELLO`, with args beginning with: `3` `AUTH` `default` `" + secret + "` "),
	"unreadable":       fmt.Errorf("redis: can't parse %q", secret),
	"invalid":          fmt.Errorf("redis: invalid reply: %q", secret),
	"wrapped by hooks": fmt.Errorf("a hook: %w", fmt.Errorf("redis: can't parse reply=%q reading string", secret)),
	"ordinary":         io.ErrUnexpectedEOF,
}

func TestErrorsNameTheCallAndTheKeyAndGiveNothingAway(t *testing.T) {
	keys := []string{"single:shop:1", "single:shop:2"}
	items := []cascache.Item{{Key: keys[0], Value: []byte(secret), TTL: time.Minute}, {Key: keys[1], Value: []byte(secret), TTL: time.Minute}}
	for name, cause := range quoting {
		server := newFakeServer()
		server.fails = func(redis.Cmder) error { return cause }
		clients := map[string]redis.UniversalClient{"one node": server.client(t), "spread": &watchedClient{UniversalClient: server.client(t)}}
		for kind, client := range clients {
			p := newProvider(t, client)
			for op, call := range map[string]func(ctx context.Context) error{
				"get": func(ctx context.Context) error { _, _, err := p.Get(ctx, keys[0]); return err },
				"set": func(ctx context.Context) error {
					_, err := p.Set(ctx, keys[0], []byte(secret), 1, time.Minute)
					return err
				},
				"delete":   func(ctx context.Context) error { return p.Del(ctx, keys[0]) },
				"get 2":    func(ctx context.Context) error { _, err := p.GetBulk(ctx, keys); return err },
				"set 2":    func(ctx context.Context) error { _, err := p.SetBulk(ctx, items); return err },
				"delete 2": func(ctx context.Context) error { return p.DelBulk(ctx, keys) },
			} {
				err := call(t.Context())
				if err == nil {
					t.Fatalf("%s, %s, %s: a failure must be an error", name, kind, op)
				}
				if !strings.HasPrefix(err.Error(), "redisprovider: "+op) || !strings.Contains(err.Error(), `"single:shop:1"`) {
					t.Errorf("%s, %s: the error must name the call and the key: got %q, want it to begin with %q", name, kind, err, op)
				}
				for cause := err; cause != nil; cause = errors.Unwrap(cause) {
					if strings.Contains(cause.Error(), secret) {
						t.Errorf("%s, %s, %s: no value or password may be in an error: %q", name, kind, op, cause)
					}
				}
				if !errors.Is(err, cause) {
					t.Errorf("%s, %s, %s: the cause must be known by errors.Is: got %v", name, kind, op, err)
				}
			}
		}
	}
}

func TestErrorsOfOrdinaryCausesStayReadable(t *testing.T) {
	server := newFakeServer()
	server.fails = func(redis.Cmder) error {
		return serverError("NOPERM this user has no permissions to run the 'get' command")
	}
	p := newProvider(t, server.client(t))
	_, _, err := p.Get(t.Context(), "k")
	if want := `redisprovider: get "k": NOPERM this user has no permissions to run the 'get' command`; err == nil || err.Error() != want {
		t.Errorf("what the server says must be told: got %v, want %s", err, want)
	}
	var fromServer redis.Error
	if !errors.As(err, &fromServer) {
		t.Errorf("the server's error must be found by errors.As: %v", err)
	}
}

func TestErrorsTellThatTheContextIsOver(t *testing.T) {
	server := newFakeServer()
	p := newProvider(t, server.client(t))
	ctx, cancel := context.WithCancel(t.Context())
	// As when the connection's deadline, taken from the context, has passed.
	server.fails = func(redis.Cmder) error {
		cancel()
		return errors.New("i/o timeout")
	}
	if _, _, err := p.Get(ctx, "k"); !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "i/o timeout") {
		t.Errorf("a call that fails under an ended context must tell both: got %v", err)
	}

	deadline, cancel := context.WithDeadline(t.Context(), time.Now().Add(time.Millisecond))
	defer cancel()
	server.fails = func(redis.Cmder) error {
		<-deadline.Done()
		return errors.New("i/o timeout")
	}
	if _, _, err := p.Get(deadline, "k"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a call that its deadline ended must tell so: got %v", err)
	}
}

func TestBulkThatAHookRefusesFailsAsAWhole(t *testing.T) {
	errRefused := errors.New("circuit open")
	server := newFakeServer()
	server.values["a"] = "1"
	server.refuse = func([]redis.Cmder) error { return errRefused }
	p := newProvider(t, &watchedClient{UniversalClient: server.client(t)})
	if values, err := p.GetBulk(t.Context(), []string{"a"}); !errors.Is(err, errRefused) || values != nil {
		t.Errorf("a batch that was never sent must not be a set of misses or hits: got %q, %v", values, err)
	}
	if stored, err := p.SetBulk(t.Context(), []cascache.Item{{Key: "a", TTL: 1}}); !errors.Is(err, errRefused) || stored != nil {
		t.Errorf("a batch that was never sent has stored nothing: got %v, %v", stored, err)
	}
	if err := p.DelBulk(t.Context(), []string{"a"}); !errors.Is(err, errRefused) {
		t.Errorf("a batch that was never sent has deleted nothing: got %v", err)
	}
}
