package genstoreredis

import (
	"strconv"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	cascache "github.com/unkn0wn-root/cascache/core"
	"github.com/unkn0wn-root/cascache/internal/redistest"
)

// TestRefusedBulkEntry stores members with a bulk entry that the server refuses,
// by its size or since its key is forbidden: the members are stored all the same.
func TestRefusedBulkEntry(t *testing.T) {
	large, small := strings.Repeat("x", 700_000), "small"
	for name, c := range map[string]struct {
		setting, value string
		first, bulk    string
		says           string
	}{
		"a value too large":             {"proto-max-bulk-len", "1mb", large, large + large, ""},
		"a value much too large":        {"proto-max-bulk-len", "1mb", small, strings.Repeat(large, 10), ""},
		"a request too large":           {"client-query-buffer-limit", "1mb", large, strings.Repeat(large, 3), ""},
		"a key that is not one of ours": {"", "", small, small, "NOPERM"},
	} {
		t.Run(name, func(t *testing.T) {
			server := redistest.Start(t)
			server.Do("ACL", "SETUSER", "writer", "on", ">secret", "~single:*", "~gen:*", "&*", "+@all")
			user := func(o *redis.Options) {
				if c.setting == "" {
					o.Username, o.Password = "writer", "secret"
				}
			}
			batching, err := connect(t, server.Addr(), user).AutoPipeline()
			if err != nil {
				t.Fatal(err)
			}
			for kind, client := range map[string]redis.UniversalClient{
				"client": connect(t, server.Addr(), user), "autopipeliner": batching, "client of another type": wrapped{connect(t, server.Addr(), user)},
			} {
				server.Do("FLUSHALL")
				s := openBackend(t, client).(cascache.Combined)
				gens, err := s.(store).SnapshotBulk(t.Context(), []string{"single:k", "single:l"})
				if err != nil {
					t.Fatal(err)
				}
				if c.setting != "" {
					server.Config(c.setting, c.value)
				}
				items := []cascache.Item{item("single:k", c.first), item("single:l", small), item("bulk:kl", c.bulk)}
				current, stored, err := s.SetBulkIfGens(t.Context(), items, gens)
				if err == nil || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), `"bulk:kl"`) || strings.Contains(err.Error(), `"single:`) {
					t.Errorf("%s: the error names what was refused, the bulk entry: got %v, want one that says %q", kind, err, c.says)
				}
				if current[0] != gens[0] || current[1] != gens[1] || !stored[0] || !stored[1] || stored[2] {
					t.Errorf("%s: members are stored though their bulk entry is refused: got %v, %v under %v", kind, current, stored, gens)
				}
				for _, it := range items[:2] {
					if value, found, err := s.Get(t.Context(), it.Key); !found || err != nil || string(value) != string(it.Value) {
						t.Errorf("%s: %q was not stored: %t, %v", kind, it.Key, found, err)
					}
				}
			}
		})
	}
}

// TestBulkEntryFindsNoRoom: a bulk entry takes the server over its limit, and its
// members do not.
func TestBulkEntryFindsNoRoom(t *testing.T) {
	server := redistest.Start(t, "--maxmemory-policy", "noeviction")
	for _, size := range []int{1 << 20, 8 << 20} {
		server.Config("maxmemory", "0")
		server.Do("FLUSHALL")
		s := openBackend(t, connect(t, server.Addr())).(cascache.Combined)
		gens, err := s.(store).SnapshotBulk(t.Context(), []string{"k", "l"})
		if err != nil {
			t.Fatal(err)
		}
		server.Config("maxmemory", strconv.Itoa(number(t, server.Info("used_memory"))+size/2))
		current, stored, err := s.SetBulkIfGens(t.Context(), []cascache.Item{item("k", "v"), item("l", "v"), item("b", strings.Repeat("x", size))}, gens)
		if err != nil || current[0] != gens[0] || current[1] != gens[1] || !stored[0] || !stored[1] || stored[2] {
			t.Errorf("members find room where a bulk entry of %d bytes finds none, which is declined: got %v, %v, %v", size, current, stored, err)
		}
	}
}

// TestLargeBulkEntryOfMovedMembers: a bulk entry that is stored by itself is not
// stored when a member has moved.
func TestLargeBulkEntryOfMovedMembers(t *testing.T) {
	eachValueForm(t, func(t *testing.T, s cascache.Combined, raw *redis.Client) {
		gens, err := s.(store).SnapshotBulk(t.Context(), []string{"k", "l"})
		if err != nil {
			t.Fatal(err)
		}
		items := []cascache.Item{item("k", "v"), item("l", "v"), item("b", strings.Repeat("x", 1<<20))}
		if _, stored, err := s.SetBulkIfGens(t.Context(), items, gens); err != nil || !stored[0] || !stored[1] || !stored[2] {
			t.Fatalf("a large bulk entry of members that have not moved is stored: got %v, %v", stored, err)
		}
		raw.Del(t.Context(), "b")
		bump(t, s.(store), "l")
		_, stored, err := s.SetBulkIfGens(t.Context(), items, gens)
		if err != nil || !stored[0] || stored[1] || stored[2] || raw.Exists(t.Context(), "b").Val() != 0 {
			t.Errorf("a large bulk entry of a member that has moved is not stored: got %v, %v", stored, err)
		}
	})
}
