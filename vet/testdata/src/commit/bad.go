package commit

import (
	"context"
	"database/sql"

	"github.com/jackc/pgx/v5"
	cascache "github.com/unkn0wn-root/cascache/core"
)

type store struct {
	db    *sql.DB
	pool  *pgx.Pool
	users *cascache.Handle[string]
	any   cascache.CAS[string]
}

func (s *store) early(ctx context.Context, id string) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if _, err := tx.ExecContext(ctx, "UPDATE users"); err != nil {
		return err
	}
	if err := s.users.Invalidate(ctx, id); err != nil { // want `Invalidate comes before the Commit of line 30: .*; call Invalidate after Commit has returned nil`
		return err
	}
	return tx.Commit()
}

func (s *store) pgx(ctx context.Context, ids []string) error {
	tx, err := s.pool.Begin(ctx)
	if err != nil {
		return err
	}
	if err := s.users.InvalidateBulk(ctx, ids); err != nil { // want `InvalidateBulk comes before the Commit of line 41`
		return tx.Rollback(ctx)
	}
	return tx.Commit(ctx)
}

func (s *store) deferred(ctx context.Context, id string) (err error) {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Commit()
	return s.any.Invalidate(ctx, id) // want `Invalidate comes before the Commit of line 49`
}

func (s *store) deferredLiteral(ctx context.Context, tag string) (err error) {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			tx.Rollback()
			return
		}
		err = tx.Commit()
	}()
	if _, err := tx.ExecContext(ctx, "UPDATE users"); err != nil {
		return err
	}
	return s.users.InvalidateTags(ctx, tag) // want `InvalidateTags comes before the Commit of line 63`
}

func (s *store) given(ctx context.Context, tx *sql.Tx) error {
	if err := s.users.Clear(ctx); err != nil { // want `Clear comes before the Commit of line 75`
		return err
	}
	return tx.Commit()
}

func (s *store) each(ctx context.Context, ids []string) error {
	for _, id := range ids {
		tx, err := s.db.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		if err := s.users.Invalidate(ctx, id); err != nil { // want `Invalidate comes before the Commit of line 87`
			return err
		}
		if err := tx.Commit(); err != nil {
			return err
		}
	}
	return nil
}

// The second invalidation is of another key.
func (s *store) another(ctx context.Context, tx pgx.Tx, id, other string) error {
	if err := s.users.Invalidate(ctx, id); err != nil { // want `Invalidate comes before the Commit of line 99`
		return err
	}
	if err := tx.Commit(ctx); err != nil {
		return err
	}
	return s.users.Invalidate(ctx, other)
}

func (s *store) inside(ctx context.Context, id string) error {
	return pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		if err := tx.Exec(ctx, "UPDATE users"); err != nil {
			return err
		}
		return s.users.Invalidate(ctx, id) // want `Invalidate comes before the transaction commits, which is when BeginFunc has run this function: .*; call Invalidate after BeginFunc has returned nil`
	})
}
