// Package testfiles has nothing to report but in its tests.
package testfiles
