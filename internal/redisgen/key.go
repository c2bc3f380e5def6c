package redisgen

import (
	"strconv"
	"strings"
	"sync"

	cascache "github.com/unkn0wn-root/cascache/core"
)

// slots is how many hash slots a Redis Cluster has.
const slots = 1 << 14

// keySpace names the Redis keys of one store's generations.
//
// The key of a generation is
//
//	gen:{<tag>}:<namespace>:<storage key>
//
// where the storage key is that of [cascache.GenKey], without a schema, and the
// tag, all that Redis hashes, depends on nothing but its slot: it is a short
// string that hashes to the same slot. So the generation lies beside the value,
// which is stored under the storage key as it is, for every storage key, whatever
// braces there are in it. The storage key of an entry with a schema hashes to some
// other slot: it is stored with the same tag before it. No two pairs
// of namespace and storage key share a name, since the namespace ends at the
// first ':' after the tag: inside it '%' and ':' are escaped. And no
// generation has the name of a value, which begins with "single:" or "bulk:".
type keySpace struct {
	namespace string // escaped
	tags      *[slots]string
}

var escapeNamespace = strings.NewReplacer("%", "%25", ":", "%3A")

func newKeySpace(namespace string) keySpace {
	return keySpace{namespace: escapeNamespace.Replace(namespace), tags: slotTags()}
}

// name returns the Redis key of the generation of a storage key.
func (s keySpace) name(storageKey string) string {
	storageKey = cascache.GenKey(storageKey)
	return "gen:{" + s.tags[slotOf(storageKey)] + "}:" + s.namespace + ":" + storageKey
}

// appendNames appends to list the names of many, in one piece of memory.
func (s keySpace) appendNames(list, storageKeys []string) []string {
	size := 0
	for _, key := range storageKeys {
		size += len("gen:{xxxx}::") + len(s.namespace) + len(key)
	}
	var b strings.Builder
	b.Grow(size)
	for _, key := range storageKeys {
		key = cascache.GenKey(key)
		from := b.Len()
		b.WriteString("gen:{")
		b.WriteString(s.tags[slotOf(key)])
		b.WriteString("}:")
		b.WriteString(s.namespace)
		b.WriteByte(':')
		b.WriteString(key)
		list = append(list, b.String()[from:])
	}
	return list
}

// ValueKey returns the Redis key under which a storage key's value lies beside its
// generation.
func ValueKey(storageKey string) string {
	if key := cascache.GenKey(storageKey); key != storageKey {
		return "{" + slotTags()[slotOf(key)] + "}" + storageKey
	}
	return storageKey
}

// ValueKeys returns ValueKey of many.
func ValueKeys(storageKeys []string) []string {
	var keys []string // nil while they are the storage keys
	for i, storageKey := range storageKeys {
		key := ValueKey(storageKey)
		if keys == nil && key != storageKey {
			keys = append(make([]string, 0, len(storageKeys)), storageKeys[:i]...)
		}
		if keys != nil {
			keys = append(keys, key)
		}
	}
	if keys == nil {
		return storageKeys
	}
	return keys
}

// slotOf returns the Cluster slot of a Redis key.
func slotOf(key string) uint16 {
	if open := strings.IndexByte(key, '{'); open >= 0 {
		if length := strings.IndexByte(key[open+1:], '}'); length > 0 {
			key = key[open+1 : open+1+length]
		}
	}
	return crc16(key) % slots
}

// slotTags returns for each slot the smallest number that hashes to it, in
// base 36. They are part of every key and must never change.
var slotTags = sync.OnceValue(func() *[slots]string {
	tags := new([slots]string)
	for n, missing := int64(0), slots; missing > 0; n++ {
		tag := strconv.FormatInt(n, 36)
		if slot := crc16(tag) % slots; tags[slot] == "" {
			tags[slot] = tag
			missing--
		}
	}
	return tags
})

// crc16 is the CRC that Redis Cluster hashes keys with: CRC-16/XMODEM.
func crc16(s string) uint16 {
	var crc uint16
	for i := range len(s) {
		crc = crc<<8 ^ crcTable[byte(crc>>8)^s[i]]
	}
	return crc
}

var crcTable = func() (table [256]uint16) {
	const polynomial = 0x1021
	for b := range table {
		crc := uint16(b) << 8
		for range 8 {
			carry := crc&0x8000 != 0
			crc <<= 1
			if carry {
				crc ^= polynomial
			}
		}
		table[b] = crc
	}
	return table
}()
