package redistest

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const clusterMasters = 3

// A Cluster is a Redis Cluster of three masters with one replica each.
type Cluster struct {
	// Nodes are the three that began as masters, in the order of their
	// slots, and then their replicas in the same order.
	Nodes []*Server

	tb testing.TB
}

// StartCluster runs a Cluster and returns once all its nodes agree on it and
// every replica is in step. args are further arguments for each node; unless
// they say otherwise the node timeout is one second, after which a replica
// takes over from a master that is gone.
func StartCluster(tb testing.TB, args ...string) *Cluster {
	tb.Helper()
	c := &Cluster{tb: tb}
	args = append([]string{"--cluster-node-timeout", "1000"}, args...)
	for i := range 2 * clusterMasters {
		s := &Server{tb: tb, name: fmt.Sprintf("cluster node %d", i), busPort: 1, args: args}
		s.launch()
		c.Nodes = append(c.Nodes, s)
	}
	c.join()
	return c
}

func (c *Cluster) join() {
	c.tb.Helper()
	masters, replicas := c.Nodes[:clusterMasters], c.Nodes[clusterMasters:]
	for i, s := range c.Nodes {
		s.Do("CLUSTER", "SET-CONFIG-EPOCH", strconv.Itoa(i+1))
	}
	for i, s := range masters {
		first, last := i*slots/clusterMasters, (i+1)*slots/clusterMasters-1
		s.Do("CLUSTER", "ADDSLOTSRANGE", strconv.Itoa(first), strconv.Itoa(last))
	}
	// Everybody meets everybody: waiting for gossip takes longer.
	for i, s := range c.Nodes {
		for _, peer := range c.Nodes[:i] {
			s.Do("CLUSTER", "MEET", host, strconv.Itoa(peer.port), strconv.Itoa(peer.busPort))
		}
	}
	for i, s := range replicas {
		master := c.ID(masters[i])
		// It must have heard of its master before it can follow.
		Eventually(c.tb, Patience, s.name+" becomes a replica", func() bool {
			_, err := s.Try("CLUSTER", "REPLICATE", master)
			return err == nil
		})
	}
	c.WaitReady()
	for _, s := range replicas {
		s.WaitInSync()
	}
}

// WaitReady returns once every node that runs and is not paused says that the
// Cluster is fine and all slots are served, and all of them see the same
// masters and replicas.
func (c *Cluster) WaitReady() {
	c.tb.Helper()
	Eventually(c.tb, Patience, "all nodes of the Cluster agree that it is fine", func() bool {
		agreed := ""
		for _, s := range c.Nodes {
			if !s.awake() {
				continue
			}
			view, ok := c.view(s)
			if !ok || agreed != "" && view != agreed {
				return false
			}
			agreed = view
		}
		return agreed != ""
	})
}

// view returns how s sees the Cluster: who owns which slots, and who follows
// whom. It is not ok while s itself is not content.
func (c *Cluster) view(s *Server) (view string, ok bool) {
	info, err := s.Try("CLUSTER", "INFO")
	if err != nil || infoField(info, "cluster_state") != "ok" || infoField(info, "cluster_slots_ok") != strconv.Itoa(slots) {
		return "", false
	}
	table := c.table(s)
	live := 0
	for _, n := range c.Nodes {
		row, known := table[address(n.port)]
		if !n.awake() {
			continue
		}
		if !known || strings.Contains(row.flags, "fail") || strings.Contains(row.flags, "handshake") {
			return "", false
		}
		live++
		view += fmt.Sprintln(n.port, strings.Contains(row.flags, "master"), row.master, row.slots)
	}
	return view, live > 0
}

// A row is what one node knows of another.
type row struct {
	id     string
	flags  string // "myself,master", "slave,fail?"
	master string // the id of the one it follows, or "-"
	slots  string // "0-5460 [93->-id]"
}

// table returns what s knows of all nodes, by address.
func (c *Cluster) table(s *Server) map[string]row {
	reply, err := s.Try("CLUSTER", "NODES")
	if err != nil {
		return nil
	}
	text, _ := reply.(string)
	table := map[string]row{}
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) < 8 {
			continue
		}
		addr, _, _ := strings.Cut(f[1], "@")
		table[addr] = row{id: f[0], flags: f[2], master: f[3], slots: strings.Join(f[8:], " ")}
	}
	return table
}

// ID returns the node id of s.
func (c *Cluster) ID(s *Server) string {
	c.tb.Helper()
	id, _ := s.Do("CLUSTER", "MYID").(string)
	return id
}

// Addrs returns the addresses of all nodes.
func (c *Cluster) Addrs() []string {
	addrs := make([]string, len(c.Nodes))
	for i, s := range c.Nodes {
		addrs[i] = s.Addr()
	}
	return addrs
}

// MasterOf returns the master that serves the key's slot at present, as the
// running nodes see it.
func (c *Cluster) MasterOf(key string) *Server {
	c.tb.Helper()
	s := c.owner(Slot(key))
	if s == nil {
		c.tb.Fatalf("redistest: no node of the Cluster serves slot %d of %q", Slot(key), key)
	}
	return s
}

// owner returns the node that the first running one takes for the slot's.
func (c *Cluster) owner(slot int) *Server {
	for _, s := range c.Nodes {
		if !s.awake() {
			continue
		}
		for addr, row := range c.table(s) {
			if strings.Contains(row.flags, "master") && !strings.Contains(row.flags, "fail") && covers(row.slots, slot) {
				return c.node(addr)
			}
		}
	}
	return nil
}

func (c *Cluster) node(addr string) *Server {
	for _, s := range c.Nodes {
		if s.Addr() == addr {
			return s
		}
	}
	return nil
}

func covers(ranges string, slot int) bool {
	for r := range strings.FieldsSeq(ranges) {
		low, high, isRange := strings.Cut(r, "-")
		if !isRange {
			high = low
		}
		first, err1 := strconv.Atoi(low)
		last, err2 := strconv.Atoi(high)
		if err1 == nil && err2 == nil && first <= slot && slot <= last {
			return true
		}
	}
	return false
}

// ReplicaOf returns the node that follows master at present.
func (c *Cluster) ReplicaOf(master *Server) *Server {
	c.tb.Helper()
	table := c.table(master)
	id := table[master.Addr()].id
	for addr, row := range table {
		if row.master == id && id != "" {
			return c.node(addr)
		}
	}
	c.tb.Fatalf("redistest: nobody follows %s", master.name)
	return nil
}

// WaitPromoted returns once replica is a master and every node that runs and
// is not paused agrees. cutOff are nodes not to ask besides.
func (c *Cluster) WaitPromoted(replica *Server, cutOff ...*Server) {
	c.tb.Helper()
	Eventually(c.tb, Patience, replica.name+" is promoted", func() bool {
		for _, s := range c.Nodes {
			if !s.awake() || slices.Contains(cutOff, s) {
				continue
			}
			if row := c.table(s)[replica.Addr()]; !strings.Contains(row.flags, "master") || row.slots == "" {
				return false
			}
			info, err := s.Try("CLUSTER", "INFO")
			if err != nil || infoField(info, "cluster_state") != "ok" {
				return false
			}
		}
		return true
	})
}

// A ClusterProxy has one [Proxy] before each node of a Cluster.
type ClusterProxy struct {
	Proxies []*Proxy // in the order of Cluster.Nodes

	byTarget map[string]*Proxy
}

// Proxy starts a proxy before each node. Since nodes are told of by their own
// addresses, a client goes through the proxies by [ClusterProxy.Dial].
func (c *Cluster) Proxy() *ClusterProxy {
	c.tb.Helper()
	cp := &ClusterProxy{byTarget: map[string]*Proxy{}}
	for _, s := range c.Nodes {
		p := s.Proxy()
		cp.Proxies = append(cp.Proxies, p)
		cp.byTarget[s.Addr()] = p
	}
	return cp
}

// Dial connects to the proxy before the node at addr. It has the shape of the
// dialers of Go clients.
func (cp *ClusterProxy) Dial(ctx context.Context, network, addr string) (net.Conn, error) {
	if p := cp.byTarget[addr]; p != nil {
		addr = p.Addr()
	}
	var d net.Dialer
	return d.DialContext(ctx, network, addr)
}

// RoundTrips returns the round trips of each proxy, in the order of Proxies.
func (cp *ClusterProxy) RoundTrips() []int {
	trips := make([]int, len(cp.Proxies))
	for i, p := range cp.Proxies {
		trips[i] = p.RoundTrips()
	}
	return trips
}

// ResetTrips forgets the round trips so far.
func (cp *ClusterProxy) ResetTrips() {
	for _, p := range cp.Proxies {
		p.ResetTrips()
	}
}
