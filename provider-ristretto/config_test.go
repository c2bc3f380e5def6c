package ristrettoprovider

import (
	"fmt"
	"math"
	"strings"
	"testing"
)

func TestConfigDefaults(t *testing.T) {
	got, err := Config{}.withDefaults()
	want := Config{NumCounters: DefaultNumCounters, MaxCost: DefaultMaxCost, BufferItems: DefaultBufferItems}
	if err != nil || got != want {
		t.Errorf("zero fields mean the documented defaults: got %+v, %v, want %+v", got, err, want)
	}
	set := Config{NumCounters: 1, MaxCost: math.MaxInt64, BufferItems: 3, Metrics: true, IncludeInternalCost: true}
	if got, err := set.withDefaults(); err != nil || got != set {
		t.Errorf("fields that are set stay as they are: got %+v, %v, want %+v", got, err, set)
	}
}

func TestConfigOutOfRange(t *testing.T) {
	for _, test := range []struct {
		cfg  Config
		says []string
	}{
		{Config{NumCounters: -1}, []string{"NumCounters", "-1", "4294967296"}},
		{Config{NumCounters: maxNumCounters + 1}, []string{"NumCounters", "4294967297"}},
		{Config{MaxCost: -5}, []string{"MaxCost", "-5", "9223372036854775807"}},
		{Config{BufferItems: math.MinInt64}, []string{"BufferItems", "-9223372036854775808", "1048576"}},
		{Config{BufferItems: maxBufferItems + 1}, []string{"BufferItems", "1048577"}},
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

// Ristretto itself panics in the background with one counter.
func TestSmallestCache(t *testing.T) {
	p := newTestProvider(t, Config{NumCounters: 1, MaxCost: 1, BufferItems: 1})
	for i := range 100 {
		mustSet(t, p, fmt.Sprint(i), "v")
		p.Wait()
		p.Get(t.Context(), fmt.Sprint(i))
	}
}
