package redistest

import (
	"net"
	"strings"
	"sync"
	"testing"
	"time"
)

// A Proxy passes TCP connections on to one server, counts the round trips on
// them and breaks them on demand. All its methods may be called concurrently.
//
// It reads requests and replies as RESP and passes only whole ones on, in as
// few writes as they arrived in. After a command that ends the turns of
// request and reply (SUBSCRIBE, MONITOR, PSYNC and the like) a connection is
// passed on byte by byte and no longer counted.
//
// # Round trips
//
// A round trip is one turn on one connection: it begins with the first byte
// of a request while no reply is outstanding, takes in every request that
// arrives before the last outstanding reply has passed, and ends with that
// reply. So a command is one, and so is a pipeline, whatever its length: the
// client writes on without waiting. (A pipeline that is written in several
// pieces counts as one too as long as no piece ends exactly at the end of a
// command and the server answers all of it before the next piece comes.)
//
// Not counted are turns that were cut short, whose replies never passed, and
// those of nothing but HELLO, AUTH, CLIENT, SELECT, READONLY, READWRITE,
// COMMAND and CLUSTER, which clients send once per connection or now and then
// to learn about their servers.
type Proxy struct {
	tb   testing.TB
	addr string

	mu       sync.Mutex // guards all below; never held during I/O
	target   string
	listener net.Listener // nil while connections are refused
	links    map[*link]struct{}
	delay    time.Duration
	thawed   chan struct{} // closed unless frozen
	trips    []Trip
	drops    []*drop
	hook     func(Command)
	scripts  map[string]string // name by SHA-1
	closed   bool

	running sync.WaitGroup
}

// A Trip is a round trip: the commands of one turn, in order.
type Trip []string

func (t Trip) String() string { return strings.Join(t, " ") }

type drop struct {
	match   func(Command) bool
	dropped chan struct{}
}

// StartProxy starts a proxy in front of the server at target.
func StartProxy(tb testing.TB, target string) *Proxy {
	tb.Helper()
	p := &Proxy{
		tb:      tb,
		target:  target,
		links:   map[*link]struct{}{},
		thawed:  make(chan struct{}),
		scripts: map[string]string{},
	}
	close(p.thawed)
	const attempts = 10
	for range attempts {
		p.addr = address(freePort(tb))
		if err := p.listen(); err == nil {
			tb.Cleanup(p.stop)
			return p
		}
	}
	tb.Fatalf("redistest: found the proxy's port taken %d times in a row", attempts)
	return nil
}

// Proxy starts a proxy in front of s.
func (s *Server) Proxy() *Proxy {
	s.tb.Helper()
	return StartProxy(s.tb, s.Addr())
}

func (p *Proxy) listen() error {
	l, err := net.Listen("tcp", p.addr)
	if err != nil {
		return err
	}
	p.mu.Lock()
	p.listener = l
	p.mu.Unlock()
	p.running.Go(func() { p.accept(l) })
	return nil
}

func (p *Proxy) accept(l net.Listener) {
	for {
		client, err := l.Accept()
		if err != nil {
			return
		}
		p.running.Go(func() { p.serve(client) })
	}
}

func (p *Proxy) serve(client net.Conn) {
	// The link is known before it leads anywhere, so that no Cut misses it.
	l := &link{proxy: p, client: client, cut: make(chan struct{})}
	p.mu.Lock()
	target, closed := p.target, p.closed
	p.links[l] = struct{}{}
	p.mu.Unlock()
	defer func() {
		l.close()
		p.mu.Lock()
		delete(p.links, l)
		p.mu.Unlock()
	}()
	if closed {
		return
	}
	server, err := net.DialTimeout("tcp", target, commandLimit)
	if err != nil || !l.connect(server) {
		return
	}
	var pumps sync.WaitGroup
	pumps.Go(l.pumpRequests)
	pumps.Go(l.pumpReplies)
	pumps.Wait()
}

func (p *Proxy) stop() {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.Refuse()
	p.Cut()
	p.running.Wait()
}

// Addr returns the address that clients connect to.
func (p *Proxy) Addr() string { return p.addr }

// SetTarget makes later connections go to another server.
func (p *Proxy) SetTarget(addr string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.target = addr
}

// Delay holds every reply back for d from now on; 0 ends that.
func (p *Proxy) Delay(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.delay = d
}

// Cut closes all present connections. New ones are still accepted.
func (p *Proxy) Cut() {
	p.mu.Lock()
	links := make([]*link, 0, len(p.links))
	for l := range p.links {
		links = append(links, l)
	}
	p.mu.Unlock()
	for _, l := range links {
		l.close()
	}
}

// Refuse makes new connections fail, as those to a port where nobody listens.
// Present ones stay.
func (p *Proxy) Refuse() {
	p.mu.Lock()
	l := p.listener
	p.listener = nil
	p.mu.Unlock()
	if l != nil {
		l.Close()
	}
}

// Accept ends Refuse.
func (p *Proxy) Accept() {
	p.tb.Helper()
	p.mu.Lock()
	listening := p.listener != nil
	p.mu.Unlock()
	if listening {
		return
	}
	Eventually(p.tb, Patience, "the proxy listens again on "+p.addr, func() bool { return p.listen() == nil })
}

// Freeze lets nothing through any more, in either direction, while all
// connections stay open and new ones are accepted. It is what a network that
// loses every packet looks like. What was on its way before may still arrive.
func (p *Proxy) Freeze() {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.thawed:
		p.thawed = make(chan struct{})
	default:
	}
}

// Thaw ends Freeze. What was held back flows on.
func (p *Proxy) Thaw() {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.thawed:
	default:
		close(p.thawed)
	}
}

// Connections returns the number of open connections.
func (p *Proxy) Connections() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.links)
}

// RoundTrips returns how many round trips have ended since the start or the
// last ResetTrips. A trip is counted before its last reply is passed on, so
// whoever has the reply finds it counted.
func (p *Proxy) RoundTrips() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.trips)
}

// Trips returns the round trips that RoundTrips counts, in the order in which
// they ended.
func (p *Proxy) Trips() []Trip {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]Trip(nil), p.trips...)
}

// ResetTrips forgets the round trips so far.
func (p *Proxy) ResetTrips() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.trips = nil
}

// NameScript lets [Command.Script], [Named] and Trips tell calls of the script
// with this source by name.
func (p *Proxy) NameScript(name, source string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.scripts[scriptHash(source)] = name
}

// DropReply loses the reply of the next command that matches: the command is
// passed on and answered, hence applied; then, once everything else that the
// client had sent on that connection is answered as well, the connection is
// closed without that reply or any after it having been passed on. The
// returned channel is closed by then.
//
// Each call is good for one command. To lose the replies of a client's
// retries too, call it as often.
func (p *Proxy) DropReply(match func(Command) bool) (dropped <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	d := &drop{match: match, dropped: make(chan struct{})}
	p.drops = append(p.drops, d)
	return d.dropped
}

// OnCommand has hook called with every command just before it is passed on,
// which waits for hook to return: there a test can end a context, or stop the
// command for good by Cut. Commands of different connections call it
// concurrently. A nil hook ends that.
func (p *Proxy) OnCommand(hook func(Command)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hook = hook
}

// command identifies a request and tells what is to be done about it.
func (p *Proxy) command(words []string) (Command, *drop, func(Command)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	c := newCommand(words, p.scripts)
	for i, d := range p.drops {
		if d.match(c) {
			p.drops = append(p.drops[:i:i], p.drops[i+1:]...)
			return c, d, p.hook
		}
	}
	return c, nil, p.hook
}

func (p *Proxy) ended(commands []Command) {
	trip, counts := make(Trip, len(commands)), false
	for i, c := range commands {
		trip[i] = c.String()
		counts = counts || !c.setsUp()
	}
	if !counts {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.trips = append(p.trips, trip)
}
