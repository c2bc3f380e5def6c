package cascache

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"reflect"
	"testing"
)

// logged runs act over hooks that write to a logger of level, and returns the
// lines.
func logged(t *testing.T, level slog.Level, act func(h *Hooks)) []map[string]any {
	t.Helper()
	var out bytes.Buffer
	act(SlogHooks(slog.New(slog.NewJSONHandler(&out, &slog.HandlerOptions{Level: level}))))
	var lines []map[string]any
	for d := json.NewDecoder(&out); ; {
		var line map[string]any
		if err := d.Decode(&line); err == io.EOF {
			return lines
		} else if err != nil {
			t.Fatal(err)
		}
		delete(line, "time")
		lines = append(lines, line)
	}
}

func TestSlogHooks(t *testing.T) {
	ctx := context.Background()
	for name, c := range map[string]struct {
		fire  func(h *Hooks)
		level slog.Level
		want  map[string]any // beside level, message and namespace
	}{
		"Hit": {
			func(h *Hooks) { h.Hit(ctx, HitEvent{Namespace: "n", Key: "k", Bulk: true}) },
			slog.LevelDebug, map[string]any{"key": "k", "bulk": true},
		},
		"Miss": {
			func(h *Hooks) { h.Miss(ctx, MissEvent{Namespace: "n", Key: "k", Reason: ReasonStale}) },
			slog.LevelDebug, map[string]any{"key": "k", "reason": "stale"},
		},
		"SetSkipped": {
			func(h *Hooks) { h.SetSkipped(ctx, SetSkippedEvent{Namespace: "n", Key: "k", Reason: ReasonNoGen}) },
			slog.LevelDebug, map[string]any{"key": "k", "reason": "no_generation"},
		},
		"SelfHeal": {
			func(h *Hooks) {
				h.SelfHeal(ctx, SelfHealEvent{Namespace: "n", StorageKey: "single:n:k", Reason: ReasonCorrupt, Err: errBroken})
			},
			slog.LevelInfo, map[string]any{"storage_key": "single:n:k", "reason": "corrupt", "error": "broken"},
		},
		"SetRejected": {
			func(h *Hooks) {
				h.SetRejected(ctx, SetRejectedEvent{Namespace: "n", StorageKey: "single:n:k", Cost: 7})
			},
			slog.LevelInfo, map[string]any{"storage_key": "single:n:k", "bulk": false, "cost": 7.0},
		},
		"BulkRejected": {
			func(h *Hooks) {
				h.BulkRejected(ctx, BulkRejectedEvent{Namespace: "n", Keys: []string{"a", "b"}, Write: true, Reason: ReasonStale})
			},
			slog.LevelInfo, map[string]any{"keys": 2.0, "write": true, "reason": "stale"},
		},
		"GenStoreError": {
			func(h *Hooks) {
				h.GenStoreError(ctx, GenStoreErrorEvent{Namespace: "n", Key: "k", Keys: 3, Op: GenCurrent, Err: errBroken})
			},
			slog.LevelWarn, map[string]any{"key": "k", "keys": 3.0, "op": "current", "error": "broken"},
		},
		"DeleteFailed": {
			func(h *Hooks) {
				h.DeleteFailed(ctx, DeleteFailedEvent{Namespace: "n", Key: "k", Keys: 3, Err: errBroken})
			},
			slog.LevelWarn, map[string]any{"key": "k", "keys": 3.0, "error": "broken"},
		},
		"InvalidateFailed": {
			func(h *Hooks) {
				err := &InvalidateError{Key: "k", BumpErr: errBroken}
				h.InvalidateFailed(ctx, InvalidateFailedEvent{Namespace: "n", Key: "k", Err: err})
			},
			slog.LevelError, map[string]any{"key": "k", "error": `cascache: invalidate "k": bump: broken`},
		},
		"InvalidateRecovered": {
			func(h *Hooks) { h.InvalidateRecovered(ctx, InvalidateRecoveredEvent{Namespace: "n", Key: "k"}) },
			slog.LevelInfo, map[string]any{"key": "k"},
		},
		"SharedProvider": {
			func(h *Hooks) { h.SharedProvider(ctx, SharedProviderEvent{Namespace: "n"}) },
			slog.LevelWarn, map[string]any{},
		},
	} {
		t.Run(name, func(t *testing.T) {
			lines := logged(t, slog.LevelDebug, c.fire)
			if len(lines) != 1 {
				t.Fatalf("one event is one line: got %v", lines)
			}
			line := lines[0]
			if line["level"] != c.level.String() || line["namespace"] != "n" || line["msg"] == "" {
				t.Errorf("an event is logged with its level and namespace: got %v, want level %v", line, c.level)
			}
			for _, part := range []string{"level", "msg", "namespace"} {
				delete(line, part)
			}
			if !reflect.DeepEqual(line, c.want) {
				t.Errorf("an event is logged with its fields: got %v, want %v", line, c.want)
			}
			if lines := logged(t, c.level+1, c.fire); len(lines) != 0 {
				t.Errorf("an event below the logger's level is not logged: got %v", lines)
			}
		})
	}
}

// A new hook that nobody logs would be missed here.
func TestSlogHooksSetEveryHook(t *testing.T) {
	hooks := reflect.ValueOf(*SlogHooks(slog.New(slog.DiscardHandler)))
	for i := range hooks.NumField() {
		if hooks.Field(i).IsNil() {
			t.Errorf("every event can be logged: %s is not", hooks.Type().Field(i).Name)
		}
	}
}

func TestSlogHooksOverTheDefaultLogger(t *testing.T) {
	var out bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&out, nil)))
	t.Cleanup(func() { slog.SetDefault(before) })
	SlogHooks(nil).SharedProvider(t.Context(), SharedProviderEvent{Namespace: "n"})
	if !bytes.Contains(out.Bytes(), []byte("namespace=n")) {
		t.Errorf("nil means the default logger: it got %q", out.String())
	}
}

func TestSlogHooksInACache(t *testing.T) {
	lines := logged(t, slog.LevelInfo, func(h *Hooks) {
		r := newRig(t, func(o *Options[string]) { o.Hooks = h })
		r.provider.put("single:n:k", []byte("secret bytes"))
		wantMiss(t, r.Handle, "bytes that are no entry are a miss", "k")
	})
	if len(lines) != 1 || lines[0]["storage_key"] != "single:n:k" || lines[0]["reason"] != "corrupt" {
		t.Errorf("a cache writes its events: got %v", lines)
	}
}

func TestSlogHooksTellOfLoads(t *testing.T) {
	for _, test := range []struct {
		what string
		fire func(h *Hooks)
		want slog.Level
	}{
		{"a load", func(h *Hooks) { h.Load(t.Context(), LoadEvent{Namespace: "n", Keys: []string{"a", "b"}}) }, slog.LevelDebug},
		{"a load that failed", func(h *Hooks) { h.Load(t.Context(), LoadEvent{Keys: []string{"a"}, Err: errBroken}) }, slog.LevelWarn},
		{"a load that could not be stored", func(h *Hooks) { h.Load(t.Context(), LoadEvent{Keys: []string{"a"}, StoreErr: errBroken}) }, slog.LevelWarn},
		{"a lease that ended", func(h *Hooks) { h.LeaseEnded(t.Context(), LeaseEndedEvent{Keys: []string{"a"}}) }, slog.LevelWarn},
	} {
		lines := logged(t, slog.LevelDebug, test.fire)
		if len(lines) != 1 || lines[0]["level"] != test.want.String() {
			t.Errorf("%s is one line of level %v: got %v", test.what, test.want, lines)
		}
	}
}

func TestSlogHooksBelowTheLevelDoNotAllocate(t *testing.T) {
	hooks := NewSlogHooks(slog.New(slog.NewTextHandler(io.Discard, nil)), SlogOptions{Redact: HashKey, MaxPerSecond: 1})
	ctx := t.Context()
	if n := testing.AllocsPerRun(100, func() {
		hooks.Hit(ctx, HitEvent{Namespace: "n", Key: "k"})
		hooks.Miss(ctx, MissEvent{Namespace: "n", Key: "k", Reason: ReasonStale})
	}); n != 0 {
		t.Errorf("events below the logger's level cost no memory: got %v allocations", n)
	}
}
