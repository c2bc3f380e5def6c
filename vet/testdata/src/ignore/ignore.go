package ignore

import (
	"context"

	cascache "github.com/unkn0wn-root/cascache/core"
)

func ignored(ctx context.Context, users *cascache.Handle[string]) {
	users.Clear(ctx) //cascache:ignore the cache is closed next
	//cascache:ignore an example
	users.Clear(ctx)
	users.Clear(ctx) // want `^Clear drops the error`
	/* want `needs a reason, and silences nothing` */ //cascache:ignore
	users.Clear(ctx)                                  // want `^Clear drops the error`
	if err := func() error {
		return nil
	}(); err != nil { //cascache:ignore this is about the line that it ends
		users.Clear(ctx) // want `^Clear drops the error`
	}
	_ = users.InvalidateBulk(ctx, []string{ // want `InvalidateBulk drops the error`
		"1",
	}) //cascache:ignore the call begins on another line
	users.Clear(ctx) // want `^Clear drops the error`
	//cascache:ignored is another word
	users.Clear(ctx) // want `^Clear drops the error`
	// cascache:ignore with a space is prose
	users.Clear(ctx) // want `^Clear drops the error`
}
