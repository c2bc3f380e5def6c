// Package lease tests genstore-lease against real Redis servers.
package lease
