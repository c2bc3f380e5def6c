package redistest

import (
	"crypto/sha1"
	"encoding/hex"
	"slices"
	"strings"
)

// A Command is a request as a [Proxy] sees it go by.
type Command struct {
	Name   string   // upper case, "" for an empty request
	Args   []string // what follows the name
	Script string   // of EVAL and EVALSHA: as named by Proxy.NameScript, or ""
}

// String returns the name, and the script's where there is one. It leaves the
// arguments out: they may be large.
func (c Command) String() string {
	if c.Script != "" {
		return c.Name + " " + c.Script
	}
	return c.Name
}

// Named returns a predicate for [Proxy.DropReply]: the command's or script's
// name is one of names.
func Named(names ...string) func(Command) bool {
	return func(c Command) bool {
		return slices.Contains(names, c.Name) || c.Script != "" && slices.Contains(names, c.Script)
	}
}

func newCommand(words []string, scripts map[string]string) Command {
	if len(words) == 0 {
		return Command{}
	}
	c := Command{Name: strings.ToUpper(words[0]), Args: words[1:]}
	if len(c.Args) > 0 {
		switch c.Name {
		case "EVALSHA", "EVALSHA_RO":
			c.Script = scripts[strings.ToLower(c.Args[0])]
		case "EVAL", "EVAL_RO":
			c.Script = scripts[scriptHash(c.Args[0])]
		}
	}
	return c
}

func scriptHash(source string) string {
	sum := sha1.Sum([]byte(source))
	return hex.EncodeToString(sum[:])
}

// setsUp tells whether a client sends the command to set a connection up or
// to learn about commands and topology, whenever it sees fit.
func (c Command) setsUp() bool {
	switch c.Name {
	case "HELLO", "AUTH", "CLIENT", "SELECT", "READONLY", "READWRITE", "COMMAND", "CLUSTER":
		return true
	}
	return false
}

// endsTurns tells whether the connection is no longer one of requests and
// replies in turn once the command has been sent.
func (c Command) endsTurns() bool {
	switch c.Name {
	case "PSYNC", "SYNC", "MONITOR", "SUBSCRIBE", "PSUBSCRIBE", "SSUBSCRIBE":
		return true
	}
	return false
}
