// Package tests has nothing to report but in its tests.
package tests
