package leasegenstore

import (
	"errors"
	"fmt"
	"strings"

	"github.com/redis/go-redis/v9"
)

// ErrOtherKind is in the error of every call that would change a generation in
// a namespace that stores of genstore-redis use: the replicas of this one would
// not hear of their bumps. Choose another Config.Namespace.
var ErrOtherKind = errors.New("the namespace is one of genstore-redis, whose bumps no replica would hear of")

// ErrOtherLease is in the error of every call that would change a generation in
// a namespace whose processes have another Config.Lease.
var ErrOtherLease = errors.New("the other processes of the namespace have another Config.Lease")

// ErrUnconfirmed is in the error of a bump, hold or release that Redis has
// carried out, and whose context ended before every replica was known to have
// it.
var ErrUnconfirmed = errors.New("not known to have reached every replica")

// failed says which operation failed, for which keys, and why. It never tells a
// record, a password or a whole command.
func failed(op string, keys []string, err error) error {
	what := fmt.Sprintf("%q", keys[0])
	if len(keys) > 1 {
		what += fmt.Sprintf(" and %d more", len(keys)-1)
	}
	switch {
	case answers(err, "OTHERKIND"):
		err = ErrOtherKind
	case answers(err, "OTHERLEASE"):
		err = fmt.Errorf("%w, of %s µs", ErrOtherLease, strings.TrimPrefix(err.Error(), "OTHERLEASE "))
	}
	return &opError{op: op, what: what, err: err}
}

type opError struct {
	op, what string
	err      error
}

func (e *opError) Error() string {
	text := e.err.Error()
	if answered := redis.Error(nil); errors.As(e.err, &answered) {
		text, _, _ = strings.Cut(text, ", with args beginning with:")
		switch {
		// Lua before Redis 7 stumbles over the first line of a script.
		case strings.Contains(text, "unexpected symbol near '#'"):
			text = "the server is too old, Redis 7 or later or Valkey is needed: " + text
		case strings.Contains(text, "unknown command"):
			text = "the server has EVALSHA renamed or disabled, and it is needed under this name: " + text
		}
	}
	return "leasegenstore: " + e.op + " of " + e.what + ": " + text
}

func (e *opError) Unwrap() error { return e.err }

// answers reports whether err is a server's answer of this kind.
func answers(err error, kind string) bool {
	return err != nil && redis.HasErrorPrefix(err, kind)
}

// fromNetwork reports whether err is another one than a server's answer.
func fromNetwork(err error) bool {
	var answered redis.Error
	return err != nil && !errors.As(err, &answered)
}
