package snapshot

import (
	"context"
	"log/slog"
	"strings"
	"sync"
)

func (s *store) right(ctx context.Context, id string) error {
	obs := s.users.SnapshotGen(id)
	u, err := s.read(ctx, id)
	if err != nil {
		return err
	}
	return s.users.SetWithGen(ctx, id, u, obs, 0)
}

func (s *store) cached(ctx context.Context, id string) (User, error) {
	u, ok, err := s.users.Get(ctx, id)
	if err != nil || ok {
		return u, err
	}
	obs := s.users.SnapshotGen(id)
	if u, err = s.read(ctx, id); err != nil {
		return u, err
	}
	return u, s.users.SetWithGen(ctx, id, u, obs, 0)
}

// The snapshot and the read are in the same branch.
func (s *store) perhaps(ctx context.Context, id string) (User, error) {
	var obs uint64
	u, err := s.read(ctx, "cheap")
	if err != nil {
		obs = s.users.SnapshotGen(id)
		u, err = s.read(ctx, id)
	}
	if err == nil && obs != 0 {
		err = s.users.SetWithGen(ctx, id, u, obs, 0)
	}
	return u, err
}

func (s *store) scannedInTime(ctx context.Context, id string) error {
	var u User
	if err := s.db.QueryRowContext(ctx, "SELECT 1").Scan(&u.ID); err != nil {
		return err
	}
	obs := s.users.SnapshotGen(id)
	if err := s.db.QueryRowContext(ctx, "SELECT name").Scan(&u.Name); err != nil {
		return err
	}
	return s.users.SetWithGen(ctx, id, u, obs, 0)
}

// Only the key was read before, and the value has its key in it.
func (s *store) resolved(ctx context.Context, email string) error {
	found, err := s.read(ctx, email)
	if err != nil {
		return err
	}
	id := strings.ToLower(found.ID)
	obs := s.users.SnapshotGen(id)
	u := s.lookup(id)
	if err := s.users.SetWithGen(ctx, id, u, obs, 0); err != nil {
		return err
	}
	return s.users.SetWithGen(ctx, id, User{ID: id, Name: "known"}, s.users.SnapshotGen(id), 0)
}

var table = map[string]User{}

func (s *store) fromMemory(ctx context.Context, email string) error {
	found, err := s.read(ctx, email)
	if err != nil {
		return err
	}
	obs := s.users.SnapshotGen(found.ID)
	u := table[found.ID]
	u.Name = strings.TrimSpace(u.Name)
	return s.users.SetWithGen(ctx, found.ID, u, obs, 0)
}

// Nothing was read.
func (s *store) made(ctx context.Context, id, name string) error {
	u := &User{ID: id, Name: strings.ToUpper(name)}
	slog.InfoContext(ctx, "made", "user", u)
	if err := s.save(ctx, u); err != nil {
		return err
	}
	obs := s.users.SnapshotGen(id)
	return s.users.SetWithGen(ctx, id, *u, obs, 0)
}

func (s *store) save(ctx context.Context, u *User) error { return nil }

func (s *store) given(ctx context.Context, id string, u User) error {
	return s.users.SetWithGen(ctx, id, u, s.users.SnapshotGen(id), 0)
}

// Each round snapshots, reads and stores.
func (s *store) rounds(ctx context.Context, ids []string) error {
	for _, id := range ids {
		obs := s.users.SnapshotGen(id)
		u, err := s.read(ctx, id)
		if err != nil {
			return err
		}
		if err := s.users.SetWithGen(ctx, id, u, obs, 0); err != nil {
			return err
		}
	}
	return nil
}

// The second try reads again.
func (s *store) retried(ctx context.Context, id string) error {
	obs := s.users.SnapshotGen(id)
	u, err := s.read(ctx, id)
	for range 3 {
		if err != nil {
			return err
		}
		result, setErr := s.users.SetWithGenResult(ctx, id, u, obs, 0)
		if setErr != nil || result.Outcome == "stored" {
			return setErr
		}
		obs = s.users.SnapshotGen(id)
		u, err = s.read(ctx, id)
	}
	return nil
}

// The snapshot of the round before is older than the read of this one.
func (s *store) carried(ctx context.Context, id string) error {
	var obs uint64
	for {
		u, err := s.read(ctx, id)
		if err != nil {
			return err
		}
		if obs != 0 {
			return s.users.SetWithGen(ctx, id, u, obs, 0)
		}
		obs = s.users.SnapshotGen(id)
	}
}

func (s *store) many(ctx context.Context, email string) error {
	ids, err := s.idsOf(ctx, email)
	if err != nil {
		return err
	}
	gens := s.users.SnapshotGens(ids)
	rows, err := s.readAll(ctx, ids)
	if err != nil {
		return err
	}
	items := make(map[string]User)
	for _, u := range rows {
		items[u.ID] = u
	}
	return s.users.SetBulkWithGens(ctx, items, gens, 0)
}

func (s *store) idsOf(ctx context.Context, email string) ([]string, error) { return nil, nil }

// A literal writes the value: nobody can tell when.
func (s *store) elsewhere(ctx context.Context, id string) error {
	u, err := s.read(ctx, id)
	if err != nil {
		return err
	}
	var once sync.Once
	load := func() { u, err = s.read(ctx, id) }
	obs := s.users.SnapshotGen(id)
	once.Do(load)
	return s.users.SetWithGen(ctx, id, u, obs, 0)
}

func (s *store) refilled(ctx context.Context, id string) error {
	u, err := s.find(id)
	if err != nil {
		return err
	}
	obs := s.users.SnapshotGen(id)
	if err := s.refresh(ctx, u); err != nil {
		return err
	}
	return s.users.SetWithGen(ctx, id, *u, obs, 0)
}

func (s *store) refresh(ctx context.Context, u *User) error { return nil }

// Other types may have methods of these names.
type other struct{}

func (other) SnapshotGen(key string) uint64 { return 0 }
func (other) SetWithGen(ctx context.Context, key string, u User, gen uint64, ttl int) error {
	return nil
}

func (s *store) unrelated(ctx context.Context, id string) error {
	u, err := s.read(ctx, id)
	if err != nil {
		return err
	}
	var o other
	return o.SetWithGen(ctx, id, u, o.SnapshotGen(id), 0)
}

type memory struct {
	rows  map[string]User
	first User
}

func openMemory(name string) (*memory, error) { return nil, nil }

func loadMemory(name string) (*memory, error) { return nil, nil }

func (m *memory) all() User { return User{} }

func (m *memory) show(u User, tag string) {}

// A source in memory that was opened before is read after the snapshot.
func (s *store) opened(ctx context.Context, id string) error {
	opened, err := openMemory(id)
	if err != nil {
		return err
	}
	loaded, err := loadMemory(id)
	if err != nil {
		return err
	}
	obs := s.users.SnapshotGen(id)
	if err := s.users.SetWithGen(ctx, id, opened.all(), obs, 0); err != nil {
		return err
	}
	if err := s.users.SetWithGen(ctx, id, loaded.all(), obs, 0); err != nil {
		return err
	}
	return s.users.SetWithGen(ctx, id, loaded.rows[id], obs, 0)
}

// A read by way of an object is not in all that the object returns.
func (s *store) byTheWay(ctx context.Context, id string, m *memory) error {
	own := &memory{}
	for range 3 {
		if err := s.users.SetWithGen(ctx, id, m.all(), s.users.SnapshotGen(id), 0); err != nil {
			return err
		}
		if err := s.users.SetWithGen(ctx, id, own.all(), s.users.SnapshotGen(id), 0); err != nil {
			return err
		}
		u, _, err := s.users.Get(ctx, id)
		if err != nil {
			return err
		}
		m.show(u, id)
		own.show(u, id)
		slog.Info("shown", "by", own, "user", u)
	}
	return nil
}

// What is in memory may be newer than the rest of the value.
func (s *store) joined(ctx context.Context, email string) error {
	found, err := s.read(ctx, email)
	if err != nil {
		return err
	}
	obs := s.users.SnapshotGen(email)
	return s.users.SetWithGen(ctx, email, User{ID: found.ID, Name: table[email].Name}, obs, 0)
}

func (s *store) joinedThroughAPointer(ctx context.Context, email string, m *memory) error {
	found, err := s.read(ctx, email)
	if err != nil {
		return err
	}
	obs := s.users.SnapshotGen(email)
	return s.users.SetWithGen(ctx, email, User{ID: found.ID, Name: m.first.Name}, obs, 0)
}

func (s *store) joinedFromAMap(ctx context.Context, email string) error {
	m, err := loadMemory(email)
	if err != nil {
		return err
	}
	obs := s.users.SnapshotGen(email)
	return s.users.SetWithGen(ctx, email, User{ID: m.first.ID, Name: m.rows[email].Name}, obs, 0)
}

// To parse is not to read.
func (s *store) parsed(ctx context.Context, id, text string) error {
	u, err := parseUser(text)
	if err != nil {
		return err
	}
	obs := s.users.SnapshotGen(id)
	return s.users.SetWithGen(ctx, id, u, obs, 0)
}

func parseUser(text string) (User, error) { return User{}, nil }

// In one branch the snapshot comes with its read.
func (s *store) inOneBranch(ctx context.Context, id string, fast bool) error {
	var obs uint64
	u := User{ID: id}
	if fast {
		var err error
		if u, err = s.read(ctx, id); err != nil {
			return err
		}
	} else {
		obs = s.users.SnapshotGen(id)
		for range 3 {
			u.Name += "x"
		}
	}
	return s.users.SetWithGen(ctx, id, u, obs, 0)
}

// The key is longer than the part of it that is in the value.
func (s *store) longKey(ctx context.Context, email string) error {
	found, err := s.read(ctx, email)
	if err != nil {
		return err
	}
	key := "user:" + found.ID
	obs := s.users.SnapshotGen(key)
	return s.users.SetWithGen(ctx, key, User{ID: found.ID}, obs, 0)
}

// A lookup between is told what was read before, and what is a key.
func (s *store) lookedUp(ctx context.Context, email string) error {
	found, err := s.read(ctx, email)
	if err != nil {
		return err
	}
	obs := s.users.SnapshotGen(email)
	return s.users.SetWithGen(ctx, email, s.with(found, email), obs, 0)
}

func (s *store) with(u User, key string) User { return u }
