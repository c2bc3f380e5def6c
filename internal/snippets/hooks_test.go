package snippets

import "testing"

// The page for those who run a cache has a row for everything that it may tell
// them.
func TestEveryHookAndReasonIsExplained(t *testing.T) {
	docs, has := parsed(t)
	const page = "docs/operations.md"
	named := make(map[string]bool)
	for _, s := range docs[page].spans {
		named[s.text] = true
	}
	for hook := range has.members["Hooks"] {
		if !named["Hooks."+hook] {
			t.Errorf("what every hook means must be told: %s does not name `Hooks.%s`", page, hook)
		}
	}
	reasons := has.consts["cascache"]["Reason"]
	if len(reasons) == 0 {
		t.Fatal("this test must find the constants of type cascache.Reason")
	}
	for _, reason := range reasons {
		if !named[reason] {
			t.Errorf("what every reason means must be told: %s does not name `%s`", page, reason)
		}
	}
}
