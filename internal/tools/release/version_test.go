package main

import (
	"strings"
	"testing"
)

func TestVersionFollowsTheLast(t *testing.T) {
	tests := []struct {
		last, version string
		ok            bool
	}{
		{"", "v0.1.0", true},
		{"", "v1.0.0", true},
		{"", "v0.0.0", false}, // means "from this tree" in our go.mod files
		{"", "v0.2.0", false},
		{"v0.1.0", "v0.1.1", true},
		{"v0.1.0", "v0.2.0", true},
		{"v0.1.0", "v1.0.0", true},
		{"v0.9.9", "v0.9.10", true},
		{"v0.9.9", "v0.10.0", true},
		{"v0.1.1", "v0.1.1", false},
		{"v0.1.1", "v0.1.0", false},
		{"v0.1.0", "v0.1.2", false},
		{"v0.1.0", "v0.3.0", false},
		{"v0.1.0", "v0.2.1", false},
		{"v0.1.0", "v1.0.1", false},
		{"v1.2.3", "v1.2.4", true},
		{"v1.2.3", "v1.3.0", true},
		{"v1.2.3", "v2.0.0", false}, // the path would need a /v2
	}
	for _, test := range tests {
		if err := checkVersion(test.last, test.version); (err == nil) != test.ok {
			t.Errorf("after %q, may %s be released? got %v, want %v", test.last, test.version, err, test.ok)
		}
	}
}

func TestVersionFitsTheAPI(t *testing.T) {
	const breaks, grows, same = "breaks", "grows", "same"
	tests := []struct {
		last, version, api string
		ok                 bool
	}{
		{"v0.1.0", "v0.1.1", same, true},
		{"v0.1.0", "v0.1.1", grows, true},
		{"v0.1.0", "v0.1.1", breaks, false},
		{"v0.1.0", "v0.2.0", breaks, true},
		{"v0.1.0", "v1.0.0", breaks, true},
		{"v1.0.0", "v1.0.1", same, true},
		{"v1.0.0", "v1.0.1", grows, false},
		{"v1.0.0", "v1.1.0", grows, true},
		{"v1.0.0", "v1.1.0", breaks, false},
		{"v1.0.0", "v1.0.1", breaks, false},
	}
	for _, test := range tests {
		var incompatible, compatible []string
		switch test.api {
		case breaks:
			incompatible, compatible = []string{"F: removed"}, []string{"G: added"}
		case grows:
			compatible = []string{"G: added"}
		}
		err := checkChanges(test.last, test.version, incompatible, compatible)
		if (err == nil) != test.ok {
			t.Errorf("may an API that %s since %s be released as %s? got %v, want %v", test.api, test.last, test.version, err, test.ok)
		}
		if err != nil && !strings.Contains(err.Error(), map[string]string{breaks: "F: removed", grows: "G: added"}[test.api]) {
			t.Errorf("a refusal names what has changed: got %v", err)
		}
	}
}

func TestOnlyPlainVersions(t *testing.T) {
	for version, want := range map[string]bool{
		"v0.1.0": true, "v1.22.333": true,
		"": false, "0.1.0": false, "v1": false, "v1.2": false, "v01.2.3": false,
		"v1.2.3-rc.1": false, "v1.2.3+build": false, "v0.0.0-20260102030405-abcdefabcdef": false,
	} {
		if got := plain(version); got != want {
			t.Errorf("is %q a version of ours? got %v, want %v", version, got, want)
		}
	}
}
