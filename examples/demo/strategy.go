package main

import (
	"time"

	jsoncodec "github.com/unkn0wn-root/cascache/codec-json"
	cascache "github.com/unkn0wn-root/cascache/core"
	"github.com/unkn0wn-root/cascache/examples/internal/shop"
	"github.com/unkn0wn-root/cascache/examples/internal/strategy"
	ristrettoprovider "github.com/unkn0wn-root/cascache/provider-ristretto"
)

// entryTTL is how long an entry lives, in all caches. It bounds what the
// others serve late: scaled down, like the whole demo, from the minutes that
// are usual.
const entryTTL = time.Second

// A cache is a strategy for products.
type cache = strategy.Strategy[shop.Product]

// A contender is a strategy to be measured.
type contender struct {
	name     string
	promises bool // that it serves no stale read
	open     func() (cache, error)
}

// contenders returns the caches of the demo. They store the same bytes in the
// same kind of storage of the same size, for as long.
func contenders() []contender {
	return []contender{
		{name: "TTL only", open: overPlain(strategy.TTLOnly[shop.Product])},
		{name: "delete-then-set", open: overPlain(strategy.DeleteThenSet[shop.Product])},
		{name: "write-through", open: overPlain(strategy.WriteThrough[shop.Product])},
		{name: "CasCache", promises: true, open: func() (cache, error) { return openCAS(nil) }},
	}
}

func newProvider() (*ristrettoprovider.Provider, error) {
	return ristrettoprovider.New(ristrettoprovider.Config{})
}

// storage returns how every cache keeps a product, in provider.
func storage(provider cascache.Provider) strategy.Storage[shop.Product] {
	return strategy.Storage[shop.Product]{
		Provider:  provider,
		Codec:     jsoncodec.JSON[shop.Product]{},
		Namespace: "product",
		TTL:       entryTTL,
	}
}

func overPlain(over func(strategy.Storage[shop.Product]) cache) func() (cache, error) {
	return func() (cache, error) {
		provider, err := newProvider()
		if err != nil {
			return nil, err
		}
		return over(storage(provider)), nil
	}
}

// openCAS opens CasCache with these generations, nil for local ones.
func openCAS(gens cascache.GenStore) (cache, error) {
	provider, err := newProvider()
	if err != nil {
		return nil, err
	}
	return strategy.CAS(storage(provider), gens)
}
