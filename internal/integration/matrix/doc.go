// Package matrix tests every codec, plain and decorated, over every provider
// and both kinds of generation store, through the calls of a cache and under
// readers and writers. The modules under test know nothing of one another, so
// this is where they meet.
package matrix
