package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/mod/semver"
)

// successors returns the versions that may come after last, the smallest step
// first; "" is before the first release. A gap would say that something had been
// released that never was, and a mistyped version can't be taken back.
//
// There is none beyond major version 1: the paths of our modules have no /v2.
func successors(last string) []string {
	if last == "" {
		return []string{"v0.1.0", "v1.0.0"}
	}
	major, minor, patch := numbers(last)
	next := []string{
		fmt.Sprintf("v%d.%d.%d", major, minor, patch+1),
		fmt.Sprintf("v%d.%d.0", major, minor+1),
	}
	if major == 0 {
		next = append(next, "v1.0.0")
	}
	return next
}

// checkVersion says whether version may be released after last.
func checkVersion(last, version string) error {
	next := successors(last)
	if slices.Contains(next, version) {
		return nil
	}
	after := "the first release"
	if last != "" {
		after = "what comes after " + last
	}
	return fmt.Errorf("version %s: %s is one of %s", version, after, strings.Join(next, ", "))
}

// checkChanges says whether what became of the API since last may be released
// as version: something incompatible as a new minor version of major version 0,
// and never from v1 on; something new as a new minor version from v1 on.
func checkChanges(last, version string, incompatible, compatible []string) error {
	patch := semver.MajorMinor(last) == semver.MajorMinor(version)
	stable := semver.Major(last) != "v0"
	switch {
	case len(incompatible) > 0 && stable:
		return fmt.Errorf("version %s: the API since %s is no longer what its users compile against, which no version of major version 1 may do:\n%s",
			version, last, list(incompatible))
	case len(incompatible) > 0 && patch:
		return fmt.Errorf("version %s: the API since %s is no longer what its users compile against, which is for the next minor version:\n%s",
			version, last, list(incompatible))
	case len(compatible) > 0 && stable && patch:
		return fmt.Errorf("version %s: the API has grown since %s, which is for the next minor version:\n%s",
			version, last, list(compatible))
	}
	return nil
}

func list(lines []string) string { return "  - " + strings.Join(lines, "\n  - ") }

// numbers returns the three numbers of a version that has nothing else.
func numbers(version string) (major, minor, patch int) {
	var n [3]int
	for i, field := range strings.SplitN(strings.TrimPrefix(version, "v"), ".", 3) {
		n[i], _ = strconv.Atoi(field) // parsed as a version before
	}
	return n[0], n[1], n[2]
}

// plain reports whether a version is vX.Y.Z and nothing more.
func plain(version string) bool {
	return semver.IsValid(version) && semver.Canonical(version) == version && semver.Prerelease(version) == ""
}
