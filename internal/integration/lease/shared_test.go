package lease

import (
	"context"
	"fmt"
	"strings"
	"testing"

	cascache "github.com/unkn0wn-root/cascache/core"
	"github.com/unkn0wn-root/cascache/internal/redistest"
	redisprovider "github.com/unkn0wn-root/cascache/provider-redis"
)

// 20 caches in each of 3 replicas, over one store and one provider in each: 3
// members of the lease, and every cache hears the invalidations of its own
// namespace.
func TestCachesOfAReplicaAreOneMember(t *testing.T) {
	const replicas, caches = 3, 20
	server := redistest.Start(t)
	client := connect(t, server.Addr())
	all := make([][]*cascache.Handle[string], replicas)
	for i := range all {
		gens := open(t, connect(t, server.Addr()), long)
		values, err := redisprovider.New(redisprovider.Config{Client: client})
		if err != nil {
			t.Fatal(err)
		}
		for j := range caches {
			h, err := cascache.New(cascache.Options[string]{
				Namespace: fmt.Sprint("ns", j), Provider: values, Codec: cascache.String{}, GenStore: gens,
			})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = h.Close(context.Background()) })
			all[i] = append(all[i], h)
		}
	}
	members := func() (n int) {
		keys, err := client.Keys(t.Context(), "*").Result()
		if err != nil {
			t.Fatal(err)
		}
		for _, key := range keys {
			fields, _ := client.HKeys(t.Context(), key).Result() // an error: another type
			for _, field := range fields {
				if strings.HasPrefix(field, "member:") {
					n++
				}
			}
		}
		return n
	}
	for _, h := range all[0] {
		redistest.Eventually(t, redistest.Patience, "a fill is stored", func() bool {
			if err := h.SetWithGen(t.Context(), "k", "v", h.SnapshotGen("k"), 0); err != nil {
				t.Fatal(err)
			}
			_, ok, err := h.Get(t.Context(), "k")
			return ok && err == nil
		})
	}
	hit := func(h *cascache.Handle[string]) bool {
		_, ok, err := h.Get(t.Context(), "k")
		if err != nil {
			t.Fatal(err)
		}
		return ok
	}
	for _, replica := range all[1:] {
		for _, h := range replica {
			redistest.Eventually(t, redistest.Patience, "every replica serves what one of them stored", func() bool { return hit(h) })
		}
	}
	redistest.Eventually(t, redistest.Patience, "every replica is a member", func() bool { return members() >= replicas })
	if n := members(); n != replicas {
		t.Errorf("the caches of a replica are one member together: got %d, want %d", n, replicas)
	}
	for j := range caches {
		if err := all[j%replicas][j].Invalidate(t.Context(), "k"); err != nil {
			t.Fatal(err)
		}
		for i := range all {
			if hit(all[i][j]) {
				t.Errorf("an invalidation reaches the caches of its namespace in every replica: ns%d in replica %d still hits", j, i)
			}
		}
		if next := j + 1; next < caches && !hit(all[0][next]) {
			redistest.Eventually(t, redistest.Patience, "and no others", func() bool { return hit(all[0][next]) })
		}
	}
	for _, h := range all[0][1:] {
		if err := h.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	last := all[0][0]
	redistest.Eventually(t, redistest.Patience, "a cache works while it is open, whichever others are", func() bool {
		if err := last.SetWithGen(t.Context(), "k", "v", last.SnapshotGen("k"), 0); err != nil {
			t.Fatal(err)
		}
		return hit(last)
	})
	if n := members(); n != replicas {
		t.Errorf("a replica is a member until its last cache closes: got %d members, want %d", n, replicas)
	}
	if err := last.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	redistest.Eventually(t, redistest.Patience, "the last cache to close leaves the lease", func() bool { return members() == replicas-1 })
}
