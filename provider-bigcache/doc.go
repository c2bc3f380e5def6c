// Package bigcacheprovider keeps the entries of a CasCache in process, in a
// BigCache: a few large byte arrays that cost the garbage collector next to
// nothing, whatever the number of entries.
//
// It is a [cascache.Provider]: Set and Del take effect before they return, and
// what Get returns is always the value that was set last under exactly that
// key.
//
//	provider, err := bigcacheprovider.New(bigcacheprovider.Config{
//		LifeWindow:         10 * time.Minute,
//		HardMaxCacheSizeMB: 512,
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
// # What BigCache has not
//
// The TTL of an entry is ignored, and so is its cost: every entry lives for
// Config.LifeWindow, and when there is no room the oldest entries make place,
// used or not. An entry that asks for less than LifeWindow lives longer than it
// asked for. That bears on memory and on values that change without an
// invalidation only: an invalidated value is never served, however long it
// stays. Use provider-ristretto where entries need lives of their own.
//
// A deleted or replaced value takes up its room until it has become the oldest
// one.
package bigcacheprovider
