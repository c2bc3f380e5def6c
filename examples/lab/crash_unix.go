//go:build unix

package main

import (
	"os"
	"syscall"
)

// killSelf ends this process at once, with nothing run at its end.
func killSelf() {
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {} // the signal is on its way
}
