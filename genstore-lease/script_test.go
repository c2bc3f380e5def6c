package leasegenstore

import (
	"fmt"
	"strings"
	"testing"

	"github.com/unkn0wn-root/cascache/genstore-lease/internal/protocol"
)

func TestParseEntry(t *testing.T) {
	for entry, want := range map[string]protocol.Invalidation{
		"1 0 k":                       {Seq: 1, Key: "k"},
		"12 1795393713923847465 a b ": {Seq: 12, Gen: 1795393713923847465, Key: "a b "},
		"3 4 ":                        {Seq: 3, Gen: 4},
	} {
		if got, ok := parseEntry(entry); !ok || got != want {
			t.Errorf("the entry %q: got (%v, %v), want %v", entry, got, ok, want)
		}
	}
	for _, entry := range []string{"", "1", "1 2", "x 2 k", "1 x k", "-1 2 k", " 1 2 k", "1  2 k"} {
		if got, ok := parseEntry(entry); ok {
			t.Errorf("what is no entry must end what is read of the log: %q was read as %v", entry, got)
		}
	}
}

func TestParseMembers(t *testing.T) {
	got := parseMembers([]any{"id", "x", "member:a", "7 12", "epoch", "e", "member:b", "nonsense", "member:c", "3"})
	want := []protocol.Member{{ID: "a", Applied: 7, Number: 12}, {ID: "b"}, {ID: "c", Applied: 3}}
	if len(got) != len(want) {
		t.Fatalf("got %v, want %v", got, want)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("a member that cannot be read has acknowledged nothing, and is one all the same: got %v, want %v", got[i], want[i])
		}
	}
}

func TestReaderRefusesOtherForms(t *testing.T) {
	for name, items := range map[string][]any{
		"nothing":          nil,
		"too short":        {"e"},
		"no number":        {"e", "x", []any{"1"}},
		"a number, no sum": {"e", int64(3), []any{"1"}},
		"too few":          {"e", "3", []any{}},
		"too many":         {"e", "3", []any{"1", "2"}},
		"no list":          {"e", "3", "1"},
	} {
		r := reader{items: items}
		r.text()
		r.count()
		r.gens(1)
		if r.end() == nil {
			t.Errorf("%s: %v must be refused", name, items)
		}
	}
	r := reader{items: []any{"e", "3", []any{"0"}}}
	if r.text() != "e" || r.count() != 3 || r.gens(1)[0] != 0 || r.end() != nil {
		t.Error("what the scripts answer must be read")
	}
}

// FuzzParseEntry: what is read of an entry is what the script wrote, and other
// text is refused.
func FuzzParseEntry(f *testing.F) {
	for _, entry := range []string{"1 0 k", "12 1795393713923847465 a b ", "", "1 2", "18446744073709551616 1 k"} {
		f.Add(entry)
	}
	f.Fuzz(func(t *testing.T, entry string) {
		e, ok := parseEntry(entry)
		if !ok {
			return
		}
		again, ok := parseEntry(fmt.Sprintf("%d %d %s", e.Seq, e.Gen, e.Key))
		if !ok || again != e {
			t.Errorf("%q was read as %v, which is written as what reads as %v", entry, e, again)
		}
		if !strings.HasSuffix(entry, " "+e.Key) {
			t.Errorf("%q was read as being about %q", entry, e.Key)
		}
	})
}
