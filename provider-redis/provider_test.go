package redisprovider_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	cascache "github.com/unkn0wn-root/cascache/core"
	redisprovider "github.com/unkn0wn-root/cascache/provider-redis"
)

// A watchedClient is a client of somebody else's making.
type watchedClient struct {
	redis.UniversalClient
	closed int
	block  chan struct{} // when set, Close waits for it
}

func (c *watchedClient) Close() error {
	c.closed++
	if c.block != nil {
		<-c.block
	}
	return nil
}

func TestProviderIsShared(t *testing.T) {
	if p := newProvider(t, newFakeServer().client(t)); !p.Shared() {
		t.Fatal("entries in Redis are seen by other processes, so Shared must be true")
	}
}

func TestCloseLeavesTheClientOpenUnlessItOwnsIt(t *testing.T) {
	for _, owned := range []bool{false, true} {
		client := &watchedClient{UniversalClient: newFakeServer().client(t)}
		p, err := redisprovider.New(redisprovider.Config{Client: client, CloseClient: owned})
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := p.Close(t.Context()); err != nil {
				t.Fatalf("Close must succeed, and again: %v", err)
			}
		}
		want := 0
		if owned {
			want = 1
		}
		if client.closed != want {
			t.Errorf("with CloseClient %t the client must be closed %d times, was %d times", owned, want, client.closed)
		}
	}
}

func TestCloseWaitsNoLongerThanItsContext(t *testing.T) {
	client := &watchedClient{UniversalClient: newFakeServer().client(t), block: make(chan struct{})}
	defer close(client.block)
	p, err := redisprovider.New(redisprovider.Config{Client: client, CloseClient: true})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := p.Close(ctx); !errors.Is(err, context.Canceled) {
		t.Fatalf("Close must end with its context: got %v", err)
	}
}

// calls are all that a provider can be asked for.
var calls = map[string]func(context.Context, *redisprovider.Provider) error{
	"Get": func(ctx context.Context, p *redisprovider.Provider) error {
		_, ok, err := p.Get(ctx, "k")
		if ok {
			return errors.New("a hit")
		}
		return err
	},
	"Set": func(ctx context.Context, p *redisprovider.Provider) error {
		_, err := p.Set(ctx, "k", []byte("v"), 1, time.Minute)
		return err
	},
	"Del": func(ctx context.Context, p *redisprovider.Provider) error { return p.Del(ctx, "k") },
	"GetBulk": func(ctx context.Context, p *redisprovider.Provider) error {
		_, err := p.GetBulk(ctx, []string{"k", "l"})
		return err
	},
	"SetBulk": func(ctx context.Context, p *redisprovider.Provider) error {
		_, err := p.SetBulk(ctx, []cascache.Item{{Key: "k", Value: []byte("v"), TTL: time.Minute}})
		return err
	},
	"DelBulk": func(ctx context.Context, p *redisprovider.Provider) error {
		return p.DelBulk(ctx, []string{"k", "l"})
	},
}

func TestCallsAfterCloseFail(t *testing.T) {
	server := newFakeServer()
	p := newProvider(t, server.client(t))
	if err := p.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	for name, call := range calls {
		if err := call(t.Context(), p); !errors.Is(err, cascache.ErrClosed) {
			t.Errorf("%s after Close must return ErrClosed: got %v", name, err)
		}
	}
	if sent := server.takeSent(); len(sent) != 0 {
		t.Errorf("nothing may be sent after Close: got %q", sent)
	}
}

func TestCallsThatCloseOvertakesFailAsClosed(t *testing.T) {
	server := newFakeServer()
	p := newProvider(t, server.client(t))
	server.fails = func(redis.Cmder) error {
		// The client is closed while the call is under way.
		_ = p.Close(context.Background())
		return redis.ErrClosed
	}
	if err := p.Del(t.Context(), "k"); !errors.Is(err, cascache.ErrClosed) {
		t.Fatalf("a call that Close overtakes must return ErrClosed: got %v", err)
	}
}

func TestCallsOnAClosedClientFail(t *testing.T) {
	client := redis.NewClient(&redis.Options{Addr: "127.0.0.1:1"})
	if err := client.Close(); err != nil {
		t.Fatal(err)
	}
	p := newProvider(t, client)
	for name, call := range calls {
		if err := call(t.Context(), p); !errors.Is(err, redis.ErrClosed) || errors.Is(err, cascache.ErrClosed) {
			t.Errorf("%s on a client that its owner closed must tell so: got %v", name, err)
		}
	}
}

func TestCallsWithADoneContextSendNothing(t *testing.T) {
	server := newFakeServer()
	p := newProvider(t, server.client(t))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for name, call := range calls {
		if err := call(ctx, p); !errors.Is(err, context.Canceled) {
			t.Errorf("%s with a done context must return its error: got %v", name, err)
		}
	}
	if sent := server.takeSent(); len(sent) != 0 {
		t.Errorf("nothing may be sent under a done context: got %q", sent)
	}
}

// A cache that was given it would fail at each call.
func TestClosedIsTold(t *testing.T) {
	p := newProvider(t, newFakeServer().client(t))
	if p.Closed() {
		t.Error("what is open is not closed: Closed reports true")
	}
	_ = p.Close(t.Context())
	h, err := cascache.New(cascache.Options[string]{Namespace: "n", Codec: cascache.String{}, Provider: p})
	if !p.Closed() || err == nil || h != nil {
		t.Errorf("New refuses what is closed: Closed reports %v, New returned %v, %v", p.Closed(), h, err)
	}
}
