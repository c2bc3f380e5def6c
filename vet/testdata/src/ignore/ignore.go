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
	//cascache:ignored is another word
	users.Clear(ctx) // want `^Clear drops the error`
	// cascache:ignore with a space is prose
	users.Clear(ctx) // want `^Clear drops the error`
}
