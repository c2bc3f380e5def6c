package operations

import (
	"testing"

	"github.com/unkn0wn-root/cascache/internal/redistest"
)

// TestAllKeysMissAtOnce makes Redis change its replication id, in each of the
// ways that docs/operations.md lists: what was drawn before proves nothing, and
// the next snapshot draws anew.
func TestAllKeysMissAtOnce(t *testing.T) {
	for name, happen := range map[string]func(t *testing.T, master *redistest.Server){
		"the first replica attaches": func(_ *testing.T, master *redistest.Server) { master.StartReplica() },
		"the server restarts from its snapshot": func(_ *testing.T, master *redistest.Server) {
			master.Save()
			master.Kill()
			master.Restart()
		},
	} {
		t.Run(name, func(t *testing.T) { missesAfter(t, redistest.Start(t), happen) })
	}
	t.Run("the last replica has been away for repl-backlog-ttl", func(t *testing.T) {
		master := redistest.Start(t, "--repl-backlog-ttl", "1")
		replica := master.StartReplica()
		missesAfter(t, master, func(t *testing.T, master *redistest.Server) {
			id := master.Info("master_replid")
			replica.Kill()
			redistest.Eventually(t, redistest.Patience, "the backlog has expired", func() bool {
				return master.Info("master_replid") != id
			})
		})
	})
	t.Run("a replica is promoted, and the old master comes back as one", func(t *testing.T) {
		old := redistest.Start(t)
		replica := old.StartReplica()
		missesAfter(t, old, func(_ *testing.T, old *redistest.Server) {
			old.WaitReplicated(replica)
			replica.Promote()
			old.Replicate(replica)
			old.WaitInSync()
			old.Promote()
		})
	})
}

// missesAfter expects that a generation drawn before the event proves nothing
// after it.
func missesAfter(t *testing.T, server *redistest.Server, happen func(*testing.T, *redistest.Server)) {
	store := openStore(t, connect(t, server))
	ctx := t.Context()
	before, err := store.Snapshot(ctx, "single:user:42")
	if err != nil {
		t.Fatal(err)
	}
	id := server.Info("master_replid")
	happen(t, server)
	if server.Info("master_replid") == id {
		t.Error("docs/operations.md says that the replication id changes then: it has not")
	}
	var gen uint64
	redistest.Eventually(t, redistest.Patience, "the server answers", func() bool {
		gen, err = store.Current(ctx, "single:user:42")
		return err == nil
	})
	if gen != 0 {
		t.Errorf("a generation bound to another replication id proves nothing: got %d, drawn as %d", gen, before)
	}
	after, err := store.Snapshot(ctx, "single:user:42")
	if err != nil || after <= before {
		t.Errorf("what is drawn next is greater: got %d, %v, after %d", after, err, before)
	}
}
