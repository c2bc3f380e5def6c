package text

import "testing"

func TestGrouped(t *testing.T) {
	for n, want := range map[int64]string{
		0: "0", 7: "7", 999: "999", 1_000: "1,000", 12_345: "12,345", 999_999: "999,999",
		1_000_000: "1,000,000", -1: "-1", -123: "-123", -1_234: "-1,234",
	} {
		if got := Grouped(n); got != want {
			t.Errorf("thousands are set apart: %d gives %q, want %q", n, got, want)
		}
	}
}

func TestCounted(t *testing.T) {
	for n, want := range map[int64]string{0: "0 reads", 1: "1 read", 2: "2 reads", 1_000: "1,000 reads"} {
		if got := Counted(n, "read"); got != want {
			t.Errorf("a count agrees with its noun: %d gives %q, want %q", n, got, want)
		}
	}
}

func TestWrapped(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"", "  "},
		{"one two three four", "  one two\n  three four"},
		{"incomprehensibilities are long", "  incomprehensibilities\n  are long"},
	} {
		if got := Wrapped(c.text, "  ", 12); got != c.want {
			t.Errorf("lines break between words: %q gives %q, want %q", c.text, got, c.want)
		}
	}
}
