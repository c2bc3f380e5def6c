// Package genstoreredis tests genstore-redis against real Redis servers.
package genstoreredis
