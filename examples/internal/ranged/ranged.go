// Package ranged holds values of command-line flags that know their bounds.
package ranged

import (
	"fmt"
	"strconv"
	"time"
)

// Value is a flag's value that is checked as it is set.
type Value[T int | uint64 | time.Duration] struct {
	value     *T
	low, high T
	kind      string // in words
	parse     func(string) (T, error)
}

// Duration returns a flag's value from low to high that is kept in value.
func Duration(value *time.Duration, low, high time.Duration) *Value[time.Duration] {
	return &Value[time.Duration]{value, low, high, "a duration", time.ParseDuration}
}

// Int returns a flag's value from low to high that is kept in value.
func Int(value *int, low, high int) *Value[int] {
	return &Value[int]{value, low, high, "a whole number", strconv.Atoi}
}

// Uint64 returns a flag's value from low to high that is kept in value.
func Uint64(value *uint64, low, high uint64) *Value[uint64] {
	return &Value[uint64]{value, low, high, "a whole number", func(s string) (uint64, error) {
		return strconv.ParseUint(s, 10, 64)
	}}
}

// Set implements [flag.Value]. The flag package adds the flag and the value to
// the error.
func (r *Value[T]) Set(s string) error {
	v, err := r.parse(s)
	if err != nil {
		return fmt.Errorf("must be %s %s", r.kind, r.Allowed())
	}
	if v < r.low || v > r.high {
		return fmt.Errorf("must be %s", r.Allowed())
	}
	*r.value = v
	return nil
}

// String implements [flag.Value]; the flag package calls it on a zero value
// too.
func (r *Value[T]) String() string {
	if r.value == nil {
		return ""
	}
	return fmt.Sprint(*r.value)
}

// Allowed says in words what may be set.
func (r *Value[T]) Allowed() string { return fmt.Sprintf("from %v to %v", r.low, r.high) }
