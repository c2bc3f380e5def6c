package conformance

import (
	"bytes"
	"fmt"
	"slices"
	"time"

	cascache "github.com/unkn0wn-root/cascache/core"
)

var providerSetBatchRules = []rule[*providerSubject]{
	{
		name:  "SetBatchStoresUnderEachKey",
		says:  "SetBatch stores each value under its own key.",
		harm:  "one user is given the data of another.",
		needs: needSetBatch,
		try:   trySetBatchStoresUnderEachKey,
	},
	{
		name:  "SetBatchAnswersEachItem",
		says:  "SetBatch tells for each item, in order, whether it was accepted, and takes any number of them.",
		harm:  "the caller cannot tell what is stored, and fails or counts wrongly.",
		needs: needSetBatch,
		try:   trySetBatchAnswersEachItem,
	},
	{
		name:  "SetBatchKeepsSomething",
		says:  "What SetBatch has stored can be found as well as what Set has.",
		harm:  "what was loaded as a list is never found again, and the cache only costs.",
		needs: needSetBatch,
		try:   trySetBatchKeepsSomething,
	},
	{
		name:  "SetBatchIsHonest",
		says:  "Once SetBatch has told true for an item, what was there before is never returned.",
		harm:  "an old entry is served for the rest of its life, although it was replaced.",
		needs: needSetBatch,
		try:   trySetBatchIsHonest,
	},
	{
		name:  "SetBatchHeedsEachTTL",
		says:  "Each item of a SetBatch has its own time to live.",
		harm:  "entries outlive their bound because of their neighbours.",
		lack:  PerEntryTTL,
		needs: needSetBatch,
		try:   trySetBatchHeedsEachTTL,
	},
	{
		name:  "SetBatchKeepsNoItems",
		says:  "SetBatch does not change the slice of items, and does not need it once it has returned.",
		harm:  "the next batch is built in the same memory, and its values appear under the keys of this one.",
		needs: needSetBatch,
		try:   trySetBatchKeepsNoItems,
	},
}

// itemsOf makes an item per key, with values that follow from tag.
func itemsOf(keys []string, tag string, ttl time.Duration) []cascache.Item {
	items := make([]cascache.Item, len(keys))
	for i, key := range keys {
		value := sample(key+tag, 20+i%50)
		items[i] = cascache.Item{Key: key, Value: value, Cost: int64(len(value)), TTL: ttl}
	}
	return items
}

// setBatch stores the items, as set does.
func (s *providerSubject) setBatch(a *attempt, items []cascache.Item) []bool {
	accepted, err := s.setter.SetBatch(a.Context(), items)
	if err != nil || len(accepted) != len(items) {
		return nil
	}
	return accepted
}

func trySetBatchStoresUnderEachKey(a *attempt, s *providerSubject) {
	for round := range 8 {
		items := itemsOf(names(fmt.Sprint("each", round), 12), "", lasting)
		s.setBatch(a, slices.Clone(items))
		s.settle(a)
		for _, item := range items {
			if got, found := s.get(a, item.Key); found && !bytes.Equal(got, item.Value) {
				a.violated("the value of that key, or a miss", "after a SetBatch of %d items Get(%s) returned %s", len(items), quote(item.Key), quote(got))
			}
		}
	}
}

func trySetBatchAnswersEachItem(a *attempt, s *providerSubject) {
	for _, n := range []int{0, 1, 2, 100, 2500} {
		keys := names(fmt.Sprint("n", n), n)
		accepted, err := s.setter.SetBatch(a.Context(), itemsOf(keys, "", lasting))
		if err != nil {
			a.violated("no error", "SetBatch of %d items returned the error %v", n, err)
		}
		if len(accepted) != n {
			a.violated(fmt.Sprintf("%d answers", n), "SetBatch of %d items returned %d", n, len(accepted))
		}
		s.settle(a)
		for i, key := range keys {
			if accepted[i] {
				continue
			}
			if _, found := s.get(a, key); found {
				a.violated("true for what is stored", "SetBatch of %d items told false for %s, and Get finds it", n, quote(key))
			}
		}
	}
}

func trySetBatchKeepsSomething(a *attempt, s *providerSubject) {
	control := s.count(a, s.group(a, "single", lasting))
	keys := names("batch", groupSize)
	told := 0
	for _, ok := range s.setBatch(a, itemsOf(keys, "", lasting)) {
		if ok {
			told++
		}
	}
	s.settle(a)
	// Both ends: a loop that stops too early leaves the last one out.
	kept, last := s.count(a, keys), 0
	for round := range groupSize {
		pair := names(fmt.Sprint("pair", round), 2)
		s.setBatch(a, itemsOf(pair, "", lasting))
		s.settle(a)
		last += s.count(a, pair[1:])
	}
	if control < groupSize/2 {
		a.inconclusive("of %d keys that were set one by one, %d were kept", groupSize, control)
	}
	if kept == 0 {
		a.violated("about as many", "of %d keys in a SetBatch, %d were told to be accepted and none was found; of as many set one by one, %d",
			groupSize, told, control)
	}
	if last == 0 {
		a.violated("about as many", "of %d keys that came last in a SetBatch of two, none was found; of as many set one by one, %d",
			groupSize, control)
	}
}

func trySetBatchIsHonest(a *attempt, s *providerSubject) {
	keys := names("honest", 12)
	for _, key := range keys {
		s.keep(a, key, sample("old", 19))
	}
	for i, ok := range s.setBatch(a, itemsOf(keys, "", lasting)) {
		if !ok {
			continue
		}
		s.settle(a)
		if got, found := s.get(a, keys[i]); found && bytes.Equal(got, sample("old", 19)) {
			a.violated("the new value, or a miss", "SetBatch told true for %s, and Get then returned the value before", quote(keys[i]))
		}
	}
}

func trySetBatchHeedsEachTTL(a *attempt, s *providerSubject) {
	s.mustExpire(a)
	ttl := s.ttl()
	// Each neighbour has the other life time, whichever comes first.
	var short, long []string
	for round := range groupSize / 2 {
		keys := names(fmt.Sprint("mixed", round), 4)
		items := itemsOf(keys, "", lasting)
		for i := range items {
			if (i+round)%2 == 0 {
				items[i].TTL = ttl
				short = append(short, keys[i])
			} else {
				long = append(long, keys[i])
			}
		}
		s.setBatch(a, items)
	}
	s.settle(a)
	kept, before := s.count(a, short), s.count(a, long)
	s.pass(a, ttl+s.slack())
	for _, key := range short {
		if _, found := s.get(a, key); found {
			a.violated("a miss", "%s was set for %v, in a batch with others, and is still found %v later", quote(key), ttl, ttl+s.slack())
		}
	}
	if kept == 0 || before < groupSize/2 {
		a.inconclusive("of %d keys set for %v, %d were kept from the beginning", len(short), ttl, kept)
	}
	if s.count(a, long) == 0 {
		a.violated("about as many", "of %d keys found that were set for %v in batches with others for %v, none is left after %v",
			before, lasting, ttl, ttl+s.slack())
	}
}

func trySetBatchKeepsNoItems(a *attempt, s *providerSubject) {
	for round := range 8 {
		keys := names(fmt.Sprint("reused", round), 6)
		items := itemsOf(keys, "", lasting)
		before := slices.Clone(items)
		s.setBatch(a, items)
		for i := range items {
			if items[i].Key != before[i].Key || !bytes.Equal(items[i].Value, before[i].Value) ||
				items[i].Cost != before[i].Cost || items[i].TTL != before[i].TTL {
				a.violated("no change", "SetBatch changed item %d of the slice it was given", i)
			}
		}
		// The next batch of the caller, in the same memory. The values of the
		// first are the provider's to keep, the slice is not.
		other := sample("another batch", 30)
		for i := range items {
			items[i] = cascache.Item{Key: "of another batch", Value: other, Cost: 30, TTL: lasting}
		}
		s.settle(a)
		for _, item := range before {
			if got, found := s.get(a, item.Key); found && !bytes.Equal(got, item.Value) {
				a.violated("the value of that key, or a miss", "the slice of items was used for something else after SetBatch, and Get(%s) returned %s",
					quote(item.Key), quote(got))
			}
		}
		if got, found := s.get(a, "of another batch"); found {
			a.violated("a miss", "a key that was never set, but written to the slice of items after SetBatch, has the value %s", quote(got))
		}
	}
}
