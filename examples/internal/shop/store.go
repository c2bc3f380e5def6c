package shop

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"path/filepath"
	"time"

	_ "modernc.org/sqlite" // the driver "sqlite"
)

// readConnections is how many queries run side by side; more would only wait
// for a core.
const readConnections = 4

// A Store is the database: one connection that writes, since SQLite has one
// writer at a time anyway, and a few that read. In WAL mode they do not wait
// for each other, and each query sees every transaction that had committed
// when it began.
type Store struct {
	writing *sql.DB
	reading *sql.DB
	query   *sql.Stmt // on reading
}

const createTable = `
CREATE TABLE products (
	id          INTEGER PRIMARY KEY,
	name        TEXT    NOT NULL,
	description TEXT    NOT NULL,
	price_cents INTEGER NOT NULL,
	stock       INTEGER NOT NULL,
	version     INTEGER NOT NULL,
	updated_at  INTEGER NOT NULL -- Unix time in milliseconds
)`

const selectProduct = "SELECT " + columns + " FROM products WHERE id = ?"

const columns = "id, name, description, price_cents, stock, version, updated_at"

// Create makes a new database in file, with products that the seed
// decides.
func Create(ctx context.Context, file string, seed uint64, products int) (_ *Store, err error) {
	s := &Store{}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("database: %w", err), s.Close())
		}
	}()
	if s.writing, err = open(file, 1, "&_txlock=immediate"); err != nil {
		return nil, err
	}
	if err := s.create(ctx, seed, products); err != nil {
		return nil, err
	}
	return s, s.openReading(ctx, file)
}

// Open opens the database that another process has created in file.
func Open(ctx context.Context, file string) (_ *Store, err error) {
	s := &Store{}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("database: %w", err), s.Close())
		}
	}()
	if s.writing, err = open(file, 1, "&_txlock=immediate&mode=rw"); err != nil {
		return nil, err
	}
	return s, s.openReading(ctx, file)
}

func (s *Store) openReading(ctx context.Context, file string) (err error) {
	if s.reading, err = open(file, readConnections, "&_pragma=query_only(1)"); err != nil {
		return err
	}
	s.query, err = s.reading.PrepareContext(ctx, selectProduct)
	return err
}

// open opens file with at most so many connections, which are kept. What a
// crash would lose is of no interest here, hence synchronous(OFF).
func open(file string, connections int, options string) (*sql.DB, error) {
	file, err := filepath.Abs(file) // a URL with a host has no relative path
	if err != nil {
		return nil, err
	}
	name := url.URL{Scheme: "file", Path: file,
		RawQuery: "_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=synchronous(OFF)" + options}
	db, err := sql.Open("sqlite", name.String())
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	return db, nil
}

func (s *Store) create(ctx context.Context, seed uint64, products int) error {
	tx, err := s.writing.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() // without effect after the commit
	if _, err := tx.ExecContext(ctx, createTable); err != nil {
		return err
	}
	insert, err := tx.PrepareContext(ctx, "INSERT INTO products ("+columns+") VALUES (?, ?, ?, ?, ?, ?, ?)")
	if err != nil {
		return err
	}
	r := rand.New(rand.NewPCG(seed, streamProducts))
	for id := int64(1); id <= int64(products); id++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		p := newProduct(r, id)
		// A context that can end costs the driver a goroutine per statement.
		if _, err := insert.Exec(p.ID, p.Name, p.Description, p.PriceCents, p.Stock, p.Version, p.UpdatedAt.UnixMilli()); err != nil {
			return err
		}
	}
	return tx.Commit()
}

// Product reads one row. It is not interrupted by ctx: a query takes
// microseconds, and watching a context for it takes longer.
func (s *Store) Product(ctx context.Context, id int64) (Product, error) {
	return scan(s.query.QueryRowContext(context.WithoutCancel(ctx), id))
}

// Write changes one product in a transaction of its own and returns it as
// committed, with the next version. A nil error means that every product that
// is called from now on sees it.
func (s *Store) Write(ctx context.Context, c Change) (Product, error) {
	ctx = context.WithoutCancel(ctx)
	tx, err := s.writing.BeginTx(ctx, nil)
	if err != nil {
		return Product{}, err
	}
	defer tx.Rollback() // without effect after the commit
	p, err := scan(tx.QueryRowContext(ctx, `
		UPDATE products SET
			price_cents = ?,
			stock       = CASE WHEN stock < ? THEN 5000 ELSE stock - ? END,
			version     = version + 1,
			updated_at  = ?
		WHERE id = ?
		RETURNING `+columns, c.PriceCents, c.Sold, c.Sold, time.Now().UnixMilli(), c.ID))
	if err != nil {
		return Product{}, err
	}
	return p, tx.Commit()
}

func scan(row *sql.Row) (Product, error) {
	var p Product
	var updated int64
	err := row.Scan(&p.ID, &p.Name, &p.Description, &p.PriceCents, &p.Stock, &p.Version, &updated)
	p.UpdatedAt = time.UnixMilli(updated).UTC()
	return p, err
}

// Close closes the connections; what is under way fails.
func (s *Store) Close() error {
	var errs []error
	if s.query != nil {
		errs = append(errs, s.query.Close())
	}
	for _, db := range []*sql.DB{s.reading, s.writing} {
		if db != nil {
			errs = append(errs, db.Close())
		}
	}
	return errors.Join(errs...)
}
