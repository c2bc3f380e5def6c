package commit

import (
	"context"

	"github.com/jackc/pgx/v5"
	cascache "github.com/unkn0wn-root/cascache/core"
)

func (s *store) right(ctx context.Context, id string) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if err := tx.Commit(); err != nil {
		return err
	}
	return s.users.Invalidate(ctx, id)
}

// One transaction after the other.
func (s *store) rounds(ctx context.Context, ids []string) error {
	for _, id := range ids {
		tx, err := s.db.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		if err := tx.Commit(); err != nil {
			return err
		}
		if err := s.users.Invalidate(ctx, id); err != nil {
			return err
		}
	}
	return nil
}

func (s *store) givenRounds(ctx context.Context, ids []string, txs []pgx.Tx, tx pgx.Tx) error {
	for i, id := range ids {
		if err := txs[i].Commit(ctx); err != nil {
			return err
		}
		if err := s.users.Invalidate(ctx, id); err != nil {
			return err
		}
	}
	for _, id := range ids {
		if err := tx.Commit(ctx); err != nil {
			return err
		}
		if err := s.users.Invalidate(ctx, id); err != nil {
			return err
		}
	}
	return nil
}

// The second transaction has nothing to do with the key.
func (s *store) two(ctx context.Context, id string) error {
	rows, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	audit, err := s.pool.Begin(ctx)
	if err != nil {
		return err
	}
	if err := rows.Commit(); err != nil {
		return err
	}
	if err := s.users.Invalidate(ctx, id); err != nil {
		return err
	}
	return audit.Commit(ctx)
}

// Before the transaction.
func (s *store) before(ctx context.Context, id string) error {
	if err := s.users.Invalidate(ctx, id); err != nil {
		return err
	}
	tx, err := s.pool.Begin(ctx)
	if err != nil {
		return err
	}
	return tx.Commit(ctx)
}

// Before the commit and again after it: too much, and right.
func (s *store) twice(ctx context.Context, tx pgx.Tx, id string) error {
	if err := s.users.Invalidate(ctx, id); err != nil {
		return err
	}
	if err := tx.Commit(ctx); err != nil {
		return err
	}
	return s.users.Invalidate(ctx, id)
}

// Where nothing is committed, an old entry is no harm.
func (s *store) rolledBack(ctx context.Context, tx pgx.Tx, id string, fail bool) error {
	if fail {
		if err := tx.Rollback(ctx); err != nil {
			return err
		}
		return s.users.Invalidate(ctx, id)
	}
	return tx.Commit(ctx)
}

// Changes are no transaction of a database.
func (s *store) changes(ctx context.Context, id string, changes *cascache.Changes) error {
	if err := s.users.Invalidate(ctx, id); err != nil {
		return err
	}
	return changes.Commit(ctx, func(context.Context) error { return nil })
}

type log struct{}

func (log) Commit() error { return nil }

func (s *store) noTransaction(ctx context.Context, id string, l log) error {
	if err := s.users.Invalidate(ctx, id); err != nil {
		return err
	}
	return l.Commit()
}

func (s *store) outside(ctx context.Context, id string) error {
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error { return tx.Exec(ctx, "UPDATE users") })
	if err != nil {
		return err
	}
	return s.users.Invalidate(ctx, id)
}

// The literal commits by itself.
func (s *store) commits(ctx context.Context, id string) error {
	return s.with(func(tx pgx.Tx) error {
		if err := tx.Commit(ctx); err != nil {
			return err
		}
		return s.users.Invalidate(ctx, id)
	})
}

func (s *store) with(do func(tx pgx.Tx) error) error { return do(nil) }

// No transaction is at hand.
func (s *store) plain(ctx context.Context, id string) error {
	return s.without(ctx, func(ctx context.Context) error { return s.users.Invalidate(ctx, id) })
}

func (s *store) without(ctx context.Context, do func(ctx context.Context) error) error {
	return do(ctx)
}

func (s *store) hasty(ctx context.Context, ids []string) (errs []error) {
	for _, id := range ids {
		tx, err := s.pool.Begin(ctx)
		errs = append(errs, err, tx.Commit(ctx), s.users.Invalidate(ctx, id))
	}
	return errs
}
