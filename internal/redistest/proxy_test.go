package redistest

import (
	"bufio"
	"errors"
	"io"
	"net"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// short is how long the tests wait to see that nothing happens.
const short = 100 * time.Millisecond

func startBehindProxy(t *testing.T) (*Server, *Proxy) {
	t.Helper()
	s := Start(t)
	return s, s.Proxy()
}

func dialTest(t *testing.T, addr string) *conn {
	t.Helper()
	c, err := dial(addr, "", Patience)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func mustDo(t *testing.T, c *conn, args ...string) any {
	t.Helper()
	reply, err := c.do(Patience, args...)
	if err != nil {
		t.Fatalf("%s: %v", strings.Join(args, " "), err)
	}
	return reply
}

func wantTrips(t *testing.T, p *Proxy, want int) {
	t.Helper()
	if got := p.RoundTrips(); got != want {
		t.Fatalf("round trips must be counted exactly: got %d, want %d: %q", got, want, p.Trips())
	}
}

func isTimeout(err error) bool {
	var ne net.Error
	return errors.As(err, &ne) && ne.Timeout()
}

func TestProxyCountsSingleCommands(t *testing.T) {
	_, p := startBehindProxy(t)
	c := dialTest(t, p.Addr())
	for i := range 50 {
		mustDo(t, c, "SET", "k", strconv.Itoa(i))
		mustDo(t, c, "GET", "k")
	}
	wantTrips(t, p, 100)
	p.ResetTrips()
	mustDo(t, c, "set", "k", strings.Repeat("x", 3*chunk))
	mustDo(t, c, "GET", "k")
	wantTrips(t, p, 2)
	if got := p.Trips()[0].String(); got != "SET" {
		t.Fatalf("a trip must name its commands: got %q", got)
	}
}

func TestProxyCountsAPipelineOnce(t *testing.T) {
	_, p := startBehindProxy(t)
	c := dialTest(t, p.Addr())
	// The second is larger than any buffer on the way, and written in pieces
	// that end within commands.
	for round, size := range []int{1, 10_000} {
		const commands = 100
		value := strings.Repeat("v", size)
		var pipeline []byte
		for i := range commands {
			pipeline = appendCommand(pipeline, "SET", "k"+strconv.Itoa(i), value)
		}
		written := make(chan error, 1)
		go func() {
			for len(pipeline) > 0 {
				piece := pipeline[:min(len(pipeline), 32<<10)]
				if _, err := c.Write(piece); err != nil {
					written <- err
					return
				}
				pipeline = pipeline[len(piece):]
			}
			written <- nil
		}()
		for range commands {
			if reply, err := readReply(c.r); reply != "OK" || err != nil {
				t.Fatalf("every command of a pipeline must be answered: got %v, %v", reply, err)
			}
		}
		if err := <-written; err != nil {
			t.Fatal(err)
		}
		wantTrips(t, p, round+1)
		if got := len(p.Trips()[round]); got != commands {
			t.Fatalf("the trip of a pipeline holds all its commands: got %d, want %d", got, commands)
		}
	}
}

func TestProxyCountsAScriptOnceAndNamesIt(t *testing.T) {
	s, p := startBehindProxy(t)
	const source = "redis.call('SET', KEYS[1], ARGV[1]); return redis.call('GET', KEYS[1])"
	p.NameScript("set and get", source)
	sha, _ := s.Do("SCRIPT", "LOAD", source).(string)
	c := dialTest(t, p.Addr())
	mustDo(t, c, "EVALSHA", sha, "1", "k", "v")
	mustDo(t, c, "EVAL", source, "1", "k", "v")
	wantTrips(t, p, 2)
	if got, want := p.Trips()[0].String(), "EVALSHA set and get"; got != want {
		t.Fatalf("a script must be known by its name: got %q, want %q", got, want)
	}
	if got, want := p.Trips()[1].String(), "EVAL set and get"; got != want {
		t.Fatalf("a script must be known by its source too: got %q, want %q", got, want)
	}
}

func TestProxyDoesNotCountTheSetUp(t *testing.T) {
	_, p := startBehindProxy(t)
	c := dialTest(t, p.Addr())
	mustDo(t, c, "CLIENT", "SETNAME", "x")
	mustDo(t, c, "SELECT", "0")
	wantTrips(t, p, 0)

	// A turn with anything else in it counts.
	if _, err := c.Write(appendCommand(appendCommand(nil, "SELECT", "0"), "PING")); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := readReply(c.r); err != nil {
			t.Fatal(err)
		}
	}
	wantTrips(t, p, 1)
}

func TestProxyLosesTheReplyOfAnAppliedCommand(t *testing.T) {
	s, p := startBehindProxy(t)
	c := dialTest(t, p.Addr())
	dropped := p.DropReply(Named("INCR"))
	mustDo(t, c, "SET", "other", "1") // does not match
	if reply, err := c.do(Patience, "INCR", "n"); !errors.Is(err, io.EOF) {
		t.Fatalf("the reply must be lost and the connection closed: got %v, %v", reply, err)
	}
	<-dropped
	if got := s.Do("GET", "n"); got != "1" {
		t.Fatalf("a command whose reply is lost must have been applied once: n is %v, want 1", got)
	}

	c = dialTest(t, p.Addr())
	if got := mustDo(t, c, "INCR", "n"); got != int64(2) {
		t.Fatalf("only one reply is lost: got %v, want 2", got)
	}
}

func TestProxyLosesAReplyWithinAPipeline(t *testing.T) {
	s, p := startBehindProxy(t)
	c := dialTest(t, p.Addr())
	dropped := p.DropReply(func(c Command) bool { return c.Name == "INCR" && c.Args[0] == "b" })
	pipeline := appendCommand(appendCommand(appendCommand(nil, "INCR", "a"), "INCR", "b"), "INCR", "c")
	if _, err := c.Write(pipeline); err != nil {
		t.Fatal(err)
	}
	if reply, err := readReply(c.r); reply != int64(1) || err != nil {
		t.Fatalf("replies before the lost one must arrive: got %v, %v", reply, err)
	}
	if reply, err := readReply(c.r); !errors.Is(err, io.EOF) {
		t.Fatalf("the lost reply and those after it must not arrive: got %v, %v", reply, err)
	}
	<-dropped
	for _, key := range []string{"a", "b", "c"} {
		if got := s.Do("GET", key); got != "1" {
			t.Errorf("all that was sent must have been applied: %s is %v, want 1", key, got)
		}
	}
}

func TestProxyLosesTheReplyAlsoWhenTheClientHasLeft(t *testing.T) {
	s, p := startBehindProxy(t)
	c := dialTest(t, p.Addr())
	dropped := p.DropReply(Named("INCR"))
	seen := make(chan struct{})
	p.OnCommand(func(Command) { close(seen) })
	s.Pause()
	if _, err := c.Write(appendCommand(nil, "INCR", "n")); err != nil {
		t.Fatal(err)
	}
	<-seen
	c.Close()
	s.Resume()
	<-dropped
	if got := s.Do("GET", "n"); got != "1" {
		t.Fatalf("a command whose reply is to be lost must be applied: n is %v, want 1", got)
	}
}

func TestProxyStopsACommandBeforeItIsApplied(t *testing.T) {
	s, p := startBehindProxy(t)
	c := dialTest(t, p.Addr())
	p.OnCommand(func(c Command) {
		if c.Name == "INCR" {
			p.Cut()
		}
	})
	if reply, err := c.do(Patience, "INCR", "n"); err == nil {
		t.Fatalf("a connection that was cut must not answer: got %v", reply)
	}
	if got := s.Do("GET", "n"); got != nil {
		t.Fatalf("a command that was stopped must not be applied: n is %v", got)
	}
	p.OnCommand(nil)
	mustDo(t, dialTest(t, p.Addr()), "INCR", "n")
}

func TestProxyFreezesWithoutClosing(t *testing.T) {
	s, p := startBehindProxy(t)
	c := dialTest(t, p.Addr())
	mustDo(t, c, "PING")

	p.Freeze()
	if reply, err := c.do(short, "SET", "k", "v"); !isTimeout(err) {
		t.Fatalf("a frozen connection must stay open and silent: got %v, %v", reply, err)
	}
	fresh := dialTest(t, p.Addr())
	if reply, err := fresh.do(short, "PING"); !isTimeout(err) {
		t.Fatalf("a frozen proxy accepts connections and stays silent: got %v, %v", reply, err)
	}
	if got := s.Do("GET", "k"); got != nil {
		t.Fatalf("nothing must reach the server while frozen: got %v", got)
	}

	p.Thaw()
	if err := c.SetDeadline(time.Now().Add(Patience)); err != nil {
		t.Fatal(err)
	}
	if reply, err := readReply(c.r); reply != "OK" || err != nil {
		t.Fatalf("what was held back must flow on: got %v, %v", reply, err)
	}
	if got := s.Do("GET", "k"); got != "v" {
		t.Fatalf("what was held back must be applied: got %v, want v", got)
	}
}

func TestProxyFreezesReplies(t *testing.T) {
	s, p := startBehindProxy(t)
	c := dialTest(t, p.Addr())
	s.Pause()
	seen := make(chan struct{})
	p.OnCommand(func(Command) { close(seen) })
	if _, err := c.Write(appendCommand(nil, "INCR", "n")); err != nil {
		t.Fatal(err)
	}
	<-seen
	// The command may still be on its way: it is applied before or after.
	p.Freeze()
	s.Resume()
	if err := c.SetReadDeadline(time.Now().Add(short)); err != nil {
		t.Fatal(err)
	}
	if reply, err := readReply(c.r); !isTimeout(err) {
		t.Fatalf("no reply must pass while frozen: got %v, %v", reply, err)
	}
	wantTrips(t, p, 0)
}

func TestProxyCutsAndRefuses(t *testing.T) {
	_, p := startBehindProxy(t)
	c := dialTest(t, p.Addr())
	mustDo(t, c, "PING")
	if got := p.Connections(); got != 1 {
		t.Fatalf("the proxy must know its connections: got %d, want 1", got)
	}
	p.Refuse()
	mustDo(t, c, "PING")
	if _, err := net.Dial("tcp", p.Addr()); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Fatalf("new connections must be refused: got %v", err)
	}
	p.Cut()
	if reply, err := c.do(Patience, "PING"); err == nil || isTimeout(err) {
		t.Fatalf("present connections must be closed by Cut: got %v, %v", reply, err)
	}
	p.Accept()
	mustDo(t, dialTest(t, p.Addr()), "PING")
}

func TestProxyDelaysReplies(t *testing.T) {
	_, p := startBehindProxy(t)
	c := dialTest(t, p.Addr())
	p.Delay(short)
	began := time.Now()
	mustDo(t, c, "PING")
	if took := time.Since(began); took < short {
		t.Fatalf("a reply must be delayed: it took %v, want at least %v", took, short)
	}
	p.Delay(0)
	mustDo(t, c, "PING")
}

func TestProxyChangesItsTarget(t *testing.T) {
	a, p := startBehindProxy(t)
	b := Start(t)
	a.Do("SET", "k", "a")
	b.Do("SET", "k", "b")
	c := dialTest(t, p.Addr())
	mustDo(t, c, "PING") // connected through by now
	p.SetTarget(b.Addr())
	if got := mustDo(t, c, "GET", "k"); got != "a" {
		t.Fatalf("a connection stays with its server: got %v, want a", got)
	}
	if got := mustDo(t, dialTest(t, p.Addr()), "GET", "k"); got != "b" {
		t.Fatalf("a new connection goes to the new target: got %v, want b", got)
	}
}

func TestProxyPassesSubscriptionsOn(t *testing.T) {
	s, p := startBehindProxy(t)
	c := dialTest(t, p.Addr())
	mustDo(t, c, "SUBSCRIBE", "news")
	s.Do("PUBLISH", "news", "one")
	if err := c.SetDeadline(time.Now().Add(Patience)); err != nil {
		t.Fatal(err)
	}
	if reply, err := readReply(c.r); err != nil || len(reply.([]any)) != 3 {
		t.Fatalf("messages must pass: got %v, %v", reply, err)
	}
	wantTrips(t, p, 0)
}

func TestProxyCutsAReplicaOff(t *testing.T) {
	master, p := startBehindProxy(t)
	master.Config("min-replicas-to-write", "1")
	replica := StartReplicaOf(t, p.Addr())
	Eventually(t, Patience, "the master counts its replica", func() bool {
		_, err := master.Try("SET", "k", "before")
		return err == nil
	})
	master.WaitReplicated(replica)

	p.Refuse()
	p.Cut()
	Eventually(t, Patience, "a master cut off from its replica refuses writes", func() bool {
		_, err := master.Try("SET", "k", "after")
		return err != nil && strings.HasPrefix(err.Error(), "NOREPLICAS")
	})
	// A promotion that loses the writes since the cut.
	replica.Promote()
	if got := replica.Do("GET", "k"); got != "before" {
		t.Fatalf("a replica that is cut off must not get later writes: got %v, want before", got)
	}
}

func TestProxyClosesBothSidesWhenTheServerDies(t *testing.T) {
	s, p := startBehindProxy(t)
	c := dialTest(t, p.Addr())
	mustDo(t, c, "PING")
	s.Kill()
	if err := c.SetDeadline(time.Now().Add(Patience)); err != nil {
		t.Fatal(err)
	}
	if b, err := bufio.NewReader(c).ReadByte(); !errors.Is(err, io.EOF) {
		t.Fatalf("the end of the server must reach the client: got %q, %v", b, err)
	}
}
