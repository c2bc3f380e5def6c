package redistest

import (
	"slices"
	"testing"
)

func TestReplyLen(t *testing.T) {
	frames := map[string]string{
		"simple":       "+OK\r\n",
		"error":        "-ERR no\r\n",
		"integer":      ":12\r\n",
		"bulk":         "$3\r\na\r\n\r\n",
		"empty bulk":   "$0\r\n\r\n",
		"null bulk":    "$-1\r\n",
		"null array":   "*-1\r\n",
		"empty array":  "*0\r\n",
		"nested":       "*2\r\n*2\r\n:1\r\n$1\r\nx\r\n+y\r\n",
		"null":         "_\r\n",
		"boolean":      "#t\r\n",
		"double":       ",1.5\r\n",
		"big number":   "(12345678901234567890\r\n",
		"bulk error":   "!3\r\nERR\r\n",
		"verbatim":     "=7\r\ntxt:abc\r\n",
		"map":          "%2\r\n+a\r\n:1\r\n+b\r\n*1\r\n:2\r\n",
		"set":          "~1\r\n+a\r\n",
		"push":         ">2\r\n+message\r\n+x\r\n",
		"attributes":   "|1\r\n+ttl\r\n:3\r\n$1\r\nv\r\n",
		"command":      "*2\r\n$3\r\nGET\r\n$1\r\nk\r\n",
		"empty values": "*2\r\n$0\r\n\r\n$0\r\n\r\n",
	}
	for name, frame := range frames {
		t.Run(name, func(t *testing.T) {
			for cut := range len(frame) {
				if n, err := replyLen([]byte(frame[:cut])); n != 0 || err != nil {
					t.Fatalf("%d of %d bytes are no whole frame: got %d, %v", cut, len(frame), n, err)
				}
			}
			if n, err := replyLen([]byte(frame + "+next\r\n")); n != len(frame) || err != nil {
				t.Fatalf("a frame ends where the next begins: got %d, %v, want %d", n, err, len(frame))
			}
		})
	}
	for _, foreign := range []string{"GET / HTTP/1.1\r\n", "*x\r\n", "$-2\r\n", "\r\n"} {
		if n, err := replyLen([]byte(foreign)); err == nil {
			t.Errorf("%q is no reply: got %d and no error", foreign, n)
		}
	}
}

func TestParseCommand(t *testing.T) {
	for request, want := range map[string][]string{
		"*2\r\n$3\r\nGET\r\n$4\r\na\r\nb\r\n": {"GET", "a\r\nb"},
		"*1\r\n$4\r\nPING\r\n":                {"PING"},
		"*2\r\n$3\r\nGET\r\n$0\r\n\r\n":       {"GET", ""},
		"PING hello\r\n":                      {"PING", "hello"},
		"\r\n":                                nil,
	} {
		n, err := commandLen([]byte(request))
		if n != len(request) || err != nil {
			t.Errorf("%q is one request: got length %d, %v", request, n, err)
			continue
		}
		if got := parseCommand([]byte(request)); !slices.Equal(got, want) {
			t.Errorf("%q holds the words %q, got %q", request, want, got)
		}
	}
}
