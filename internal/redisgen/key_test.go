package redisgen

import (
	"strings"
	"testing"
)

// TestSlotOf compares with what a server said (CLUSTER KEYSLOT). The tests
// against a Cluster ask for many more.
func TestSlotOf(t *testing.T) {
	for _, c := range []struct {
		key  string
		slot uint16
	}{
		{"123456789", 0x31C3 % slots}, // the check value of CRC-16/XMODEM
		{"", 0},
		{"foo", 12182},
		{"{foo}", 12182},
		{"a{foo}b{bar}", 12182},
	} {
		if got := slotOf(c.key); got != c.slot {
			t.Errorf("slotOf(%q) = %d, want %d", c.key, got, c.slot)
		}
	}
	for _, whole := range []string{"{}foo", "foo{}{bar}", "foo{bar", "foo}{"} {
		if got, want := slotOf(whole), crc16(whole)%slots; got != want {
			t.Errorf("%q has no hash tag, so all of it counts: slotOf = %d, want %d", whole, got, want)
		}
	}
}

func TestTags(t *testing.T) {
	for slot, tag := range slotTags() {
		if tag == "" || strings.ContainsAny(tag, "{}") || crc16(tag)%slots != uint16(slot) {
			t.Fatalf("the tag of slot %d is %q, which hashes to %d", slot, tag, crc16(tag)%slots)
		}
	}
	// They are in the names of all stored generations.
	for slot, want := range map[int]string{0: "1bz", 12182: "foo", slots - 1: "hia"} {
		if got := slotTags()[slot]; got != want {
			t.Errorf("the tag of slot %d has changed from %q to %q: all stored generations are lost", slot, want, got)
		}
	}
}

// FuzzName looks for a storage key whose generation lies in another slot, or
// shares its name.
func FuzzName(f *testing.F) {
	for _, s := range []string{"k", "{t}k", "}{", "a}b{c}", "{}", "{{a}}", ":", "%3A"} {
		f.Add("ns", s, "", s)
		f.Add(s, "k", s, "k")
		f.Add("a:b", s, "a", "b:"+s)
	}
	f.Fuzz(func(t *testing.T, namespace, key, otherNamespace, otherKey string) {
		name := newKeySpace(namespace).name(key)
		if slotOf(name) != slotOf(key) {
			t.Errorf("%q is in slot %d, its generation %q in %d", key, slotOf(key), name, slotOf(name))
		}
		if strings.HasPrefix(name, "single:") || strings.HasPrefix(name, "bulk:") {
			t.Errorf("the generation %q has the name of a value", name)
		}
		other := newKeySpace(otherNamespace).name(otherKey)
		if same := namespace == otherNamespace && key == otherKey; same != (name == other) {
			t.Errorf("(%q, %q) and (%q, %q) are named %q and %q", namespace, key, otherNamespace, otherKey, name, other)
		}
	})
}
