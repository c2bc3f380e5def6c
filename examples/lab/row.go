package main

import (
	"github.com/unkn0wn-root/cascache/examples/internal/shop"
	"github.com/unkn0wn-root/cascache/examples/internal/strategy"
)

// A Row is what the lanes cache: a product, and where it was read.
type Row struct {
	shop.Product

	// Loaded is a number of [board.next], drawn once the query had returned.
	// It tells one load from another.
	Loaded int64 `json:"loaded"`

	// Lagged says that the row was read from a replica that lags behind.
	Lagged bool `json:"lagged,omitempty"`
}

// A loader reads a row from the database.
type loader = strategy.Loader[Row]
