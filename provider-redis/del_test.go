package redisprovider_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"
)

func TestDel(t *testing.T) {
	server := newFakeServer()
	server.values["k"] = "v"
	p := newProvider(t, server.client(t))
	for range 2 { // that the key is not there is not an error
		if err := p.Del(t.Context(), "k"); err != nil || len(server.values) != 0 {
			t.Fatalf("Del must remove the key: got %v, left %q", err, server.values)
		}
	}
}

func TestDelBulk(t *testing.T) {
	server := newFakeServer()
	for name, test := range map[string]struct {
		client redis.UniversalClient
		sent   string
	}{
		"one node": {server.client(t), "del a b c"},
		"Cluster":  {server.clusterClient(t), "del a | del b | del c"},
	} {
		t.Run(name, func(t *testing.T) {
			server.values = map[string]string{"a": "1", "c": "3", "other": "4"}
			server.takeSent()
			p := newProvider(t, test.client)
			if err := p.DelBulk(t.Context(), []string{"a", "b", "c"}); err != nil || len(server.values) != 1 {
				t.Fatalf("every key must be removed, and no other: got %v, left %q", err, server.values)
			}
			if sent := server.takeSent(); !slices.Equal(sent, []string{test.sent}) {
				t.Errorf("the batch must be sent at once: got %q, want %q", sent, test.sent)
			}
			if err := p.DelBulk(t.Context(), nil); err != nil || len(server.takeSent()) != 0 {
				t.Errorf("for no keys nothing may be sent: %v", err)
			}
		})
	}
}

func TestDelBulkAttemptsAllKeys(t *testing.T) {
	server := newFakeServer()
	server.values = map[string]string{"a": "1", "b": "2", "c": "3"}
	server.fails = func(cmd redis.Cmder) error {
		if cmd.Args()[1] == "a" {
			return serverError("READONLY You can't write against a read only replica.")
		}
		return nil
	}
	p := newProvider(t, server.clusterClient(t))
	err := p.DelBulk(t.Context(), []string{"a", "b", "c"})
	if err == nil || !strings.Contains(err.Error(), `"a"`) {
		t.Errorf("the error must name the key that was not removed: got %v", err)
	}
	if len(server.values) != 1 {
		t.Errorf("the other keys must be removed all the same: left %q", server.values)
	}
}
