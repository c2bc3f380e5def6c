package genstoreredis

import (
	"errors"
	"testing"
	"time"

	redisgenstore "github.com/unkn0wn-root/cascache/genstore-redis"
	"github.com/unkn0wn-root/cascache/internal/redisgen"
	"github.com/unkn0wn-root/cascache/internal/redistest"
)

// TestNamespaceOfLeases tries every call that changes a generation in a
// namespace whose replicas would not hear of it.
func TestNamespaceOfLeases(t *testing.T) {
	server := redistest.Start(t)
	client := connect(t, server.Addr())
	ctx := t.Context()
	mark, _, leased := redisgen.Mark("test")
	client.Set(ctx, mark, leased, 0)
	keys := names("k", 2)
	for name, call := range map[string]func(s store) error{
		"Snapshot":     func(s store) error { _, err := s.Snapshot(ctx, "k"); return err },
		"SnapshotBulk": func(s store) error { _, err := s.SnapshotBulk(ctx, keys); return err },
		"Bump":         func(s store) error { _, err := s.Bump(ctx, "k"); return err },
		"BumpBulk":     func(s store) error { _, err := s.BumpBulk(ctx, keys); return err },
		"Hold":         func(s store) error { return s.Hold(ctx, keys, "token", time.Second) },
		"Release":      func(s store) error { return s.Release(ctx, keys, "token") },
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, client)
			for range 2 {
				if err := call(s); !errors.Is(err, redisgenstore.ErrOtherKind) {
					t.Errorf("a namespace of leases must be refused: got %v, want ErrOtherKind", err)
				}
			}
			client.Del(ctx, mark)
			defer client.Set(ctx, mark, leased, 0)
			if err := call(s); err != nil {
				t.Errorf("the namespace is free, and the call failed: %v", err)
			}
		})
	}
	if n := client.DBSize(ctx).Val(); n == 0 {
		t.Error("nothing was written at all: the calls were not tried")
	}
}
