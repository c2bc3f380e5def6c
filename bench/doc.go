// Command bench measures what CasCache costs on top of the storage under it, and
// beside the caches that a user would pick instead.
//
// Everything runs in one process and in rounds: a round gives each contender of a
// row one short slice, in a new random order, and divides its time by that of the
// row's raw contender in the same round. A busy or slow machine hits all alike, so
// that the medians of these ratios hold where nanoseconds do not.
//
//	go run ./bench            every row, a table
//	go run ./bench -short     the same with few and short rounds
//	go run ./bench -docs docs the table, the figures as JSON, charts, docs/benchmarks.md
//	go run ./bench -check     compares with budgets.json, and fails when one is broken
//	go run ./bench -scale     how cost grows; also with -docs
//
// It starts a redis-server of its own where a row needs one.
package main
