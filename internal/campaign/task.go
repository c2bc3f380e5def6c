package campaign

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// An assembly is where a replica keeps values.
type assembly string

// The assemblies of a campaign. Generations are in Redis in all of them.
const (
	inMemory assembly = "memory" // Ristretto
	inNear   assembly = "near"   // Otter, decoded, and nothing else
	inRedis  assembly = "redis"  // shared by the replicas
	tiered   assembly = "tiered" // Otter in front of Redis
)

var assemblies = []assembly{inMemory, inNear, inRedis, tiered}

// shared tells whether values are in Redis.
func (a assembly) shared() bool { return a == inRedis || a == tiered }

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

func keyOf(row int) string { return "row:" + strconv.Itoa(row) }

func rowOf(key string) int {
	row, err := strconv.Atoi(strings.TrimPrefix(key, "row:"))
	if err != nil {
		panic(fmt.Sprintf("campaign: %q is no key of a run", key))
	}
	return row
}

// valueOf is what the source has under a row at a version. It names its row, so
// that a value under another one's key is seen.
func valueOf(row int, version uint64) string {
	return fmt.Sprintf("%d of row %d, and some more to store", version, row)
}

// versionOf returns the version of a value of that row, and 0 for any other.
func versionOf(row int, value string) uint64 {
	number, _, _ := strings.Cut(value, " ")
	version, err := strconv.ParseUint(number, 10, 64)
	if err != nil || value != valueOf(row, version) {
		return 0
	}
	return version
}
