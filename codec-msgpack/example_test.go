package msgpackcodec_test

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/unkn0wn-root/cascache/codec-msgpack"
	"github.com/unkn0wn-root/cascache/core"
)

type User struct {
	Name  string    `msgpack:"name"`
	Since time.Time `msgpack:"since"`
}

func Example() {
	ctx := context.Background()
	users, err := cascache.New(cascache.Options[User]{
		Namespace: "user",
		Provider:  &memory{entries: make(map[string][]byte)},
		Codec:     msgpackcodec.Msgpack[User]{},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer users.Close(ctx)

	gen := users.SnapshotGen("ada")
	ada := User{Name: "Ada", Since: time.Date(1843, 9, 1, 12, 0, 0, 123456789, time.UTC)} // loaded from the source
	if err := users.SetWithGen(ctx, "ada", ada, gen, time.Minute); err != nil {
		fmt.Println(err)
		return
	}

	got, ok, err := users.Get(ctx, "ada")
	fmt.Println(got.Name, got.Since.UTC(), ok, err)
	fmt.Println(users.Invalidate(ctx, "ada"))
	_, ok, err = users.Get(ctx, "ada")
	fmt.Println(ok, err)
	// Output:
	// Ada 1843-09-01 12:00:00.123456789 +0000 UTC true <nil>
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
