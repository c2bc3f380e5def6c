package campaign

import "time"

// lease is that of every Mutate; its write gets three quarters of it.
const lease = time.Second

// task tells a child process what to be.
type task struct {
	Replica  int
	Memory   string // the file to map
	Seed     uint64
	Assembly assembly
	Naive    naive

	Generations endpoint
	Values      endpoint // of assemblies with values in Redis
	Batching    bool     // by an AutoPipeliner
	Checksum    bool
	FewRows     bool // writers are about few rows
	Wait        bool // a bump waits for a replica

	// HoldsKept says that no fault of this run loses a hold: then a write
	// that outlived its Mutate counts once the lease has ended.
	HoldsKept bool
}

// endpoint is how to reach a Redis.
type endpoint struct {
	Addr      string   `json:",omitempty"`
	Sentinels []string `json:",omitempty"`
	Master    string   `json:",omitempty"` // of the sentinels
	Cluster   []string `json:",omitempty"`
}
