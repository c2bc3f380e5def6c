package redisgen

import (
	"errors"
	"fmt"
	"strings"

	"github.com/redis/go-redis/v9"
)

// opError says which operation failed, for which key, and why. It never tells
// a record, a password or a whole command.
type opError struct {
	op   string
	key  string // the storage key, of a bulk call the first one that failed so
	more int    // how many others failed so
	err  error
}

func (e *opError) Error() string {
	what := fmt.Sprintf("redisgenstore: %s of %q", e.op, e.key)
	if e.more > 0 {
		what += fmt.Sprintf(" and %d more", e.more)
	}
	return what + ": " + reason(e.err)
}

func (e *opError) Unwrap() error { return e.err }

func failed(op, key string, err error) error { return &opError{op: op, key: key, err: err} }

// joined returns the errors of a bulk call, where there is one per key, with those
// of one reason in one.
func joined(op string, keys []string, errs []error) error {
	var kinds []error
	known := make(map[string]*opError)
	for i, err := range errs {
		if err == nil {
			continue
		}
		text := err.Error()
		if e := known[text]; e != nil {
			e.more++
			continue
		}
		e := &opError{op: op, key: keys[i], err: err}
		known[text] = e
		kinds = append(kinds, e)
	}
	return errors.Join(kinds...)
}

// reason returns the text of err without what servers quote of a command, and
// with what to do about a server that is too old.
func reason(err error) string {
	text := err.Error()
	if fromNetwork(err) {
		return text
	}
	text, _, _ = strings.Cut(text, ", with args beginning with:")
	switch {
	case strings.Contains(text, "unknown command 'EVAL"), strings.Contains(text, "unknown command 'eval"):
		// Every server has these two, unless somebody took them away.
		return "the server has EVALSHA or EVAL renamed or disabled, and both are needed under their names: " + text
	// Lua before Redis 7 stumbles over the first line of a script.
	case strings.Contains(text, "unexpected symbol near '#'"):
		return "the server is too old, Redis 7 or later or Valkey is needed: " + text
	case strings.Contains(text, "unknown command"):
		return "the server has the command renamed or disabled, or is older than Redis 7: " + text
	case strings.HasPrefix(text, "MOVED "):
		return "the key is on another server of the Cluster, where a redis.ClusterClient looks and a client of one server does not: " + text
	}
	return text
}

// fromNetwork reports whether err is another one than a server's answer: no
// server was reached, or it did not answer in time.
func fromNetwork(err error) bool {
	if err == nil {
		return false
	}
	var answered redis.Error
	return !errors.As(err, &answered)
}

// answers reports whether err is a server's answer of this kind.
func answers(err error, kind string) bool {
	return err != nil && redis.HasErrorPrefix(err, kind) // which allocates for nil too
}

// moving reports whether err says that a slot is on its way to another server:
// its keys are found one by one.
func moving(err error) bool {
	kind, _ := redirection(err)
	return kind != "" || answers(err, "TRYAGAIN")
}
