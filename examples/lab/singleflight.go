package main

import (
	"context"
	"strconv"

	"golang.org/x/sync/singleflight"

	"github.com/unkn0wn-root/cascache/examples/internal/strategy"
)

// singleFlight is cache-aside whose readers of one key share a load.
type singleFlight struct {
	cache
	flights singleflight.Group
}

func openSingleFlight(s surroundings) (cache, error) {
	inner, err := overRistretto(strategy.DeleteThenSet[Row])(s)
	if err != nil {
		return nil, err
	}
	return &singleFlight{cache: inner}, nil
}

func (s *singleFlight) read(ctx context.Context, id int64, load loader) (Row, error) {
	row, err, _ := s.flights.Do(strconv.FormatInt(id, 10), func() (any, error) { return s.cache.read(ctx, id, load) })
	if err != nil {
		return Row{}, err
	}
	return row.(Row), nil
}

func (s *singleFlight) invalidate(ctx context.Context, row Row) error {
	s.flights.Forget(strconv.FormatInt(row.ID, 10))
	return s.cache.invalidate(ctx, row)
}

func (s *singleFlight) settle() { settle(s.cache) }
