// Package pgx stands for the real one.
package pgx

import "context"

type Tx interface {
	Exec(ctx context.Context, sql string, arguments ...any) error
	Commit(ctx context.Context) error
	Rollback(ctx context.Context) error
}

type Pool struct{}

func (p *Pool) Begin(ctx context.Context) (Tx, error) { return nil, nil }

func BeginFunc(ctx context.Context, db *Pool, fn func(Tx) error) error { return fn(nil) }
