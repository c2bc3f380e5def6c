package bigcacheprovider

import "hash/maphash"

// hasher takes the place of BigCache's FNV, which is the same in every process,
// so that keys can be made up that meet in one hash or shard, and takes a step
// for every byte of the key.
type hasher struct {
	seed maphash.Seed
}

// Sum64 never returns 0, by which BigCache marks an entry as deleted: pushed
// out for want of room, one of hash 0 would leave its place behind, and a read
// would take what lies there now for an entry.
func (h hasher) Sum64(key string) uint64 {
	return max(maphash.String(h.seed, key), 1)
}
