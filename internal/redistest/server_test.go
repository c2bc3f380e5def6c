package redistest_test

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/unkn0wn-root/cascache/internal/redistest"
)

func TestServerAnswersAndKeepsItsAddress(t *testing.T) {
	s := redistest.Start(t)
	s.Do("SET", "k", "v")
	if got := s.Do("GET", "k"); got != "v" {
		t.Fatalf("a started server must answer: got %v, want v", got)
	}
	addr, pid := s.Addr(), s.PID()
	s.Kill()
	if s.Running() {
		t.Fatal("Kill must return only once the process is gone")
	}
	if _, err := s.Try("PING"); err == nil {
		t.Fatal("a killed server must not answer")
	}
	s.Restart()
	if s.Addr() != addr || s.PID() == pid {
		t.Fatalf("a restart is a new process on the old address: got %s pid %d, had %s pid %d", s.Addr(), s.PID(), addr, pid)
	}
	if got := s.Do("GET", "k"); got != nil {
		t.Fatalf("without persistence a restarted server is empty: got %v", got)
	}
}

func TestServerComesBackFromASnapshot(t *testing.T) {
	s := redistest.Start(t)
	s.Do("SET", "k", "saved")
	s.Save()
	s.Do("SET", "k", "newer")
	s.Restart()
	if got := s.Do("GET", "k"); got != "saved" {
		t.Fatalf("a restart from an older snapshot must bring the older value: got %v, want saved", got)
	}
	s.RestartEmpty()
	if got := s.Do("GET", "k"); got != nil {
		t.Fatalf("RestartEmpty must lose the snapshot too: got %v", got)
	}
}

func TestServerComesBackFromItsLog(t *testing.T) {
	s := redistest.Start(t, "--appendonly", "yes", "--appendfsync", "always")
	s.Do("SET", "k", "v")
	s.Restart()
	if got := s.Do("GET", "k"); got != "v" {
		t.Fatalf("a server with a log must come back with every write: got %v, want v", got)
	}
	if _, err := os.Stat(filepath.Join(s.Dir(), "appendonlydir")); err != nil {
		t.Fatalf("the log must lie in the test's own directory: %v", err)
	}
}

func TestPausedServerDoesNotAnswer(t *testing.T) {
	s := redistest.Start(t)
	c, err := net.Dial("tcp", s.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()

	s.Pause()
	if _, err := c.Write([]byte("PING\r\n")); err != nil {
		t.Fatalf("a paused server's connections stay open: %v", err)
	}
	if err := c.SetReadDeadline(time.Now().Add(100 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	answer := make([]byte, 64)
	var timeout net.Error
	if n, err := c.Read(answer); !errors.As(err, &timeout) || !timeout.Timeout() {
		t.Fatalf("a paused server must not answer: got %q, %v, want a timeout", answer[:n], err)
	}

	s.Resume()
	if err := c.SetReadDeadline(time.Now().Add(redistest.Patience)); err != nil {
		t.Fatal(err)
	}
	if n, err := c.Read(answer); err != nil || string(answer[:n]) != "+PONG\r\n" {
		t.Fatalf("a resumed server must answer what it was sent meanwhile: got %q, %v", answer[:n], err)
	}
}

func TestServerWithAPassword(t *testing.T) {
	s := redistest.Start(t, "--requirepass", "open sesame")
	if got := s.Do("PING"); got != "PONG" {
		t.Fatalf("the harness must log in with the password it was given: got %v", got)
	}
	c, err := net.Dial("tcp", s.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Write([]byte("PING\r\n")); err != nil {
		t.Fatal(err)
	}
	answer := make([]byte, 64)
	if n, _ := c.Read(answer); string(answer[:min(n, 7)]) != "-NOAUTH" {
		t.Fatalf("the password must be demanded of others: got %q", answer[:n])
	}
}

func TestServerEndsWithItsTest(t *testing.T) {
	var s *redistest.Server
	t.Run("test", func(t *testing.T) { s = redistest.Start(t) })
	if s != nil && s.Running() {
		t.Fatal("a server must be gone when its test has ended")
	}
}

func TestServerErrorsAreValues(t *testing.T) {
	s := redistest.Start(t)
	s.Config("maxmemory", "1")
	_, err := s.Try("SET", "k", "v")
	var refused redistest.Error
	if !errors.As(err, &refused) {
		t.Fatalf("an error reply must come back as an Error: got %v", err)
	}
}
