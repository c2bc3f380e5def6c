// Package protocol is the protocol of leased generations without its I/O: what
// a replica may answer from memory, and how long a writer waits. It has no
// goroutines and reads no clock but the one it is given.
//
// The thirteen rules that it is made of are told in docs/leases.md, and cited
// here by their numbers.
package protocol
