package leasegenstore

import (
	"strings"
	"testing"

	"github.com/unkn0wn-root/cascache/internal/redisgen"
)

func TestNames(t *testing.T) {
	seen := make(map[string]string)
	for _, namespace := range []string{"", "a", "a:", "a%3A", "{a}", "a}", "state", "x:gen"} {
		n := newNames(namespace)
		tag := n.state[len("lease:{"):strings.IndexByte(n.state, '}')]
		for _, name := range append(n.all([]string{"", "k", ":k", "}{k}", "log"}), n.read(nil)...)[:8] {
			if other, known := seen[name]; known {
				t.Errorf("namespaces %q and %q share the Redis key %q", namespace, other, name)
			}
			seen[name] = namespace
			if open := strings.IndexByte(name, '{'); name[open+1:open+1+len(tag)] != tag || name[open+1+len(tag)] != '}' {
				t.Errorf("the Redis key %q of namespace %q lies in another slot than the hash, whose tag is %q", name, namespace, tag)
			}
		}
		if !strings.HasPrefix(n.gen, n.log[:len(n.log)-len("log")]+"gen:") || len(n.gen) != len(n.log)+1 {
			t.Errorf("change.lua takes storage keys to begin behind as much as the log's name and one more: %q, %q", n.gen, n.log)
		}
	}
	if redisgen.SlotTag("a") == "" {
		t.Error("a namespace has no tag")
	}
}
