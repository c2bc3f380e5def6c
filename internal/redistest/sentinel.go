package redistest

import (
	"fmt"
	"net"
	"os"
	"strings"
	"testing"
)

const (
	sentinels = 3
	quorum    = 2
)

// A Sentinel is a master with replicas under the watch of three sentinels, of
// which two decide.
type Sentinel struct {
	MasterName string
	Servers    []*Server // the first began as the master
	Sentinels  []*Server

	tb testing.TB
}

// StartSentinel runs a master with that many replicas, and three sentinels
// that take the master for down when it was silent for half a second. It
// returns once all sentinels know each other and every replica. args are
// further arguments for the master and its replicas.
func StartSentinel(tb testing.TB, replicas int, args ...string) *Sentinel {
	tb.Helper()
	g := &Sentinel{MasterName: "main", tb: tb}
	master := Start(tb, args...)
	g.Servers = append(g.Servers, master)
	for range replicas {
		g.Servers = append(g.Servers, master.StartReplica(args...))
	}

	for i := range sentinels {
		s := &Server{tb: tb, name: fmt.Sprintf("sentinel %d", i), sentinel: true}
		s.prepare = func() error { return os.WriteFile(s.sentinelConfig(), g.config(master), 0o600) }
		s.launch()
		g.Sentinels = append(g.Sentinels, s)
	}
	Eventually(tb, Patience, "the sentinels know each other and all replicas", func() bool {
		for _, s := range g.Sentinels {
			// The fields of SENTINEL MASTER come as name, value, name, value.
			reply, err := s.Try("SENTINEL", "MASTER", g.MasterName)
			fields := fmt.Sprint(reply)
			if err != nil ||
				!strings.Contains(fields, fmt.Sprintf("num-other-sentinels %d", sentinels-1)) ||
				!strings.Contains(fields, fmt.Sprintf("num-slaves %d", replicas)) ||
				!strings.Contains(fields, "flags master ") {
				return false
			}
			if _, err := s.Try("SENTINEL", "CKQUORUM", g.MasterName); err != nil {
				return false
			}
		}
		return true
	})
	return g
}

func (g *Sentinel) config(master *Server) []byte {
	b := fmt.Appendf(nil, "bind %s\n", host)
	b = fmt.Appendf(b, "sentinel monitor %s %s %d %d\n", g.MasterName, host, master.port, quorum)
	b = fmt.Appendf(b, "sentinel down-after-milliseconds %s 500\n", g.MasterName)
	b = fmt.Appendf(b, "sentinel failover-timeout %s 3000\n", g.MasterName)
	if master.password != "" {
		b = fmt.Appendf(b, "sentinel auth-pass %s %q\n", g.MasterName, master.password)
	}
	return b
}

// Addrs returns the addresses of the sentinels.
func (g *Sentinel) Addrs() []string {
	addrs := make([]string, len(g.Sentinels))
	for i, s := range g.Sentinels {
		addrs[i] = s.Addr()
	}
	return addrs
}

// Master returns the server that the sentinels hold for the master, or nil
// while they disagree.
func (g *Sentinel) Master() *Server {
	agreed := ""
	for _, s := range g.Sentinels {
		if !s.awake() {
			continue
		}
		reply, err := s.Try("SENTINEL", "GET-MASTER-ADDR-BY-NAME", g.MasterName)
		parts, _ := reply.([]any)
		if err != nil || len(parts) != 2 {
			return nil
		}
		addr := net.JoinHostPort(fmt.Sprint(parts[0]), fmt.Sprint(parts[1]))
		if agreed != "" && addr != agreed {
			return nil
		}
		agreed = addr
	}
	for _, s := range g.Servers {
		if s.Addr() == agreed {
			return s
		}
	}
	return nil
}

// WaitMaster returns the new master once the sentinels agree on another one
// than old and it takes that part.
func (g *Sentinel) WaitMaster(old *Server) *Server {
	g.tb.Helper()
	var master *Server
	Eventually(g.tb, Patience, "the sentinels agree on a new master", func() bool {
		master = g.Master()
		return master != nil && master != old && master.Role() == "master"
	})
	return master
}
