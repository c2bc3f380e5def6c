package otternear

import (
	"strings"
	"testing"
)

func TestConfig(t *testing.T) {
	weigher := func(string, string) uint32 { return 1 }
	for field, cfg := range map[string]Config[string]{
		"MaxEntries is -1":   {MaxEntries: -1},
		"MaxEntries is 1":    {MaxEntries: 1, MaxWeight: 1, Weigher: weigher},
		"MaxWeight is 0":     {Weigher: weigher},
		"MaxWeight is 9223":  {Weigher: weigher, MaxWeight: 1 << 63},
		"Config.Weigher is ": {MaxWeight: 1},
	} {
		if _, err := New(cfg); err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("the error names the field and its value, %q: got %v", field, err)
		}
	}
}
