package main

import (
	"bytes"
	"errors"
	"flag"
	"strings"
	"testing"
	"time"
)

func TestFlagsDefaults(t *testing.T) {
	cfg, err := parseFlags(nil)
	if err != nil {
		t.Fatal(err)
	}
	if cfg != defaults() {
		t.Errorf("without flags the defaults hold: got %+v, want %+v", cfg, defaults())
	}
	if total := cfg.duration * time.Duration(len(contenders())); total > 15*time.Second {
		t.Errorf("the demo takes well under 20 s: the runs alone take %v", total)
	}
}

func TestFlagsAreRead(t *testing.T) {
	cfg, err := parseFlags([]string{"-duration", "2s", "-keys=300", "-readers", "5", "--write-rate", "70", "-load-delay", "9ms", "-seed", "11"})
	if err != nil {
		t.Fatal(err)
	}
	want := config{duration: 2 * time.Second, keys: 300, readers: 5, writeRate: 70, loadDelay: 9 * time.Millisecond, seed: 11}
	if cfg != want {
		t.Errorf("the flags mean what they say: got %+v, want %+v", cfg, want)
	}
	if got := cfg.products(); got != minProducts {
		t.Errorf("the table holds at least %d products: got %d", minProducts, got)
	}
	if got := (config{keys: 20_000}).products(); got != 20_000 {
		t.Errorf("the table holds every product that is used: got %d, want 20000", got)
	}
}

func TestFlagsAtTheirBounds(t *testing.T) {
	for _, args := range []string{
		"-duration 200ms", "-duration 10m", "-keys 1", "-keys 200000", "-readers 1", "-readers 512",
		"-write-rate 1", "-write-rate 10000", "-load-delay 0", "-duration 4s -load-delay 1s", "-load-delay 1s -duration 4s",
		"-seed 0", "-seed 18446744073709551615",
	} {
		if _, err := parseFlags(strings.Fields(args)); err != nil {
			t.Errorf("%s is allowed: %v", args, err)
		}
	}
}

func TestFlagsOutOfRange(t *testing.T) {
	for _, c := range []struct{ flag, value, allowed string }{
		{"duration", "199ms", "from 200ms to 10m0s"},
		{"duration", "11m", "from 200ms to 10m0s"},
		{"duration", "-3s", "from 200ms to 10m0s"},
		{"duration", "3", "from 200ms to 10m0s"},
		{"duration", "", "from 200ms to 10m0s"},
		{"keys", "0", "from 1 to 200000"},
		{"keys", "-1", "from 1 to 200000"},
		{"keys", "200001", "from 1 to 200000"},
		{"keys", "many", "from 1 to 200000"},
		{"keys", "1.5", "from 1 to 200000"},
		{"readers", "0", "from 1 to 512"},
		{"readers", "513", "from 1 to 512"},
		{"readers", "99999999999999999999", "from 1 to 512"},
		{"write-rate", "0", "from 1 to 10000"},
		{"write-rate", "10001", "from 1 to 10000"},
		{"load-delay", "-1ms", "from 0s to 1s"},
		{"load-delay", "1001ms", "from 0s to 1s"},
		{"load-delay", "900ms", "from 0s to 750ms, a quarter of -duration"},
		{"load-delay", "soon", "from 0s to 1s"},
		{"seed", "-1", "from 0 to 18446744073709551615"},
		{"seed", "x", "from 0 to 18446744073709551615"},
	} {
		t.Run(c.flag+"="+c.value, func(t *testing.T) {
			_, err := parseFlags([]string{"-" + c.flag + "=" + c.value})
			if err == nil {
				t.Fatalf("-%s=%s is out of range and accepted", c.flag, c.value)
			}
			for _, part := range []string{"-" + c.flag, `"` + c.value + `"`, c.allowed} {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("the error names the flag, the value and what is allowed: %q lacks %q", err, part)
				}
			}
		})
	}
}

func TestFlagsThatDoNotExist(t *testing.T) {
	for _, args := range [][]string{{"-nope"}, {"now"}, {"-keys"}} {
		if _, err := parseFlags(args); err == nil || errors.Is(err, flag.ErrHelp) {
			t.Errorf("%q is accepted: got %v, want an error", args, err)
		}
	}
}

func TestUsageExplainsEveryFlag(t *testing.T) {
	var out bytes.Buffer
	usage(&out)
	cfg := defaults()
	flagSet(&cfg).VisitAll(func(f *flag.Flag) {
		for _, part := range []string{"\n  -" + f.Name + " ", f.DefValue} {
			if !strings.Contains(out.String(), part) {
				t.Errorf("the help explains every flag and its default: it lacks %q", part)
			}
		}
	})
	for line := range strings.Lines(out.String()) {
		if len(line) > textWidth+1 {
			t.Errorf("a line of the help is over %d characters long: %q", textWidth, line)
		}
	}
}
