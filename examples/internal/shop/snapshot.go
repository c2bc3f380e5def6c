package shop

import (
	"context"
	"database/sql"
)

// A Snapshot sees the database as it was when the snapshot was taken, as a
// replica does that lags behind. It keeps a connection busy until it is closed.
type Snapshot struct {
	tx *sql.Tx
}

// Snapshot takes a snapshot of what has committed.
func (s *Store) Snapshot(ctx context.Context) (*Snapshot, error) {
	tx, err := s.reading.BeginTx(context.WithoutCancel(ctx), &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return nil, err
	}
	// SQLite pins the snapshot with the first query, not before.
	var one int
	if err := tx.QueryRow("SELECT 1 FROM products LIMIT 1").Scan(&one); err != nil {
		tx.Rollback()
		return nil, err
	}
	return &Snapshot{tx}, nil
}

// Product reads one row.
func (s *Snapshot) Product(ctx context.Context, id int64) (Product, error) {
	return scan(s.tx.QueryRowContext(context.WithoutCancel(ctx), selectProduct, id))
}

// Close gives the connection back.
func (s *Snapshot) Close() error { return s.tx.Rollback() }
