package redistest

import "syscall"

// dieWithParent makes the kernel kill the child when the test binary is gone,
// even by SIGKILL or a panic, where no cleanup runs.
func dieWithParent() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
