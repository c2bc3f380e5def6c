package main

import (
	"strings"
	"testing"
	"time"
)

func TestChangelogIsReady(t *testing.T) {
	const (
		head  = "# Changelog\n\nThe format is…\n\n## [Unreleased]\n\n"
		this  = "## [0.2.0] - 2026-03-01\n\n### Added\n\n- `New`, which\n  makes one.\n\n### Fixed\n\n- It.\n"
		first = "\n## [0.1.0] - 2026-01-02\n\n### Added\n\n- All.\n"
	)
	now := time.Date(2026, 3, 1, 23, 0, 0, 0, time.UTC)
	tests := []struct {
		name, changelog, last, want string // want: in the error, "" for none
	}{
		{"ready", head + this + first, "v0.1.0", ""},
		{"ready for the first release", head + this, "", ""},
		{"lines that end as on Windows", strings.ReplaceAll(head+this+first, "\n", "\r\n"), "v0.1.0", ""},
		{"a day ahead, in the east", head + strings.Replace(this, "03-01", "03-02", 1), "", ""},
		{"no Unreleased", this + first, "v0.1.0", "the first section is not"},
		{"nothing at all", "# Changelog\n", "", "the first section is not"},
		{"changes still under Unreleased", strings.TrimSpace(head) + "\n\n### Added\n\n- More.\n\n" + this + first, "v0.1.0", "still lists changes: move them under `## [0.2.0] - 2026-03-01`"},
		{"no section for the version", head + first, "v0.1.0", "is not followed by `## [0.2.0] - 2026-03-01`"},
		{"a section for another version", head + strings.Replace(this, "0.2.0", "0.3.0", 1) + first, "v0.1.0", "is not followed by `## [0.2.0]"},
		{"no date", head + strings.Replace(this, " - 2026-03-01", "", 1) + first, "v0.1.0", `the date of [0.2.0] is ""`},
		{"a date that is none", head + strings.Replace(this, "03-01", "02-30", 1) + first, "v0.1.0", "the date of [0.2.0]"},
		{"a date to come", head + strings.Replace(this, "03-01", "03-03", 1) + first, "v0.1.0", "in the future"},
		{"a heading in another form", head + strings.Replace(this, "[0.2.0]", "0.2.0", 1) + first, "v0.1.0", "neither"},
		{"no changes", head + "## [0.2.0] - 2026-03-01\n" + first, "v0.1.0", "[0.2.0] lists no change"},
		{"changes of no kind", head + "## [0.2.0] - 2026-03-01\n\n- All.\n" + first, "v0.1.0", "without saying of which kind"},
		{"a kind without changes", head + strings.Replace(this, "- It.\n", "", 1) + first, "v0.1.0", "[0.2.0] lists nothing under `### Fixed`"},
		{"a kind that is none", head + strings.Replace(this, "### Fixed", "### Improved", 1) + first, "v0.1.0", "### Improved"},
		{"the last release is missing", head + this, "v0.1.0", "is not followed by [0.1.0]"},
		{"another release in between", head + this + first, "v0.1.1", "is not followed by [0.1.1]"},
		{"a release that never was", head + this + first, "", "[0.1.0] is listed, and there is no such release"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			notes, err := checkChangelog(test.changelog, test.last, "v0.2.0", now)
			switch {
			case test.want == "" && err != nil:
				t.Errorf("the changelog is ready: got %v", err)
			case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
				t.Errorf("the changelog is not ready: got %v, want an error with %q", err, test.want)
			}
			if want := "### Added\n\n- `New`, which\n  makes one.\n\n### Fixed\n\n- It."; err == nil && notes != want {
				t.Errorf("the notes are what the changelog lists: got %q, want %q", notes, want)
			}
		})
	}
}
