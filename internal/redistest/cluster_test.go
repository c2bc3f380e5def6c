package redistest

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestSlot(t *testing.T) {
	// From the Cluster specification and from CLUSTER KEYSLOT of a server.
	for key, want := range map[string]int{
		"123456789":              12739,
		"foo":                    12182,
		"{foo}bar":               12182,
		"a{foo}{bar}":            12182,
		"":                       0,
		"{user1000}.following":   Slot("user1000"),
		"foo{{bar}}zap":          Slot("{bar"),
		"single:shop:user:{}:42": int(crc16("single:shop:user:{}:42")) % slots,
	} {
		if got := Slot(key); got != want {
			t.Errorf("the slot of %q is %d, got %d", key, want, got)
		}
	}
}

func TestClusterServesFailsOverAndMigrates(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	began := time.Now()
	c := StartCluster(t)
	t.Logf("up in %v", time.Since(began).Round(time.Millisecond))

	masters, replicas := c.Nodes[:3], c.Nodes[3:]
	for i, s := range c.Nodes {
		want := "master"
		if i >= 3 {
			want = "slave"
		}
		if got := s.Role(); got != want {
			t.Errorf("node %d must be a %s, got %s", i, want, got)
		}
	}
	for i, s := range masters {
		if got := c.ReplicaOf(s); got != replicas[i] {
			t.Errorf("master %d must be followed by its own replica, got %s", i, got.name)
		}
	}
	const key = "foo"
	if server, ours := masters[0].Do("CLUSTER", "KEYSLOT", key), Slot(key); server != int64(ours) {
		t.Fatalf("slots must be those of the server: got %d, want %v", ours, server)
	}

	from := c.MasterOf(key)
	from.Do("SET", key, "v")
	to := masters[(slices.Index(masters, from)+1)%3]

	m := c.BeginMigration(key, to)
	if got := from.Do("GET", key); got != "v" {
		t.Fatalf("before its keys are moved a slot is served by its old master: got %v", got)
	}
	if _, err := from.Try("GET", "{foo}missing"); err == nil || !strings.HasPrefix(err.Error(), "ASK ") {
		t.Fatalf("a slot on the move redirects for keys that are gone: got %v, want ASK", err)
	}
	m.Finish()
	if got := c.MasterOf(key); got != to {
		t.Fatalf("a migrated slot belongs to its new master: got %s", got.name)
	}
	if got := to.Do("GET", key); got != "v" {
		t.Fatalf("a migrated slot keeps its keys: got %v", got)
	}
	if _, err := from.Try("GET", key); err == nil || !strings.HasPrefix(err.Error(), "MOVED ") {
		t.Fatalf("the old master of a migrated slot redirects: got %v, want MOVED", err)
	}

	replica := c.ReplicaOf(to)
	to.WaitReplicated(replica)
	to.Kill()
	c.WaitPromoted(replica)
	if got := c.MasterOf(key); got != replica {
		t.Fatalf("after a failover the slot belongs to the promoted replica: got %s", got.name)
	}
	if got := replica.Do("GET", key); got != "v" {
		t.Fatalf("a promoted replica keeps what was replicated: got %v", got)
	}
	to.Restart()
	c.WaitReady()
	if got := to.Role(); got != "slave" {
		t.Fatalf("a master that comes back follows the promoted replica: got %s", got)
	}

	p := c.Proxy()
	conn, err := p.Dial(context.Background(), "tcp", replica.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write([]byte("PING\r\n")); err != nil {
		t.Fatal(err)
	}
	if n, err := conn.Read(make([]byte, 64)); n == 0 {
		t.Fatalf("a node must answer through its proxy: %v", err)
	}
	want := make([]int, len(c.Nodes))
	want[slices.Index(c.Nodes, replica)] = 1
	if got := p.RoundTrips(); !slices.Equal(got, want) {
		t.Fatalf("each node is dialed through its own proxy: got %v round trips, want %v", got, want)
	}
}
