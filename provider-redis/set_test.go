package redisprovider_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	cascache "github.com/unkn0wn-root/cascache/core"
)

var errOOM = serverError("OOM command not allowed when used memory > 'maxmemory'.")

func TestSetSendsTheLifetime(t *testing.T) {
	server := newFakeServer()
	p := newProvider(t, server.client(t))
	for ttl, want := range map[time.Duration]string{
		time.Nanosecond:                    "set k v px 1",
		time.Millisecond - time.Nanosecond: "set k v px 1",
		time.Millisecond:                   "set k v px 1",
		1500 * time.Millisecond:            "set k v px 1500",
		2500*time.Millisecond + 999_999:    "set k v px 2500",
		time.Minute:                        "set k v ex 60",
		time.Duration(1<<63 - 1):           "set k v px 9223372036854",
	} {
		if ok, err := p.Set(t.Context(), "k", []byte("v"), 1, ttl); !ok || err != nil {
			t.Fatalf("Set for %v must be accepted: got %t, %v", ttl, ok, err)
		}
		if sent := server.takeSent(); !slices.Equal(sent, []string{want}) {
			t.Errorf("an entry for %v must live that long, in whole milliseconds and at least one: got %q, want %q", ttl, sent, want)
		}
	}
}

func TestSetRefusesALifetimeThatIsNotPositive(t *testing.T) {
	server := newFakeServer()
	p := newProvider(t, server.client(t))
	for _, ttl := range []time.Duration{0, -1, -time.Second} {
		if ok, err := p.Set(t.Context(), "k", []byte("v"), 1, ttl); ok || !errors.Is(err, cascache.ErrInvalidTTL) {
			t.Errorf("a lifetime of %v must not become one without end: got %t, %v", ttl, ok, err)
		}
		items := []cascache.Item{{Key: "a", TTL: time.Minute}, {Key: "b", TTL: ttl}}
		if stored, err := p.SetBulk(t.Context(), items); stored != nil || !errors.Is(err, cascache.ErrInvalidTTL) {
			t.Errorf("a lifetime of %v must not become one without end in a batch: got %v, %v", ttl, stored, err)
		}
	}
	if sent := server.takeSent(); len(sent) != 0 {
		t.Errorf("nothing may be sent: got %q", sent)
	}
}

func TestSetIsDeclinedOutOfMemory(t *testing.T) {
	server := newFakeServer()
	server.fails = func(cmd redis.Cmder) error {
		if cmd.Name() == "set" && cmd.Args()[1] == "big" {
			return errOOM
		}
		return nil
	}
	p := newProvider(t, server.client(t))
	if ok, err := p.Set(t.Context(), "big", []byte("v"), 1, time.Minute); ok || err != nil {
		t.Errorf("want of room is declined, not an error: got %t, %v", ok, err)
	}
	stored, err := p.SetBulk(t.Context(), []cascache.Item{
		{Key: "a", Value: []byte("1"), TTL: time.Minute},
		{Key: "big", Value: []byte("2"), TTL: time.Minute},
		{Key: "c", Value: []byte("3"), TTL: time.Second},
	})
	if err != nil || !slices.Equal(stored, []bool{true, false, true}) {
		t.Errorf("each item is accepted or declined by itself: got %v, %v", stored, err)
	}
	if sent, want := server.takeSent(), "set a 1 ex 60 | set big 2 ex 60 | set c 3 ex 1"; len(sent) != 2 || sent[1] != want {
		t.Errorf("a batch must be sent at once: got %q, want %q", sent, want)
	}
}

func TestSetBulkTellsWhatWasStored(t *testing.T) {
	server := newFakeServer()
	server.fails = func(cmd redis.Cmder) error {
		if cmd.Args()[1] == "b" {
			return serverError("READONLY You can't write against a read only replica.")
		}
		return nil
	}
	p := newProvider(t, server.client(t))
	stored, err := p.SetBulk(t.Context(), []cascache.Item{{Key: "a", TTL: 1}, {Key: "b", TTL: 1}})
	if err == nil || !slices.Equal(stored, []bool{true, false}) {
		t.Errorf("on an error the items that were stored are known: got %v, %v", stored, err)
	}
}

func TestSetBulkOfNothing(t *testing.T) {
	p := newProvider(t, newFakeServer().client(t))
	if stored, err := p.SetBulk(t.Context(), nil); len(stored) != 0 || err != nil {
		t.Fatalf("no items: got %v, %v", stored, err)
	}
}
