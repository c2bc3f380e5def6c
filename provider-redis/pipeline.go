package redisprovider

import (
	"context"

	"github.com/redis/go-redis/v9"
)

// exec sends a pipeline and returns its commands, each with its own outcome.
// An error means that there are no outcomes.
func (p *Provider) exec(ctx context.Context, pipe redis.Pipeliner) ([]redis.Cmder, error) {
	cmds, err := pipe.Exec(ctx)
	if err == nil {
		return cmds, nil
	}
	for _, cmd := range cmds {
		if cmd.Err() != nil {
			return cmds, nil
		}
	}
	// A hook refused the whole: no command was sent.
	return nil, err
}
