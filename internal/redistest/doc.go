// Package redistest runs real Redis servers for tests: one alone, with
// replicas, under Sentinel or as a Cluster, and a [Proxy] that stands between
// a client and a server and breaks the connection in the ways that networks
// do.
//
// All of it listens on free loopback ports, lives in the test's own temporary
// directories and is stopped when the test ends, also a failed one, whose
// output then carries the end of each server's log. On Linux the servers die
// with the test process, however that ends.
//
//	s := redistest.Start(t)
//	client := redis.NewClient(&redis.Options{Addr: s.Addr()})
//	…
//	s.Kill()
//	s.Restart()
//
// The package speaks just enough RESP itself to need no client library, so
// that whoever requires this module gets the client of their own choice only.
package redistest
