package cascache

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// minJitteredTTL is what jitter never shortens a TTL below.
const minJitteredTTL = time.Millisecond

// ttls decides how long entries live.
type ttls struct {
	single time.Duration
	bulk   time.Duration
	jitter float64
}

func checkTTL(ttl time.Duration) error {
	if ttl < 0 {
		return fmt.Errorf("%w: %v; it must be 0, for the default, or more", ErrInvalidTTL, ttl)
	}
	return nil
}

// of returns the TTL to store with: asked for, or the fallback, jittered.
func (t *ttls) of(asked, fallback time.Duration) time.Duration {
	ttl := orDefault(asked, fallback)
	if t.jitter == 0 || ttl <= minJitteredTTL {
		return ttl
	}
	cut := time.Duration(float64(ttl) * t.jitter * rand.Float64())
	return max(ttl-cut, minJitteredTTL)
}
