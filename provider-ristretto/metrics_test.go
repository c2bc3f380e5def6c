package ristrettoprovider

import (
	"fmt"
	"testing"
	"time"
)

func TestMetrics(t *testing.T) {
	p := newTestProvider(t, Config{MaxCost: 10, Metrics: true})
	for i := range 20 {
		mustSet(t, p, fmt.Sprint(i), "v")
	}
	p.Wait()
	hits := uint64(0)
	for i := range 20 {
		if _, ok, _ := p.Get(t.Context(), fmt.Sprint(i)); ok {
			hits++
		}
	}
	m := p.Metrics()
	if m.Hits != hits || m.Misses != 20-hits || hits == 0 {
		t.Errorf("Metrics count what Get returned: got %d hits and %d misses, want %d and %d", m.Hits, m.Misses, hits, 20-hits)
	}
	if m.KeysAdded+m.SetsRejected != 20 || m.KeysAdded-m.KeysEvicted != 10 || m.CostAdded-m.CostEvicted != 10 {
		t.Errorf("20 keys of cost 1 in a cache of 10 are stored or rejected, and 10 remain: got %+v", m)
	}
}

func TestMetricsAreOffByDefault(t *testing.T) {
	p := newTestProvider(t, Config{})
	mustSet(t, p, "k", "v")
	p.Wait()
	p.Get(t.Context(), "k")
	if m := p.Metrics(); m != (Metrics{}) {
		t.Errorf("without Config.Metrics nothing is counted: got %+v", m)
	}
}

func TestMetricsCountDroppedSets(t *testing.T) {
	p := newTestProvider(t, Config{Metrics: true})
	plug, release := stall(t, p)
	defer release()
	dropped := uint64(0)
	for i := range 40_000 {
		ok, err := p.Set(t.Context(), otherShard(p, fmt.Sprint(i, "-"), plug), nil, 1, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		if !ok {
			dropped++
		}
	}
	release()
	if got := p.Metrics().SetsDropped; got != dropped || dropped == 0 {
		t.Errorf("SetsDropped counts what Set declined: got %d, want %d, and not 0", got, dropped)
	}
}
