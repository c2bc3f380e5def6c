//go:build race

package lease

// raced says that the race detector is on.
const raced = true
