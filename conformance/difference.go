package conformance

import (
	"fmt"
)

func bytesOrNil(b []byte) string {
	if b == nil {
		return "nil"
	}
	return quote(b)
}

func firstDifference(got, want []byte) string {
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			return fmt.Sprintf(", different from byte %d on", i)
		}
	}
	return ""
}
