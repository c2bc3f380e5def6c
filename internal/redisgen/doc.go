// Package redisgen keeps generations in Redis, for the modules of this repository
// that do: redisgenstore is its [Store], redisbackend puts the [Values] beside it,
// and leasegenstore makes scripts of its own of the same [Lua]. What users see, and
// what the guarantees are, is told there.
//
// A newcomer reads key.go (which Redis keys), record.go (what they hold), the
// scripts, run.go (how a call reaches the servers), and then one file for each call.
package redisgen
