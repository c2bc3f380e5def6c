package main

import "syscall"

// dieWithParent makes the kernel kill a child when this program is gone, even
// by SIGKILL, where no cleanup runs.
func dieWithParent() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
