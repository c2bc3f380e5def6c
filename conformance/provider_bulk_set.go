package conformance

import (
	"bytes"
	"fmt"
	"slices"
	"time"

	cascache "github.com/unkn0wn-root/cascache/core"
)

var providerSetBulkRules = []rule[*providerSubject]{
	{
		name:  "SetBulkStoresUnderEachKey",
		says:  "SetBulk stores each value under its own key.",
		harm:  "one user is given the data of another.",
		needs: needBulk,
		try:   trySetBulkStoresUnderEachKey,
	},
	{
		name:  "SetBulkAnswersEachItem",
		says:  "SetBulk tells for each item, in order, whether it was accepted, and takes any number of them.",
		harm:  "the caller cannot tell what is stored, and fails or counts wrongly.",
		needs: needBulk,
		try:   trySetBulkAnswersEachItem,
	},
	{
		name:  "SetBulkKeepsSomething",
		says:  "What SetBulk has stored can be found as well as what Set has.",
		harm:  "what was loaded as a list is never found again, and the cache only costs.",
		needs: needBulk,
		try:   trySetBulkKeepsSomething,
	},
	{
		name:  "SetBulkIsHonest",
		says:  "Once SetBulk has told true for an item, what was there before is never returned.",
		harm:  "an old entry is served for the rest of its life, although it was replaced.",
		needs: needBulk,
		try:   trySetBulkIsHonest,
	},
	{
		name:  "SetBulkHeedsEachTTL",
		says:  "Each item of a SetBulk has its own time to live.",
		harm:  "entries outlive their bound because of their neighbours.",
		lack:  PerEntryTTL,
		needs: needBulk,
		try:   trySetBulkHeedsEachTTL,
	},
	{
		name:  "SetBulkKeepsNoItems",
		says:  "SetBulk does not change the slice of items, and does not need it once it has returned.",
		harm:  "the next call's items are built in the same memory, and their values appear under the keys of this one.",
		needs: needBulk,
		try:   trySetBulkKeepsNoItems,
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

// setBulk stores the items, as set does.
func (s *providerSubject) setBulk(a *attempt, items []cascache.Item) []bool {
	accepted, err := s.bulk.SetBulk(a.Context(), items)
	if err != nil || len(accepted) != len(items) {
		return nil
	}
	return accepted
}

func trySetBulkStoresUnderEachKey(a *attempt, s *providerSubject) {
	for round := range 8 {
		items := itemsOf(names(fmt.Sprint("each", round), 12), "", lasting)
		s.setBulk(a, slices.Clone(items))
		s.settle(a)
		for _, item := range items {
			if got, found := s.get(a, item.Key); found && !bytes.Equal(got, item.Value) {
				a.violated("the value of that key, or a miss", "after a SetBulk of %d items Get(%s) returned %s", len(items), quote(item.Key), quote(got))
			}
		}
	}
}

func trySetBulkAnswersEachItem(a *attempt, s *providerSubject) {
	for _, n := range []int{0, 1, 2, 100, 2500} {
		keys := names(fmt.Sprint("n", n), n)
		accepted, err := s.bulk.SetBulk(a.Context(), itemsOf(keys, "", lasting))
		if err != nil {
			a.violated("no error", "SetBulk of %d items returned the error %v", n, err)
		}
		if len(accepted) != n {
			a.violated(fmt.Sprintf("%d answers", n), "SetBulk of %d items returned %d", n, len(accepted))
		}
		s.settle(a)
		for i, key := range keys {
			if accepted[i] {
				continue
			}
			if _, found := s.get(a, key); found {
				a.violated("true for what is stored", "SetBulk of %d items told false for %s, and Get finds it", n, quote(key))
			}
		}
	}
}

func trySetBulkKeepsSomething(a *attempt, s *providerSubject) {
	control := s.count(a, s.group(a, "single", lasting))
	keys := names("bulk", groupSize)
	told := 0
	for _, ok := range s.setBulk(a, itemsOf(keys, "", lasting)) {
		if ok {
			told++
		}
	}
	s.settle(a)
	// Both ends: a loop that stops too early leaves the last one out.
	kept, last := s.count(a, keys), 0
	for round := range groupSize {
		pair := names(fmt.Sprint("pair", round), 2)
		s.setBulk(a, itemsOf(pair, "", lasting))
		s.settle(a)
		last += s.count(a, pair[1:])
	}
	if control < groupSize/2 {
		a.inconclusive("of %d keys that were set one by one, %d were kept", groupSize, control)
	}
	if kept == 0 {
		a.violated("about as many", "of %d keys in a SetBulk, %d were told to be accepted and none was found; of as many set one by one, %d",
			groupSize, told, control)
	}
	if last == 0 {
		a.violated("about as many", "of %d keys that came last in a SetBulk of two, none was found; of as many set one by one, %d",
			groupSize, control)
	}
}

func trySetBulkIsHonest(a *attempt, s *providerSubject) {
	keys := names("honest", 12)
	for _, key := range keys {
		s.keep(a, key, sample("old", 19))
	}
	for i, ok := range s.setBulk(a, itemsOf(keys, "", lasting)) {
		if !ok {
			continue
		}
		s.settle(a)
		if got, found := s.get(a, keys[i]); found && bytes.Equal(got, sample("old", 19)) {
			a.violated("the new value, or a miss", "SetBulk told true for %s, and Get then returned the value before", quote(keys[i]))
		}
	}
}

func trySetBulkHeedsEachTTL(a *attempt, s *providerSubject) {
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
		s.setBulk(a, items)
	}
	s.settle(a)
	kept, before := s.count(a, short), s.count(a, long)
	s.pass(a, ttl+s.slack())
	for _, key := range short {
		if _, found := s.get(a, key); found {
			a.violated("a miss", "%s was set for %v, in one call with others, and is still found %v later", quote(key), ttl, ttl+s.slack())
		}
	}
	if kept == 0 || before < groupSize/2 {
		a.inconclusive("of %d keys set for %v, %d were kept from the beginning", len(short), ttl, kept)
	}
	if s.count(a, long) == 0 {
		a.violated("about as many", "of %d keys found that were set for %v in calls with others for %v, none is left after %v",
			before, lasting, ttl, ttl+s.slack())
	}
}

func trySetBulkKeepsNoItems(a *attempt, s *providerSubject) {
	for round := range 8 {
		keys := names(fmt.Sprint("reused", round), 6)
		items := itemsOf(keys, "", lasting)
		before := slices.Clone(items)
		s.setBulk(a, items)
		for i := range items {
			if items[i].Key != before[i].Key || !bytes.Equal(items[i].Value, before[i].Value) ||
				items[i].Cost != before[i].Cost || items[i].TTL != before[i].TTL {
				a.violated("no change", "SetBulk changed item %d of the slice it was given", i)
			}
		}
		// The items of the next call, in the same memory. The values of the
		// first are the provider's to keep, the slice is not.
		other := sample("another call", 30)
		for i := range items {
			items[i] = cascache.Item{Key: "of another call", Value: other, Cost: 30, TTL: lasting}
		}
		s.settle(a)
		for _, item := range before {
			if got, found := s.get(a, item.Key); found && !bytes.Equal(got, item.Value) {
				a.violated("the value of that key, or a miss", "the slice of items was used for something else after SetBulk, and Get(%s) returned %s",
					quote(item.Key), quote(got))
			}
		}
		if got, found := s.get(a, "of another call"); found {
			a.violated("a miss", "a key that was never set, but written to the slice of items after SetBulk, has the value %s", quote(got))
		}
	}
}
