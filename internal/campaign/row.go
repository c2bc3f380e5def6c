package campaign

import (
	"fmt"
	"strconv"
	"strings"
)

func keyOf(row int) string { return "row:" + strconv.Itoa(row) }

func rowOf(key string) int {
	row, err := strconv.Atoi(strings.TrimPrefix(key, "row:"))
	if err != nil {
		panic(fmt.Sprintf("campaign: %q is no key of a run", key))
	}
	return row
}

// valueOf is what the source has under a row at a version. It names its row, so
// that a value under another one's key is seen.
func valueOf(row int, version uint64) string {
	return fmt.Sprintf("%d of row %d, and some more to store", version, row)
}

// versionOf returns the version of a value of that row, and 0 for any other.
func versionOf(row int, value string) uint64 {
	number, _, _ := strings.Cut(value, " ")
	version, err := strconv.ParseUint(number, 10, 64)
	if err != nil || value != valueOf(row, version) {
		return 0
	}
	return version
}
