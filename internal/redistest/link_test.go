package redistest

import (
	"errors"
	"io"
	"net"
	"testing"
	"time"
)

// scripted returns the two ends of a connection through a proxy: the test
// plays the server too, and so decides what arrives when.
func scripted(t *testing.T) (p *Proxy, client, server net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", host+":0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	p = StartProxy(t, l.Addr().String())
	if client, err = net.Dial("tcp", p.Addr()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	if server, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	return p, client, server
}

// send writes text at one end and waits until want has arrived at the other.
func send(t *testing.T, from net.Conn, text string, to net.Conn, want string) {
	t.Helper()
	if _, err := from.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := to.SetReadDeadline(time.Now().Add(Patience)); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, len(want))
	if n, err := io.ReadFull(to, got); err != nil || string(got) != want {
		t.Fatalf("only whole requests and replies must pass, and all of them: got %q, %v, want %q", got[:n], err, want)
	}
}

func TestTurnEndsWithTheLastReply(t *testing.T) {
	p, client, server := scripted(t)
	send(t, client, "A\r\nB\r\n", server, "A\r\nB\r\n")
	send(t, server, "+1\r\n", client, "+1\r\n")
	wantTrips(t, p, 0)
	send(t, server, "+2\r\n", client, "+2\r\n")
	wantTrips(t, p, 1)
}

func TestTurnTakesInWhatArrivesBeforeItsEnd(t *testing.T) {
	p, client, server := scripted(t)
	send(t, client, "A\r\n", server, "A\r\n")
	send(t, client, "B\r\n", server, "B\r\n")
	send(t, server, "+1\r\n+2\r\n", client, "+1\r\n+2\r\n")
	wantTrips(t, p, 1)
	send(t, client, "C\r\n", server, "C\r\n")
	send(t, server, "+3\r\n", client, "+3\r\n")
	wantTrips(t, p, 2)
}

func TestTurnGoesOnWhileARequestIsIncomplete(t *testing.T) {
	p, client, server := scripted(t)
	send(t, client, "A\r\nB", server, "A\r\n")
	send(t, server, "+1\r\n", client, "+1\r\n")
	wantTrips(t, p, 0)
	send(t, client, "\r\n", server, "B\r\n")
	send(t, server, "+2\r\n", client, "+2\r\n")
	wantTrips(t, p, 1)
	if got := p.Trips()[0].String(); got != "A B" {
		t.Fatalf("the turn must hold both commands: got %q", got)
	}
}

func TestPushesAreNoReplies(t *testing.T) {
	p, client, server := scripted(t)
	send(t, client, "A\r\n", server, "A\r\n")
	send(t, server, ">1\r\n+invalidate\r\n", client, ">1\r\n+invalidate\r\n")
	wantTrips(t, p, 0)
	send(t, server, "+1\r\n", client, "+1\r\n")
	wantTrips(t, p, 1)
}

func TestDropWaitsUntilAllIsAnswered(t *testing.T) {
	p, client, server := scripted(t)
	dropped := p.DropReply(Named("A"))
	send(t, client, "A\r\nB\r\n", server, "A\r\nB\r\n")
	if _, err := server.Write([]byte("+1\r\n")); err != nil {
		t.Fatal(err)
	}
	if err := server.SetReadDeadline(time.Now().Add(short)); err != nil {
		t.Fatal(err)
	}
	if n, err := server.Read(make([]byte, 1)); !isTimeout(err) {
		t.Fatalf("the server must be left alone until it has answered everything: got %d bytes, %v", n, err)
	}
	if _, err := server.Write([]byte("+2\r\n")); err != nil {
		t.Fatal(err)
	}
	<-dropped
	if n, err := client.Read(make([]byte, 64)); !errors.Is(err, io.EOF) {
		t.Fatalf("no reply must pass: got %d bytes, %v", n, err)
	}
	wantTrips(t, p, 0)
}
