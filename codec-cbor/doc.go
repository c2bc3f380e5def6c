// Package cborcodec is not written yet.
package cborcodec
