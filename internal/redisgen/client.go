package redisgen

import (
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/redis/go-redis/v9"
)

// client is what the store has to know about the client it was given.
type client struct {
	redis.UniversalClient

	// node is set when all keys are on one server and all commands of one
	// pipeline go over one connection.
	node *redis.Client

	// cluster is set when keys are spread over servers; also for the client
	// under an AutoPipeliner, which only serves to reload the slot map then.
	cluster *redis.ClusterClient

	// batching tells an AutoPipeliner, which merges the single commands of
	// concurrent callers.
	batching bool

	// oneServer tells that keys of any slot may be in one command, unless the
	// server is one of a Cluster after all, which it says itself.
	oneServer bool
}

// inspect looks at a client and refuses those whose reads can be older than
// another client's writes (G4). It does no I/O.
func inspect(c redis.UniversalClient) (client, error) {
	switch c := c.(type) {
	case nil:
		return client{}, errors.New("redisgenstore: Config.Client is nil; it is required")
	case *redis.Client:
		if c == nil {
			return inspect(nil)
		}
		if err := inspectOptions(c.Options()); err != nil {
			return client{}, err
		}
		return client{UniversalClient: c, node: c, oneServer: true}, nil
	case *redis.ClusterClient:
		if c == nil {
			return inspect(nil)
		}
		if err := inspectClusterOptions(c.Options()); err != nil {
			return client{}, err
		}
		return client{UniversalClient: c, cluster: c}, nil
	case *redis.AutoPipeliner:
		if c == nil {
			return inspect(nil)
		}
		batching := client{UniversalClient: c, batching: true}
		under := underneath(c)
		if under == nil {
			// Its options are out of sight. That is no danger, since no
			// command of this package is ever sent to a replica or
			// answered from a cache: all count as writes.
			return batching, nil
		}
		seen, err := inspect(under)
		if err != nil {
			return client{}, err
		}
		batching.cluster, batching.oneServer = seen.cluster, seen.oneServer
		return batching, nil
	case *redis.Ring:
		return client{}, errors.New("redisgenstore: Config.Client is a redis.Ring, which moves a key to another shard while its own is away, " +
			"and back to generations from before; use a redis.ClusterClient, or one redis.Client")
	default:
		if v := reflect.ValueOf(c); v.Kind() == reflect.Pointer && v.IsNil() {
			return inspect(nil) // of a type of somebody's own
		}
		return client{UniversalClient: c}, nil
	}
}

func inspectOptions(o *redis.Options) error {
	if o.ClientSideCache != nil || o.ClientSideCacheConfig != nil {
		return errors.New("redisgenstore: Config.Client has a client-side cache, which answers with generations from before the last bump; " +
			"use a client without ClientSideCache and ClientSideCacheConfig")
	}
	return nil
}

func inspectClusterOptions(o *redis.ClusterOptions) error {
	// RouteByLatency and RouteRandomly set ReadOnly too: the more telling
	// name goes first.
	for _, option := range [...]struct {
		name string
		set  bool
	}{
		{"RouteByLatency", o.RouteByLatency},
		{"RouteRandomly", o.RouteRandomly},
		{"ReadOnly", o.ReadOnly},
	} {
		if option.set {
			return fmt.Errorf("redisgenstore: Config.Client reads from replicas, which lag behind; use a client without %s", option.name)
		}
	}
	return nil
}

// inspectWait judges the client of a store that waits for replicas.
func (c client) inspectWait(timeout time.Duration) error {
	var readTimeout time.Duration
	switch {
	case c.batching:
		return errors.New("redisgenstore: Config.WaitReplicas does not go with a redis.AutoPipeliner, which asks for replicas on another connection " +
			"than the bump's; use the client underneath")
	case c.node != nil:
		readTimeout = c.node.Options().ReadTimeout
	case c.cluster != nil:
		readTimeout = c.cluster.Options().ReadTimeout
	default:
		return fmt.Errorf("redisgenstore: Config.WaitReplicas needs a *redis.Client or a *redis.ClusterClient; %T does not tell on which connection it sends what",
			c.UniversalClient)
	}
	if readTimeout > 0 && timeout >= readTimeout {
		return fmt.Errorf("redisgenstore: Config.WaitTimeout is %v; it must be shorter than the client's ReadTimeout of %v", timeout, readTimeout)
	}
	return nil
}

// underneath returns the client that an AutoPipeliner was made from, which
// go-redis does not tell, or nil when this version of it keeps that client
// elsewhere.
func underneath(a *redis.AutoPipeliner) redis.UniversalClient {
	field := reflect.ValueOf(a).Elem().FieldByName("pipeliner")
	if !field.IsValid() || field.Kind() != reflect.Interface || field.IsNil() {
		return nil
	}
	// The dynamic type is compared before the pointer is taken for one to it.
	switch held := field.Elem(); held.Type() {
	case reflect.TypeFor[*redis.Client]():
		return (*redis.Client)(held.UnsafePointer())
	case reflect.TypeFor[*redis.ClusterClient]():
		return (*redis.ClusterClient)(held.UnsafePointer())
	}
	return nil
}
