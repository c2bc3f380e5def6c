package redistest

import (
	"net"
	"sync"
	"time"
)

// A link is one connection through a [Proxy].
type link struct {
	proxy  *Proxy
	client net.Conn
	server net.Conn // set once, by connect

	ends sync.Mutex    // held while the link is connected or closed
	cut  chan struct{} // closed when the link is

	mu     sync.Mutex // guards all below; never held during I/O
	turn   []Command  // the commands of the present turn
	open   int        // how many of them await their replies
	more   bool       // the client has sent what is not in turn yet
	drops  []*drop    // whose commands are in turn
	dropAt int        // with drops: replies to pass on before the first to lose
	raw    bool       // no longer in turns
}

// connect makes the link lead to server, unless it is closed already.
func (l *link) connect(server net.Conn) bool {
	l.ends.Lock()
	defer l.ends.Unlock()
	select {
	case <-l.cut:
		server.Close()
		return false
	default:
		l.server = server
		return true
	}
}

func (l *link) close() {
	l.ends.Lock()
	defer l.ends.Unlock()
	select {
	case <-l.cut:
		return
	default:
	}
	close(l.cut)
	l.client.Close()
	if l.server != nil {
		l.server.Close()
	}
}

// pass writes b once nothing is frozen.
func (l *link) pass(to net.Conn, b []byte) bool {
	if !l.gate() {
		return false
	}
	_, err := to.Write(b)
	return err == nil
}

func (l *link) gate() bool {
	for {
		l.proxy.mu.Lock()
		thawed := l.proxy.thawed
		l.proxy.mu.Unlock()
		select {
		case <-thawed:
		case <-l.cut:
			return false
		}
		// It may have been frozen anew meanwhile.
		l.proxy.mu.Lock()
		same := l.proxy.thawed == thawed
		l.proxy.mu.Unlock()
		if same {
			return true
		}
	}
}

func (l *link) wait(d time.Duration) bool {
	if d == 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-l.cut:
		return false
	}
}

const chunk = 64 << 10

func (l *link) pumpRequests() {
	defer func() {
		// An end of the connection travels like its bytes. While a reply is
		// still to be lost, the server must not be told: the command that it
		// answers is to be applied for certain.
		l.mu.Lock()
		dropping := len(l.drops) > 0
		l.mu.Unlock()
		if !dropping && l.gate() {
			l.close()
		}
	}()
	var pending []byte
	for {
		pending = growChunk(pending)
		n, err := l.client.Read(pending[len(pending):cap(pending)])
		pending = pending[:len(pending)+n]
		if n > 0 {
			rest, ok := l.forward(pending)
			if !ok {
				l.close()
				return
			}
			pending = append(pending[:0], rest...)
		}
		if err != nil {
			return
		}
	}
}

// forward passes the complete commands at the head of b on and returns what
// follows them.
func (l *link) forward(b []byte) (rest []byte, ok bool) {
	l.mu.Lock()
	l.more = true
	l.mu.Unlock()
	ready := 0 // b[:ready] may be written
	for {
		if l.isRaw() {
			return nil, l.pass(l.server, b)
		}
		n, err := commandLen(b[ready:])
		if err != nil {
			return nil, false
		}
		if n == 0 {
			break
		}
		c, d, hook := l.proxy.command(parseCommand(b[ready : ready+n]))
		if hook != nil {
			if ready > 0 && !l.pass(l.server, b[:ready]) {
				return nil, false
			}
			b, ready = b[ready:], 0
			hook(c)
		}
		l.mu.Lock()
		if c.endsTurns() {
			l.raw = true
		} else {
			if d != nil {
				if len(l.drops) == 0 {
					l.dropAt = l.open
				}
				l.drops = append(l.drops, d)
			}
			l.turn = append(l.turn, c)
			l.open++
		}
		l.mu.Unlock()
		ready += n
	}
	l.mu.Lock()
	l.more = ready < len(b)
	l.mu.Unlock()
	if ready > 0 && !l.pass(l.server, b[:ready]) {
		return nil, false
	}
	return b[ready:], true
}

func (l *link) pumpReplies() {
	defer func() {
		if l.gate() {
			l.close()
		}
	}()
	var pending []byte
	for {
		pending = growChunk(pending)
		n, err := l.server.Read(pending[len(pending):cap(pending)])
		pending = pending[:len(pending)+n]
		if n > 0 {
			l.proxy.mu.Lock()
			delay := l.proxy.delay
			l.proxy.mu.Unlock()
			if !l.wait(delay) || !l.gate() {
				return
			}
			rest, ok := l.answer(pending)
			if !ok {
				l.close()
				return
			}
			pending = append(pending[:0], rest...)
		}
		if err != nil {
			return
		}
	}
}

// answer passes the complete replies at the head of b on and returns what
// follows them.
func (l *link) answer(b []byte) (rest []byte, ok bool) {
	if l.isRaw() {
		_, err := l.client.Write(b)
		return nil, err == nil
	}
	keep, at := 0, 0 // b[:keep] is for the client, b[:at] is complete
	for {
		n, err := replyLen(b[at:])
		if err != nil {
			return nil, false
		}
		if n == 0 {
			break
		}
		push := b[at] == '>'
		at += n
		if l.replied(push) {
			keep = at
		}
	}
	if keep > 0 {
		if _, err := l.client.Write(b[:keep]); err != nil {
			return nil, false
		}
	}
	if drops := l.dropped(); len(drops) > 0 {
		l.close()
		for _, d := range drops {
			close(d.dropped)
		}
		return nil, false
	}
	return b[at:], true
}

// replied accounts for a reply and tells whether it is to be passed on.
func (l *link) replied(push bool) bool {
	l.mu.Lock()
	losing := len(l.drops) > 0
	lost := losing && l.dropAt <= 0
	if push || l.open == 0 {
		l.mu.Unlock()
		return !lost
	}
	l.open--
	if losing {
		l.dropAt--
	}
	var ended []Command
	if l.open == 0 && !l.more {
		ended, l.turn = l.turn, nil
	}
	l.mu.Unlock()
	if ended != nil && !losing {
		l.proxy.ended(ended)
	}
	return !lost
}

// dropped returns the drops of this link once all is answered.
func (l *link) dropped() []*drop {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.drops) == 0 || l.dropAt >= 0 || l.open > 0 {
		return nil
	}
	return l.drops
}

func (l *link) isRaw() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.raw
}

// growChunk returns b with room for another read.
func growChunk(b []byte) []byte {
	if cap(b)-len(b) >= chunk {
		return b
	}
	grown := make([]byte, len(b), 2*cap(b)+chunk)
	copy(grown, b)
	return grown
}
