package redistest

import (
	"bytes"
	"strconv"
	"strings"
)

// commandLen measures a request: an array of bulk strings, or a line of words.
func commandLen(b []byte) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	if b[0] != '*' {
		return lineLen(b), nil
	}
	return replyLen(b)
}

// replyLen measures a reply of RESP 2 or 3.
func replyLen(b []byte) (int, error) {
	at := 0
	for open := 1; open > 0; open-- { // values still to come
		line := lineLen(b[at:])
		if line == 0 {
			return 0, nil
		}
		if line < 3 {
			return 0, errProtocol
		}
		kind, rest := b[at], string(b[at+1:at+line-2])
		at += line
		switch kind {
		case '+', '-', ':', '_', '#', ',', '(':
			continue
		}
		n, err := strconv.Atoi(rest)
		if err != nil || n < -1 {
			return 0, errProtocol
		}
		if n == -1 { // the null of RESP 2
			continue
		}
		switch kind {
		case '$', '!', '=':
			at += n + 2
			if at > len(b) {
				return 0, nil
			}
		case '*', '~', '>':
			open += n
		case '%':
			open += 2 * n
		case '|': // attributes, and then the value that they are about
			open += 2*n + 1
		default:
			return 0, errProtocol
		}
	}
	return at, nil
}

// lineLen returns the length of the first line of b with its CR LF, or 0.
func lineLen(b []byte) int { return bytes.IndexByte(b, '\n') + 1 }

// parseCommand splits a complete request into its words.
func parseCommand(b []byte) []string {
	if b[0] != '*' {
		return strings.Fields(string(b))
	}
	b = b[lineLen(b):]
	var words []string
	for len(b) > 0 {
		line := lineLen(b)
		n, err := strconv.Atoi(string(b[1 : line-2]))
		if err != nil || n < 0 || line+n+2 > len(b) {
			return words
		}
		words = append(words, string(b[line:line+n]))
		b = b[line+n+2:]
	}
	return words
}
