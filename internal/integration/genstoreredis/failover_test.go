package genstoreredis

import (
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	cascache "github.com/unkn0wn-root/cascache/core"
	"github.com/unkn0wn-root/cascache/internal/redistest"
)

// TestSentinelFailover kills a master under load, whose replica has not got
// all of its bumps.
func TestSentinelFailover(t *testing.T) {
	long(t)
	eachKind(t, testSentinelFailover)
}

func testSentinelFailover(t *testing.T, open opening) {
	group := redistest.StartSentinel(t, 1)
	client := func() redis.UniversalClient {
		c := redis.NewFailoverClient(&redis.FailoverOptions{MasterName: group.MasterName, SentinelAddrs: group.Addrs()})
		t.Cleanup(func() { c.Close() })
		return c
	}
	stores := []cascache.GenStore{open(t, client()), open(t, client())}
	hitsAgain(t, stores...)
	stop := startStress(t, oracle{make([]uint64, oracleCells)}, stores...)
	time.Sleep(time.Second) // of load
	old := group.Master()
	old.Kill()
	group.WaitMaster(old)
	t.Logf("hits came back %v after the new master", hitsAgain(t, stores...))
	time.Sleep(time.Second) // of load
	checkTally(t, stop())
}

// TestClusterFailover kills a master of a Cluster under load, and pauses
// another one until a replica has its place.
func TestClusterFailover(t *testing.T) {
	long(t)
	eachKind(t, testClusterFailover)
}

func testClusterFailover(t *testing.T, open opening) {
	// The promise wants that a master which was replaced answers nothing.
	cluster := redistest.StartCluster(t, "--min-replicas-max-lag", "1")
	var stores []cascache.GenStore
	for range 2 {
		stores = append(stores, open(t, connectCluster(t, cluster.Addrs())))
	}
	batching, err := connectCluster(t, cluster.Addrs()).AutoPipeline()
	if err != nil {
		t.Fatal(err)
	}
	stores = append(stores, open(t, batching))
	hitsAgain(t, stores...)
	stop := startStress(t, oracle{make([]uint64, oracleCells)}, stores...)
	time.Sleep(time.Second) // of load

	dead := cluster.MasterOf("single:app:" + row)
	heir := cluster.ReplicaOf(dead)
	dead.Kill()
	cluster.WaitPromoted(heir)
	t.Logf("after a kill, hits came back %v after the promotion", hitsAgain(t, stores...))
	dead.Restart()
	cluster.WaitReady()

	frozen := cluster.MasterOf("single:app:" + row)
	frozen.Config("min-replicas-to-write", "1")
	heir = cluster.ReplicaOf(frozen)
	frozen.Pause()
	cluster.WaitPromoted(heir, frozen)
	t.Logf("after a pause, hits came back %v after the promotion", hitsAgain(t, stores...))
	frozen.Resume()
	cluster.WaitReady()
	time.Sleep(time.Second) // of load
	checkTally(t, stop())
}
