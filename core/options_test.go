package cascache

import (
	"math"
	"strings"
	"testing"
	"time"
)

func TestOptionsAreValidated(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(*Options[string])
		want  []string // the field, the value, the range
	}{
		"no namespace":              {func(o *Options[string]) { o.Namespace = "" }, []string{"Namespace", "empty", "required"}},
		"namespace too long":        {func(o *Options[string]) { o.Namespace = strings.Repeat("n", 65527) }, []string{"Namespace", "65535", "65534"}},
		"escaped, it is too long":   {func(o *Options[string]) { o.Namespace = strings.Repeat(":", 22000) }, []string{"Namespace", "66008", "65534"}},
		"no provider":               {func(o *Options[string]) { o.Provider = nil }, []string{"Provider", "nil", "required"}},
		"no codec":                  {func(o *Options[string]) { o.Codec = nil }, []string{"Codec", "nil", "required"}},
		"negative DefaultTTL":       {func(o *Options[string]) { o.DefaultTTL = -time.Second }, []string{"DefaultTTL", "-1s", "0"}},
		"negative BulkTTL":          {func(o *Options[string]) { o.BulkTTL = -time.Second }, []string{"BulkTTL", "-1s", "0"}},
		"negative GenTimeout":       {func(o *Options[string]) { o.GenTimeout = -1 }, []string{"GenTimeout", "-1ns", "0"}},
		"negative CleanupInterval":  {func(o *Options[string]) { o.CleanupInterval = -1 }, []string{"CleanupInterval", "-1ns", "0"}},
		"negative GenRetention":     {func(o *Options[string]) { o.GenRetention = -1 }, []string{"GenRetention", "-1ns", "0"}},
		"negative TTLJitter":        {func(o *Options[string]) { o.TTLJitter = -0.1 }, []string{"TTLJitter", "-0.1", "[0, 1)"}},
		"TTLJitter of 1":            {func(o *Options[string]) { o.TTLJitter = 1 }, []string{"TTLJitter", "1", "[0, 1)"}},
		"TTLJitter without a value": {func(o *Options[string]) { o.TTLJitter = math.NaN() }, []string{"TTLJitter", "NaN", "[0, 1)"}},
		"TTLJitter without a bound": {func(o *Options[string]) { o.TTLJitter = math.Inf(1) }, []string{"TTLJitter", "+Inf", "[0, 1)"}},
	} {
		t.Run(name, func(t *testing.T) {
			opts := Options[string]{Namespace: "n", Provider: newMapProvider(), Codec: String{}}
			c.spoil(&opts)
			h, err := New(opts)
			if err == nil || h != nil {
				t.Fatalf("options that cannot work are refused: got %v, %v", h, err)
			}
			for _, part := range c.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("the error names the field, its value and what is allowed: %q is missing in %q", part, err)
				}
			}
		})
	}
}

func TestOptionsAtTheirBounds(t *testing.T) {
	for name, change := range map[string]func(*Options[string]){
		"the longest namespace": func(o *Options[string]) { o.Namespace = strings.Repeat("n", 65526) },
		"the largest jitter":    func(o *Options[string]) { o.TTLJitter = math.Nextafter(1, 0) },
		"the shortest times":    func(o *Options[string]) { o.DefaultTTL, o.BulkTTL, o.GenTimeout = 1, 1, time.Minute },
		"the longest times":     func(o *Options[string]) { o.GenTimeout, o.GenRetention = math.MaxInt64, math.MaxInt64 },
		"the longest of local gens": func(o *Options[string]) {
			o.GenStore, o.CleanupInterval, o.GenRetention = nil, math.MaxInt64, math.MaxInt64
		},
		"the shortest of local gens": func(o *Options[string]) { o.GenStore, o.GenRetention = nil, 1 },
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, change)
			if err := r.SetWithGen(t.Context(), "k", "v", r.SnapshotGen("k"), time.Hour); err != nil {
				t.Fatalf("a value at the end of its range works: %v", err)
			}
			wantHit(t, r.Handle, "a value at the end of its range works", "k", "v")
		})
	}
}

func TestTheZeroValueOfEveryOptionalFieldWorks(t *testing.T) {
	provider := newMapProvider()
	h := open(t, Options[string]{Namespace: "n", Provider: provider, Codec: String{}})
	fill(t, h, "k", "v")
	wantHit(t, h, "the zero value of every optional field works", "k", "v")
	items := map[string]string{"a": "1", "b": "2"}
	fillBulk(t, h, items)
	wantBulk(t, h, "the zero value of every optional field works", []string{"a", "b"}, items)
	if err := h.InvalidateBulk(t.Context(), []string{"k", "a"}); err != nil {
		t.Fatal(err)
	}
	wantMiss(t, h, "the zero value of every optional field works", "k")
	wantBulk(t, h, "the zero value of every optional field works", []string{"a", "b"}, map[string]string{"b": "2"}, "a")

	if h.gens.timeout != DefaultGenTimeout {
		t.Errorf("GenTimeout 0 means its documented default: got %v, want %v", h.gens.timeout, DefaultGenTimeout)
	}
	store := h.gens.store.(*LocalGenStore)
	if store.interval != DefaultCleanupInterval || store.retention != DefaultGenRetention {
		t.Errorf("local generations are pruned by documented defaults: got %v and %v, want %v and %v",
			store.interval, store.retention, DefaultCleanupInterval, DefaultGenRetention)
	}
}

func TestOptionsReachTheLocalStore(t *testing.T) {
	h := open(t, Options[string]{
		Namespace: "n", Provider: newMapProvider(), Codec: String{}, CleanupInterval: time.Minute, GenRetention: time.Hour,
	})
	store := h.gens.store.(*LocalGenStore)
	if store.interval != time.Minute || store.retention != time.Hour {
		t.Errorf("CleanupInterval and GenRetention are those of the local store: got %v and %v", store.interval, store.retention)
	}
}

func TestDocumentedDefaults(t *testing.T) {
	for name, c := range map[string][2]time.Duration{
		"TTL":              {DefaultTTL, 10 * time.Minute},
		"cleanup interval": {DefaultCleanupInterval, time.Hour},
		"retention":        {DefaultGenRetention, 30 * 24 * time.Hour},
	} {
		if c[0] != c[1] {
			t.Errorf("the documented default of the %s: got %v, want %v", name, c[0], c[1])
		}
	}
}

func TestComputeSetCost(t *testing.T) {
	type asked struct {
		key    string
		size   int
		isBulk bool
		n      int
	}
	for name, newOne := range rigs {
		t.Run(name, func(t *testing.T) {
			got := make(map[asked]bool)
			r := newOne(t, func(o *Options[string]) {
				o.ComputeSetCost = func(key string, raw []byte, isBulk bool, n int) int64 {
					got[asked{key, len(raw), isBulk, n}] = true
					return int64(1000 + len(raw))
				}
			})
			fill(t, r.Handle, "k", "12345")
			fillBulk(t, r.Handle, map[string]string{"a": "1", "b": "22"})
			// A single is 18 bytes and its payload; a bulk 10, and for each
			// member 14, its key and its payload.
			want := []asked{
				{"single:n:k", 18 + 5, false, 1},
				{"single:n:a", 18 + 1, false, 1},
				{"single:n:b", 18 + 2, false, 1},
				{bulkOfAB, 10 + 2*14 + 2 + 3, true, 2},
			}
			for _, w := range want {
				if !got[w] {
					t.Errorf("the cost is asked for each entry, with its storage key, its bytes, its kind and how many values it holds: %+v is missing in %v", w, got)
				}
				if e, _ := r.provider.entry(w.key); e.cost != int64(1000+w.size) || len(e.value) != w.size {
					t.Errorf("the provider gets the cost that was computed: %s: got %d for %d bytes, want %d", w.key, e.cost, len(e.value), 1000+w.size)
				}
			}
			if len(got) != len(want) {
				t.Errorf("the cost is asked once for each entry: got %v", got)
			}
		})
	}
}

func TestCostIsTheSizeByDefault(t *testing.T) {
	r := newRig(t)
	fillBulk(t, r.Handle, map[string]string{"a": "1", "b": "22"})
	for _, entry := range []string{"single:n:a", "single:n:b", bulkOfAB} {
		if e, _ := r.provider.entry(entry); e.cost != int64(len(e.value)) || e.cost == 0 {
			t.Errorf("without ComputeSetCost, a capacity counts bytes: %s: got cost %d for %d bytes", entry, e.cost, len(e.value))
		}
	}
}
