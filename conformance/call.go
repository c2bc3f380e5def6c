package conformance

import (
	"context"
	"time"
)

// A call is one method, called in one way.
type call struct {
	name string
	do   func(ctx context.Context) error
}

// canceled returns a context that was canceled.
func canceled() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

// quick is far more than a call that waits for nothing takes. Of several calls
// the quickest counts, since the machine may be busy.
const quick = 2 * time.Millisecond
