package leasegenstore

import "github.com/unkn0wn-root/cascache/internal/redisgen"

// names are the Redis keys of one namespace:
//
//	lease:{<tag>}:<namespace>:state              the hash of epoch, head and members
//	lease:{<tag>}:<namespace>:log                the log
//	lease:{<tag>}:<namespace>:gen:<storage key>  a generation, or a hold
//	gen:{<tag>}:<namespace>                      the mark of genstore-redis
//
// The tag depends on the namespace alone, so all of them lie in one Cluster
// slot, and whatever braces there are behind it do not matter.
type names struct {
	state, log, mark string
	gen              string // before a storage key

	leased string // what mark holds
}

func newNames(namespace string) names {
	escaped := redisgen.EscapeNamespace(namespace)
	prefix := "lease:{" + redisgen.SlotTag(escaped) + "}:" + escaped + ":"
	mark, _, leased := redisgen.Mark(namespace)
	return names{state: prefix + "state", log: prefix + "log", mark: mark, gen: prefix + "gen:", leased: leased}
}

// all returns the KEYS of a script about these storage keys.
func (n *names) all(keys []string) []string {
	list := make([]string, 0, 3+len(keys))
	return n.append(append(list, n.state, n.log, n.mark), keys)
}

// read returns the KEYS of the script that reads.
func (n *names) read(keys []string) []string {
	return n.append(append(make([]string, 0, 1+len(keys)), n.state), keys)
}

func (n *names) append(list, keys []string) []string {
	for _, key := range keys {
		list = append(list, n.gen+key)
	}
	return list
}
