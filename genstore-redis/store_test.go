package redisgenstore

import (
	"context"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

func standalone(t *testing.T) *redis.Client {
	client := redis.NewClient(&redis.Options{Addr: "localhost:1"})
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// TestRefusedStore makes the constructors that return no error.
func TestRefusedStore(t *testing.T) {
	ctx := context.Background()
	for name, s := range map[string]*Store{
		"client": NewRedisGenStore(nil, "ns"),
		"TTL":    NewRedisGenStoreWithTTL(standalone(t), "ns", -1),
	} {
		_, want := New(Config{})
		if name == "TTL" {
			_, want = New(Config{Client: standalone(t), TTL: -1})
		}
		errs := make(map[string]error)
		_, errs["Current"] = s.Current(ctx, "k")
		_, errs["Snapshot"] = s.Snapshot(ctx, "k")
		_, errs["Bump"] = s.Bump(ctx, "k")
		_, errs["CurrentBulk"] = s.CurrentBulk(ctx, []string{"k"})
		_, errs["SnapshotBulk"] = s.SnapshotBulk(ctx, []string{"k"})
		_, errs["BumpBulk"] = s.BumpBulk(ctx, []string{"k"})
		errs["Hold"] = s.Hold(ctx, []string{"k"}, "a", time.Second)
		errs["Release"] = s.Release(ctx, []string{"k"}, "a")
		for call, err := range errs {
			if err == nil || err.Error() != want.Error() {
				t.Errorf("%s: %s returned %v; every call must return what New does: %v", name, call, err, want)
			}
		}
		if err := s.Close(ctx); err != nil {
			t.Errorf("Close of a refused store returned %v", err)
		}
	}
}
