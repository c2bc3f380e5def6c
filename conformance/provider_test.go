package conformance

import (
	"context"
	"testing"
	"time"

	cascache "github.com/unkn0wn-root/cascache/core"
)

func openPlain(p *plain) cascache.Provider  { return p }
func openBulked(p *plain) cascache.Provider { return bulked{p} }
func openShared(p *plain) cascache.Provider { return shared{bulked{p}} }

func TestProviderRulesAreWellFormed(t *testing.T) { requireWellFormed(t, providerRules, providerLacks) }

func TestPlainProviderPasses(t *testing.T) {
	RunProvider(t, plainHarness(openPlain))
}

func TestBulkedProviderPasses(t *testing.T) {
	RunProvider(t, plainHarness(openBulked))
}

func TestSharedProviderPasses(t *testing.T) {
	h := plainHarness(openShared)
	sharing(&h, openShared)
	RunProvider(t, h)
}

func TestForwardingWrapperPasses(t *testing.T) {
	open := func(p *plain) cascache.Provider { return forwarding{shared{bulked{p}}} }
	h := plainHarness(open)
	sharing(&h, open)
	RunProvider(t, h)
}

// oneLife is plain with one life time for all entries.
type oneLife struct{ *plain }

func (p oneLife) Set(ctx context.Context, key string, value []byte, cost int64, _ time.Duration) (bool, error) {
	return p.plain.Set(ctx, key, value, cost, 1000*time.Hour)
}

func TestProviderWithOneLifeTimePasses(t *testing.T) {
	h := plainHarness(func(p *plain) cascache.Provider { return oneLife{p} })
	h.Lacks = map[Lack]string{PerEntryTTL: "one life time for all entries", SubSecondTTL: "as PerEntryTTL"}
	RunProvider(t, h)
}

// wholeSeconds is plain with times to live rounded up to seconds.
type wholeSeconds struct{ *plain }

func (p wholeSeconds) Set(ctx context.Context, key string, value []byte, cost int64, ttl time.Duration) (bool, error) {
	if whole := ttl.Truncate(time.Second); whole < ttl && ttl < lasting {
		ttl = whole + time.Second
	}
	return p.plain.Set(ctx, key, value, cost, ttl)
}

func TestProviderThatCountsInSecondsPasses(t *testing.T) {
	h := plainHarness(func(p *plain) cascache.Provider { return wholeSeconds{p} })
	h.Lacks = map[Lack]string{SubSecondTTL: "it counts in seconds"}
	RunProvider(t, h)
}

func TestOddProviderPasses(t *testing.T) {
	RunProvider(t, oddHarness())
}

func TestOddBulkedProviderPasses(t *testing.T) {
	h := oddHarness()
	h.New = func(testing.TB) cascache.Provider { return oddBulked{newOdd()} }
	settle := h.Settle
	h.Settle = func(tb testing.TB, p cascache.Provider) { settle(tb, p.(oddBulked).odd) }
	RunProvider(t, h)
}

func TestHarnessWithoutBreakOrReasonIsToldSo(t *testing.T) {
	h := plainHarness(openPlain)
	h.Break = nil
	if o := providerSuite(h).box(t)["FailedGetIsAnError"]; o.status != failed {
		t.Errorf("got %+v, want a failure that asks for Break or a reason", o)
	}
}
