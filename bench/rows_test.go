package main

import (
	"slices"
	"testing"
)

// TestContendersDoWhatTheyAreTimedFor opens every contender of every row and does
// what is measured with each key.
func TestContendersDoWhatTheyAreTimedFor(t *testing.T) {
	for _, r := range slices.Concat(localRows(), redisRows(), derivedRows()) {
		t.Run(r.name, func(t *testing.T) {
			e := newEnv(t.Context())
			defer e.close()
			w := newWorkload(100, r.keyLen())
			all, err := r.open(e, w)
			if err != nil {
				skipWithoutRedis(t, err)
				t.Fatal(err)
			}
			defer all.close()
			for i, in := range all {
				for key := range w.keys {
					if hit := in.do(uint32(key)); hit == r.misses {
						t.Fatalf("%s must do what its row is about: key %d was a hit: %v", r.contenders[i].name, key, hit)
					}
				}
			}
		})
	}
}

// Every assembly holds the promise under the mixed load, and what does not check
// is told apart.
func TestMixedLoadSeesStaleReadsOfNobodyWhoChecks(t *testing.T) {
	e := newEnv(t.Context())
	defer e.close()
	results, err := measureMixed(e, mixedContenders(), 2, shortPlans.mixed.slice)
	if err != nil {
		skipWithoutRedis(t, err)
		t.Fatal(err)
	}
	for _, m := range results {
		if m.Total == 0 || m.Written == 0 {
			t.Errorf("%s must read and write: got %d reads and %d invalidations", m.Contender, m.Total, m.Written)
		}
	}
	for _, m := range results[2:] {
		if m.Stale > 0 {
			t.Errorf("%s must never serve what was read before an invalidation: %d stale of %d reads", m.Contender, m.Stale, m.Total)
		}
	}
}
