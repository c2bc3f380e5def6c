package protocol

import (
	"fmt"
	"math/rand/v2"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/unkn0wn-root/cascache/internal/redisgen"
)

// scriptsVariable is set to the address of a Redis that these tests may empty,
// and that has DEBUG enabled. internal/integration/lease sets it.
const scriptsVariable = "CASCACHE_LEASE_SCRIPTS"

// sources are the scripts as the store composes them.
func sources(t *testing.T) map[string]string {
	t.Helper()
	file := func(name string) string {
		text, err := os.ReadFile("../../scripts/" + name + ".lua")
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	lua := redisgen.Lua
	around := func(change, name string) string {
		return lua.Prelude + file("lease") + "local function change()\n" + change + "\nend\n" + file(name)
	}
	return map[string]string{
		"beat":     lua.Prelude + file("lease") + file("beat"),
		"read":     file("read"),
		"remove":   file("remove"),
		"snapshot": around(lua.Snapshot, "snapshot"),
		"bump":     around(lua.Bump, "change"),
		"hold":     around(lua.Hold, "change"),
		"release":  around(lua.Release, "change"),
	}
}

// A comparison takes the same steps on a real server and on the model.
type comparison struct {
	t       *testing.T
	client  *redis.Client
	sources map[string]string
	model   server
	steps   []string

	// What the model calls e1 and 1, the server calls otherwise.
	epochs map[string]string
	gens   map[uint64]uint64
}

const (
	stateKey = "lease:{x}:n:state"
	logKey   = "lease:{x}:n:log"
	markKey  = "gen:{x}:n"
)

func (c *comparison) run(name string, keys []string, self string, token string, more ...any) ([]any, error) {
	names := []string{stateKey, logKey, markKey}
	if name == "read" || name == "remove" {
		names = names[:1]
	}
	for _, key := range keys {
		names = append(names, "lease:{x}:n:gen:"+key)
	}
	args := append([]any{"1", "0", redisgen.Digits(), token, "3600000", "100000", strconv.Itoa(rand.Int()), "1000", self, "leased"}, more...)
	if name == "read" || name == "remove" {
		args = more
	}
	reply := c.client.Eval(c.t.Context(), c.sources[name], names, args...)
	if name == "remove" {
		return nil, reply.Err()
	}
	return reply.Slice()
}

// same reports whether the server's name of a thing is the model's, and learns
// new ones.
func same[K comparable, V comparable](known map[K]V, model K, real V) bool {
	if v, ok := known[model]; ok {
		return v == real
	}
	for _, v := range known {
		if v == real {
			return false
		}
	}
	known[model] = real
	return true
}

func (c *comparison) sameGen(model uint64, real any) bool {
	text, _ := real.(string)
	n, err := strconv.ParseUint(text, 10, 64)
	if model == 0 || n == 0 {
		return err == nil && model == n
	}
	return err == nil && same(c.gens, model, n)
}

func (c *comparison) sameEpoch(model string, real any) bool {
	text, _ := real.(string)
	if model == "" || text == "" {
		return model == text
	}
	return same(c.epochs, model, text)
}

// beat compares a heartbeat.
func (c *comparison) beat(b Beat) string {
	const limit = 2
	answer, view := c.model.beat(b, limit)
	epoch := b.Epoch
	if real, known := c.epochs[epoch]; known {
		epoch = real
	}
	reply, err := c.run("beat", nil, b.ID, "", b.Number, epoch, b.Applied, limit, "1")
	if err != nil || len(reply) != 4 {
		return fmt.Sprintf("answered %v, %v", reply, err)
	}
	if !c.sameEpoch(answer.Epoch, reply[0]) || fmt.Sprint(answer.Head) != reply[1] {
		return fmt.Sprintf("the server is at (%v, %v), and the model at (%v, %v)", reply[0], reply[1], answer.Epoch, answer.Head)
	}
	entries, _ := reply[2].([]any)
	if len(entries) != len(answer.Log) {
		return fmt.Sprintf("the server answers the log %v, and the model %v", entries, answer.Log)
	}
	for i, e := range answer.Log {
		text, _ := entries[i].(string)
		f := strings.SplitN(text, " ", 3)
		if len(f) != 3 || f[0] != fmt.Sprint(e.Seq) || f[2] != e.Key || !c.sameGen(e.Gen, f[1]) {
			return fmt.Sprintf("the server answers the log %v, and the model %v", entries, answer.Log)
		}
	}
	return c.sameMembers(reply[3], view)
}

func (c *comparison) sameMembers(fields any, view View) string {
	list, _ := fields.([]any)
	var members []Member
	for i := 0; i+1 < len(list); i += 2 {
		id, isMember := strings.CutPrefix(fmt.Sprint(list[i]), "member:")
		if !isMember {
			continue
		}
		var m Member
		m.ID = id
		if _, err := fmt.Sscan(fmt.Sprint(list[i+1]), &m.Applied, &m.Number); err != nil {
			return fmt.Sprintf("the server has the member %v", list[i+1])
		}
		members = append(members, m)
	}
	slices.SortFunc(members, func(a, b Member) int { return strings.Compare(a.ID, b.ID) })
	if len(members) != len(view.Members) || len(members) > 0 && !reflect.DeepEqual(members, view.Members) {
		return fmt.Sprintf("the server has the members %v, and the model %v", members, view.Members)
	}
	return ""
}

// change compares a bump, hold or release of key.
func (c *comparison) change(name, key, self string) string {
	change, entry := c.model.change(self, key, name == "hold", name == "release", true)
	reply, err := c.run(name, []string{key}, self, "token")
	if err != nil || len(reply) != 5 {
		return fmt.Sprintf("answered %v, %v", reply, err)
	}
	gens, _ := reply[4].([]any)
	others, _ := reply[2].(int64)
	own, _ := reply[3].(int64)
	if !c.sameEpoch(change.Epoch, reply[0]) || fmt.Sprint(change.Seq) != reply[1] || others > 0 != change.Others || own > 0 != change.Self ||
		len(gens) != 1 || !c.sameGen(entry.Gen, gens[0]) {
		return fmt.Sprintf("the server answers %v, and the model %v %v", reply, change, entry)
	}
	return ""
}

// read compares a read or snapshot of key.
func (c *comparison) read(name, key string) string {
	if name == "snapshot" {
		c.model.snapshot(key)
	}
	epoch, head, gen := c.model.read(key)
	reply, err := c.run(name, []string{key}, "", "")
	if err != nil {
		return err.Error()
	}
	list, _ := reply[len(reply)-1].([]any)
	if len(list) != 1 {
		return fmt.Sprintf("answered %v", reply)
	}
	got := list[0]
	if name == "read" {
		record, _ := got.(string)
		id, _ := reply[2].(string)
		got = fmt.Sprint(redisgen.Generation(record, id))
		if epoch == "" {
			head = 0
		}
	}
	if !c.sameEpoch(epoch, reply[0]) || fmt.Sprint(head) != reply[1] || !c.sameGen(gen, got) {
		return fmt.Sprintf("the server answers %v, and the model (%v, %v, %v)", reply, epoch, head, gen)
	}
	return ""
}

// snapshot is what snapshot.lua does for one key.
func (s *server) snapshot(key string) {
	s.ensure()
	if i := modelIndex(key); s.gens[i] == 0 && !s.held[i] {
		s.drawn++
		s.gens[i] = s.drawn
	}
}

// step takes one random step on both, and returns how they differ.
func (c *comparison) step(r *rand.Rand) string {
	ctx := c.t.Context()
	key := []string{"a", "b"}[r.IntN(2)]
	self := []string{"n0", "n1", "n2"}[r.IntN(3)]
	name := func(format string, args ...any) { c.steps = append(c.steps, fmt.Sprintf(format, args...)) }
	switch n := r.IntN(20); {
	case n < 7:
		b := Beat{ID: self, Number: uint64(len(c.steps)), Epoch: c.model.epoch, Applied: uint64(r.IntN(int(c.model.head) + 1))}
		switch r.IntN(4) {
		case 0:
			b.Epoch = ""
		case 1:
			b.Epoch = fmt.Sprint("e", r.IntN(int(c.model.epochs)+1))
			b.Applied = uint64(r.IntN(10))
			if b.Epoch == c.model.epoch {
				b.Applied = 0
			}
		}
		name("a heartbeat %+v", b)
		return c.beat(b)
	case n < 10:
		name("a bump of %s by %s", key, self)
		return c.change("bump", key, self)
	case n < 11:
		name("a hold of %s by %s", key, self)
		return c.change("hold", key, self)
	case n < 12:
		name("a release of %s by %s", key, self)
		return c.change("release", key, self)
	case n < 14:
		name("a read of %s", key)
		return c.read("read", key)
	case n < 16:
		name("a snapshot of %s", key)
		return c.read("snapshot", key)
	case n < 18:
		m := Member{ID: self, Number: uint64(r.IntN(len(c.steps) + 1))}
		if at := c.model.member(self); at >= 0 && r.IntN(2) == 0 {
			m.Number = c.model.members[at].Number
		}
		name("a removal of %+v", m)
		c.model.remove(m)
		if _, err := c.run("remove", nil, "", "", m.ID, m.Number); err != nil {
			return err.Error()
		}
	default:
		l := []loss{losesAll, losesState, losesLog, goesBack}[r.IntN(4)]
		name("%s", lossNames[l])
		c.model.lose(l)
		switch l {
		case losesAll:
			c.client.FlushAll(ctx)
		case losesState:
			c.client.Del(ctx, stateKey)
		case losesLog:
			c.client.Del(ctx, logKey)
		case goesBack:
			if err := c.client.Do(ctx, "DEBUG", "CHANGE-REPL-ID").Err(); err != nil {
				c.t.Fatal(err)
			}
		}
	}
	return ""
}

// compare takes many steps, and returns how server and model differ.
func compare(t *testing.T, client *redis.Client, sources map[string]string, seed uint64, steps int) string {
	client.FlushAll(t.Context())
	c := &comparison{t: t, client: client, sources: sources, model: server{spoilt: new(spoilt)}, epochs: make(map[string]string), gens: make(map[uint64]uint64)}
	r := rand.New(rand.NewPCG(seed, 0))
	for range steps {
		if differ := c.step(r); differ != "" {
			return differ + ", after\n  " + strings.Join(c.steps[max(0, len(c.steps)-12):], "\n  ")
		}
	}
	return ""
}

func scriptsClient(t *testing.T) *redis.Client {
	t.Helper()
	addr := os.Getenv(scriptsVariable)
	if addr == "" {
		t.Skip("needs a Redis: internal/integration/lease runs this")
	}
	client := redis.NewClient(&redis.Options{Addr: addr})
	t.Cleanup(func() { client.Close() })
	return client
}

// TestScriptsAgreeWithModel takes thousands of random steps with the scripts on
// a real server, and with the server that the explorer believes in.
func TestScriptsAgreeWithModel(t *testing.T) {
	client := scriptsClient(t)
	all := sources(t)
	for seed := range uint64(20) {
		if differ := compare(t, client, all, seed, 200); differ != "" {
			t.Fatalf("the scripts are not what was explored: %s", differ)
		}
	}
}

// TestScriptsWithoutRulesDisagree removes rules from the scripts.
func TestScriptsWithoutRulesDisagree(t *testing.T) {
	client := scriptsClient(t)
	for _, m := range []struct{ name, script, old, new string }{
		{"rule 7: an acknowledgement says what was sent", "beat", "return { epoch, digits(head), entries, state }",
			"if ARGV[9] ~= '' then redis.call('HSET', STATE, 'member:' .. ARGV[9], digits(head) .. ' ' .. ARGV[11]) end return { epoch, digits(head), entries, state }"},
		{"rule 7: an acknowledgement counts in any epoch", "beat", "if same and tonumber(ARGV[13]) > acked", "if tonumber(ARGV[13]) > acked"},
		{"rule 7: an acknowledgement can fall", "beat", "if same and tonumber(ARGV[13]) > acked", "if same"},
		{"rule 8: an older copy goes on with its epoch", "bump", "if state[1] == id and state[2]", "if state[2]"},
		{"rule 8: a heartbeat goes on with the epoch of an older copy", "beat", "if state[1] == id and state[2]", "if state[2]"},
		{"rule 8: what is read of an older copy has its epoch", "read", "if state[1] ~= id or not state[2]", "if not state[2]"},
		{"rule 10: a member is removed though it was heard of", "remove", "if known and string.match(known, '%d+$') == ARGV[i + 1] then", "if known then"},
		{"rule 11: a bump does not write the log", "bump", "redis.call('RPUSH', LOG, unpack(entries))", ""},
		{"rule 11: a hold does not write the log", "hold", "redis.call('RPUSH', LOG, unpack(entries))", ""},
		{"rule 11: a release does not write the log", "release", "redis.call('RPUSH', LOG, unpack(entries))", ""},
		{"a bump does not count", "bump", "redis.call('HSET', STATE, 'head', digits(head))", ""},
		{"a bump does not tell of others", "bump", "redis.call('HLEN', STATE) - 4 - self", "0"},
		{"a heartbeat leaves out the beginning of the log", "beat", "last = tonumber(ARGV[14]) - behind - 1 end", "behind = tonumber(ARGV[14]) end"},
	} {
		t.Run(m.name, func(t *testing.T) {
			all := sources(t)
			if n := strings.Count(all[m.script], m.old); n != 1 {
				t.Fatalf("the place to change must occur once: it occurs %d times", n)
			}
			all[m.script] = strings.Replace(all[m.script], m.old, m.new, 1)
			for seed := range uint64(20) {
				if compare(t, client, all, seed, 200) != "" {
					return
				}
			}
			t.Error("a script without the rule must not agree with the model")
		})
	}
}
