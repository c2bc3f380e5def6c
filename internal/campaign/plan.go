package campaign

import (
	"math/rand/v2"
)

// perRun is how many strikes befall one world.
const perRun = 3

// draw returns the run of a seed, always the same one.
func draw(seed uint64) run {
	rng := rand.New(rand.NewPCG(seed, 0))
	c := config{
		seed:     seed,
		topology: [...]topology{single, single, single, pair, sentinels, cluster}[rng.IntN(6)],
		assembly: assemblies[rng.IntN(len(assemblies))],
		apart:    rng.IntN(2) == 0,
		batching: rng.IntN(3) == 0,
		checksum: rng.IntN(2) == 0,
	}
	r := run{config: c}
	if c.topology == pair {
		// A world whose replica has taken over has none any more.
		r.add(rng, strike{pick(rng, r.fits(anywhere, nil))})
		r.add(rng, strike{pick(rng, r.fits(pair, nil))})
		return r.settled()
	}
	for range perRun {
		first := c.topology
		if rng.IntN(6) == 0 {
			first = anywhere
		}
		r.add(rng, strike{pick(rng, r.fits(first, nil))})
		if c.topology != single {
			// Each failover takes a server away.
			return r.settled()
		}
	}
	return r.settled()
}

func pick(rng *rand.Rand, from []nemesis) nemesis { return from[rng.IntN(len(from))] }

// add adds a strike to the run, half of the time with another nemesis.
func (r *run) add(rng *rand.Rand, s strike) {
	if rng.IntN(2) == 0 {
		second := anywhere
		if r.config.topology == single && rng.IntN(3) > 0 {
			second = single
		}
		if others := r.fits(second, s); len(others) > 0 {
			s = append(s, pick(rng, others))
		}
	}
	// What takes the server down goes last, since others need it.
	if len(s) == 2 && s[0].down {
		s[0], s[1] = s[1], s[0]
	}
	r.strikes = append(r.strikes, s)
}

// fits returns the nemeses of a topology that go with a strike and with the
// rest of the run.
func (r *run) fits(t topology, with strike) (fit []nemesis) {
	for _, n := range nemeses {
		if n.topology == t && !r.clashes(n, with) {
			fit = append(fit, n)
		}
	}
	return fit
}

func (r *run) clashes(n nemesis, with strike) bool {
	for _, other := range with {
		if other.name == n.name || other.down && n.down {
			return true
		}
	}
	for _, s := range append([]strike{with}, r.strikes...) {
		for _, other := range s {
			if other.appendOnly && n.snapshot || other.snapshot && n.appendOnly {
				return true
			}
		}
	}
	return !stepsClock && n.name == appClockStepped
}

// settled fills in what the strikes need.
func (r run) settled() run {
	r.config.holdsKept = true
	for _, s := range r.strikes {
		for _, n := range s {
			r.config.holdsKept = r.config.holdsKept && !n.losesHolds
			r.config.appendOnly = r.config.appendOnly || n.appendOnly
			r.config.guarded = r.config.guarded || n.guarded
			r.config.fewRows = r.config.fewRows || n.fewRows
		}
	}
	return r
}

// alone returns a run of one nemesis.
func alone(n nemesis, c config) run {
	c.topology = n.topology
	if c.topology == anywhere {
		c.topology = single
	}
	return run{config: c, strikes: []strike{{n}}}.settled()
}
