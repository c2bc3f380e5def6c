package redistest_test

import (
	"testing"

	"github.com/unkn0wn-root/cascache/internal/redistest"
)

func TestReplicaFollowsAndIsPromoted(t *testing.T) {
	master := redistest.Start(t)
	replica := master.StartReplica()
	if got := replica.Role(); got != "slave" {
		t.Fatalf("a started replica must be one: got role %q", got)
	}
	master.Do("SET", "k", "v")
	master.WaitReplicated(replica)
	if got := replica.Do("GET", "k"); got != "v" {
		t.Fatalf("after WaitReplicated the replica must have the write: got %v", got)
	}

	master.Kill()
	replica.Promote()
	if got := replica.Role(); got != "master" {
		t.Fatalf("a promoted replica must be a master: got role %q", got)
	}
	master.Restart()
	master.Replicate(replica)
	if got := master.Role(); got != "slave" {
		t.Fatalf("Replicate must make the old master a replica: got role %q", got)
	}
}

func TestReplicaOfAMasterWithAPassword(t *testing.T) {
	master := redistest.Start(t, "--requirepass", "secret")
	replica := master.StartReplica()
	if got := replica.Role(); got != "slave" {
		t.Fatalf("a replica must log in to its master: got role %q", got)
	}
}
