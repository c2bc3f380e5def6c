package load

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	cascache "github.com/unkn0wn-root/cascache/core"
)

type source struct{ db *sql.DB }

func (s *source) read(ctx context.Context, id string) (string, error) { return "", nil }

type options = cascache.LoaderOptions[string]

var table = map[string]string{}

func bad(outer context.Context, s *source) []options {
	opts := options{Load: func(_ context.Context, id string) (string, error) { // want `^Load ignores its context, and read could be given it: the load goes on when nobody waits for it any more or LoadTimeout has passed; hand the context on to it$`
		return s.read(outer, id)
	}}
	opts.LoadBulk = func(ctx context.Context, ids []string) (map[string]string, error) { // want `^LoadBulk ignores its context, and Query could be given it: .*; hand the context on by QueryContext$`
		rows, err := s.db.Query("SELECT")
		if err != nil {
			return nil, err
		}
		defer rows.Close()
		return nil, rows.Err()
	}
	return []options{
		opts,
		{Load: func(context.Context, string) (string, error) { // want `^Load ignores its context, and Get could be given it: .*; hand the context on by NewRequestWithContext$`
			_, err := http.Get("http://example.com")
			return "", err
		}},
		{Load: func(ctx context.Context, id string) (string, error) {
			return s.read(context.Background(), id) // want `^Load makes a context of its own: .*; derive from the context that it is given$`
		}},
		{LoadMany: func(ctx context.Context, ids []string) (map[string]string, error) {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			own, cancel := context.WithTimeout(context.TODO(), time.Second) // want `^LoadMany makes a context of its own`
			defer cancel()
			_, err := s.read(own, ids[0])
			return nil, err
		}},
		{Load: s.method},
		{Load: function},
		{Load: generic[string]},
	}
}

func (s *source) method(_ context.Context, id string) (string, error) { // want `^Load ignores its context, and QueryRow could`
	var v string
	return v, s.db.QueryRow("SELECT").Scan(&v)
}

func function(ctx context.Context, id string) (string, error) { // want `^Load ignores its context, and Begin could be given it: .*by BeginTx$`
	_, err := new(source).db.Begin()
	return "", err
}

func generic[V any](ctx context.Context, id V) (V, error) {
	_, err := new(source).read(context.Background(), "x") // want `^Load makes a context of its own`
	return id, err
}

func good(s *source) []options {
	return []options{
		{Load: s.read},
		{Load: func(ctx context.Context, id string) (string, error) { return s.read(ctx, id) }},
		// What is in memory needs no context.
		{Load: func(_ context.Context, id string) (string, error) {
			slog.Info("loading", "id", id)
			v, ok := table[strings.ToLower(id)]
			if !ok {
				return "", fmt.Errorf("%w: %s", cascache.ErrNotFound, id)
			}
			return v, nil
		}},
		// What follows the load must not end with it.
		{Load: func(ctx context.Context, id string) (string, error) {
			defer s.read(context.Background(), "unlock")
			go func() { s.read(context.Background(), "count") }()
			return s.read(context.WithoutCancel(ctx), id)
		}},
		{Load: fromElsewhere()},
	}
}

func fromElsewhere() func(context.Context, string) (string, error) {
	return func(context.Context, string) (string, error) { return "", nil }
}

// Other types may have such a field.
type otherOptions struct {
	Load func(context.Context, string) (string, error)
}

func unrelated(s *source) otherOptions {
	return otherOptions{Load: func(context.Context, string) (string, error) { return s.read(context.Background(), "x") }}
}
