package redisgen

import (
	"context"
	"errors"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	cascache "github.com/unkn0wn-root/cascache/core"
)

var errRefused = errors.New("refused by a hook")

// refusing is a hook that sends nothing. With swallow, it says that it has.
type refusing struct{ swallow bool }

func (refusing) DialHook(next redis.DialHook) redis.DialHook { return next }

func (r refusing) answer() error {
	if r.swallow {
		return nil
	}
	return errRefused
}

func (r refusing) ProcessHook(redis.ProcessHook) redis.ProcessHook {
	return func(context.Context, redis.Cmder) error { return r.answer() }
}

func (r refusing) ProcessPipelineHook(redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(context.Context, []redis.Cmder) error { return r.answer() }
}

// refusals are both kinds of it, and what calls must return.
var refusals = map[string]struct {
	hook refusing
	want error
}{
	"refused":   {refusing{}, errRefused},
	"swallowed": {refusing{swallow: true}, errUnanswered},
}

func refusedClient(t *testing.T, hook refusing) *redis.Client {
	client := redis.NewClient(&redis.Options{Addr: nowhere})
	t.Cleanup(func() { _ = client.Close() })
	client.AddHook(hook)
	return client
}

func TestUnansweredCommandsHaveFailed(t *testing.T) {
	for name, c := range refusals {
		t.Run(name, func(t *testing.T) {
			pipe := refusedClient(t, c.hook).Pipeline()
			cmds := []redis.Cmder{
				pipe.Do(t.Context(), "hold"), pipe.MGet(t.Context(), "k"), pipe.Set(t.Context(), "k", "v", 0),
				awaitText(pipe.Get(t.Context(), "k")), awaitNumber(pipe.Del(t.Context(), "k")),
			}
			exec(t.Context(), pipe)
			for _, cmd := range cmds {
				if !errors.Is(cmd.Err(), c.want) {
					t.Errorf("a command that nobody answered has failed: %s: got %v, want %v", cmd.Name(), cmd.Err(), c.want)
				}
			}
		})
	}
}

func TestEmptyAnswersAreAnswers(t *testing.T) {
	text := awaitText(redis.NewStringCmd(t.Context(), "get", "k"))
	text.SetVal("")
	number := awaitNumber(redis.NewIntCmd(t.Context(), "del", "k"))
	number.SetVal(0)
	for _, cmd := range []redis.Cmder{text, number} {
		if demandAnswer(cmd); cmd.Err() != nil {
			t.Errorf("an empty reply is one: %s: got %v", cmd.Name(), cmd.Err())
		}
	}
}

// TestUnansweredCallsHaveFailed makes every call through a hook that sends
// nothing.
func TestUnansweredCallsHaveFailed(t *testing.T) {
	for name, c := range refusals {
		plain := refusedClient(t, c.hook)
		for kind, config := range map[string]Config{
			"client":              {Client: plain},
			"unguarded":           {Client: plain, Unguarded: true},
			"unguarded, with TTL": {Client: plain, Unguarded: true, TTL: time.Hour},
			"replicas":            {Client: plain, WaitReplicas: 1},
			"autopipeliner":       {Client: batching(t, plain)},
			"type of one's own":   {Client: embedding{plain}},
		} {
			for _, claimed := range []bool{false, true} {
				t.Run(name+", "+kind, func(t *testing.T) {
					s, err := New(config)
					if err != nil {
						t.Fatal(err)
					}
					s.claimed.Store(claimed)
					for call, do := range failing(t.Context(), s) {
						if err := do(); !errors.Is(err, c.want) {
							t.Errorf("a call that nobody answered has failed: %s: got %v, want %v", call, err, c.want)
						}
					}
				})
			}
		}
	}
}

var errAnswered = errors.New("the call returned what nobody can have answered")

// failing are all calls, which return errAnswered beside an answer.
func failing(ctx context.Context, s *Store) map[string]func() error {
	v, keys := s.Values(), []string{"single:n:k", "single:n:l"}
	one := func(gen uint64, err error) error {
		if gen != 0 {
			return errAnswered
		}
		return err
	}
	many := func(gens []uint64, err error) error {
		if slices.ContainsFunc(gens, func(gen uint64) bool { return gen != 0 }) {
			return errAnswered
		}
		return err
	}
	item := cascache.Item{Key: keys[0], Value: []byte("v"), TTL: time.Minute}
	other := cascache.Item{Key: keys[1], Value: []byte("v"), TTL: time.Minute}
	bulk := cascache.Item{Key: "bulk:n:k", Value: []byte("v"), TTL: time.Minute}
	pair := func(create bool) (valueErr, genErr error) {
		value, gen, valueErr, genErr := v.GetWithGen(ctx, keys[0], create)
		if value != nil || gen != 0 {
			return errAnswered, errAnswered
		}
		return valueErr, genErr
	}
	pairs := func(wanted bool) (valueErr, genErr error) {
		r, err := v.GetBulkWithGens(ctx, bulk.Key, keys, wanted)
		return err, many(r.Gens, r.GenErr)
	}
	return map[string]func() error{
		"Current":             func() error { return one(s.Current(ctx, keys[0])) },
		"CurrentToCommit":     func() error { return one(s.CurrentToCommit(ctx, keys[0])) },
		"CurrentBulk":         func() error { return many(s.CurrentBulk(ctx, keys)) },
		"CurrentToCommitBulk": func() error { return many(s.CurrentToCommitBulk(ctx, keys)) },
		"Snapshot":            func() error { return one(s.Snapshot(ctx, keys[0])) },
		"SnapshotBulk":        func() error { return many(s.SnapshotBulk(ctx, keys)) },
		"Bump":                func() error { return one(s.Bump(ctx, keys[0])) },
		"BumpBulk":            func() error { return many(s.BumpBulk(ctx, keys)) },
		"Hold of one":         func() error { return s.Hold(ctx, keys[:1], "token", time.Minute) },
		"Hold":                func() error { return s.Hold(ctx, keys, "token", time.Minute) },
		"Release of one":      func() error { return s.Release(ctx, keys[:1], "token") },
		"Release":             func() error { return s.Release(ctx, keys, "token") },

		"GetWithGen, value":                 func() error { err, _ := pair(false); return err },
		"GetWithGen, generation":            func() error { _, err := pair(false); return err },
		"GetWithGen to create, value":       func() error { err, _ := pair(true); return err },
		"GetWithGen to create, generation":  func() error { _, err := pair(true); return err },
		"GetBulkWithGens, values":           func() error { err, _ := pairs(true); return err },
		"GetBulkWithGens, generations":      func() error { _, err := pairs(true); return err },
		"GetBulkWithGens, bulk entry":       func() error { err, _ := pairs(false); return err },
		"GetBulkWithGens, only generations": func() error { _, err := pairs(false); return err },
		"SetIfGen":                          func() error { _, stored, err := v.SetIfGen(ctx, item, 7); return unstored(err, stored) },
		"SetBulkIfGens": func() error {
			_, stored, err := v.SetBulkIfGens(ctx, []cascache.Item{item, other, bulk}, []uint64{7, 7})
			return unstored(err, stored...)
		},
		"BumpAndDel, bump":   func() error { gens, err, _ := v.BumpAndDel(ctx, keys); return many(gens, err) },
		"BumpAndDel, delete": func() error { _, _, err := v.BumpAndDel(ctx, keys); return err },
		"DelEqual":           func() error { return v.DelEqual(ctx, keys, [][]byte{{1}, {2}}) },

		// What these are made of while a slot is being moved.
		"get alone": func() error { _, err := s.get(ctx, keys[0]); return err },
		"set alone": func() error { stored, err := v.set(ctx, item); return unstored(err, stored) },
	}
}

func unstored(err error, stored ...bool) error {
	if slices.Contains(stored, true) {
		return errAnswered
	}
	return err
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
