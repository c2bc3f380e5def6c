package redisprovider_test

import (
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	redisprovider "github.com/unkn0wn-root/cascache/provider-redis"
)

func TestNewDemandsAClient(t *testing.T) {
	for name, client := range map[string]redis.UniversalClient{
		"none":              nil,
		"nil client":        (*redis.Client)(nil),
		"nil Cluster":       (*redis.ClusterClient)(nil),
		"nil AutoPipeliner": (*redis.AutoPipeliner)(nil),
	} {
		t.Run(name, func(t *testing.T) {
			p, err := redisprovider.New(redisprovider.Config{Client: client})
			if err == nil || p != nil {
				t.Fatalf("a provider without a client must be refused: got %v, %v", p, err)
			}
			if !strings.Contains(err.Error(), "Config.Client") {
				t.Fatalf("the error must name the field: %v", err)
			}
		})
	}
}
