package main

import (
	"testing"
	"time"
)

func TestSimulation(t *testing.T) {
	took, busy, beats := run(plan{replicas: 8, perSec: 100}, time.Second)
	if len(took) < 50 || took[len(took)/2] < 2*network || took[len(took)-1] > lease {
		t.Errorf("8 replicas with nothing in their way: %d invalidations, which took %v", len(took), took)
	}
	if least := 8 * float64(time.Second/heartbeat) / 2; beats < least || busy <= 0 || busy > 0.5 {
		t.Errorf("8 replicas sent %.0f heartbeats a second, and kept the server busy for %.2f of the time", beats, busy)
	}
	_, plainly, _ := run(plan{replicas: 100, perSec: 100}, time.Second)
	_, grouped, _ := run(plan{replicas: 100, perSec: 100, groups: true}, time.Second)
	if grouped > plainly/2 {
		t.Errorf("in groups, 100 replicas keep the server busy for %.2f of the time, and for %.2f without", grouped, plainly)
	}
}
