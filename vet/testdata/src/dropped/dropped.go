package dropped

import (
	"context"
	"log"

	cascache "github.com/unkn0wn-root/cascache/core"
)

func bad(ctx context.Context, users *cascache.Handle[string], any cascache.CAS[string], ids []string) {
	users.Invalidate(ctx, ids[0])      // want `^Invalidate drops the error: if it is not nil, other processes may go on serving the old value; return the error, or at least log it$`
	any.Invalidate(ctx, ids[0])        // want `^Invalidate drops the error`
	_ = users.InvalidateBulk(ctx, ids) // want `^_ = InvalidateBulk drops the error`
	go users.InvalidateTags(ctx, "t")  // want `^go InvalidateTags drops the error`
	defer users.Clear(ctx)             // want `^defer Clear drops the error`
	go func() {
		any.Invalidate(ctx, ids[0]) // want `^Invalidate drops the error`
	}()
}

func good(ctx context.Context, users *cascache.Handle[string], ids []string) (err error) {
	defer func() {
		if e := users.Clear(ctx); e != nil {
			err = e
		}
	}()
	if err := users.InvalidateBulk(ctx, ids); err != nil {
		log.Print(err)
	}
	err = users.Invalidate(ctx, ids[0])
	var o other
	o.Invalidate("x")
	o.Clear()
	return err
}

type other struct{}

func (other) Invalidate(key string) error { return nil }
func (other) Clear()                      {}
