package redistest

import (
	"net"
	"strconv"
	"strings"
	"testing"
)

// StartReplica runs a server that replicates from s and returns once it is in
// step.
func (s *Server) StartReplica(args ...string) *Server {
	s.tb.Helper()
	if s.password != "" {
		args = append([]string{"--requirepass", s.password}, args...)
	}
	return StartReplicaOf(s.tb, s.Addr(), args...)
}

// StartReplicaOf is [Server.StartReplica] for a master known by its address,
// which may be that of a [Proxy]: cutting that one off then leaves the master
// without its replica while both go on running.
func StartReplicaOf(tb testing.TB, master string, args ...string) *Server {
	tb.Helper()
	masterHost, masterPort, err := net.SplitHostPort(master)
	if err != nil {
		tb.Fatal(err)
	}
	s := &Server{tb: tb, name: "replica", args: append([]string{"--replicaof", masterHost, masterPort}, args...)}
	s.launch()
	s.WaitInSync()
	return s
}

// WaitInSync returns once this replica is connected to its master and has
// loaded its data set.
func (s *Server) WaitInSync() {
	s.tb.Helper()
	Eventually(s.tb, Patience, s.name+" is connected to its master", func() bool {
		return s.Info("master_link_status") == "up"
	})
}

// WaitReplicated returns once that replica has received all that s, its
// master, has written so far.
func (s *Server) WaitReplicated(replica *Server) {
	s.tb.Helper()
	offset := s.Info("master_repl_offset")
	Eventually(s.tb, Patience, "the replica has all that its master has written", func() bool {
		return !less(replica.Info("slave_repl_offset"), offset)
	})
}

// less compares two decimal numbers without leading zeros; "" is the least.
func less(a, b string) bool {
	if len(a) != len(b) {
		return len(a) < len(b)
	}
	return strings.Compare(a, b) < 0
}

// Replicate makes s a replica of master and waits until it is in step.
func (s *Server) Replicate(master *Server) {
	s.tb.Helper()
	s.Do("REPLICAOF", host, strconv.Itoa(master.port))
	s.WaitInSync()
}

// Promote makes s a master on its own.
func (s *Server) Promote() {
	s.tb.Helper()
	s.Do("REPLICAOF", "NO", "ONE")
}

// Role returns "master", "slave" or "sentinel", or "" when the server does not
// answer.
func (s *Server) Role() string {
	reply, err := s.Try("ROLE")
	if err != nil {
		return ""
	}
	fields, _ := reply.([]any)
	if len(fields) == 0 {
		return ""
	}
	role, _ := fields[0].(string)
	return role
}
