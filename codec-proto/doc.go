// Package protocodec is not written yet.
package protocodec
