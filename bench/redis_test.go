package main

import (
	"errors"
	"os"
	"testing"
)

// skipWithoutRedis skips a test that found no server, unless one is demanded.
func skipWithoutRedis(t *testing.T, err error) {
	t.Helper()
	if errors.Is(err, errNoServer) && os.Getenv("CASCACHE_REQUIRE_REDIS") == "" {
		t.Skip(err)
	}
}
