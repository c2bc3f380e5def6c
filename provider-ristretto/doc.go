// Package ristrettoprovider is not written yet.
package ristrettoprovider
