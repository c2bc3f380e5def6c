package zstdcodec

import (
	"math"
	"strconv"
	"strings"
	"testing"

	cascache "github.com/unkn0wn-root/cascache/core"
)

func TestZeroFieldsAreTheDefaults(t *testing.T) {
	got, err := Config{}.withDefaults()
	if want := (Config{Level: DefaultLevel, MinSize: DefaultMinSize, MaxDecoded: DefaultMaxDecoded}); err != nil || got != want {
		t.Errorf("zero fields mean the documented defaults: got %+v, %v, want %+v", got, err, want)
	}
	set := Config{Level: Better, MinSize: 1, MaxDecoded: math.MaxInt32}
	if got, err := set.withDefaults(); err != nil || got != set {
		t.Errorf("fields that are set stay: got %+v, %v, want %+v", got, err, set)
	}
}

func TestConfigOutOfRange(t *testing.T) {
	for _, test := range []struct {
		cfg          Config
		field, value string
	}{
		{Config{Level: -1}, "Level", "-1"},
		{Config{Level: Best + 1}, "Level", strconv.Itoa(int(Best) + 1)},
		{Config{MinSize: -1}, "MinSize", "-1"},
		{Config{MinSize: math.MaxInt32 + 1}, "MinSize", "2147483648"},
		{Config{MaxDecoded: -5}, "MaxDecoded", "-5"},
		{Config{MaxDecoded: math.MaxInt32 + 1}, "MaxDecoded", "2147483648"},
	} {
		codec, err := New(verbatim{}, test.cfg)
		if err == nil || codec != nil || !strings.Contains(err.Error(), "Config."+test.field) || !strings.Contains(err.Error(), test.value) {
			t.Errorf("a value out of range is an error that names field and value: %+v: got %v, %v", test.cfg, codec, err)
		}
	}
	for what, inner := range map[string]cascache.Codec[[]byte]{
		"is nil":              nil,
		"*cascache.Limit":     (*cascache.Limit[[]byte])(nil),
		"a cascache.Limit":    cascache.Limit[[]byte]{Max: 5},
		"*zstdcodec.verbatim": cascache.Limit[[]byte]{Codec: &Codec[[]byte]{inner: (*verbatim)(nil)}},
		"a *zstdcodec.Codec":  new(Codec[[]byte]),
	} {
		if codec, err := New(inner, Config{}); err == nil || codec != nil || !strings.Contains(err.Error(), what) {
			t.Errorf("an inner codec that would panic is an error that names it: want %q, got %v, %v", what, codec, err)
		}
	}
}

func TestLevelNames(t *testing.T) {
	for level, want := range map[Level]string{Fastest: "Fastest", Balanced: "Balanced", Better: "Better", Best: "Best", 0: "Level(0)", 9: "Level(9)"} {
		if got := level.String(); got != want {
			t.Errorf("a level says its name: got %q, want %q", got, want)
		}
	}
}

// Each level has to be another one, in the order of their names.
func TestHigherLevelsShrinkMore(t *testing.T) {
	payload := text(200_000)
	last := len(payload)
	for level := Fastest; level <= Best; level++ {
		data, err := open(t, verbatim{}, Config{Level: level}).Encode(payload)
		if err != nil {
			t.Fatal(err)
		}
		if len(data) >= last {
			t.Errorf("level %v shrinks more than the one below: got %d bytes after %d", level, len(data), last)
		}
		last = len(data)
		if got, err := open(t, verbatim{}, Config{}).Decode(data); err != nil || len(got) != len(payload) {
			t.Errorf("any codec decodes level %v: got %d bytes, %v", level, len(got), err)
		}
	}
}
