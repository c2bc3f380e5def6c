// Package operations tests what docs/operations.md says about the settings of
// Redis and what they cost, where no other test does.
package operations
