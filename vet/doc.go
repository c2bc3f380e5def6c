// Package vet finds mistakes in the use of CasCache that break its promise, and
// that no cache can notice while it runs.
//
// It reports these four:
//
//   - A snapshot that is taken after the value was read. An invalidation between
//     the read and the snapshot goes unnoticed, and the old value is stored and
//     served. Take the snapshot first.
//   - An invalidation that comes before the commit of its transaction, also in a
//     function that is given the transaction and run inside it. A reader in between
//     loads the old row under the new generation. Invalidate after the commit.
//     Likewise an invalidation whose error nobody looks at: other
//     processes may go on serving the old value.
//   - A function for LoaderOptions.Load or LoadBulk that does not hand on its
//     context. Such a load goes on when nobody waits for it any more, and the
//     loaders that it calls do not know that they are called by a load.
//   - A function for Mutate, Handle.Write or Changes.Commit that returns the error
//     of a failed begin without [cascache.ErrNotCommitted]. The keys stay held
//     until the lease ends, although nothing was written.
//
// The analyzer says nothing where it can't be sure, so that what it reports is
// worth a look. It follows values and transactions within one function. Files of
// tests are left out unless its flag test-files is set: tests often do the wrong
// thing on purpose.
//
// A comment silences the line that it ends, or the line below when it stands
// alone. It needs a reason:
//
//	_ = users.Invalidate(ctx, id) //cascache:ignore the TTL is one second
//
// Run it with the go command:
//
//	go install github.com/unkn0wn-root/cascache/vet/cmd/cascachevet@latest
//	go vet -vettool=$(which cascachevet) ./...
//
// [cascache.ErrNotCommitted]: https://pkg.go.dev/github.com/unkn0wn-root/cascache/core#ErrNotCommitted
package vet
