// Package ristrettoprovider keeps the entries of a CasCache in process, in a
// Ristretto cache bounded by cost.
//
// It is a [cascache.Provider]: what Get returns is always the value that was
// accepted last under exactly that key, Del takes effect before it returns,
// and entries live for their own TTL. Ristretto applies the first Set of a key
// in the background, so that a value becomes visible some microseconds after
// it was accepted, and it may turn a value away when it is full or in a hurry:
// both are misses, never wrong hits.
//
//	provider, err := ristrettoprovider.New(ristrettoprovider.Config{
//		MaxCost: 256 << 20, // bytes, unless Options.ComputeSetCost says otherwise
//	})
//	if err != nil {
//		return err
//	}
//	users, err := cascache.New(cascache.Options[User]{
//		Namespace: "user",
//		Provider:  provider,
//		Codec:     jsoncodec.JSON[User]{},
//	})
//
// The slices that Get returns are the stored ones. They are shared and must
// only be read.
//
// Memory beyond the cost: the cache keeps each key and some 250 bytes of
// bookkeeping an entry (BenchmarkMemory), and 3 bytes for each of Config.NumCounters.
package ristrettoprovider
