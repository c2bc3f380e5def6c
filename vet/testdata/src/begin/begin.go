package begin

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	cascache "github.com/unkn0wn-root/cascache/core"
)

type store struct {
	db    *sql.DB
	pool  *pgx.Pool
	users *cascache.Handle[string]
}

func (s *store) bad(ctx context.Context, keys []string) {
	s.users.Mutate(ctx, keys, func(ctx context.Context) error {
		tx, err := s.db.BeginTx(ctx, nil)
		if err != nil {
			return err // want `^the error of BeginTx is returned to Mutate without cascache.ErrNotCommitted: the keys stay held until the lease ends, although nothing was written; return errors.Join\(cascache.ErrNotCommitted, err\)$`
		}
		return tx.Commit()
	})
	s.users.Mutate(ctx, keys, s.write)
	s.users.Write(ctx, keys[0], func(ctx context.Context) (string, error) {
		var tx *sql.Tx
		var failure error
		if tx, failure = s.db.Begin(); failure != nil {
			fmt.Println("no begin")
			return "", fmt.Errorf("begin for %s: %w", keys[0], failure) // want `^the error of Begin is returned to Write without .* return errors.Join\(cascache.ErrNotCommitted, failure\)$`
		}
		return "x", tx.Commit()
	})
	cascache.NewChanges().Commit(ctx, func(ctx context.Context) error {
		if len(keys) > 0 {
			tx, err := s.pool.Begin(ctx)
			if err != nil {
				return errors.Join(err) // want `^the error of Begin is returned to Changes.Commit`
			}
			return tx.Commit(ctx)
		}
		return nil
	})
}

func (s *store) write(ctx context.Context) error {
	tx, err := s.pool.Begin(ctx)
	if err != nil {
		return err // want `^the error of Begin is returned to Mutate`
	}
	return tx.Commit(ctx)
}

var errNothing = fmt.Errorf("nothing was written: %w", cascache.ErrNotCommitted)

func notCommitted(err error) error { return errors.Join(cascache.ErrNotCommitted, err) }

func (s *store) good(ctx context.Context, keys []string) {
	for _, wrap := range []func(error) error{notCommitted} {
		s.users.Mutate(ctx, keys, func(ctx context.Context) error {
			tx, err := s.db.BeginTx(ctx, nil)
			if err != nil {
				return wrap(err)
			}
			if _, err := tx.ExecContext(ctx, "UPDATE users"); err != nil {
				return notCommitted(err)
			}
			return tx.Commit()
		})
	}
	s.users.Mutate(ctx, keys, func(ctx context.Context) error {
		tx, err := s.db.BeginTx(ctx, nil)
		if err != nil {
			return fmt.Errorf("%w: begin: %w", cascache.ErrNotCommitted, err)
		}
		return tx.Commit()
	})
	s.users.Mutate(ctx, keys, func(ctx context.Context) error {
		tx, err := s.db.BeginTx(ctx, nil)
		if err != nil {
			return errors.Join(err, errNothing)
		}
		return tx.Commit()
	})
	s.users.Mutate(ctx, keys, func(ctx context.Context) (err error) {
		began := false
		defer func() {
			if !began {
				err = errors.Join(cascache.ErrNotCommitted, err)
			}
		}()
		tx, err := s.db.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		began = true
		return tx.Commit()
	})
	s.users.Mutate(ctx, keys, func(ctx context.Context) error {
		tx, err := s.db.BeginTx(ctx, nil)
		if err == nil {
			err = tx.Commit()
			return err
		}
		return notCommitted(err)
	})
	// Whether another step has failed before or after the commit is not known.
	s.users.Mutate(ctx, keys, func(ctx context.Context) error {
		err := s.write(ctx)
		if err != nil {
			return err
		}
		return nil
	})
}

// Nobody holds keys here.
func (s *store) plain(ctx context.Context) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	return tx.Commit()
}
