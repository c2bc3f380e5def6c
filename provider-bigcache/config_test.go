package bigcacheprovider

import (
	"strings"
	"testing"
	"time"
)

func TestConfigDefaults(t *testing.T) {
	got, err := Config{}.withDefaults()
	want := Config{
		LifeWindow:         DefaultLifeWindow,
		CleanWindow:        DefaultCleanWindow,
		MaxEntriesInWindow: DefaultMaxEntriesInWindow,
		MaxEntrySize:       DefaultMaxEntrySize,
		HardMaxCacheSizeMB: DefaultHardMaxCacheSizeMB,
		Shards:             DefaultShards,
	}
	if err != nil || got != want {
		t.Errorf("zero fields mean the documented defaults: got %+v, %v, want %+v", got, err, want)
	}
	set := Config{
		LifeWindow: time.Second, CleanWindow: time.Hour, MaxEntriesInWindow: 1, MaxEntrySize: 2,
		HardMaxCacheSizeMB: 3, Shards: 4, Verbose: true,
	}
	if got, err := set.withDefaults(); err != nil || got != set {
		t.Errorf("fields that are set stay as they are: got %+v, %v, want %+v", got, err, set)
	}
}

func TestConfigOutOfRange(t *testing.T) {
	for _, test := range []struct {
		cfg  Config
		says []string
	}{
		{Config{LifeWindow: -time.Second}, []string{"LifeWindow", "-1s", "10m0s"}},
		{Config{LifeWindow: 999 * time.Millisecond}, []string{"LifeWindow", "999ms", "at least 1s"}},
		{Config{CleanWindow: -1}, []string{"CleanWindow", "-1ns"}},
		{Config{CleanWindow: time.Millisecond}, []string{"CleanWindow", "1ms"}},
		{Config{MaxEntriesInWindow: -1}, []string{"MaxEntriesInWindow", "-1", "10000"}},
		{Config{MaxEntrySize: -2}, []string{"MaxEntrySize", "-2", "256"}},
		{Config{MaxEntrySize: 2 << 20}, []string{"MaxEntrySize", "2097152", "2097151"}},
		{Config{HardMaxCacheSizeMB: -3}, []string{"HardMaxCacheSizeMB", "-3", "256"}},
		{Config{HardMaxCacheSizeMB: 64 << 12}, []string{"HardMaxCacheSizeMB", "262144", "4294967296"}},
		{Config{HardMaxCacheSizeMB: 1, Shards: 512}, []string{"HardMaxCacheSizeMB", "512", "2048", "4096"}},
		{Config{Shards: -4}, []string{"Shards", "-4", "65536"}},
		{Config{Shards: 3}, []string{"Shards", "3", "power of two"}},
		{Config{Shards: 1 << 17}, []string{"Shards", "131072", "65536"}},
	} {
		p, err := New(test.cfg)
		if err == nil {
			p.Close(t.Context())
			t.Errorf("New(%+v) must refuse a field out of range", test.cfg)
			continue
		}
		for _, word := range test.says {
			if !strings.Contains(err.Error(), word) {
				t.Errorf("the error names field, value and range: %q lacks %q", err, word)
			}
		}
	}
}
