// Package wire is not written yet.
package wire
