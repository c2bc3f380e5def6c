//go:build !unix

package main

import "errors"

func mapBoard(string, int, int, int) (*board, error) {
	return nil, errors.New("replicas share memory, which this program can do on Unix only; leave out -redis")
}
