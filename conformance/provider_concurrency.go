package conformance

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"sync/atomic"
	"time"

	cascache "github.com/unkn0wn-root/cascache/core"
)

var providerConcurrencyRules = []rule[*providerSubject]{
	{
		name: "ConcurrentCallsGetWholeValues",
		says: "All methods may be called concurrently: a Get returns one value that was set under its key, whole, or misses.",
		harm: "under load, readers are given entries of others, or the halves of two.",
		try:  tryConcurrentCallsGetWholeValues,
	},
	{
		name: "ConcurrentDelIsImmediate",
		says: "When Del has returned nil, no Get that begins later returns a value set before, however many are reading meanwhile.",
		harm: "a read that overlaps with an invalidation puts the old entry back, and it is served until its time to live is over.",
		try:  tryConcurrentDelIsImmediate,
	},
}

// stamped makes a value that says for which key and as which one in a row it
// was made, and of which every byte follows from that.
func stamped(key string, seq uint64) []byte {
	head := binary.BigEndian.AppendUint64(nil, seq)
	return append(head, sample(fmt.Sprint(key, seq), 16+int(seq%200))...)
}

// readStamp returns the number in a value of key, and whether it is one.
func readStamp(key string, value []byte) (uint64, bool) {
	if len(value) < 8 {
		return 0, false
	}
	seq := binary.BigEndian.Uint64(value)
	return seq, bytes.Equal(value, stamped(key, seq))
}

func tryConcurrentCallsGetWholeValues(a *attempt, s *providerSubject) {
	const workers, rounds = 8, 150
	keys := names("shared", 4)
	var seqs atomic.Uint64
	check := func(call, key string, value []byte) {
		if _, ok := readStamp(key, value); !ok {
			a.violated("one of the values set under that key, whole, or a miss", "%s(%s) returned %s", call, quote(key), quote(value))
		}
	}
	a.each(workers, func(w int) {
		for i := range rounds {
			key := keys[(w+i)%len(keys)]
			s.set(a, key, stamped(key, seqs.Add(1)), lasting)
			for _, key := range []string{key, keys[(w+i+1)%len(keys)]} {
				if got, found := s.get(a, key); found {
					check("Get", key, got)
				}
			}
			if i%10 == 9 {
				s.del(a, key)
			}
			if i%5 != 0 || s.bulk == nil {
				continue
			}
			if values, err := s.bulk.GetBulk(a.Context(), keys); err == nil && len(values) == len(keys) {
				for j, value := range values {
					if len(value) > 0 { // none is empty
						check("GetBulk", keys[j], value)
					}
				}
			}
			items := make([]cascache.Item, len(keys))
			for j, key := range keys {
				value := stamped(key, seqs.Add(1))
				items[j] = cascache.Item{Key: key, Value: value, Cost: int64(len(value)), TTL: lasting}
			}
			_, _ = s.bulk.SetBulk(a.Context(), items)
			if i%10 == 5 {
				_ = s.bulk.DelBulk(a.Context(), keys[:2])
			}
		}
	})
}

func tryConcurrentDelIsImmediate(a *attempt, s *providerSubject) {
	const writers, readers, rounds, fewest = 2, 6, 150, 24
	end := time.Now().Add(5 * watchTime)
	s.mustDelete(a)
	keys := names("moving", writers)
	var gone [writers]atomic.Uint64 // the newest value that a Del has removed
	var left atomic.Int64           // writers that are not done
	left.Store(writers)
	a.each(writers+readers, func(w int) {
		if w < writers {
			// The only one who writes this key.
			defer left.Add(-1)
			for seq := uint64(1); seq <= fewest || seq <= rounds && time.Now().Before(end); seq++ {
				slowly := seq%4 == 0
				s.set(a, keys[w], stamped(keys[w], seq), lasting)
				if slowly {
					sleep(a, 100*time.Microsecond) // for the others to find it
				}
				if !s.del(a, keys[w]) {
					continue
				}
				gone[w].Store(seq)
				for range 4 {
					if !slowly {
						break
					}
					sleep(a, 200*time.Microsecond) // for the others to bring it back
					if _, found := s.get(a, keys[w]); found {
						a.violated("a miss", "Del(%s) returned nil while others were reading, and Get found it again", quote(keys[w]))
					}
				}
			}
			return
		}
		k := w % writers
		for n := 1; left.Load() > 0; n++ {
			if n%8 == 0 {
				sleep(a, 20*time.Microsecond) // so that the writers get on, on few processors
			}
			before := gone[k].Load()
			got, found := s.get(a, keys[k])
			if !found {
				continue
			}
			if seq, ok := readStamp(keys[k], got); ok && seq <= before {
				a.violated(fmt.Sprintf("a value set later than number %d, or a miss", before),
					"Get(%s) began after Del had removed value number %d, and returned number %d", quote(keys[k]), before, seq)
			}
		}
	})
	watch(a, func() {
		for _, key := range keys {
			if got, found := s.get(a, key); found {
				a.violated("a miss", "%s was deleted last of all, and some time later Get returned %s", quote(key), quote(got))
			}
		}
	})
}
