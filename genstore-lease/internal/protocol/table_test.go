package protocol

import (
	"strconv"
	"strings"
	"testing"
	"unsafe"
)

func TestEntryFillsACacheLine(t *testing.T) {
	if size := unsafe.Sizeof(entry{}); size != 64 {
		t.Errorf("an entry is to lie in one cache line of 64 bytes, and has %d", size)
	}
}

func TestTableFindsWhatItHolds(t *testing.T) {
	table := newTable(1000)
	keys := make(map[string]uint64)
	for i := range 300 {
		key := strings.Repeat("k", i) + strconv.Itoa(i)
		keys[key] = uint64(i + 1)
		table.put(table.hash("", key), key, newEntry(key, uint64(i+1), 0))
	}
	for key, gen := range keys {
		for _, at := range []int{0, 1, len(key) / 2, len(key)} {
			prefix, rest := key[:at], key[at:]
			if e := table.find(table.hash(prefix, rest), prefix, rest); e == nil || e.gen != gen {
				t.Fatalf("a key of %d bytes, divided after byte %d: got %v, want %d", len(key), at, e, gen)
			}
		}
		other := "x" + key[1:]
		if e := table.find(table.hash("", key), "", other); e != nil {
			t.Fatalf("another key of the same length is answered with %d", e.gen)
		}
		table.remove(table.hash("", key), key)
		if e := table.find(table.hash("", key), "", key); e != nil {
			t.Fatalf("a key that was removed is answered with %d", e.gen)
		}
	}
}

func TestTableIsBounded(t *testing.T) {
	table := newTable(100)
	places := len(table.buckets) * ways
	if places < 100 || places > 300 {
		t.Errorf("a table for 100 generations has %d places", places)
	}
	for i := range 10_000 {
		key := strconv.Itoa(i)
		table.put(table.hash("", key), key, newEntry(key, uint64(i+1), 0))
		if e := table.find(table.hash("", key), "", key); e == nil || e.gen != uint64(i+1) {
			t.Fatalf("what was put last is not found, but %v", e)
		}
	}
	held := 0
	for i := range 10_000 {
		key := strconv.Itoa(i)
		if e := table.find(table.hash("", key), "", key); e != nil {
			held++
			if e.gen != uint64(i+1) {
				t.Fatalf("key %s is answered with the generation of another, %d", key, e.gen)
			}
		}
	}
	if held < places/2 {
		t.Errorf("a full table of %d places holds %d generations", places, held)
	}
	table.clear()
	for i := range 10_000 {
		key := strconv.Itoa(i)
		if table.find(table.hash("", key), "", key) != nil {
			t.Fatal("a table that was cleared holds something")
		}
	}
}
