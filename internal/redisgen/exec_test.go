package redisgen

import (
	"context"
	"errors"
	"math"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

var errRefused = errors.New("refused by a hook")

// refusing is a hook that sends no pipeline. With swallow, it says that it has.
type refusing struct{ swallow bool }

func (refusing) DialHook(next redis.DialHook) redis.DialHook { return next }

func (refusing) ProcessHook(next redis.ProcessHook) redis.ProcessHook { return next }

func (r refusing) ProcessPipelineHook(redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(context.Context, []redis.Cmder) error {
		if r.swallow {
			return nil
		}
		return errRefused
	}
}

func refusedClient(t *testing.T, hook refusing) *redis.Client {
	client := redis.NewClient(&redis.Options{Addr: "127.0.0.1:1"})
	t.Cleanup(func() { _ = client.Close() })
	client.AddHook(hook)
	return client
}

func TestUnansweredCommandsHaveFailed(t *testing.T) {
	for _, c := range []struct {
		name string
		hook refusing
		want error
	}{
		{"refused", refusing{}, errRefused},
		{"swallowed", refusing{swallow: true}, errUnanswered},
	} {
		t.Run(c.name, func(t *testing.T) {
			pipe := refusedClient(t, c.hook).Pipeline()
			replies := []*redis.Cmd{pipe.Do(t.Context(), "hold"), pipe.Do(t.Context(), "hold")}
			exec(t.Context(), pipe)
			for i, reply := range replies {
				if !errors.Is(reply.Err(), c.want) {
					t.Errorf("a command that nobody answered has failed: command %d: got %v, want %v", i, reply.Err(), c.want)
				}
			}
		})
	}
}

func TestARefusedPairIsNoAnswer(t *testing.T) {
	store, err := New(Config{Client: refusedClient(t, refusing{}), Namespace: "n", Unguarded: true})
	if err != nil {
		t.Fatal(err)
	}
	value, gen, valueErr, genErr := store.Values().GetWithGen(t.Context(), "single:n:k", false)
	if value != nil || gen != 0 || !errors.Is(valueErr, errRefused) || !errors.Is(genErr, errRefused) {
		t.Errorf("a value and a generation that nobody answered have failed: got %q, %d, %v, %v, want %v twice",
			value, gen, valueErr, genErr, errRefused)
	}
}

func TestMillisecondsAreRoundedUp(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0", 1: "1", time.Millisecond: "1", time.Millisecond + 1: "2",
		math.MaxInt64 - 1: "9223372036855", math.MaxInt64: "9223372036855",
	} {
		if got := milliseconds(d); got != want {
			t.Errorf("a lease is rounded up to milliseconds and never overflows: %d ns: got %s, want %s", d, got, want)
		}
	}
}

func TestCloseOfAClosedClient(t *testing.T) {
	client := redis.NewClient(&redis.Options{Addr: "127.0.0.1:1"})
	if err := client.Close(); err != nil {
		t.Fatal(err)
	}
	store, err := New(Config{Client: client, Namespace: "n", CloseClient: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Close(t.Context()); err != nil {
		t.Errorf("two modules may own a client, and the second Close is no failure: got %v", err)
	}
}
