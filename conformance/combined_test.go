package conformance

import (
	"bytes"
	"context"
	"sync"
	"testing"
	"time"

	"github.com/unkn0wn-root/cascache/conformance/faults"
	cascache "github.com/unkn0wn-root/cascache/core"
)

func TestCombinedRulesAreWellFormed(t *testing.T) { requireWellFormed(t, combinedRules, nil) }

func TestPlainCombinedPasses(t *testing.T) { RunCombined(t, bothHarness("")) }

func TestForwardingCombinedPasses(t *testing.T) {
	RunCombined(t, CombinedHarness{New: func(testing.TB) cascache.Combined {
		return faults.NewBackend(newPlainBoth(""), faults.NewScript(1), faults.NewScript(1))
	}})
}

func bothHarness(fault string) CombinedHarness {
	return CombinedHarness{New: func(testing.TB) cascache.Combined { return newPlainBoth(fault) }}
}

// plainBoth keeps values in a map, and generations in a local store. It does
// what is expected of it unless it is made with a fault.
type plainBoth struct {
	*cascache.LocalGenStore
	fault string

	mu     sync.Mutex // guards values, and is held through each combined call
	values map[string][]byte
}

func newPlainBoth(fault string) *plainBoth {
	return &plainBoth{LocalGenStore: cascache.NewLocalGenStore(0, 0), fault: fault, values: make(map[string][]byte)}
}

func (p *plainBoth) genKey(key string) string {
	if p.fault == "schema" {
		return key
	}
	return cascache.GenKey(key)
}

func (p *plainBoth) Get(_ context.Context, key string) ([]byte, bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	value, found := p.values[key]
	return value, found, nil
}

func (p *plainBoth) Set(_ context.Context, key string, value []byte, _ int64, _ time.Duration) (bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.values[key] = append([]byte{}, value...)
	return true, nil
}

func (p *plainBoth) Del(_ context.Context, key string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.values, key)
	return nil
}

func (p *plainBoth) GetWithGen(ctx context.Context, key string, create bool) (value []byte, gen uint64, valueErr, genErr error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.read(ctx, key, create)
}

func (p *plainBoth) read(ctx context.Context, key string, create bool) (value []byte, gen uint64, valueErr, genErr error) {
	value, found := p.values[key]
	if p.fault == "empty" && len(value) == 0 {
		value = nil
	} else if found && value == nil {
		value = []byte{}
	}
	switch {
	case create && p.fault != "create", p.fault == "reads create":
		gen, genErr = p.Snapshot(ctx, p.genKey(key))
	default:
		gen, genErr = p.Current(ctx, p.genKey(key))
	}
	if p.fault == "other generation" && gen != 0 {
		gen++
	}
	if p.fault == "held" && gen == 0 && value != nil {
		gen = 7
	}
	return value, gen, nil, genErr
}

func (p *plainBoth) GetBulkWithGens(ctx context.Context, bulk string, keys []string, wanted bool) (r cascache.BulkReading, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if bulk != "" {
		r.Bulk = p.values[bulk]
	}
	for _, key := range keys {
		var value []byte
		var gen uint64
		if p.fault == "other generation" || p.fault == "held" { // told by the single reads
			value = p.values[key]
			gen, r.GenErr = p.Current(ctx, p.genKey(key))
		} else {
			value, gen, _, r.GenErr = p.read(ctx, key, false)
		}
		if r.Gens = append(r.Gens, gen); wanted {
			r.Values = append(r.Values, value)
		}
	}
	if p.fault == "bulk order" && wanted {
		r.Values[0], r.Values[len(keys)-1] = r.Values[len(keys)-1], r.Values[0]
	}
	return r, nil
}

func (p *plainBoth) SetIfGen(ctx context.Context, item cascache.Item, gen uint64) (current uint64, stored bool, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.set(ctx, item, gen, p.fault)
}

func (p *plainBoth) set(ctx context.Context, item cascache.Item, gen uint64, fault string) (current uint64, stored bool, err error) {
	current, err = p.Current(ctx, p.genKey(item.Key))
	ok := current == gen
	switch {
	case fault == "stores nothing":
		ok = false
	case fault == "no compare" && current != 0:
		ok = true
	}
	if ok {
		p.values[item.Key] = append([]byte{}, item.Value...)
	}
	return current, ok, err
}

func (p *plainBoth) SetBulkIfGens(ctx context.Context, items []cascache.Item, gens []uint64) (current []uint64, stored []bool, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	current, stored = make([]uint64, len(gens)), make([]bool, len(items))
	all := true
	for i, gen := range gens {
		fault := ""
		if p.fault == "bulk without compare" {
			fault = "no compare"
		}
		current[i], stored[i], err = p.set(ctx, items[i], gen, fault)
		all = all && current[i] == gen
	}
	if at := len(gens); at < len(items) && (all || p.fault == "bulk of any") {
		p.values[items[at].Key], stored[at] = items[at].Value, all
	}
	return current, stored, err
}

func (p *plainBoth) BumpAndDel(ctx context.Context, keys []string) (gens []uint64, bumpErr, delErr error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, key := range keys {
		gen, err := p.Bump(ctx, p.genKey(key))
		if gens, bumpErr = append(gens, gen), err; p.fault != "no delete" {
			delete(p.values, key)
		}
	}
	return gens, bumpErr, nil
}

func (p *plainBoth) DelEqual(_ context.Context, keys []string, values [][]byte) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, key := range keys {
		if bytes.Equal(p.values[key], values[i]) && p.fault != "no heal" || p.fault == "heals all" {
			delete(p.values, key)
		}
	}
	return nil
}

// rootless wraps something that is no Combined.
type rootless struct{ *plainBoth }

func (r rootless) Unwrap() any { return r.LocalGenStore }

func TestCombinedTwinsAreCaught(t *testing.T) {
	twins := []twin{
		{fault: "other generation", fails: "ReadsBoth", also: []string{"CreateIsASnapshot"}},
		{fault: "empty", fails: "EmptyIsNoMiss"},
		{fault: "reads create", fails: "ReadsDoNotCreate", also: []string{"ReadsBoth", "BulkReadsAll"}},
		{fault: "create", fails: "CreateIsASnapshot"},
		{fault: "bulk order", fails: "BulkReadsAll"},
		{fault: "stores nothing", fails: "SetsUnderItsGeneration"},
		{fault: "no compare", fails: "SetsUnderNoOther"},
		{fault: "bulk without compare", fails: "BulkSetsWhatHasNotMoved"},
		{fault: "bulk of any", fails: "BulkOnlyOfAll"},
		{fault: "no delete", fails: "BumpAndDelDoesBoth"},
		{fault: "held", fails: "HeldIsNoGeneration"},
		{fault: "no heal", fails: "DelEqualDeletesThat"},
		{fault: "heals all", fails: "DelEqualDeletesNoOther"},
		{fault: "schema", fails: "SchemasShareGenerations"},
		{fault: "rootless", fails: "WrapperKeepsCombined"},
	}
	var suites []*suite[*combinedSubject]
	for _, tw := range twins {
		h := bothHarness(tw.fault)
		if tw.fault == "rootless" {
			h.New = func(testing.TB) cascache.Combined { return rootless{newPlainBoth("")} }
		}
		suites = append(suites, combinedSuite(h))
	}
	requireTwins(t, combinedRules, twins)
	requireAllCaught(t, twins, suites)
}

// A cache over one value for both, with faults between: the promise holds.
func TestCacheOverACombinedPasses(t *testing.T) {
	RunCache(t, CacheHarness{
		New: func(_ testing.TB, n int) []cascache.Options[string] {
			all := make([]cascache.Options[string], n)
			for i := range all {
				both := newPlainBoth("")
				all[i] = cascache.Options[string]{Namespace: "app", Provider: both, GenStore: both, Codec: cascache.String{}}
			}
			return all
		},
		Lacks: map[Lack]string{Sharing: "it is memory of one process", Losing: "it loses nothing"},
	})
}
