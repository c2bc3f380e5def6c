package main

import (
	"context"
	"time"

	jsoncodec "github.com/unkn0wn-root/cascache/codec-json"
	cascache "github.com/unkn0wn-root/cascache/core"
	ristrettoprovider "github.com/unkn0wn-root/cascache/provider-ristretto"
)

// entryTTL is how long an entry lives, in all caches. It bounds what the
// others serve late: scaled down, like the whole demo, from the minutes that
// are usual.
const entryTTL = time.Second

// A strategy is a way to keep a cache in step with a database.
type strategy interface {
	// read returns the product from the cache, which is a hit, or else what
	// load returns, after filling the cache with it.
	read(ctx context.Context, id int64, load loader) (p Product, hit bool, err error)

	// invalidate is called with each product that was written, once its
	// transaction has committed. With nil the strategy claims to have done
	// what it does about older versions in the cache.
	invalidate(ctx context.Context, p Product) error

	close(ctx context.Context) error
}

// A loader reads a product from the database.
type loader func(ctx context.Context, id int64) (Product, error)

// A contender is a strategy to be measured.
type contender struct {
	name     string
	promises bool // that it serves no stale read
	open     func() (strategy, error)
}

// contenders returns the caches of the demo. They store the same bytes in the
// same kind of storage of the same size, for as long.
func contenders() []contender {
	return []contender{
		{name: "TTL only", open: overPlain(func(s plain) strategy { return ttlOnly{s} })},
		{name: "delete-then-set", open: overPlain(func(s plain) strategy { return deleteThenSet{s} })},
		{name: "write-through", open: overPlain(func(s plain) strategy { return writeThrough{s} })},
		{name: "CasCache", promises: true, open: func() (strategy, error) { return openCAS(nil) }},
	}
}

func newProvider() (*ristrettoprovider.Provider, error) {
	return ristrettoprovider.New(ristrettoprovider.Config{})
}

func overPlain(wrap func(plain) strategy) func() (strategy, error) {
	return func() (strategy, error) {
		provider, err := newProvider()
		if err != nil {
			return nil, err
		}
		return wrap(plain{provider: provider}), nil
	}
}

// openCAS opens CasCache with these generations, nil for local ones.
func openCAS(gens cascache.GenStore) (strategy, error) {
	provider, err := newProvider()
	if err != nil {
		return nil, err
	}
	return newCAS(provider, gens)
}

// codec is how every cache stores a product.
var codec cascache.Codec[Product] = jsoncodec.JSON[Product]{}
