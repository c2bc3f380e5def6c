package aeadcodec

// Config says which keys to use. Keys is required.
type Config struct {
	// Keys open, each what was sealed with it. At least one, each with an id
	// of its own.
	Keys []Key

	// Seal is the id of the key that seals. 0 means the only key, and is an
	// error if there are several.
	Seal uint32

	// Scope is bound to every payload and not stored: what was sealed in one
	// scope does not open in another. Give each cache that shares its keys
	// with others one of its own, such as its namespace. Changing it makes
	// every entry a miss. "" is a scope like any other.
	Scope string
}
