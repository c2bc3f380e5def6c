package redisprovider_test

import (
	"context"
	"testing"
	"time"
)

// The fake server's own allocations are the same on both sides.
func TestCallsAllocateNoMoreThanTheClientAndTwo(t *testing.T) {
	server := newFakeServer()
	client := server.client(t)
	p := newProvider(t, client)
	ctx := context.Background()
	value := []byte("value")
	for name, pair := range map[string]struct{ raw, provider func() }{
		"Get": {
			raw:      func() { client.Get(ctx, "k").Bytes() },
			provider: func() { p.Get(ctx, "k") },
		},
		"Set": {
			raw:      func() { client.Set(ctx, "k", value, time.Minute) },
			provider: func() { p.Set(ctx, "k", value, 1, time.Minute) },
		},
		"Del": {
			raw:      func() { client.Del(ctx, "k") },
			provider: func() { p.Del(ctx, "k") },
		},
	} {
		server.values["k"] = "value"
		raw := testing.AllocsPerRun(100, pair.raw)
		got := testing.AllocsPerRun(100, pair.provider)
		server.takeSent()
		t.Logf("%s: %v allocations, the client alone %v", name, got, raw)
		if got > raw+2 {
			t.Errorf("%s must cost at most two allocations beyond the client's own: got %v, client %v", name, got, raw)
		}
	}
}
