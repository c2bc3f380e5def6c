// Package conformance is not written yet.
package conformance
