package tests

import (
	"context"
	"testing"

	cascache "github.com/unkn0wn-root/cascache/core"
)

func TestDropped(t *testing.T) {
	var users *cascache.Handle[string]
	users.Invalidate(context.Background(), "1")
}
