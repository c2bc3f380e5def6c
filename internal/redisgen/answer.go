package redisgen

import (
	"context"
	"errors"
	"unsafe"

	"github.com/redis/go-redis/v9"
)

// errUnanswered is of a command that nobody has answered. A hook of the client can
// return without an error and without having sent what it was given: what has no
// answer has failed, and must not look like an empty one.
var errUnanswered = errors.New("the command was not answered")

// What a string and a number are until a reply takes their place. The string is
// told by its address.
const noNumber = -1

var noText = "no answer"

// awaitText marks a command that a string answers, so that an empty one is told
// from none.
func awaitText(cmd *redis.StringCmd) *redis.StringCmd {
	cmd.SetVal(noText)
	return cmd
}

// awaitNumber does the same for a command that a count answers.
func awaitNumber(cmd *redis.IntCmd) *redis.IntCmd {
	cmd.SetVal(noNumber)
	return cmd
}

// demandAnswer gives a command that has neither a reply nor an error an error.
func demandAnswer(cmd redis.Cmder) {
	if cmd.Err() != nil {
		return
	}
	answered := true
	switch cmd := cmd.(type) {
	case *redis.Cmd:
		answered = cmd.Val() != nil
	case *redis.SliceCmd:
		answered = cmd.Val() != nil
	case *redis.StatusCmd:
		answered = cmd.Val() != ""
	case *redis.IntCmd:
		answered = cmd.Val() != noNumber
	case *redis.StringCmd:
		answered = unsafe.StringData(cmd.Val()) != unsafe.StringData(noText)
	}
	if !answered {
		cmd.SetErr(errUnanswered)
	}
}

// process sends one command.
func (s *Store) process(ctx context.Context, cmd redis.Cmder) {
	_ = s.client.Process(ctx, cmd)
	demandAnswer(cmd)
}

// exec sends a pipeline, whose commands then each have their own outcome. A hook
// of the client can refuse the whole, or answer only some.
func exec(ctx context.Context, pipe redis.Pipeliner) {
	cmds, err := pipe.Exec(ctx)
	refused := err != nil
	for _, cmd := range cmds {
		refused = refused && cmd.Err() == nil
	}
	for _, cmd := range cmds {
		if refused {
			cmd.SetErr(err)
		}
		demandAnswer(cmd)
	}
}
