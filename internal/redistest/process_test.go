package redistest

import (
	"bufio"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// childEnv makes TestInChild play the part that it names, in a process that
// the other tests run.
const childEnv = "CASCACHE_REDISTEST_CHILD"

func TestInChild(t *testing.T) {
	part := os.Getenv(childEnv)
	if part == "" {
		t.Skip("runs only as a child of the other tests")
	}
	s := Start(t)
	os.Stdout.WriteString("server=" + strconv.Itoa(s.PID()) + "\n")
	switch part {
	case "fail":
		t.Fatal("on purpose")
	case "hang":
		select {}
	}
}

func inChild(part string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], "-test.run=^TestInChild$", "-test.v")
	cmd.Env = append(os.Environ(), childEnv+"="+part)
	return cmd
}

func serverPID(t *testing.T, line string) int {
	t.Helper()
	pid, err := strconv.Atoi(strings.TrimPrefix(strings.TrimSpace(line), "server="))
	if err != nil {
		t.Fatal(err)
	}
	return pid
}

func gone(pid int) func() bool {
	return func() bool { return syscall.Kill(pid, 0) != nil }
}

func TestFailedTestStopsItsServerAndShowsTheLog(t *testing.T) {
	Binary(t)
	output, err := inChild("fail").Output()
	if err == nil {
		t.Fatal("the child must fail")
	}
	for line := range strings.Lines(string(output)) {
		if strings.HasPrefix(line, "server=") {
			Eventually(t, Patience, "the server of a failed test is gone", gone(serverPID(t, line)))
		}
	}
	for _, want := range []string{"server=", "end of the log", "Ready to accept connections"} {
		if !strings.Contains(string(output), want) {
			t.Errorf("the output of a failed test must contain %q:\n%s", want, output)
		}
	}
}

func TestServerDiesWithTheTestProcess(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux ties the life of a child to its parent's")
	}
	Binary(t)
	cmd := inChild("hang")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Wait() }) // killed below
	pid := 0
	for lines := bufio.NewScanner(out); pid == 0 && lines.Scan(); {
		if strings.HasPrefix(lines.Text(), "server=") {
			pid = serverPID(t, lines.Text())
		}
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if pid == 0 {
		t.Fatal("the child must have started a server")
	}
	Eventually(t, Patience, "the server of a killed test process is gone", gone(pid))
}
