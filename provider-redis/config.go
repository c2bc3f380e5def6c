package redisprovider

import (
	"errors"
	"reflect"

	"github.com/redis/go-redis/v9"
)

// Config configures [New]. The zero value of every field but Client is a working
// default.
type Config struct {
	// Client is required: a *redis.Client (of one server or of Sentinel), a
	// *redis.ClusterClient, a *redis.Ring or a *redis.AutoPipeliner. One
	// client may serve any number of caches and generation stores.
	Client redis.UniversalClient

	// Cluster is the client under Client where that is an AutoPipeliner of a
	// Cluster, which hides it. Without it such a client finds the new master
	// after a failover only when its own timer is up (a minute, unless
	// ClusterStateReloadInterval says otherwise).
	Cluster *redis.ClusterClient

	// CloseClient makes Close close Client too. By default it stays open and
	// whoever made it closes it. An AutoPipeliner that is closed leaves the
	// client under it open.
	CloseClient bool
}

var errNoClient = errors.New("redisprovider: Config.Client is nil; it must be a client of go-redis, such as redis.NewClient returns")

func (c Config) validate() error {
	if c.Client == nil {
		return errNoClient
	}
	// A nil *redis.Client in the interface would panic at the first call.
	if v := reflect.ValueOf(c.Client); v.Kind() == reflect.Pointer && v.IsNil() {
		return errNoClient
	}
	return nil
}
