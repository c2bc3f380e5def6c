// Package linearizability checks recorded histories of generation stores
// against a register that only moves forward, by porcupine. What the suites in
// conformance try to provoke call by call, this finds in any history: whether
// there is an order of the calls, each somewhere between its beginning and its
// end, in which every answer is right.
package linearizability
