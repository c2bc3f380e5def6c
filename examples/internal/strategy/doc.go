// Package strategy holds ways to keep a cache in step with a database, for the
// examples to compare: TTL only, delete-then-set and write-through over a cache
// without generations, and CasCache.
package strategy
