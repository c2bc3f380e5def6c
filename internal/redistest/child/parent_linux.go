package child

import "syscall"

// dieWithParent makes the kernel kill the child when this program is gone,
// even by SIGKILL or a panic, where no cleanup runs.
func dieWithParent() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
