package leasegenstore

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

func TestMillisecondsAreRoundedUp(t *testing.T) {
	const ms = time.Millisecond
	for d, want := range map[time.Duration]string{
		0: "0", 1: "1", ms - 1: "1", ms: "1", ms + 1: "2", 365 * 24 * time.Hour: "31536000000",
		math.MaxInt64 / 2: "4611686018428", math.MaxInt64 - 1: "9223372036855", math.MaxInt64: "9223372036855",
	} {
		if got := milliseconds(d); got != want {
			t.Errorf("%d ns are rounded up: got %s ms, want %s", int64(d), got, want)
		}
	}
}

func TestExtremeConfigs(t *testing.T) {
	client := redis.NewClient(&redis.Options{Addr: "127.0.0.1:1"})
	defer client.Close()
	config := func(field string, n int64) Config {
		c := Config{Client: client}
		switch field {
		case "Lease":
			c.Lease = time.Duration(n)
		case "Heartbeat":
			c.Heartbeat = time.Duration(n)
		case "TTL":
			c.TTL = time.Duration(n)
		case "LogLength":
			c.LogLength = int(n)
		case "Generations":
			c.Generations = int(n)
		}
		return c
	}
	allowed := func(field string, n int64) bool {
		d := time.Duration(n)
		switch field {
		case "Lease":
			return d == 0 || minLease <= d && d <= maxLease
		case "Heartbeat":
			return d == 0 || time.Millisecond <= d && d <= DefaultLease/2
		case "TTL":
			return d >= 0
		case "LogLength":
			return n == 0 || minLogLength <= n && n <= maxLogLength
		}
		return n == 0 || minGenerations <= n && n <= maxGenerations
	}
	for _, field := range []string{"Lease", "Heartbeat", "TTL", "LogLength", "Generations"} {
		for _, n := range []int64{
			math.MinInt64, -1, 0, 1, int64(time.Millisecond) - 1, int64(time.Millisecond), int64(minLease), int64(maxLease), int64(maxLease) + 1,
			int64(365 * 24 * time.Hour), math.MaxInt64 / 2, math.MaxInt64 - 1, math.MaxInt64,
		} {
			_, err := config(field, n).withDefaults()
			if (err == nil) != allowed(field, n) {
				t.Errorf("Config.%s of %d: got %v", field, n, err)
			}
			value := fmt.Sprint(n)
			if field == "Lease" || field == "Heartbeat" || field == "TTL" {
				value = time.Duration(n).String()
			}
			if err != nil && !(strings.Contains(err.Error(), "Config."+field+" is "+value) && strings.Contains(err.Error(), "must be")) {
				t.Errorf("the error names field, value and range: got %v", err)
			}
		}
	}
}
