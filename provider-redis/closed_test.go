package redisprovider

import (
	"testing"

	"github.com/redis/go-redis/v9"
)

func TestCloseOfAClosedClient(t *testing.T) {
	client := redis.NewClient(&redis.Options{Addr: "127.0.0.1:1"})
	if err := client.Close(); err != nil {
		t.Fatal(err)
	}
	p, err := New(Config{Client: client, CloseClient: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Close(t.Context()); err != nil {
		t.Errorf("two modules may own a client, and the second Close is no failure: got %v", err)
	}
}
