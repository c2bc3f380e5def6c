// Command lab runs caching strategies side by side, on one database and under
// the same writes, and shows live on a web page who serves stale data.
//
//	go run ./examples/lab                                          # no server needed
//	go run ./examples/lab -redis new                               # with replicas and a Redis of its own
//	go run ./examples/lab -once -redis new -out report.html        # a report, its figures and its picture
//
// Every lane is a strategy with readers of its own, and all lanes see the same
// commits. After each, a lane does what it does to end the old value. Once it
// says that this is done, the oracle (see [board]) raises the floor of that
// product in that lane; a read that notes the floor before it begins, and is
// given a row below it, is stale. Lanes that need Redis run in child processes,
// the replicas, which share the floors in memory that is mapped from a file.
//
// What led to a stale read is recorded ([history]), told step by step ([story])
// and run once more, event by event, on a CasCache ([replay]).
//
// The lab lies in the module of the examples rather than in one of its own: its
// dependencies cost the demo lines in go.sum, and no download, since the go
// command fetches only what a package imports.
package main
