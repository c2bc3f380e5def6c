package cascache_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	cascache "github.com/unkn0wn-root/cascache/core"
)

// Two caches over one generation store, each with a namespace of its own. The
// last one to close closes the store.
func ExampleNew_shared() {
	ctx := context.Background()
	gens := cascache.NewLocalGenStore(0, 0)
	names, err := cascache.New(cascache.Options[string]{Namespace: "name", Provider: newPlainProvider(), Codec: cascache.String{}, GenStore: gens})
	if err != nil {
		panic(err)
	}
	mails, err := cascache.New(cascache.Options[string]{Namespace: "mail", Provider: newPlainProvider(), Codec: cascache.String{}, GenStore: gens})
	if err != nil {
		panic(err)
	}
	_ = names.Close(ctx)
	fmt.Println(gens.Closed(), mails.SnapshotGen("1") != 0)
	_ = mails.Close(ctx)
	fmt.Println(gens.Closed())
	// Output:
	// false true
	// true
}

func ExampleJoinHooks() {
	count := 0
	metrics := &cascache.Hooks{Miss: func(context.Context, cascache.MissEvent) { count++ }}
	log := &cascache.Hooks{Miss: func(_ context.Context, e cascache.MissEvent) { fmt.Println(e.Key, e.Reason) }}
	cache, err := cascache.New(cascache.Options[string]{
		Namespace: "name", Provider: newPlainProvider(), Codec: cascache.String{}, Hooks: cascache.JoinHooks(metrics, log),
	})
	if err != nil {
		panic(err)
	}
	defer cache.Close(context.Background())
	_, _, _ = cache.Get(context.Background(), "1")
	fmt.Println(count)
	// Output:
	// 1 not_found
	// 1
}

// A slow hook does not slow down the cache; what does not fit is counted.
func ExampleAsyncHooks() {
	async := cascache.NewAsyncHooks(&cascache.Hooks{
		Miss: func(_ context.Context, e cascache.MissEvent) { fmt.Println(e.Key, e.Reason) },
	}, 100)
	cache, err := cascache.New(cascache.Options[string]{
		Namespace: "name", Provider: newPlainProvider(), Codec: cascache.String{}, Hooks: async.Hooks(),
	})
	if err != nil {
		panic(err)
	}
	ctx := context.Background()
	_, _, _ = cache.Get(ctx, "1")
	_ = cache.Close(ctx)
	_ = async.Close(ctx)
	fmt.Println(async.Dropped(), "dropped")
	// Output:
	// 1 not_found
	// 0 dropped
}

// A log in which nobody is named, with at most 10 lines a second of each kind.
func ExampleSlogOptions() {
	handler := slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{Level: slog.LevelDebug, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}})
	hooks := cascache.NewSlogHooks(slog.New(handler), cascache.SlogOptions{
		Redact:       func(string) string { return "***" }, // or cascache.HashKey
		MaxPerSecond: 10,
	})
	hooks.Miss(context.Background(), cascache.MissEvent{Namespace: "user", Key: "ada@example.com", Reason: cascache.ReasonStale})
	// Output:
	// level=DEBUG msg="cascache: miss" namespace=user key=*** reason=stale
}

// An error tells in fields what failed, and for which key.
func ExampleOpError() {
	cache, err := cascache.New(cascache.Options[string]{Namespace: "name", Provider: newPlainProvider(), Codec: cascache.String{}})
	if err != nil {
		panic(err)
	}
	defer cache.Close(context.Background())
	err = cache.SetWithGen(context.Background(), "1", "Ada", 1, -time.Second)
	var failed *cascache.OpError
	if errors.As(err, &failed) {
		fmt.Println(failed.Op == cascache.OpSet, failed.Namespace, failed.Key, errors.Is(err, cascache.ErrInvalidTTL))
	}
	// Output:
	// true name 1 true
}

func ExampleOp() {
	err := error(&cascache.OpError{Op: cascache.OpSetBulk, Namespace: "name", Key: "1", Keys: 3, Err: errors.New("refused")})
	fmt.Println(err)
	// Output:
	// cascache: set bulk "single:name:1" and 2 more keys: refused
}

// New refuses a store that is closed.
func ExampleClosedTeller() {
	gens := cascache.NewLocalGenStore(0, 0)
	_ = gens.Close(context.Background())
	var teller cascache.ClosedTeller = gens
	_, err := cascache.New(cascache.Options[string]{Namespace: "name", Provider: newPlainProvider(), Codec: cascache.String{}, GenStore: gens})
	fmt.Println(teller.Closed(), err != nil)
	// Output:
	// true true
}
