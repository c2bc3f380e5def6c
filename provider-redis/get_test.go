package redisprovider_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/redis/go-redis/v9"

	redisprovider "github.com/unkn0wn-root/cascache/provider-redis"
)

func TestGet(t *testing.T) {
	server := newFakeServer()
	server.values["full"] = "v\x00\xff"
	server.values["empty"] = ""
	p := newProvider(t, server.client(t))
	for _, test := range []struct {
		key   string
		value []byte
	}{
		{"full", []byte("v\x00\xff")},
		{"empty", []byte{}},
		{"missing", nil},
	} {
		value, ok, err := p.Get(t.Context(), test.key)
		if err != nil || ok != (test.value != nil) || !slices.Equal(value, test.value) || (value == nil) != (test.value == nil) {
			t.Errorf("Get(%q) must be a hit with the bytes stored, or a miss with nil: got %#v, %t, %v, want %#v",
				test.key, value, ok, err, test.value)
		}
	}
}

func TestGetOfAnotherTypeIsAnError(t *testing.T) {
	server := newFakeServer()
	server.fails = func(redis.Cmder) error {
		return serverError("WRONGTYPE Operation against a key holding the wrong kind of value")
	}
	p := newProvider(t, server.client(t))
	if value, ok, err := p.Get(t.Context(), "list"); err == nil || ok || value != nil {
		t.Fatalf("what is not a string is an error, not a miss: got %q, %t, %v", value, ok, err)
	}
}

func TestGetBulkTakesTheCheapestCommandThatTheClientAllows(t *testing.T) {
	server := newFakeServer()
	one := server.client(t)
	pipelining, err := one.AutoPipeline()
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		client redis.UniversalClient
		sent   string
	}{
		"one node":       {one, "mget a b c"},
		"auto-pipelined": {pipelining, "mget a b c"},
		"Cluster":        {server.clusterClient(t), "get a | get b | get c"},
		"unknown":        {&watchedClient{UniversalClient: one}, "get a | get b | get c"},
	} {
		t.Run(name, func(t *testing.T) {
			server.values = map[string]string{"a": "1", "c": ""}
			server.takeSent()
			p := newProvider(t, test.client)
			values, err := p.GetBulk(t.Context(), []string{"a", "b", "c"})
			if err != nil {
				t.Fatal(err)
			}
			if got := fmt.Sprintf("%q %t", values, values[1] == nil); got != `["1" "" ""] true` || values[2] == nil {
				t.Errorf("each key has its own value, nil for a miss and not nil for an empty one: got %s", got)
			}
			if sent := server.takeSent(); !slices.Equal(sent, []string{test.sent}) {
				t.Errorf("the batch must be sent at once: got %q, want %q", sent, test.sent)
			}
		})
	}
}

// A client that hides a Cluster answers CROSSSLOT to commands with several
// keys; TRYAGAIN while a slot is on the move.
func TestBulksFindOutThatKeysAreSpread(t *testing.T) {
	for _, answer := range []serverError{
		"CROSSSLOT Keys in request don't hash to the same slot",
		"TRYAGAIN Multiple keys request during rehashing of slot",
	} {
		server := newFakeServer()
		server.values = map[string]string{"a": "1", "b": "2"}
		server.fails = func(cmd redis.Cmder) error {
			if len(cmd.Args()) > 2 {
				return answer
			}
			return nil
		}
		p := newProvider(t, server.client(t))
		keys := []string{"a", "b"}
		for round, want := range [][]string{
			{"mget a b", "get a | get b"},
			{"get a | get b"},
		} {
			values, err := p.GetBulk(t.Context(), keys)
			if err != nil || string(values[0]) != "1" || string(values[1]) != "2" {
				t.Fatalf("%.9s: the batch must be read all the same: got %q, %v", answer, values, err)
			}
			if sent := server.takeSent(); !slices.Equal(sent, want) {
				t.Errorf("%.9s, round %d: what the first batch finds out must be remembered: got %q, want %q", answer, round, sent, want)
			}
		}
		if err := p.DelBulk(t.Context(), keys); err != nil {
			t.Fatal(err)
		}
		if sent := server.takeSent(); !slices.Equal(sent, []string{"del a | del b"}) {
			t.Errorf("%.9s: what a read finds out holds for deletes: got %q", answer, sent)
		}

		p = newProvider(t, server.client(t))
		server.values = map[string]string{"a": "1", "b": "2"}
		if err := p.DelBulk(t.Context(), keys); err != nil || len(server.values) != 0 {
			t.Fatalf("%.9s: the batch must be deleted all the same: got %v, left %q", answer, err, server.values)
		}
	}
}

func TestBulksOfAnAutoPipelinerWhoseClusterIsKnownAreSpreadAtOnce(t *testing.T) {
	server := newFakeServer()
	cluster := server.clusterClient(t)
	pipelining, err := cluster.AutoPipeline()
	if err != nil {
		t.Fatal(err)
	}
	p, err := redisprovider.New(redisprovider.Config{Client: pipelining, Cluster: cluster})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.GetBulk(t.Context(), []string{"a", "b"}); err != nil {
		t.Fatal(err)
	}
	if sent := server.takeSent(); !slices.Equal(sent, []string{"get a | get b"}) {
		t.Errorf("with Config.Cluster no command may take several keys: got %q", sent)
	}
}

func TestGetBulkReturnsWhatCouldBeRead(t *testing.T) {
	server := newFakeServer()
	server.values = map[string]string{"a": "1", "c": "3"}
	server.fails = func(cmd redis.Cmder) error {
		switch cmd.Args()[1] {
		case "b":
			return serverError("LOADING Redis is loading the dataset in memory")
		case "list":
			return serverError("WRONGTYPE Operation against a key holding the wrong kind of value")
		}
		return nil
	}
	p := newProvider(t, server.clusterClient(t))
	values, err := p.GetBulk(t.Context(), []string{"a", "b", "c", "list", "missing"})
	if err == nil {
		t.Fatal("a key that could not be read must be an error, not a miss")
	}
	if got := fmt.Sprintf("%q", values); got != `["1" "" "3" "" ""]` || values[1] != nil {
		t.Errorf("on an error the other values are still there: got %s", got)
	}
	values, err = p.GetBulk(t.Context(), []string{"a", "list"})
	if err != nil || values[1] != nil || string(values[0]) != "1" {
		t.Errorf("in a batch what is not a string is a miss, as MGET has it: got %q, %v", values, err)
	}
}

func TestGetBulkOfNothing(t *testing.T) {
	server := newFakeServer()
	p := newProvider(t, server.client(t))
	if values, err := p.GetBulk(t.Context(), nil); len(values) != 0 || err != nil {
		t.Fatalf("no keys have no values: got %q, %v", values, err)
	}
	if sent := server.takeSent(); len(sent) != 0 {
		t.Fatalf("for no keys nothing may be sent: got %q", sent)
	}
}
