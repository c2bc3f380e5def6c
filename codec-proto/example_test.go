package protocodec_test

import (
	"context"
	"fmt"
	"sync"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/unkn0wn-root/cascache/codec-proto"
	"github.com/unkn0wn-root/cascache/core"
)

// The message is a Timestamp here, so that the example stands alone; a generated
// type of your own is named in the same way: Proto[*pb.User]{}.
func Example() {
	ctx := context.Background()
	events, err := cascache.New(cascache.Options[*timestamppb.Timestamp]{
		Namespace: "event",
		Provider:  &memory{entries: make(map[string][]byte)},
		Codec:     protocodec.Proto[*timestamppb.Timestamp]{},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer events.Close(ctx)

	gen := events.SnapshotGen("launch")
	launch := timestamppb.New(time.Date(1969, 7, 16, 13, 32, 0, 0, time.UTC)) // loaded from the source
	if err := events.SetWithGen(ctx, "launch", launch, gen, time.Minute); err != nil {
		fmt.Println(err)
		return
	}

	got, ok, err := events.Get(ctx, "launch")
	fmt.Println(got.AsTime(), ok, err)
	fmt.Println(events.Invalidate(ctx, "launch"))
	_, ok, err = events.Get(ctx, "launch")
	fmt.Println(ok, err)
	// Output:
	// 1969-07-16 13:32:00 +0000 UTC true <nil>
	// <nil>
	// false <nil>
}

// memory is the smallest provider there can be.
type memory struct {
	mu      sync.Mutex
	entries map[string][]byte
}

func (m *memory) Get(_ context.Context, key string) ([]byte, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	value, ok := m.entries[key]
	return value, ok, nil
}

func (m *memory) Set(_ context.Context, key string, value []byte, _ int64, _ time.Duration) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.entries[key] = value
	return true, nil
}

func (m *memory) Del(_ context.Context, key string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.entries, key)
	return nil
}

func (m *memory) Close(context.Context) error { return nil }
