package redistest

import (
	"math/rand/v2"
	"net"
	"strconv"
	"testing"
)

const host = "127.0.0.1"

// Ports are drawn from below the range that kernels give to outgoing
// connections, so that the port of a server that was killed is still free
// when it comes back.
const (
	firstPort = 20000
	lastPort  = 32000
)

// freePort returns a port that was free a moment ago. Whoever binds it must be
// ready to find it taken.
func freePort(tb testing.TB) int {
	tb.Helper()
	for range 1000 {
		port := firstPort + rand.IntN(lastPort-firstPort)
		l, err := net.Listen("tcp", address(port))
		if err != nil {
			continue
		}
		l.Close()
		return port
	}
	tb.Fatalf("redistest: no free port between %d and %d", firstPort, lastPort)
	return 0
}

func address(port int) string { return net.JoinHostPort(host, strconv.Itoa(port)) }
