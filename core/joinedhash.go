package cascache

import "hash/maphash"

// hashJoined returns maphash.String(seed, prefix+key) without joining them.
func hashJoined(seed maphash.Seed, prefix, key string) uint64 {
	var buf [128]byte
	if n := len(prefix) + len(key); n <= len(buf) {
		copy(buf[copy(buf[:], prefix):], key)
		return maphash.Bytes(seed, buf[:n])
	}
	var h maphash.Hash
	h.SetSeed(seed)
	_, _ = h.WriteString(prefix)
	_, _ = h.WriteString(key)
	return h.Sum64()
}
