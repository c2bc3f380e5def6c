package main

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// A section is what a changelog lists under one `## [name]`.
type section struct {
	name string // "Unreleased" or a version without the v
	date string // what follows the name, or ""
	text string // trimmed
}

var heading = regexp.MustCompile(`^## \[([^\]]+)\](?: - (.+))?$`)

func sections(changelog string) ([]section, error) {
	var found []section
	var lines []string
	end := func() {
		if len(found) > 0 {
			found[len(found)-1].text = strings.TrimSpace(strings.Join(lines, "\n"))
		}
		lines = nil
	}
	for line := range strings.Lines(changelog) {
		line = strings.TrimRight(line, " \r\n")
		if !strings.HasPrefix(line, "## ") {
			lines = append(lines, line)
			continue
		}
		end()
		match := heading.FindStringSubmatch(line)
		if match == nil {
			return nil, fmt.Errorf("the heading %q is neither `## [Unreleased]` nor `## [X.Y.Z] - YYYY-MM-DD`", line)
		}
		found = append(found, section{name: match[1], date: match[2]})
	}
	end()
	return found, nil
}

// kinds are the headings under which Keep a Changelog lists changes.
var kinds = []string{"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}

// checkChangelog says whether a changelog is ready for the release of version
// after last, "" when that is the first, and returns what it lists for it.
func checkChangelog(changelog, last, version string, now time.Time) (notes string, err error) {
	found, err := sections(changelog)
	if err != nil {
		return "", err
	}
	if len(found) == 0 || found[0].name != "Unreleased" {
		return "", fmt.Errorf("the first section is not `## [Unreleased]`")
	}
	if found[0].text != "" {
		return "", fmt.Errorf("`## [Unreleased]` still lists changes: move them under `## [%s] - %s`",
			strings.TrimPrefix(version, "v"), now.Format(time.DateOnly))
	}
	if len(found) < 2 || "v"+found[1].name != version {
		return "", fmt.Errorf("`## [Unreleased]` is not followed by `## [%s] - %s`",
			strings.TrimPrefix(version, "v"), now.Format(time.DateOnly))
	}
	this := found[1]
	date, err := time.Parse(time.DateOnly, this.date)
	if err != nil {
		return "", fmt.Errorf("the date of [%s] is %q, want YYYY-MM-DD", this.name, this.date)
	}
	if date.After(now.Add(24 * time.Hour)) { // somewhere it is tomorrow already
		return "", fmt.Errorf("the date of [%s] is %s, which is in the future", this.name, this.date)
	}
	if err := checkNotes(this); err != nil {
		return "", err
	}
	switch {
	case last == "" && len(found) > 2:
		return "", fmt.Errorf("[%s] is listed, and there is no such release", found[2].name)
	case last != "" && (len(found) < 3 || "v"+found[2].name != last):
		return "", fmt.Errorf("[%s] is not followed by [%s], the last release", this.name, strings.TrimPrefix(last, "v"))
	}
	return this.text, nil
}

// checkNotes: every change stands under a kind, and every kind has one.
func checkNotes(s section) error {
	kind, changes := "", 0
	for line := range strings.Lines(s.text + "\n### ") { // one more heading ends the last
		line = strings.TrimRight(line, "\n")
		next, isHeading := strings.CutPrefix(line, "### ")
		switch {
		case isHeading && kind == "" && changes > 0:
			return fmt.Errorf("[%s] lists changes without saying of which kind: want `### Added` or the like", s.name)
		case isHeading && kind != "" && changes == 0:
			return fmt.Errorf("[%s] lists nothing under `### %s`", s.name, kind)
		case isHeading && next == "" && kind == "":
			return fmt.Errorf("[%s] lists no change", s.name)
		case isHeading && next != "" && !slices.Contains(kinds, next):
			return fmt.Errorf("[%s] has `### %s`, want one of %s", s.name, next, strings.Join(kinds, ", "))
		case isHeading:
			kind, changes = next, 0
		case strings.HasPrefix(line, "- "):
			changes++
		}
	}
	return nil
}
