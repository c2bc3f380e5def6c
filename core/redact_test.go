package cascache

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

const (
	alice = "alice@example.com" // a key of the event
	bob   = "bob@example.com"   // a key that only the error names
	carol = `carol "c" é`       // a key of the event that looks different in quotes
)

// personal returns an event of the field's type that names people wherever it can.
func personal(field int) reflect.Value {
	e := eventOf(field)
	err := fmt.Errorf("get %q: key %s of %q and single:n:%s: %w", "single:n:"+bob, alice, carol, alice,
		&InvalidateError{Key: bob, BumpErr: errors.New("no such row: " + alice), DelErr: fmt.Errorf("del %q", alice)})
	for i := range e.NumField() {
		f := e.Field(i)
		switch name := e.Type().Field(i).Name; {
		case name == "Namespace":
			f.SetString("n")
		case name == "Key":
			f.SetString(alice)
		case name == "StorageKey":
			f.SetString("single:n:" + alice)
		case name == "Keys" && f.Kind() == reflect.Slice:
			f.Set(reflect.ValueOf([]string{alice, carol}))
		case f.Type() == reflect.TypeFor[*InvalidateError]():
			f.Set(reflect.ValueOf(&InvalidateError{Key: alice, BumpErr: err}))
		case f.Kind() == reflect.Interface:
			f.Set(reflect.ValueOf(err))
		}
	}
	return e
}

func TestRedactedLinesNameNobody(t *testing.T) {
	for format, handler := range map[string]func(io.Writer, *slog.HandlerOptions) slog.Handler{
		"text": func(w io.Writer, o *slog.HandlerOptions) slog.Handler { return slog.NewTextHandler(w, o) },
		"json": func(w io.Writer, o *slog.HandlerOptions) slog.Handler { return slog.NewJSONHandler(w, o) },
	} {
		t.Run(format, func(t *testing.T) {
			eachHook(t, func(t *testing.T, field int, name string) {
				var out bytes.Buffer
				options := &slog.HandlerOptions{Level: slog.LevelDebug, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
					if err, ok := a.Value.Any().(error); ok {
						t.Errorf("an error whose keys are hidden is text: a handler gets %T", err)
					}
					return a
				}}
				logger := slog.New(handler(&out, options))
				fire(NewSlogHooks(logger, SlogOptions{Redact: HashKey}), field, t.Context(), personal(field))
				line := out.String()
				for _, key := range []string{"alice", "bob", "carol"} {
					if strings.Contains(line, key) {
						t.Errorf("a line with hidden keys names nobody: %q is in %s", key, line)
					}
				}
				event := personal(field)
				for _, f := range []string{"Key", "StorageKey"} {
					if event.FieldByName(f).IsValid() && !strings.Contains(line, HashKey(alice)) {
						t.Errorf("what stands for a key tells equal keys: %s is not in %s", HashKey(alice), line)
					}
				}
				if event.FieldByName("StorageKey").IsValid() && !strings.Contains(line, "single:n:#") {
					t.Errorf("a storage key stays recognizable: single:n: is not in %s", line)
				}
				if event.FieldByName("Err").IsValid() && !strings.Contains(line, "no such row: ") {
					t.Errorf("an error keeps its words: %s", line)
				}

				// Without Redact they are all there.
				out.Reset()
				fire(SlogHooks(slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}))), field, t.Context(), personal(field))
				if event.FieldByName("Key").IsValid() && !strings.Contains(out.String(), alice) {
					t.Errorf("SlogHooks writes keys as they are: %s", out.String())
				}
			})
		})
	}
}

func TestRedactedTexts(t *testing.T) {
	r := redactor{replace: func(key string) string { return "<" + strings.ToUpper(key) + ">" }}
	for _, c := range []struct {
		text string
		keys []string
		want string
	}{
		{`get "single:n:k": EOF`, nil, `get "single:n:<K>": EOF`},
		{`set "bulk:n:00ff": EOF`, nil, `set "bulk:n:<00FF>": EOF`},
		{`get "single:other:k"`, nil, `get "<SINGLE:OTHER:K>"`},
		{`invalidate "k\"é\n": bump`, nil, `invalidate "<K\"É\n>": bump`},
		{`dial tcp 127.0.0.1:16379: refused by 1`, []string{"1"}, `dial tcp 127.0.0.<1>:16379: refused by <1>`},
		{`user12345x`, []string{"12345"}, `user<12345>x`},
		{`abcd abcdef`, []string{"abcd", "abcdef"}, `<ABCD> <ABCDEF>`},
		{`an open " quote of key7`, []string{"key7"}, `an open " quote of <KEY7>`},
		{``, []string{"", "k"}, ``},
		{`nothing`, []string{""}, `nothing`},
		{"bytes \xff\xfe of k", []string{"k"}, "bytes \xff\xfe of <K>"},
	} {
		if got := r.text(c.text, "n", c.keys); got != c.want {
			t.Errorf("an error without keys keeps its other words: %s with the keys %q: got %s, want %s", c.text, c.keys, got, c.want)
		}
	}
}

func TestAnErrorOfManyKeysIsRedactedInTime(t *testing.T) {
	keys := make([]string, 100_000)
	for i := range keys {
		keys[i] = fmt.Sprint("user-", i)
	}
	got := redactor{replace: HashKey}.text("load "+keys[99_999]+": refused", "n", keys)
	if got != "load "+HashKey(keys[99_999])+": refused" {
		t.Errorf("the longest key that is named is replaced: got %q", got)
	}
}

func TestHashKey(t *testing.T) {
	if a, b := HashKey("a"), HashKey("a"); a != b || a == HashKey("b") || strings.Contains(a, "a"+"@") || len(a) != 13 {
		t.Errorf("equal keys have equal hashes, and others do not: %s and %s, %s", a, b, HashKey("b"))
	}
}

func TestSampledLines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		hooks := NewSlogHooks(slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelInfo})), SlogOptions{MaxPerSecond: 2})
		lines := func() int { return strings.Count(out.String(), "\n") }
		for range 10 {
			hooks.GenStoreError(t.Context(), GenStoreErrorEvent{Key: "k", Err: errBroken})
			hooks.Miss(t.Context(), MissEvent{Key: "k"}) // below the level: counts for nothing
		}
		hooks.Load(t.Context(), LoadEvent{Err: errBroken})
		if lines() != 3 || strings.Contains(out.String(), "left_out") {
			t.Errorf("two lines of each kind of event are written in a second: got %s", out.String())
		}
		out.Reset()
		time.Sleep(time.Second)
		for range 3 {
			hooks.GenStoreError(t.Context(), GenStoreErrorEvent{Key: "k", Err: errBroken})
		}
		if lines() != 2 || strings.Count(out.String(), "left_out=8") != 1 {
			t.Errorf("the next line tells how many were left out: got %s", out.String())
		}
		out.Reset()
		time.Sleep(time.Second)
		hooks.GenStoreError(t.Context(), GenStoreErrorEvent{Key: "k", Err: errBroken})
		hooks.Load(t.Context(), LoadEvent{Err: errBroken})
		if lines() != 2 || strings.Count(out.String(), "left_out=1") != 1 {
			t.Errorf("each kind counts its own: got %s", out.String())
		}

		all := NewSlogHooks(slog.New(slog.NewTextHandler(&out, nil)), SlogOptions{MaxPerSecond: -1})
		out.Reset()
		for range 100 {
			all.InvalidateRecovered(t.Context(), InvalidateRecoveredEvent{Key: "k"})
		}
		if lines() != 100 {
			t.Errorf("without a bound every line is written: got %d of 100", lines())
		}
	})
}
