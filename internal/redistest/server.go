package redistest

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/unkn0wn-root/cascache/internal/redistest/child"
)

const (
	// commandLimit bounds each command that the package itself sends.
	commandLimit = 5 * time.Second

	// logTail is how much of a server's log a failed test prints.
	logTail = 4 << 10
)

// A Server is a Redis server of a test's own. Its methods fail the test when
// they cannot do what they say; they belong to the test's goroutine.
type Server struct {
	tb       testing.TB
	name     string // for messages and logs
	dir      string
	port     int
	busPort  int // of a Cluster node, otherwise 0
	args     []string
	password string
	sentinel bool
	prepare  func() error // writes what the server reads from its directory; may be nil
	proc     *child.Process
	paused   bool
}

// Start runs a server and returns once it answers. It persists nothing unless
// asked to: after Save, or with the arguments "--appendonly", "yes", it comes
// back from Restart with its data.
//
// args are further arguments for redis-server, such as "--maxmemory", "4mb".
// Where "--requirepass" is among them, the package logs in with that password.
func Start(tb testing.TB, args ...string) *Server {
	tb.Helper()
	s := &Server{tb: tb, name: "redis", args: args}
	s.launch()
	return s
}

// launch prepares a server that is filled in but for what runs it, and runs
// it on a free port.
func (s *Server) launch() {
	s.tb.Helper()
	for i, arg := range s.args[:max(len(s.args)-1, 0)] {
		if arg == "--requirepass" {
			s.password = s.args[i+1]
		}
	}
	s.dir = s.tb.TempDir()
	s.tb.Cleanup(s.cleanup)
	if s.prepare != nil {
		if err := s.prepare(); err != nil {
			s.tb.Fatal(err)
		}
	}

	const attempts = 10
	for range attempts {
		s.port = freePort(s.tb)
		if s.busPort != 0 {
			s.busPort = freePort(s.tb)
		}
		err := s.run()
		if err == nil {
			return
		}
		if !errors.Is(err, syscall.EADDRINUSE) {
			s.tb.Fatal(err)
		}
	}
	s.tb.Fatalf("redistest: found the port taken %d times in a row", attempts)
}

// run starts the process and waits until it answers. The error wraps
// syscall.EADDRINUSE when another one was faster to take the port.
func (s *Server) run() error {
	s.tb.Helper()
	log, err := os.OpenFile(s.logPath(), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer log.Close() // the child has a descriptor of its own
	before, err := log.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}

	cmd := exec.Command(Binary(s.tb), s.commandLine()...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = s.dir, log, log
	if s.proc, err = child.Start(cmd); err != nil {
		return fmt.Errorf("redistest: start %s: %w", s.name, err)
	}
	up := poll(Patience, func() bool {
		if !s.proc.Running() {
			return true
		}
		_, err := s.try(time.Second, "PING")
		return err == nil
	})
	switch {
	case !s.proc.Running():
		output, _ := os.ReadFile(s.logPath())
		said := string(output[min(before, int64(len(output))):])
		if strings.Contains(said, "Address already in use") {
			return fmt.Errorf("redistest: %s: %w", s.name, syscall.EADDRINUSE)
		}
		return fmt.Errorf("redistest: %s ended at once and said:\n%s", s.name, said)
	case !up:
		return fmt.Errorf("redistest: %s did not answer within %v", s.name, Patience)
	}
	return nil
}

func (s *Server) commandLine() []string {
	if s.sentinel {
		return append([]string{s.sentinelConfig(), "--sentinel", "--port", strconv.Itoa(s.port)}, s.args...)
	}
	line := []string{
		"--port", strconv.Itoa(s.port),
		"--bind", host,
		"--dir", s.dir,
		"--save", "",
		"--appendonly", "no",
		"--enable-debug-command", "yes",
		"--repl-diskless-sync-delay", "0",
	}
	if s.busPort != 0 {
		line = append(line,
			"--cluster-enabled", "yes",
			"--cluster-config-file", "nodes.conf",
			"--cluster-port", strconv.Itoa(s.busPort))
	}
	if s.password != "" {
		// It may come to follow another server of the same test.
		line = append(line, "--masterauth", s.password)
	}
	return append(line, s.args...)
}

func (s *Server) sentinelConfig() string { return filepath.Join(s.dir, "sentinel.conf") }

func (s *Server) logPath() string { return filepath.Join(s.dir, "server.log") }

func (s *Server) cleanup() {
	if s.proc != nil {
		s.proc.Kill()
	}
	if s.tb.Failed() {
		s.tb.Logf("redistest: end of the log of %s at %s:\n%s", s.name, s.Addr(), s.LogTail())
	}
}

// Addr returns "127.0.0.1:<port>", the same throughout the server's life.
func (s *Server) Addr() string { return address(s.port) }

// Dir returns the directory where the server keeps what it persists.
func (s *Server) Dir() string { return s.dir }

// PID returns the id of the server's present or last process.
func (s *Server) PID() int { return s.proc.PID() }

// Running tells whether the process lives, paused or not.
func (s *Server) Running() bool { return s.proc.Running() }

// awake tells whether the server can be asked anything.
func (s *Server) awake() bool { return s.Running() && !s.paused }

// LogTail returns the end of the server's log.
func (s *Server) LogTail() string {
	log, err := os.ReadFile(s.logPath())
	if err != nil {
		return err.Error()
	}
	return string(log[max(0, len(log)-logTail):])
}

// Kill ends the server by SIGKILL: nothing is saved, nobody is told. It
// returns once the process is gone.
func (s *Server) Kill() {
	s.proc.Kill()
	s.paused = false
}

// Restart runs the server again, on its old port and in its old directory:
// what was saved there is loaded. A server that still runs is killed first.
func (s *Server) Restart() {
	s.tb.Helper()
	s.Kill()
	var err error
	if !poll(Patience, func() bool {
		err = s.run()
		return !errors.Is(err, syscall.EADDRINUSE)
	}) || err != nil {
		s.tb.Fatal(err)
	}
}

// RestartEmpty is [Server.Restart] after everything that the server had saved
// was removed, its membership in a Cluster included.
func (s *Server) RestartEmpty() {
	s.tb.Helper()
	s.Kill()
	for _, name := range []string{"dump.rdb", "appendonlydir", "nodes.conf"} {
		if err := os.RemoveAll(filepath.Join(s.dir, name)); err != nil {
			s.tb.Fatal(err)
		}
	}
	s.Restart()
}

// Save writes a snapshot (RDB), which Restart loads unless the server appends
// to a log (AOF) as well.
func (s *Server) Save() {
	s.tb.Helper()
	s.Do("SAVE")
}

// Pause suspends the server by SIGSTOP: its connections stay open, the kernel
// still accepts new ones for it, and nothing is answered. It returns once the
// process stands still.
func (s *Server) Pause() {
	s.tb.Helper()
	if err := s.proc.Pause(); err != nil {
		s.tb.Fatalf("redistest: pause %s: %v", s.name, err)
	}
	s.paused = true
	Eventually(s.tb, Patience, s.name+" stands still after SIGSTOP", s.proc.Paused)
}

// Resume lets a paused server go on, with all that it was sent meanwhile.
func (s *Server) Resume() {
	s.tb.Helper()
	if err := s.proc.Resume(); err != nil {
		s.tb.Fatalf("redistest: resume %s: %v", s.name, err)
	}
	s.paused = false
}

// Do sends one command over a connection of its own and returns the reply: a
// string, an int64, nil or a []any of these. An error fails the test.
func (s *Server) Do(args ...string) any {
	s.tb.Helper()
	reply, err := s.Try(args...)
	if err != nil {
		s.tb.Fatalf("redistest: %s at %s: %s: %v", s.name, s.Addr(), strings.Join(args, " "), err)
	}
	return reply
}

// Try is Do for a command that may fail: an error reply is returned as an
// [Error].
func (s *Server) Try(args ...string) (any, error) { return s.try(commandLimit, args...) }

func (s *Server) try(limit time.Duration, args ...string) (any, error) {
	c, err := dial(s.Addr(), s.password, limit)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	return c.do(limit, args...)
}

// Config sets one parameter of the running server, such as "maxmemory".
func (s *Server) Config(parameter, value string) {
	s.tb.Helper()
	s.Do("CONFIG", "SET", parameter, value)
}

// Info returns one field of INFO, such as "master_replid", or "" when the
// server does not answer or has no such field.
func (s *Server) Info(field string) string {
	reply, err := s.Try("INFO", "everything")
	if err != nil {
		return ""
	}
	return infoField(reply, field)
}

// infoField finds a field in a reply of "name:value" lines.
func infoField(reply any, field string) string {
	text, _ := reply.(string)
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok && name == field {
			return value
		}
	}
	return ""
}
