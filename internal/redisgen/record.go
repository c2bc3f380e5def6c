package redisgen

import (
	"strconv"
	"strings"
)

// What Redis holds under a generation's key is
//
//	<generation>:<id>   a generation, bound to the first 20 digits of the
//	                    replication id of the master that drew it
//	<generation>        a generation that a store without guards drew
//	a hash              a hold: "floor", the greatest generation before it,
//	                    written like the above, and "holder:<token>" with
//	                    the end of its lease in Unix milliseconds
//
// and anything else is foreign, as is a number that no clock before the year
// 2255 can have led to: a key that holds it has no generation.

const (
	// tooGreat is the smallest number that is no generation. It leaves what
	// Redis and Lua do with integers far from their limits.
	tooGreat = 9_000_000_000_000_000_000

	// idDigits is how much of a replication id a generation is bound to.
	idDigits = 20
)

// boundTo returns the generation in a record if it is bound to id, and 0
// otherwise. With an empty id, that of a store without guards, it may be bound
// to any or to none.
func boundTo(record, id string) uint64 {
	digits, bound, isBound := strings.Cut(record, ":")
	if isBound && !isID(bound) || id != "" && bound != id {
		return 0
	}
	return parseGeneration(digits)
}

func isID(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return len(s) == idDigits
}

// parseGeneration returns the number that digits say, and 0 unless it is a
// generation that a store can have drawn.
func parseGeneration(digits string) uint64 {
	if digits == "" || digits[0] < '1' || digits[0] > '9' {
		return 0 // ParseUint would take leading zeros
	}
	gen, err := strconv.ParseUint(digits, 10, 64)
	if err != nil || gen >= tooGreat {
		return 0
	}
	return gen
}
