package main

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"time"
)

// A plan says how long to measure. In a round each contender has several slices, in
// a random order among those of the others, and the fastest of them counts: one in
// which the machine did something else says nothing.
type plan struct {
	rounds int
	tries  int // slices of a contender in a round
	slice  time.Duration
}

// plans are a row's own: a round trip takes a hundred times as long as a look-up.
type plans struct{ local, redis, mixed plan }

func (p plans) of(r *row) plan {
	if r.redis {
		return p.redis
	}
	return p.local
}

// A result is one contender of a row, under one pattern and with a number of
// goroutines.
type result struct {
	Row        string  `json:"row"`
	Pattern    pattern `json:"pattern"`
	Goroutines int     `json:"goroutines"`
	Contender  string  `json:"contender"`
	Proof      string  `json:"proof"`
	NS         spread  `json:"ns"`    // for one operation, of all goroutines together
	Ratio      spread  `json:"ratio"` // to the row's first contender
	Allocs     float64 `json:"allocs"`
	Bytes      float64 `json:"bytes"`
	Trips      float64 `json:"trips"` // round trips to Redis
	Hits       float64 `json:"hits"`  // share of the operations that were one
}

// measure runs every contender of r and returns one result for each, pattern and
// number of goroutines.
func (r *row) measure(e *env, p plan, procs int) ([]result, error) {
	w := r.workload()
	all, err := r.open(e, w)
	if err != nil {
		return nil, err
	}
	defer all.close()

	var results []result
	for _, pat := range r.patterns {
		seq := pat.sequence(r.keyCount())
		for _, goroutines := range r.goroutines(procs) {
			slices := make([]*sliced, len(all))
			for i, in := range all {
				slices[i] = newSliced(e, in, seq, r.keyCount(), goroutines, p.slice)
			}
			interleave(e, slices, p)
			for i, s := range slices {
				res := result{
					Row: r.name, Pattern: pat, Goroutines: goroutines,
					Contender: r.contenders[i].name, Proof: r.contenders[i].proof,
					NS: spreadOf(s.ns), Ratio: spreadOf(ratios(s.ns, slices[0].ns)),
					Hits:  float64(s.hits) / float64(s.done),
					Trips: float64(s.trips) / float64(s.done),
				}
				if goroutines == 1 {
					res.Allocs, res.Bytes = allocations(all[i], seq, s.each())
				}
				if !r.misses && res.Hits < 0.999 {
					return nil, fmt.Errorf("%s, %s: %.1f %% of the operations were hits: its time is not that of a hit",
						r.name, res.Contender, 100*res.Hits)
				}
				results = append(results, res)
			}
		}
	}
	return results, nil
}

// interleave runs the rounds.
func interleave(e *env, slices []*sliced, p plan) {
	order := make([]*sliced, 0, len(slices)*p.tries)
	for range p.tries {
		order = append(order, slices...)
	}
	for range p.rounds {
		for _, s := range slices {
			s.fastest = 0
		}
		rand.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
		for _, s := range order {
			s.run(e)
		}
		for _, s := range slices {
			s.ns = append(s.ns, s.fastest)
		}
	}
}

// ratios divides round by round.
func ratios(ns, raw []float64) []float64 {
	out := make([]float64, len(ns))
	for i := range ns {
		out[i] = ns[i] / raw[i]
	}
	return out
}

// sliced runs an instance slice by slice.
type sliced struct {
	in         *instance
	seq        []uint32
	at         int
	goroutines int
	ops        int       // of one goroutine in one slice
	warm       int       // before that by one, and not timed: the last slice was another's
	fastest    float64   // of the slices of this round, in ns
	ns         []float64 // one figure a round
	hits, done int64
	trips      int64
}

// newSliced finds out how many operations take about as long as a slice.
func newSliced(e *env, in *instance, seq []uint32, keys, goroutines int, slice time.Duration) *sliced {
	s := &sliced{in: in, seq: seq, goroutines: goroutines, ops: 1}
	for {
		// The fastest of several, as later on: a slice that only seemed long
		// enough would be too short for good.
		s.fastest = 0
		for range 3 {
			s.run(e)
		}
		took := s.fastest * float64(s.ops*goroutines)
		if took >= float64(slice)/4 || s.ops >= 1<<24 {
			s.ops = max(int(float64(s.ops)*float64(slice)/took), 1)
			break
		}
		s.ops *= 2
	}
	s.warm = min(s.ops/2, 2*keys)
	s.ns, s.hits, s.done, s.trips = nil, 0, 0, 0
	return s
}

func (s *sliced) run(e *env) {
	s.in.loop(s.seq, s.at, s.warm)
	s.at += s.warm
	before := e.trips.Load()
	var took time.Duration
	var hits int64
	if s.goroutines == 1 {
		began := time.Now()
		hits = s.in.loop(s.seq, s.at, s.ops)
		took = time.Since(began)
	} else {
		took, hits = s.together()
	}
	s.trips += e.trips.Load() - before
	s.at += s.ops
	n := s.ops * s.goroutines
	if ns := float64(took) / float64(n); s.fastest == 0 || ns < s.fastest {
		s.fastest = ns
	}
	s.hits += hits
	s.done += int64(n)
}

// together runs all goroutines at once.
func (s *sliced) together() (took time.Duration, hits int64) {
	var ready, done sync.WaitGroup
	start := make(chan struct{})
	counts := make([]int64, s.goroutines)
	ready.Add(s.goroutines)
	for g := range s.goroutines {
		done.Go(func() {
			ready.Done()
			<-start
			// Each begins elsewhere in the sequence.
			counts[g] = s.in.loop(s.seq, s.at+g*len(s.seq)/s.goroutines, s.ops)
		})
	}
	ready.Wait()
	began := time.Now()
	close(start)
	done.Wait()
	took = time.Since(began)
	for _, n := range counts {
		hits += n
	}
	return took, hits
}

// loop does n operations and returns how many were hits.
func (in *instance) loop(seq []uint32, at, n int) (hits int64) {
	do := in.do
	for i := at; i < at+n; i++ {
		if do(seq[i&(sequenceLen-1)]) {
			hits++
		}
	}
	return hits
}

// each returns the median time of an operation.
func (s *sliced) each() time.Duration { return time.Duration(spreadOf(s.ns).Median) }

// allocations returns what one operation allocates: the least of several tries,
// since goroutines in the background allocate too.
func allocations(in *instance, seq []uint32, each time.Duration) (allocs, bytes float64) {
	n := 2000
	if each > 10*time.Microsecond {
		n = 200
	}
	procs := runtime.GOMAXPROCS(1)
	defer runtime.GOMAXPROCS(procs)
	for try := range 5 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		in.loop(seq, try*n, n)
		runtime.ReadMemStats(&after)
		a := float64(after.Mallocs-before.Mallocs) / float64(n)
		b := float64(after.TotalAlloc-before.TotalAlloc) / float64(n)
		if try == 0 || a < allocs {
			allocs, bytes = a, b
		}
	}
	return allocs, bytes
}
