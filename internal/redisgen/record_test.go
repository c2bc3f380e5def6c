package redisgen

import (
	"strconv"
	"strings"
	"testing"
)

const someID = "0123456789abcdef0123"

func TestBoundTo(t *testing.T) {
	otherID := strings.Repeat("f", idDigits)
	for _, c := range []struct {
		record, id string
		want       uint64
	}{
		{"1712345678901234567:" + someID, someID, 1712345678901234567},
		{"1712345678901234567:" + someID, "", 1712345678901234567},
		{"1712345678901234567", "", 1712345678901234567},
		{"1712345678901234567", someID, 0},
		{"1712345678901234567:" + someID, otherID, 0},
		{"1712345678901234567:" + someID[1:], "", 0},
		{"1712345678901234567:" + someID + "0", "", 0},
		{"1712345678901234567:" + strings.ToUpper(someID), "", 0},
		{"1712345678901234567:", "", 0},
		{":" + someID, someID, 0},
		{"", "", 0},
		{"0", "", 0},
		{"01", "", 0},
		{"+1", "", 0},
		{"-1", "", 0},
		{"1e18", "", 0},
		{"1_000", "", 0},
		{"8999999999999999999", "", 8999999999999999999},
		{"9000000000000000000", "", 0},
		{"9223372036854775807", "", 0},
		{"18446744073709551615", "", 0},
		{"18446744073709551616", "", 0},
		{strings.Repeat("9", 1<<20), "", 0},
	} {
		if got := boundTo(c.record, c.id); got != c.want {
			t.Errorf("G2: boundTo(%.60q, %q) = %d, want %d", c.record, c.id, got, c.want)
		}
	}
}

// FuzzBoundTo looks for a record that is not what a store has written and is
// taken for a generation.
func FuzzBoundTo(f *testing.F) {
	f.Add("1712345678901234567:"+someID, someID)
	f.Add("1712345678901234567", "")
	f.Add("1e18", "")
	f.Add(":", ":")
	f.Fuzz(func(t *testing.T, record, id string) {
		gen := boundTo(record, id)
		if gen == 0 {
			return
		}
		digits := strconv.FormatUint(gen, 10)
		if bound := strings.TrimPrefix(record, digits+":"); record != digits && (!isID(bound) || bound == record) {
			t.Errorf("%q was taken for generation %d", record, gen)
		}
		if id != "" && record != digits+":"+id {
			t.Errorf("%q was taken for generation %d of %q", record, gen, id)
		}
	})
}

func TestMasterID(t *testing.T) {
	const (
		master = "# Replication\r\nrole:master\r\nconnected_slaves:0\r\nmaster_failover_state:no-failover\r\n"
		id     = "master_replid:0123456789abcdef0123456789abcdef01234567\r\n"
	)
	for name, c := range map[string]struct{ info, want string }{
		"a master":               {master + id + "master_replid2:0\r\n", someID},
		"a replica":              {strings.Replace(master, "master", "slave", 1) + id, ""},
		"no id":                  {master, ""},
		"an id cut short":        {master + "master_replid:0123", ""},
		"only the second id":     {master + strings.Replace(id, "replid", "replid2", 1), ""},
		"a host named like that": {strings.Replace(master, "role:master", "role:slave\r\nmaster_host:role:master", 1) + id, ""},
		"nothing":                {"", ""},
	} {
		if got := masterID(c.info); got != c.want {
			t.Errorf("%s: masterID = %q, want %q", name, got, c.want)
		}
	}
}
