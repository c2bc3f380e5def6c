package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"runtime"
	"sync/atomic"
	"time"

	cascache "github.com/unkn0wn-root/cascache/core"
)

// A scaleReport is how cost grows.
type scaleReport struct {
	Machine machine       `json:"machine"`
	Curves  []curve       `json:"curves"`
	Memory  []storeMemory `json:"memory"`
	Prunes  []prune       `json:"prunes"`
}

// A curve is how the time of an operation grows with one thing.
type curve struct {
	Name  string       `json:"name"`
	Title string       `json:"title"`
	Of    string       `json:"of"` // what grows
	Steps []curvePoint `json:"steps"`
}

type curvePoint struct {
	X       float64  `json:"x"`
	Results []result `json:"results"`
}

// storeMemory is what a generation store takes.
type storeMemory struct {
	Store  string  `json:"store"`
	Keys   int     `json:"keys"`
	PerKey float64 `json:"bytesPerKey"`
}

// A prune is a Cleanup of a local generation store that drops every generation.
type prune struct {
	Keys    int           `json:"keys"`
	Took    time.Duration `json:"tookNS"`
	Longest time.Duration `json:"longestNS"` // that a bump took beside it
	Usual   time.Duration `json:"usualNS"`   // the longest in as long a time without one
}

// named are the contenders of r of those names, in that order.
func (r row) named(names ...string) row {
	var picked []contender
	for _, name := range names {
		for _, c := range r.contenders {
			if c.name == name {
				picked = append(picked, c)
			}
		}
	}
	r.contenders = picked
	return r
}

// A growth is a curve to be measured.
type growth struct {
	name, title, of string
	steps           []float64
	at              func(x float64) row
}

func growths(short bool) []growth {
	const (
		rawRistretto = "ristretto"
		casExact     = "ristretto + Bytes, exact"
		casStriped   = "ristretto + Bytes, striped"
	)
	bytesOf := func(keys, size int) row {
		r := bytesHit("scale", "", 16).named(rawRistretto, casExact, casStriped)
		r.keys, r.valueSize, r.only, r.patterns = keys, size, 1, []pattern{uniform}
		return r
	}
	all := []growth{
		{"keys", "A hit of 64 bytes, in process", "keys", []float64{1e3, 1e4, 1e5, 1e6}, func(x float64) row { return bytesOf(int(x), 64) }},
		{"generations", "A look-up of a local generation", "keys", []float64{1e3, 1e4, 1e5, 1e6, 1e7}, func(x float64) row {
			r := generationStores().named("map, RWMutex", string(exact), string(striped))
			r.keys, r.valueSize, r.only, r.patterns = int(x), 1, 1, []pattern{uniform}
			return r
		}},
		{"value-size", "A hit, in process", "bytes of the value", []float64{64, 240, 1 << 10, 4 << 10, 16 << 10, 64 << 10, 256 << 10, 1 << 20}, func(x float64) row {
			return bytesOf(min(1000, 64<<20/int(x)), int(x))
		}},
		{"bulk-size", "A hit of many keys at once, in process", "keys in the bulk", []float64{1, 3, 10, 30, 100, 300, 1000}, bulkOf},
		{"goroutines", "A hit of 240 bytes, in process", "goroutines", []float64{1, 2, 4, 16, 64, 256}, func(x float64) row {
			r := bytesHit("scale", "", 16).named(rawRistretto, casExact, casStriped)
			r.only, r.patterns = int(x), []pattern{zipf}
			return r
		}},
		{"goroutines-redis", "A hit with Redis", "goroutines", []float64{1, 2, 4, 8, 16, 64, 256}, func(x float64) row {
			r := redisGet().named("go-redis", "go-redis, autopipelined", "one Redis for both", "one Redis for both, autopipelined", "ristretto + redis generations", "ristretto + redis generations, autopipelined")
			r.only = int(x)
			return r
		}},
		{"invalidations", "Reads and invalidations, each refilled, in process", "% of the operations are invalidations", []float64{0, 1, 5, 10, 25, 50}, invalidatedOf},
	}
	if short {
		for i := range all {
			all[i].steps = all[i].steps[:2]
		}
	}
	return all
}

// bulkOf reads n keys at once.
func bulkOf(x float64) row {
	n := int(x)
	many := func(w *workload) [][]string {
		all := make([][]string, len(w.lookups))
		twice := append(append([]string(nil), w.lookups...), w.lookups...)
		for i := range all {
			all[i] = twice[i : i+n]
		}
		return all
	}
	r := row{name: "scale", keys: 1000, only: 1, patterns: []pattern{uniform}, contenders: []contender{
		{"ristretto, key by key", unchecked, func(_ *env, w *workload) (*instance, error) {
			cache, err := filledRistretto(w, w.encoded)
			if err != nil {
				return nil, err
			}
			all := many(w)
			return &instance{do: func(i uint32) bool {
				values := make(map[string][]byte, n)
				for _, key := range all[i] {
					if value, ok := cache.Get(key); ok {
						values[key] = value
					}
				}
				return len(values) == n
			}, close: cache.Close}, nil
		}},
		{"ristretto + Bytes, exact", checked, func(_ *env, w *workload) (*instance, error) {
			c, err := casRistretto(w, cascache.Codec[[]byte](cascache.Bytes{}), nil)
			if c, err = filled(c, err, w, w.encoded); err != nil {
				return nil, err
			}
			ctx, all := context.Background(), many(w)
			return &instance{close: c.shut, do: func(i uint32) bool {
				values, _, err := c.GetBulk(ctx, all[i])
				return len(values) == n && err == nil
			}}, nil
		}},
	}}
	return r
}

// invalidatedOf reads, and for a share of the operations invalidates and fills
// again.
func invalidatedOf(x float64) row {
	every := 0
	if x > 0 {
		every = int(100 / x)
	}
	var count atomic.Int64
	due := func() bool { return every > 0 && int(count.Add(1))%every == 0 }
	one := func(gens localGens) contender {
		return contender{"ristretto + Bytes, " + string(gens), checked, func(_ *env, w *workload) (*instance, error) {
			c, err := casRistretto(w, cascache.Codec[[]byte](cascache.Bytes{}), gens.open())
			if c, err = filled(c, err, w, w.encoded); err != nil {
				return nil, err
			}
			ctx := context.Background()
			return &instance{close: c.shut, do: func(i uint32) bool {
				key := w.lookups[i]
				if due() {
					return c.Invalidate(ctx, key) == nil && c.SetWithGen(ctx, key, w.encoded[i], c.SnapshotGen(key), ttl) == nil
				}
				_, _, err := c.Get(ctx, key)
				return err == nil
			}}, nil
		}}
	}
	return row{name: "scale", only: 1, patterns: []pattern{zipf}, contenders: []contender{
		{"ristretto, delete and set", unchecked, func(_ *env, w *workload) (*instance, error) {
			cache, err := filledRistretto(w, w.encoded)
			if err != nil {
				return nil, err
			}
			return &instance{do: func(i uint32) bool {
				key := w.lookups[i]
				if due() {
					cache.Del(key)
					cache.SetWithTTL(key, w.encoded[i], int64(len(w.encoded[i])), ttl)
					return true
				}
				cache.Get(key)
				return true
			}, close: cache.Close}, nil
		}},
		one(exact), one(striped),
	}}
}

// measureScale measures every growth, the memory of the generation stores and the
// pauses of a prune.
func measureScale(e *env, short bool, out io.Writer) (*scaleReport, error) {
	p := plans{
		local: plan{rounds: 10, tries: 5, slice: 250 * time.Microsecond},
		redis: plan{rounds: 10, tries: 2, slice: 4 * time.Millisecond},
	}
	sizes := []int{1_000_000, 10_000_000}
	if short {
		p.local.rounds, p.redis.rounds, sizes = 2, 2, []int{10_000}
	}
	r := new(scaleReport)
	for _, g := range growths(short) {
		c := curve{Name: g.name, Title: g.title, Of: g.of}
		for _, x := range g.steps {
			at := g.at(x)
			pl, procs := p.of(&at), runtime.GOMAXPROCS(0)
			if !at.redis {
				// So that starting them is as small a part of it as for few.
				pl.slice *= time.Duration(max(at.only/procs, 1))
			}
			results, err := at.measure(e, pl, procs)
			if err != nil {
				return nil, fmt.Errorf("%s at %g: %w", g.name, x, err)
			}
			for _, res := range results {
				fmt.Fprintf(out, "%s %g: %s %.4g ns, %.2f times\n", g.name, x, res.Contender, res.NS.Median, res.Ratio.Median)
			}
			c.Steps = append(c.Steps, curvePoint{x, results})
			runtime.GC() // the next one begins without what this one left
		}
		r.Curves = append(r.Curves, c)
	}
	for _, n := range sizes {
		for _, store := range []string{string(exact), string(striped)} {
			m, err := measureMemory(store, n)
			if err != nil {
				return nil, err
			}
			fmt.Fprintf(out, "memory of %d generations, %s: %.1f bytes a key\n", n, store, m.PerKey)
			r.Memory = append(r.Memory, m)
		}
		pr, err := measurePrune(n)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(out, "prune of %d generations: %v, the longest bump beside it %v, otherwise %v\n", n, pr.Took, pr.Longest, pr.Usual)
		r.Prunes = append(r.Prunes, pr)
	}
	return r, nil
}

func heap() uint64 {
	runtime.GC()
	runtime.GC() // what the first has found dead is swept
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// newFull returns an exact store with n generations.
func newFull(n int) (*cascache.LocalGenStore, error) {
	s := cascache.NewLocalGenStore(0, 0)
	s.SetMaxKeys(max(2*n, 1<<16)) // the bound is kept shard by shard
	for i := range n {
		if _, err := s.Snapshot(context.Background(), fmt.Sprintf("single:product:%08d", i)); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func measureMemory(store string, n int) (storeMemory, error) {
	before := heap()
	var s cascache.GenStore
	if store == string(striped) {
		// With as many slots as keys, an invalidation makes about one other
		// key miss.
		s = cascache.NewStripedGenStore(n)
	} else {
		full, err := newFull(n)
		if err != nil {
			return storeMemory{}, err
		}
		s = full
	}
	m := storeMemory{Store: store, Keys: n, PerKey: float64(heap()-before) / float64(n)}
	return m, s.Close(context.Background())
}

// measurePrune prunes a full store while another goroutine bumps keys in it.
func measurePrune(n int) (prune, error) {
	s, err := newFull(n)
	if err != nil {
		return prune{}, err
	}
	defer s.Close(context.Background())
	runtime.GC()
	p := prune{Keys: n}
	// bumps runs until stop and returns the longest of them.
	bumps := func(stop chan struct{}, longest chan time.Duration) {
		var most time.Duration
		for i := 0; ; i++ {
			select {
			case <-stop:
				longest <- most
				return
			default:
			}
			began := time.Now()
			_, _ = s.Bump(context.Background(), fmt.Sprintf("single:product:%08d", i%n)) // the store is open
			most = max(most, time.Since(began))
		}
	}
	beside := func(f func()) (took, longest time.Duration) {
		stop, most := make(chan struct{}), make(chan time.Duration)
		go bumps(stop, most)
		began := time.Now()
		f()
		took = time.Since(began)
		close(stop)
		return took, <-most
	}
	p.Took, p.Longest = beside(func() { s.Cleanup(-1) })
	_, p.Usual = beside(func() { time.Sleep(p.Took) })
	return p, nil
}

// write writes the section of the page, and returns its charts by name.
func (s *scaleReport) write(page *bytes.Buffer) map[string][]byte {
	if len(s.Curves) == 0 {
		return nil
	}
	fmt.Fprintf(page, "## How cost grows\n\nWritten by `make bench-scale`, on %d cores at a load average of %s to %s. ns of one operation; the ratio is to the first contender.\n\n",
		s.Machine.Cores, s.Machine.Load[0], s.Machine.Load[1])
	charts := make(map[string][]byte)
	for _, c := range s.Curves {
		lines := make([]line, len(c.Steps[0].Results))
		fmt.Fprintf(page, "### %s, by %s\n\n![%s, by %s](benchmarks/scale-%s.svg)\n\n| %s |", c.Title, c.Of, c.Title, c.Of, c.Name, c.Of)
		rule := "\n|---|"
		for i, res := range c.Steps[0].Results {
			lines[i].label = res.Contender
			fmt.Fprintf(page, " %s |", res.Contender)
			rule += "---|"
		}
		page.WriteString(rule + "\n")
		for _, step := range c.Steps {
			fmt.Fprintf(page, "| %s |", count(step.X))
			for i, res := range step.Results {
				lines[i].points = append(lines[i].points, point{step.X, res.NS.Median})
				if i == 0 {
					fmt.Fprintf(page, " %s ns |", digits(res.NS.Median))
				} else {
					fmt.Fprintf(page, " %s ns, %s |", digits(res.NS.Median), times(res.Ratio.Median))
				}
			}
			page.WriteString("\n")
		}
		page.WriteString("\n")
		charts["scale-"+c.Name+".svg"] = lineChart(c.Title, c.Of, "ns of one operation", lines)
	}
	page.WriteString("### Generations in memory\n\nHeap that a full store takes. The striped one has as many slots as there are keys, rounded up to a power of two.\n\n| store | keys | bytes a key |\n|---|---|---|\n")
	for _, m := range s.Memory {
		fmt.Fprintf(page, "| %s | %s | %.1f |\n", m.Store, count(float64(m.Keys)), m.PerKey)
	}
	page.WriteString("\nA prune that drops everything from an exact store, and the longest bump of a goroutine that bumps all the while. " +
		"Reads take no lock and never wait for it.\n\n| keys | prune took | longest bump beside it | longest bump in as long without it |\n|---|---|---|---|\n")
	for _, p := range s.Prunes {
		fmt.Fprintf(page, "| %s | %v | %v | %v |\n", count(float64(p.Keys)), p.Took.Round(10*time.Microsecond), p.Longest.Round(10*time.Microsecond), p.Usual.Round(10*time.Microsecond))
	}
	page.WriteString("\n")
	return charts
}
