package redistest

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"time"
)

// An Error is an error reply of a server, such as "WRONGTYPE Operation …".
type Error string

func (e Error) Error() string { return string(e) }

var errProtocol = errors.New("redistest: the peer does not speak RESP")

// conn is a connection for the few commands that the package itself sends.
type conn struct {
	net.Conn
	r *bufio.Reader
}

func dial(addr, password string, limit time.Duration) (*conn, error) {
	nc, err := net.DialTimeout("tcp", addr, limit)
	if err != nil {
		return nil, err
	}
	c := &conn{Conn: nc, r: bufio.NewReader(nc)}
	if password != "" {
		if _, err := c.do(limit, "AUTH", password); err != nil {
			c.Close()
			return nil, err
		}
	}
	return c, nil
}

// do sends one command and reads its reply: a string, int64, nil or []any. An
// error reply is returned as an Error; inside an array it stands as a value.
func (c *conn) do(limit time.Duration, args ...string) (any, error) {
	if err := c.SetDeadline(time.Now().Add(limit)); err != nil {
		return nil, err
	}
	if _, err := c.Write(appendCommand(nil, args...)); err != nil {
		return nil, err
	}
	reply, err := readReply(c.r)
	if err != nil {
		return nil, err
	}
	if e, ok := reply.(Error); ok {
		return nil, e
	}
	return reply, nil
}

func appendCommand(b []byte, args ...string) []byte {
	b = fmt.Appendf(b, "*%d\r\n", len(args))
	for _, arg := range args {
		b = fmt.Appendf(b, "$%d\r\n%s\r\n", len(arg), arg)
	}
	return b
}

func readReply(r *bufio.Reader) (any, error) {
	line, err := r.ReadString('\n')
	if err != nil {
		return nil, err
	}
	if len(line) < 3 {
		return nil, errProtocol
	}
	kind, rest := line[0], line[1:len(line)-2]
	switch kind {
	case '+':
		return rest, nil
	case '-':
		return Error(rest), nil
	}
	n, err := strconv.ParseInt(rest, 10, 64)
	if err != nil {
		return nil, errProtocol
	}
	switch kind {
	case ':':
		return n, nil
	case '$':
		if n < 0 {
			return nil, nil
		}
		bulk := make([]byte, n+2)
		if _, err := io.ReadFull(r, bulk); err != nil {
			return nil, err
		}
		return string(bulk[:n]), nil
	case '*':
		if n < 0 {
			return nil, nil
		}
		array := make([]any, n)
		for i := range array {
			if array[i], err = readReply(r); err != nil {
				return nil, err
			}
		}
		return array, nil
	}
	return nil, errProtocol
}
