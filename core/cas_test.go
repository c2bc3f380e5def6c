package cascache_test

import (
	"context"
	"maps"
	"slices"
	"testing"
	"time"

	cascache "github.com/unkn0wn-root/cascache/core"
)

// user is what a program outside of the package would cache.
type user struct{ ID, Name string }

// userCodec is the codec that such a program would bring.
type userCodec struct{}

func (userCodec) Encode(u user) ([]byte, error) { return []byte(u.ID + "\x00" + u.Name), nil }

func (userCodec) Decode(data []byte) (user, error) {
	i := slices.Index(data, 0)
	if i < 0 {
		return user{}, errNoUser
	}
	return user{ID: string(data[:i]), Name: string(data[i+1:])}, nil
}

// newUsers is the program that the documentation promises to compile.
func newUsers(provider cascache.Provider) (cascache.CAS[user], error) {
	return cascache.New[user](cascache.Options[user]{
		Namespace:  "user",
		Provider:   provider,
		Codec:      userCodec{},
		DefaultTTL: 5 * time.Minute,
		BulkTTL:    time.Minute,
		ComputeSetCost: func(key string, raw []byte, isBulk bool, n int) int64 {
			return int64(n)
		},
	})
}

// The two names are identical types.
var _ = func(c cascache.CAS[user]) cascache.Cache[user] { return c }

// A program against the nine methods.
func TestTheNineMethods(t *testing.T) {
	ctx := t.Context()
	provider := newPlainProvider()
	users, err := newUsers(provider)
	if err != nil {
		t.Fatal(err)
	}
	if !users.Enabled() {
		t.Error("a cache that is not disabled is enabled")
	}

	obs := users.SnapshotGen("1")
	if err := users.SetWithGen(ctx, "1", user{"1", "Ada"}, obs, 0); err != nil {
		t.Fatal(err)
	}
	if u, ok, err := users.Get(ctx, "1"); u != (user{"1", "Ada"}) || !ok || err != nil {
		t.Errorf("a fill by the book is served: got %v, %v, %v", u, ok, err)
	}
	if err := users.Invalidate(ctx, "1"); err != nil {
		t.Fatal(err)
	}
	if err := users.SetWithGen(ctx, "1", user{"1", "Ada"}, obs, 0); err != nil {
		t.Fatal(err)
	}
	if u, ok, err := users.Get(ctx, "1"); ok || err != nil {
		t.Errorf("nothing loaded before an invalidation is served after it: got %v, %v", u, err)
	}

	keys := []string{"2", "1", "3"}
	gens := users.SnapshotGens(keys)
	items := map[string]user{"1": {"1", "Ada"}, "2": {"2", "Grace"}, "3": {"3", "Barbara"}}
	if err := users.SetBulkWithGens(ctx, items, gens, 0); err != nil {
		t.Fatal(err)
	}
	values, missing, err := users.GetBulk(ctx, append(keys, "4"))
	if !maps.Equal(values, items) || !slices.Equal(missing, []string{"4"}) || err != nil {
		t.Errorf("a bulk fill by the book is served: got %v, %v, %v", values, missing, err)
	}
	if err := users.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
}

// What goes beyond the nine methods is on the concrete type, which New returns.
func TestBeyondTheNineMethods(t *testing.T) {
	var _ interface {
		cascache.CAS[user]
		SnapshotGenContext(ctx context.Context, key string) (uint64, error)
		SnapshotGensContext(ctx context.Context, keys []string) (map[string]uint64, error)
		InvalidateBulk(ctx context.Context, keys []string) error
		Mutate(ctx context.Context, keys []string, write func(ctx context.Context) error) error
	} = (*cascache.Handle[user])(nil)
}
