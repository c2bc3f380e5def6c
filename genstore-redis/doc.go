// Package redisgenstore is not written yet.
package redisgenstore
