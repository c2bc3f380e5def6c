// Package cascache is a cache that never serves a value after it was
// invalidated.
//
// # Guarantee
//
// After Invalidate(key) has returned nil, no Get, GetBulk or load that begins
// later returns a value that was read from the source before that invalidation
// began. It holds in one process with local generations, and across any number
// of processes that share a generation store. Whatever breaks, the answer is a
// fresh value or a miss.
//
// The source itself is outside of what can be known: a load from a lagging
// database replica is as old as what it read, and an Invalidate that is sent
// before the transaction commits is too early.
//
// # How
//
// Every key has a generation. A fill carries the generation that was current
// before the source was read and is stored only while it still is; a read
// serves an entry only while the entry's generation is the current one;
// Invalidate replaces the generation. The four rules that a generation store
// keeps, G1 to G4, are with [GenStore].
//
// # Use
//
//	users, err := cascache.New(cascache.Options[User]{
//		Namespace: "user",
//		Provider:  provider,                // any Provider
//		Codec:     jsoncodec.JSON[User]{},  // any Codec
//	})
//
//	loader, err := cascache.NewLoader(users, cascache.LoaderOptions[User]{
//		Load: func(ctx context.Context, id string) (User, error) {
//			return db.User(ctx, id)
//		},
//	})
//	u, err := loader.Get(ctx, id) // from the cache, else from db, once for all callers
//
//	func rename(ctx context.Context, id, name string) error {
//		if err := db.Rename(ctx, id, name); err != nil {
//			return err
//		}
//		return users.Invalidate(ctx, id)
//	}
//
// Where a loader does not fit, the same fill by hand has three steps, in this
// order:
//
//	obs := users.SnapshotGen(id)              // before the database is read
//	u, err := db.User(ctx, id)
//	err = users.SetWithGen(ctx, id, u, obs, 0) // stored only if nobody invalidated meanwhile
//
// # Derived values
//
// A value that a load makes of what it reads through other caches depends on those
// keys, and dies with them. Tags stand for what changes together, and a whole
// namespace can be cleared: see [DependOn], [Handle.InvalidateTags] and
// [Handle.Clear].
//
// # For those who change this package
//
//   - [Handle] (handle.go) is the cache. Its Get asks near (near.go), then its port
//     for a reading, and judges that (get.go); Loader (loader.go) does the same, then
//     joins a flight (flight.go).
//   - A port (port.go) reads, checks, stores, drops and heals, for one key and for
//     many. New chooses apart (apart.go), for a provider and a generation store, or
//     together (together.go), for one [Combined]. Only they know in which order, and
//     in how many calls, values and generations are read.
//   - Under both are values (values.go), a [Provider] as the cache uses it, and
//     generations (generations.go), a [GenStore]. These two look for abilities, divide
//     bulks in parts (parts.go), and contain panics.
//   - A call that may block is a bounded call (bounded.go): a goroutine of a pool, a
//     time limit. So a remote Get is Handle.Get, apart.read, proofs.proof, bounded.do,
//     bounded.serve, Current of the store; or Handle.Get, together.read, bounded.do,
//     bounded.serve, GetWithGen of the store.
//   - proofs (proof.go) decide what is served or stored; suspects (suspect.go) are keys
//     whose invalidation failed, and recovery (recover.go) tries them again.
//   - An entry may depend on more generations than its own (dep.go). proofWith proves
//     one for a read, proofs.prove the fills of a load (both in derive.go). A load
//     collects them in a tracker (dep.go), and those of tags that only its value tells
//     are found in tagsof.go.
//   - A fill goes through storeOne or storeMany (set.go, bulk_set.go), an invalidation
//     and the end of Mutate through settle (invalidate.go).
package cascache
