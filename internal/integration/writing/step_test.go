package writing

import (
	"context"
	"errors"
	"time"

	cascache "github.com/unkn0wn-root/cascache/core"
	redisgenstore "github.com/unkn0wn-root/cascache/genstore-redis"
	redisprovider "github.com/unkn0wn-root/cascache/provider-redis"
)

// steps stops a child at each step of a write until the parent lets it go on.
type steps struct {
	parent *parent
	armed  bool
}

func (s *steps) at(step string) {
	if !s.armed {
		return
	}
	s.parent.say(message{Kind: "step", Step: step})
	s.parent.hear()
}

// noTimeLeft is reported by a child whose hold took the time of its write.
const noTimeLeft = "no time left"

// steppedStore is the generation store with all its abilities, and with steps.
type steppedStore struct {
	*redisgenstore.Store
	steps *steps
}

var _ cascache.Holder = steppedStore{}

func (s steppedStore) Hold(ctx context.Context, keys []string, token string, lease time.Duration) error {
	s.steps.at("before the hold")
	defer s.steps.at("held")
	return s.Store.Hold(ctx, keys, token, lease)
}

func (s steppedStore) Release(ctx context.Context, keys []string, token string) error {
	s.steps.at("write returned")
	defer s.steps.at("released")
	return s.Store.Release(ctx, keys, token)
}

func (s steppedStore) Bump(ctx context.Context, key string) (uint64, error) {
	s.steps.at("before the bump")
	defer s.steps.at("bumped")
	return s.Store.Bump(ctx, key)
}

// steppedProvider is the provider with all its abilities, and with a step
// after each delete.
type steppedProvider struct {
	*redisprovider.Provider
	steps *steps
}

func (p steppedProvider) Del(ctx context.Context, key string) error {
	defer p.steps.at("deleted")
	return p.Provider.Del(ctx, key)
}

func (p steppedProvider) DelBulk(ctx context.Context, keys []string) error {
	defer p.steps.at("deleted")
	return p.Provider.DelBulk(ctx, keys)
}

// runWrite writes to the row once, step by step.
func runWrite(t task, parent *parent) {
	db, err := mapDatabase(t.Database)
	must(err)
	s := &steps{parent: parent}
	opts := t.Setup.options()
	store := opts.GenStore.(*redisgenstore.Store)
	opts.GenStore = steppedStore{store, s}
	opts.Provider = steppedProvider{opts.Provider.(*redisprovider.Provider), s}
	cache, err := cascache.New(opts)
	must(err)
	ctx := context.Background()

	// So that every later command is sent once, over a connection that is
	// there, to a server that knows the scripts.
	warm := []string{"warm"}
	must(store.Hold(ctx, warm, "warm", time.Minute))
	must(store.Release(ctx, warm, "warm"))
	_, err = store.Bump(ctx, "warm")
	must(err)
	s.armed = true

	ran := false
	write := func(context.Context) error {
		ran = true
		s.at("before the commit")
		s.at("commit sent")
		db.commit(row)
		s.at("committed")
		return nil
	}
	if t.Naive {
		must(write(ctx))
		must(cache.Invalidate(ctx, key))
	} else {
		err := cache.Mutate(ctx, []string{key}, write)
		if !ran && errors.Is(err, context.DeadlineExceeded) {
			s.at(noTimeLeft)
		}
		must(err)
	}
	s.at("returned")
}
