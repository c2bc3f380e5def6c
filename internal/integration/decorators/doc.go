// Package decorators tests codec-aead over codec-zstd over a codec of values:
// what holds only of all of them together, and what a cache makes of it.
package decorators
