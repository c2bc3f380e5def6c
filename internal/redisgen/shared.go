package redisgen

import "github.com/redis/go-redis/v9"

// What follows is for leasegenstore, which writes a log of the bumps in the same
// step on the server, under names of its own.

// Lua are the sources of which scripts are made. A script begins with Prelude,
// whose comment tells its KEYS and ARGV, and goes on with one of the others.
// These take each of KEYS for the key of a generation, and return a table of
// one generation for each, "0" for one that is held: inside a function with a
// KEYS of its own they are parts of a greater script.
var Lua = struct{ Prelude, Snapshot, Bump, Hold, Release string }{
	prelude, snapshotSource, bumpSource, holdSource, releaseSource,
}

// Digits returns the random digits that Lua.Prelude takes.
func Digits() string { return tail() }

// Generation returns the generation in a record that the scripts wrote, if it
// is bound to the replication id of which these are the first 20 digits, and 0
// otherwise, also for a record that is none.
func Generation(record, id string) uint64 {
	if len(id) != idDigits {
		return 0
	}
	return boundTo(record, id)
}

// SlotTag returns a short string that hashes to the Cluster slot of name, to be
// put in braces.
func SlotTag(name string) string { return slotTags()[slotOf(name)] }

// Mark returns the Redis key that says what kind of store a namespace is for,
// in the slot of SlotTag(EscapeNamespace(namespace)), and what it holds where
// that is a store like this one and where it is one whose replicas must be told
// of each bump.
func Mark(namespace string) (key, plain, leased string) {
	return newKeySpace(namespace).mark(), plainKind, leasedKind
}

// EscapeNamespace returns a namespace without '%' and ':' for use in names of
// keys. No two are made the same.
func EscapeNamespace(namespace string) string { return escapeNamespace.Replace(namespace) }

// CheckClient returns the error with which [New] refuses a client whose reads
// can be older than another client's writes, or nil.
func CheckClient(c redis.UniversalClient) error {
	_, err := inspect(c)
	return err
}

// ClusterUnder returns the Cluster client that c is, or that c was made from if
// it is an AutoPipeliner, which does not tell it, or nil.
func ClusterUnder(c redis.UniversalClient) *redis.ClusterClient {
	seen, err := inspect(c)
	if err != nil {
		return nil
	}
	return seen.cluster
}
