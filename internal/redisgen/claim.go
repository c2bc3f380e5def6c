package redisgen

import (
	"context"
	_ "embed"
	"errors"
)

// ErrOtherKind is in the error of every call that would change a generation in
// a namespace of stores that tell their replicas of each change (genstore-lease):
// these would never hear of it. Choose another Config.Namespace.
var ErrOtherKind = errors.New("the namespace is one of genstore-lease, whose replicas would not hear of a bump by this store")

//go:embed scripts/claim.lua
var claimSource string

var claimScript = newScript("claim", claimSource)

// What the mark of a namespace says.
const (
	plainKind  = "plain"
	leasedKind = "leased"
)

// claim marks the namespace as one of plain stores, once, and returns an error
// while it is one of another kind. It takes a round trip of its own, before the
// store's first snapshot, bump, hold or release: who has never made one has no
// entry that could be stale.
func (s *Store) claim(ctx context.Context) error {
	if s.claimed.Load() {
		return nil
	}
	kind, err := s.runOne(ctx, claimScript, []string{s.keys.mark()}, plainKind).Text()
	switch {
	case err != nil:
		return err
	case kind == leasedKind:
		return ErrOtherKind
	}
	s.claimed.Store(true)
	return nil
}

// mark returns the Redis key that says what kind of store a namespace is for.
// It begins like a generation's and has one part less.
func (s keySpace) mark() string {
	return "gen:{" + s.tags[slotOf(s.namespace)] + "}:" + s.namespace
}
