// Package jsoncodec is not written yet.
package jsoncodec
