package snapshot

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"

	cascache "github.com/unkn0wn-root/cascache/core"
)

type User struct {
	ID, Name string
}

type store struct {
	db    *sql.DB
	users *cascache.Handle[User]
	any   cascache.CAS[User]
	raw   cascache.Cache[string]
}

func (s *store) read(ctx context.Context, id string) (User, error) { return User{}, nil }

func (s *store) find(id string) (*User, error) { return nil, nil }

func (s *store) readAll(ctx context.Context, ids []string) ([]User, error) { return nil, nil }

func (s *store) lookup(id string) User { return User{} }

func upper(u User) User { return u }

func (s *store) plain(ctx context.Context, id string) (User, error) {
	u, err := s.read(ctx, id)
	if err != nil {
		return u, err
	}
	obs := s.users.SnapshotGen(id) // want `SnapshotGen comes after line 34 has read the value that SetWithGen stores: .*; call SnapshotGen before the read`
	return u, s.users.SetWithGen(ctx, id, u, obs, 0)
}

func (s *store) byInterface(ctx context.Context, id string) error {
	u, err := s.find(id)
	if err != nil {
		return err
	}
	return s.any.SetWithGen(ctx, id, *u, s.any.SnapshotGen(id), 0) // want `SnapshotGen comes after line 43 has read`
}

func (s *store) inArguments(ctx context.Context, id string) error {
	return s.users.SetWithGen(ctx, id, must(s.read(ctx, id)), s.users.SnapshotGen(id), 0) // want `SnapshotGen comes after line 51`
}

func must(u User, err error) User { return u }

func (s *store) scanned(ctx context.Context, id string) error {
	var u User
	if err := s.db.QueryRowContext(ctx, "SELECT id, name FROM users WHERE id = $1", id).Scan(&u.ID, &u.Name); err != nil {
		return err
	}
	obs, err := s.users.SnapshotGenContext(ctx, id) // want `SnapshotGenContext comes after line 58`
	if err != nil {
		return err
	}
	result, err := s.users.SetWithGenResult(ctx, id, u, obs, 0)
	fmt.Println(result)
	return err
}

func (s *store) converted(ctx context.Context, id string) error {
	u, err := s.read(ctx, id)
	if err != nil {
		return err
	}
	text, err := json.Marshal(u)
	if err != nil {
		return err
	}
	obs := s.raw.SnapshotGen(id) // want `SnapshotGen comes after line 71`
	return s.raw.SetWithGen(ctx, id, string(text), obs, 0)
}

func (s *store) convertedLate(ctx context.Context, id string) error {
	u, err := s.read(ctx, id)
	if err != nil {
		return err
	}
	obs := s.users.SnapshotGen(id) // want `SnapshotGen comes after line 84`
	return s.users.SetWithGen(ctx, id, upper(u), obs, 0)
}

func (s *store) keyOfTheRow(ctx context.Context, name string) error {
	u, err := s.read(ctx, name)
	if err != nil {
		return err
	}
	obs := s.users.SnapshotGen(u.ID) // want `SnapshotGen comes after line 93`
	return s.users.SetWithGen(ctx, u.ID, u, obs, 0)
}

func (s *store) bulk(ctx context.Context, ids []string) error {
	rows, err := s.readAll(ctx, ids)
	if err != nil {
		return err
	}
	items := make(map[string]User, len(rows))
	for _, u := range rows {
		items[u.ID] = u
	}
	gens := s.users.SnapshotGens(ids) // want `SnapshotGens comes after line 102 has read the value that SetBulkWithGens stores`
	return s.users.SetBulkWithGens(ctx, items, gens, 0)
}

func (s *store) scannedBulk(ctx context.Context, ids []string) error {
	rows, err := s.db.QueryContext(ctx, "SELECT id, name FROM users")
	if err != nil {
		return err
	}
	items := make(map[string]User)
	for rows.Next() {
		var u User
		if err := rows.Scan(&u.ID, &u.Name); err != nil {
			return err
		}
		items[u.ID] = u
	}
	gens, err := s.users.SnapshotGensContext(ctx, ids) // want `SnapshotGensContext comes after line 122`
	if err != nil {
		return err
	}
	return s.users.SetBulkWithGens(ctx, items, gens, 0)
}

func (s *store) oneOfMany(ctx context.Context, ids []string) error {
	for _, id := range ids {
		u, err := s.read(ctx, id)
		if err != nil {
			return err
		}
		gens := s.users.SnapshotGens(ids) // want `SnapshotGens comes after line 136`
		if err := s.users.SetWithGen(ctx, id, u, gens[id], 0); err != nil {
			return err
		}
	}
	return nil
}

// A new snapshot for the second try, and the value of the first.
func (s *store) again(ctx context.Context, id string) error {
	obs := s.users.SnapshotGen(id)
	u, err := s.read(ctx, id)
	if err != nil {
		return err
	}
	for range 3 {
		result, err := s.users.SetWithGenResult(ctx, id, u, obs, 0)
		if err != nil || result.Outcome == "stored" {
			return err
		}
		obs = s.users.SnapshotGen(id) // want `SnapshotGen comes after line 151`
	}
	return nil
}

// The value of the round before, under the snapshot of this one.
func (s *store) late(ctx context.Context, id string) error {
	var u User
	for {
		obs := s.users.SnapshotGen(id) // want `SnapshotGen comes after line 174`
		if err := s.users.SetWithGen(ctx, id, u, obs, 0); err != nil {
			return err
		}
		var err error
		if u, err = s.read(ctx, id); err != nil {
			return err
		}
	}
}

func (s *store) inALiteral(ctx context.Context) func(id string) error {
	return func(id string) error {
		u, err := s.read(ctx, id)
		if err != nil {
			return err
		}
		obs := s.users.SnapshotGen(id) // want `SnapshotGen comes after line 182`
		return s.users.SetWithGen(ctx, id, u, obs, 0)
	}
}

func generic[V any](ctx context.Context, cache *cascache.Handle[V], id string, read func(context.Context, string) (V, error)) error {
	v, err := read(ctx, id)
	if err != nil {
		return err
	}
	obs := cache.SnapshotGen(id) // want `SnapshotGen comes after line 192`
	return cache.SetWithGen(ctx, id, v, obs, 0)
}

// An embedded cache is one.
type embedding struct{ *cascache.Handle[User] }

func (e embedding) fill(ctx context.Context, s *store, id string) error {
	u, err := s.read(ctx, id)
	if err != nil {
		return err
	}
	obs := e.SnapshotGen(id) // want `SnapshotGen comes after line 204`
	return e.SetWithGen(ctx, id, u, obs, 0)
}

func (s *store) either(ctx context.Context, id string, primary bool) error {
	var u User
	var err error
	if primary {
		u, err = s.read(ctx, id)
	} else {
		u, err = s.read(ctx, "replica")
	}
	if err != nil {
		return err
	}
	obs := s.users.SnapshotGen(id) // want `SnapshotGen comes after line 216 `
	return s.users.SetWithGen(ctx, id, u, obs, 0)
}

// Without a name it is the value from before.
func (s *store) partly(ctx context.Context, id, name string) error {
	u, err := s.read(ctx, id)
	if err != nil {
		return err
	}
	obs := s.users.SnapshotGen(id) // want `SnapshotGen comes after line 229 `
	if name != "" {
		u = User{ID: id, Name: name}
	}
	return s.users.SetWithGen(ctx, id, u, obs, 0)
}

func (s *store) pointed(ctx context.Context, id string) error {
	u, err := s.find(id)
	if err != nil {
		return err
	}
	obs := s.users.SnapshotGen(id) // want `SnapshotGen comes after line 241 `
	if err := s.users.SetWithGen(ctx, id, *u, obs, 0); err != nil {
		return err
	}
	return s.users.SetWithGen(ctx, id, User{ID: id, Name: u.Name}, obs, 0)
}

func (s *store) readMap(ctx context.Context) (map[string]User, error) { return nil, nil }

func (s *store) inAMap(ctx context.Context, id string) error {
	rows, err := s.readMap(ctx)
	if err != nil {
		return err
	}
	obs := s.users.SnapshotGen(id) // want `SnapshotGen comes after line 255 `
	return s.users.SetWithGen(ctx, id, rows[id], obs, 0)
}

func (s *store) text(ctx context.Context, id string) ([]byte, error) { return nil, nil }

func (s *store) decoded(ctx context.Context, id string) error {
	text, err := s.text(ctx, id)
	if err != nil {
		return err
	}
	obs := s.users.SnapshotGen(id) // want `SnapshotGen comes after line 266 `
	var u User
	if err := json.Unmarshal(text, &u); err != nil {
		return err
	}
	return s.users.SetWithGen(ctx, id, u, obs, 0)
}

func copied(ctx context.Context, s *store, cache cascache.CAS[[]byte], id string) error {
	text, err := s.text(ctx, id)
	if err != nil {
		return err
	}
	own := make([]byte, len(text))
	copy(own, text)
	obs := cache.SnapshotGen(id) // want `SnapshotGen comes after line 279 `
	return cache.SetWithGen(ctx, id, own, obs, 0)
}

var fill = func(ctx context.Context, s *store, id string) error {
	u, err := s.read(ctx, id)
	if err != nil {
		return err
	}
	obs := s.users.SnapshotGen(id) // want `SnapshotGen comes after line 290`
	return s.users.SetWithGen(ctx, id, u, obs, 0)
}
