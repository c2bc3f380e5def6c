package lease

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	cascache "github.com/unkn0wn-root/cascache/core"
	leasegenstore "github.com/unkn0wn-root/cascache/genstore-lease"
	"github.com/unkn0wn-root/cascache/internal/redistest"
)

func memberCount(t *testing.T, server *redistest.Server) (n int) {
	t.Helper()
	raw := connect(t, server.Addr())
	for _, key := range raw.Keys(t.Context(), "lease:*:state").Val() {
		for field := range raw.HGetAll(t.Context(), key).Val() {
			if strings.HasPrefix(field, "member:") {
				n++
			}
		}
	}
	return n
}

// TestOneStoreIsOneMember: what members cost does not grow with the caches.
func TestOneStoreIsOneMember(t *testing.T) {
	server := redistest.Start(t)
	store, other := openGated(t, server, long), openGated(t, server, long)
	var caches, others []*cascache.Handle[string]
	for i := range 20 {
		in := func(o *cascache.Options[string]) { o.Namespace = fmt.Sprint("n", i) }
		caches = append(caches, leased(t, store, in))
		others = append(others, leased(t, other, in))
	}
	for i := range caches {
		for _, cache := range []*cascache.Handle[string]{caches[i], others[i]} {
			obs, err := cache.SnapshotGenContext(t.Context(), "k")
			if err != nil {
				t.Fatal(err)
			}
			if err := cache.SetWithGen(t.Context(), "k", fmt.Sprint(i), obs, 0); err != nil {
				t.Fatal(err)
			}
		}
	}
	store.serving(t, "single:n7:k")
	other.serving(t, "single:n7:k")
	if got := memberCount(t, server); got != 2 {
		t.Errorf("20 caches over one store are one member: two processes are %d", got)
	}
	redistest.Eventually(t, redistest.Patience, "a hit in each cache", func() bool {
		for i, cache := range caches {
			if v, ok, err := cache.Get(t.Context(), "k"); v != fmt.Sprint(i) || !ok || err != nil {
				return false
			}
		}
		return true
	})
	if err := others[7].Invalidate(t.Context(), "k"); err != nil {
		t.Fatal(err)
	}
	for i, cache := range caches {
		if _, ok, err := cache.Get(t.Context(), "k"); ok != (i != 7) || err != nil {
			t.Errorf("an invalidation in one of 20 namespaces reaches that one in the other process: cache %d got %v, %v", i, ok, err)
		}
	}
}

// TestUnclosedStoreIsCollected forgets a store. It leaves the namespace by itself.
func TestUnclosedStoreIsCollected(t *testing.T) {
	server := redistest.Start(t)
	client := connect(t, server.Addr())
	func() {
		for range 5 {
			store := open(t, client, func(c *leasegenstore.Config) { c.Lease = 100 * time.Millisecond })
			if _, err := store.Snapshot(t.Context(), "k"); err != nil {
				t.Fatal(err)
			}
		}
	}()
	redistest.Eventually(t, redistest.Patience, "stores that nobody closed to be collected", func() bool {
		runtime.GC()
		return memberCount(t, server) == 0 && !strings.Contains(stacks(), "leasegenstore.")
	})
}

func stacks() string {
	buffer := make([]byte, 1<<20)
	return string(buffer[:runtime.Stack(buffer, true)])
}
