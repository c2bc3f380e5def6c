package leasegenstore

import (
	"context"
	_ "embed"
	"errors"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/unkn0wn-root/cascache/genstore-lease/internal/protocol"
	"github.com/unkn0wn-root/cascache/internal/redisgen"
)

var (
	//go:embed scripts/lease.lua
	leaseSource string
	//go:embed scripts/beat.lua
	beatSource string
	//go:embed scripts/change.lua
	changeSource string
	//go:embed scripts/snapshot.lua
	snapshotSource string
	//go:embed scripts/read.lua
	readSource string
	//go:embed scripts/remove.lua
	removeSource string
)

// script is a Lua script and the operation that errors name it by.
type script struct {
	op     string
	source string
	hash   string
}

func newScript(op, source string) *script {
	return &script{op: op, source: source, hash: redis.NewScript(source).Hash()}
}

// around returns a script in which genstore-redis' own does what it does, and
// source what the leases need beside it, in one step.
func around(op, change, source string) *script {
	return newScript(op, redisgen.Lua.Prelude+leaseSource+"local function change()\n"+change+"\nend\n"+source)
}

// creating returns a script that is refused when memory is short, unlike the
// others: a generation that is only created serves a fill, and the fill finds
// no room either.
func creating(sc *script) *script {
	return newScript(sc.op, redisgen.Creating(sc.source))
}

var (
	beatScript     = newScript("heartbeat", redisgen.Lua.Prelude+leaseSource+beatSource)
	readScript     = newScript("current", readSource)
	removeScript   = newScript("removal", removeSource)
	snapshotScript = creating(around("snapshot", redisgen.Lua.Snapshot, snapshotSource))
	bumpScript     = around("bump", redisgen.Lua.Bump, changeSource)
	holdScript     = around("hold", redisgen.Lua.Hold, changeSource)
	releaseScript  = around("release", redisgen.Lua.Release, changeSource)
)

// run runs a script.
func (s *engine) run(ctx context.Context, sc *script, names []string, args ...any) ([]any, error) {
	reply := s.client.EvalSha(ctx, sc.hash, names, args...)
	if answers(reply.Err(), "NOSCRIPT") {
		reply = s.client.Eval(ctx, sc.source, names, args...)
	}
	items, err := reply.Slice()
	if s.cluster != nil && (fromNetwork(err) || answers(err, "CLUSTERDOWN")) {
		// On its own it would look for its slots by the clock only.
		s.cluster.ReloadState(context.Background())
	}
	return items, err
}

// args returns the ARGV that all scripts but the reading one take first.
func (s *engine) args(token, lease, self string, more ...any) []any {
	return append([]any{
		"1", s.ttl, redisgen.Digits(), token, lease,
		s.leaseArg, newID(), s.logLength, self, s.names.leased,
	}, more...)
}

var errForm = errors.New("the script answered in another form than expected")

// A reader takes a script's reply apart.
type reader struct {
	items []any
	wrong bool
}

func (r *reader) next() any {
	if len(r.items) == 0 {
		r.wrong = true
		return nil
	}
	item := r.items[0]
	r.items = r.items[1:]
	return item
}

func (r *reader) text() string {
	text, ok := r.next().(string)
	r.wrong = r.wrong || !ok
	return text
}

func (r *reader) count() uint64 {
	n, err := strconv.ParseUint(r.text(), 10, 64)
	r.wrong = r.wrong || err != nil
	return n
}

func (r *reader) number() int64 {
	n, ok := r.next().(int64)
	r.wrong = r.wrong || !ok
	return n
}

func (r *reader) list() []any {
	list, ok := r.next().([]any)
	r.wrong = r.wrong || !ok
	return list
}

// gens reads one generation for each of n keys.
func (r *reader) gens(n int) []uint64 {
	list := reader{items: r.list()}
	gens := make([]uint64, n)
	for i := range gens {
		gens[i] = list.count()
	}
	r.wrong = r.wrong || list.wrong || len(list.items) > 0
	return gens
}

// end reports what was wrong with the reply.
func (r *reader) end() error {
	if r.wrong {
		return errForm
	}
	return nil
}

// parseEntry reads an entry of the log: its number, the generation, the key.
func parseEntry(entry string) (protocol.Invalidation, bool) {
	seq, rest, _ := strings.Cut(entry, " ")
	gen, key, found := strings.Cut(rest, " ")
	n, err := strconv.ParseUint(seq, 10, 64)
	g, err2 := strconv.ParseUint(gen, 10, 64)
	return protocol.Invalidation{Seq: n, Key: key, Gen: g}, found && err == nil && err2 == nil
}

// parseMembers reads the members among the fields of the hash.
func parseMembers(fields []any) []protocol.Member {
	var members []protocol.Member
	for i := 0; i+1 < len(fields); i += 2 {
		field, _ := fields[i].(string)
		value, _ := fields[i+1].(string)
		id, isMember := strings.CutPrefix(field, "member:")
		if !isMember {
			continue
		}
		// What cannot be read has acknowledged nothing.
		applied, number, _ := strings.Cut(value, " ")
		m := protocol.Member{ID: id}
		m.Applied, _ = strconv.ParseUint(applied, 10, 64)
		m.Number, _ = strconv.ParseUint(number, 10, 64)
		members = append(members, m)
	}
	return members
}
