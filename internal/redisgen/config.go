package redisgen

import (
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
)

// DefaultWaitTimeout is how long a bump waits for replicas unless
// Config.WaitTimeout says otherwise.
const DefaultWaitTimeout = time.Second

// Config is what redisgenstore.Config and redisbackend.Config have, field by
// field; what each means is told there.
type Config struct {
	Client       redis.UniversalClient
	Namespace    string
	TTL          time.Duration
	Unguarded    bool
	WaitReplicas int
	WaitTimeout  time.Duration
	CloseClient  bool
}

// validate returns an error that names the field, its value and what is
// allowed, or nil. The client is judged by inspect.
func (c *Config) validate() error {
	if c.TTL < 0 {
		return fmt.Errorf("redisgenstore: Config.TTL is %v; it must be 0, for none, or more", c.TTL)
	}
	if c.WaitReplicas < 0 {
		return fmt.Errorf("redisgenstore: Config.WaitReplicas is %d; it must be 0, for none, or more", c.WaitReplicas)
	}
	if c.WaitTimeout < 0 {
		return fmt.Errorf("redisgenstore: Config.WaitTimeout is %v; it must be 0, for the default, or more", c.WaitTimeout)
	}
	if c.WaitTimeout > 0 && c.WaitReplicas == 0 {
		return errors.New("redisgenstore: Config.WaitTimeout is set and Config.WaitReplicas is not; there is nothing to wait for")
	}
	return nil
}
