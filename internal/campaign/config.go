package campaign

import "fmt"

// config is what a run is like, drawn from its seed or given.
type config struct {
	seed       uint64
	topology   topology
	assembly   assembly
	naive      naive
	apart      bool // values in Redis are on another one than generations
	batching   bool
	checksum   bool
	holdsKept  bool
	appendOnly bool
	guarded    bool // with min-replicas-to-write
	fewRows    bool // writers are about few rows
	wait       bool // a bump waits for a replica
}

func (c config) String() string {
	text := fmt.Sprintf("%s, values in %s", c.topology, c.assembly)
	if c.assembly.shared() && c.apart {
		text += " apart"
	}
	for _, f := range []struct {
		on   bool
		name string
	}{{c.batching, "batching"}, {c.checksum, "checksum"}, {c.appendOnly, "append-only file"}, {c.guarded, "min-replicas-to-write"}, {c.fewRows, "writes to few rows"}} {
		if f.on {
			text += ", " + f.name
		}
	}
	if c.naive != notNaive {
		text += ", naive: " + string(c.naive)
	}
	return text
}
