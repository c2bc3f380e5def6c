package campaign

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
