package providerredis

import (
	"slices"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/unkn0wn-root/cascache/internal/redistest"
	redisprovider "github.com/unkn0wn-root/cascache/provider-redis"
)

func TestSentinelFailover(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	group := redistest.StartSentinel(t, 1)
	client := redis.NewFailoverClient(&redis.FailoverOptions{
		MasterName:    group.MasterName,
		SentinelAddrs: group.Addrs(),
		DialTimeout:   time.Second,
		ReadTimeout:   time.Second,
		MaxRetries:    -1,
	})
	t.Cleanup(func() { _ = client.Close() })
	p := newProvider(t, client)
	exercise(t, p)

	old := group.Master()
	old.WaitReplicated(group.Servers[1])
	old.Kill()
	if _, _, err := p.Get(t.Context(), "single:x:bystander"); err == nil {
		t.Error("from a master that is gone a read must be an error")
	}
	next := group.WaitMaster(old)
	t.Logf("worked again %v after the sentinels had agreed", recovers(t, p, keysFor("again", 1)))
	wantHit(t, p, "single:x:bystander", []byte("b"))
	if got := next.Do("EXISTS", "single:again:0"); got != int64(1) {
		t.Error("after the failover entries must be kept by the new master")
	}
	exercise(t, p)
}

func TestCluster(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	cluster := redistest.StartCluster(t)
	client := newClusterClient(t, &redis.ClusterOptions{
		Addrs:        cluster.Addrs(),
		DialTimeout:  time.Second,
		ReadTimeout:  time.Second,
		MaxRedirects: 1,
	})
	p := newProvider(t, client)
	t.Run("client", func(t *testing.T) { exercise(t, p) })
	t.Run("AutoPipeliner", func(t *testing.T) { exercise(t, newProvider(t, pipelining(t, client))) })
	t.Run("replicas", func(t *testing.T) {
		// What a replica answers may be late, but is never another key's.
		lagging := newProvider(t, newClusterClient(t, &redis.ClusterOptions{Addrs: cluster.Addrs(), RouteRandomly: true}))
		keys := keysFor("lagging", batch)
		if _, err := lagging.SetBulk(t.Context(), itemsFor(keys, time.Minute)); err != nil {
			t.Fatal(err)
		}
		for i, master := range cluster.Nodes[:3] {
			master.WaitReplicated(cluster.Nodes[3+i])
		}
		for range 10 {
			values, err := lagging.GetBulk(t.Context(), keys)
			if err != nil {
				t.Fatal(err)
			}
			for i, value := range values {
				if !slices.Equal(value, valueOf(keys[i])) {
					t.Fatalf("a replica in step must answer %q, got %q", keys[i], value)
				}
			}
		}
	})
	t.Run("hostile type", func(t *testing.T) {
		keys := keysFor("hostile", 3)
		if _, err := p.SetBulk(t.Context(), itemsFor(keys, time.Minute)); err != nil {
			t.Fatal(err)
		}
		owner := cluster.MasterOf(keys[1])
		owner.Do("DEL", keys[1])
		owner.Do("RPUSH", keys[1], "x")
		values, err := p.GetBulk(t.Context(), keys)
		if err != nil || values[1] != nil || !slices.Equal(values[0], valueOf(keys[0])) {
			t.Errorf("in a batch what is not a string is a miss, in a Cluster too: got %q, %v", values, err)
		}
	})
	t.Run("slot on the move", func(t *testing.T) {
		keys := []string{"{move}a", "{move}b", "single:x:elsewhere"}
		if _, err := p.SetBulk(t.Context(), itemsFor(keys, time.Minute)); err != nil {
			t.Fatal(err)
		}
		from := cluster.MasterOf(keys[0])
		to := cluster.Nodes[(slices.Index(cluster.Nodes, from)+1)%3]
		check := func(step string) {
			t.Helper()
			values, err := p.GetBulk(t.Context(), append(slices.Clone(keys), "{move}missing"))
			if err != nil || values[3] != nil {
				t.Fatalf("%s: a slot on the move is still read: got %q, %v", step, values, err)
			}
			for i, key := range keys {
				if !slices.Equal(values[i], valueOf(key)) {
					t.Fatalf("%s: %q has the value %q", step, key, values[i])
				}
				wantHit(t, p, key, valueOf(key))
			}
			set(t, p, "{move}new", []byte(step))
			wantHit(t, p, "{move}new", []byte(step))
			if err := p.DelBulk(t.Context(), []string{"{move}new", "{move}missing"}); err != nil {
				t.Fatalf("%s: a slot on the move is still written: %v", step, err)
			}
			wantMiss(t, p, "{move}new")
		}
		check("before")
		m := cluster.BeginMigration(keys[0], to)
		check("begun")
		m.MoveKeys()
		check("keys moved")
		m.Finish()
		check("finished")
	})
	t.Run("failover", func(t *testing.T) {
		// An AutoPipeliner with a client of its own, which nobody else helps.
		under := newClusterClient(t, client.Options())
		hidden, err := redisprovider.New(redisprovider.Config{Client: pipelining(t, under), Cluster: under})
		if err != nil {
			t.Fatal(err)
		}
		exercise(t, hidden)

		keys := keysFor("failover", 30) // they lie on all masters
		if _, err := p.SetBulk(t.Context(), itemsFor(keys, time.Minute)); err != nil {
			t.Fatal(err)
		}
		gone := cluster.MasterOf(keys[0])
		replica := cluster.ReplicaOf(gone)
		gone.WaitReplicated(replica)
		gone.Kill()

		// The keys of the other masters are read all the same.
		values, err := p.GetBulk(t.Context(), keys)
		if err == nil {
			t.Error("without one of the masters a batch must be an error")
		}
		read := 0
		for i, value := range values {
			if value != nil {
				read++
				if !slices.Equal(value, valueOf(keys[i])) {
					t.Errorf("%q has the value %q", keys[i], value)
				}
			}
		}
		if read == 0 || read == len(keys) {
			t.Errorf("the keys of the other masters must be read all the same, and no others: got %d of %d", read, len(keys))
		}
		cluster.WaitPromoted(replica)
		t.Logf("worked again %v after the promotion", recovers(t, p, keys))
		t.Logf("AutoPipeliner: worked again %v after that", recovers(t, hidden, keys))
	})
}
