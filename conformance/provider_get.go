package conformance

import (
	"bytes"
	"fmt"
	"strings"
)

var providerGetRules = []rule[*providerSubject]{
	{
		name: "MissIsNotAnError",
		says: "A Get of a key that is not there returns (nil, false, nil).",
		harm: "callers take an ordinary miss for an outage and fail their requests, or take a value that is none.",
		try:  tryMissIsNotAnError,
	},
	{
		name: "HealthyCallsSucceed",
		says: "While the storage works, Set, Get, Del and Close return no error.",
		harm: "callers see errors although nothing is wrong, and nothing is cached.",
		try:  tryHealthyCallsSucceed,
	},
	{
		name: "ValuesComeBackWhole",
		says: "A Get returns exactly the bytes that were set, whatever they are and however many, or it misses.",
		harm: "a cut or changed entry is thrown away at every read at best, and decodes into a wrong value at worst.",
		try:  tryValuesComeBackWhole,
	},
	{
		name: "KeepsSomething",
		says: "A provider may lose entries, but not all of them.",
		harm: "every read goes to the database, and the cache only costs.",
		try:  tryKeepsSomething,
	},
	{
		name: "MissIsForgotten",
		says: "That a key was missed does not keep later sets of it from being found.",
		harm: "every fill follows a miss: whoever remembers misses never has a hit.",
		try:  tryMissIsForgotten,
	},
	{
		name: "GetLeavesTheEntry",
		says: "Reading an entry does not remove it.",
		harm: "every second read goes to the database.",
		try:  tryGetLeavesTheEntry,
	},
	{
		name: "ReturnedBytesStay",
		says: "The bytes that Get returned never change afterwards.",
		harm: "a reader that is still decoding is given the bytes of another entry, under load and never in a test.",
		try:  tryReturnedBytesStay,
	},
}

func tryMissIsNotAnError(a *attempt, s *providerSubject) {
	for _, key := range []string{"never-set", "never set either", "ns:0"} {
		value, found, err := s.p.Get(a.Context(), key)
		if err != nil || found || value != nil {
			a.violated("(nil, false, nil)", "Get(%s) of a key never set returned (%s, %t, %v)", quote(key), bytesOrNil(value), found, err)
		}
	}
}

func tryHealthyCallsSucceed(a *attempt, s *providerSubject) {
	ctx := a.Context()
	for _, key := range names("healthy", 16) {
		for _, value := range [][]byte{sample("first", 100), sample("second", 10)} {
			if _, err := s.p.Set(ctx, key, value, int64(len(value)), lasting); err != nil {
				a.violated("no error", "Set(%s) of %d bytes returned %v", quote(key), len(value), err)
			}
			s.settle(a)
			if _, _, err := s.p.Get(ctx, key); err != nil {
				a.violated("no error", "Get(%s) returned %v", quote(key), err)
			}
		}
		if err := s.p.Del(ctx, key); err != nil {
			a.violated("no error", "Del(%s) of a key that was set returned %v", quote(key), err)
		}
	}
	if err := s.p.Close(ctx); err != nil {
		a.violated("no error", "Close returned %v", err)
	}
}

// awkwardValues are bytes that something on the way may take a fancy to.
var awkwardValues = []string{
	"", "\x00", "\n", " ", "0", "nil", "null", "{}", `""`, "\x00leading", "trailing\x00", "in\x00side",
	"  padded  ", "line\r\n", "\xff\xfe\xfd", "\xef\xbb\xbfmark", "%25%s%d", "$1", "<&>'\"\\",
	strings.Repeat("\x00", 100), strings.Repeat("a", 1000),
}

func tryValuesComeBackWhole(a *attempt, s *providerSubject) {
	var values [][]byte
	for _, value := range awkwardValues {
		values = append(values, []byte(value))
	}
	every := make([]byte, 256)
	for i := range every {
		every[i] = byte(i)
	}
	values = append(values, every)
	for _, size := range []int{1, 2, 7, 255, 256, 257, 4095, 4096, 4097, 65535, 65536, 65537, 1 << 20} {
		values = append(values, sample("size", size))
	}
	for i, value := range values {
		key := fmt.Sprintf("value-%d", i)
		// Once more where the first was lost.
		for range 3 {
			s.set(a, key, bytes.Clone(value), lasting)
			s.settle(a)
			got, found := s.get(a, key)
			if !found {
				continue
			}
			if !bytes.Equal(got, value) {
				a.violated(quote(value)+", or a miss", "Get returned %s, %d bytes where %d were set%s",
					quote(got), len(got), len(value), firstDifference(got, value))
			}
			break
		}
	}
}

func tryKeepsSomething(a *attempt, s *providerSubject) {
	const keys = 256
	for _, key := range names("keep", keys) {
		value := sample(key, 64)
		s.set(a, key, value, lasting)
		s.settle(a)
		if got, found := s.get(a, key); found && bytes.Equal(got, value) {
			return
		}
	}
	a.violated("at least one hit", "%d keys were set for %v, each was read right after it, and none was found", keys, lasting)
}

func tryMissIsForgotten(a *attempt, s *providerSubject) {
	control := s.hits(a, "control", func(key string) {})
	missed := s.hits(a, "missed", func(key string) { s.get(a, key) })
	if control < groupSize/2 {
		a.inconclusive("of %d keys that nobody had asked for before, %d were kept", groupSize, control)
	}
	if missed == 0 {
		a.violated("about as many", "of %d keys that were read before they were set, none was found afterwards; of as many that were not, %d",
			groupSize, control)
	}
}

func tryGetLeavesTheEntry(a *attempt, s *providerSubject) {
	kept := 0
	for _, key := range names("read", groupSize) {
		if !s.keep(a, key, sample(key, 20)) {
			continue
		}
		kept++
		if _, again := s.get(a, key); again {
			return
		}
	}
	if kept < groupSize/2 {
		a.inconclusive("of %d keys, %d were kept", groupSize, kept)
	}
	a.violated("hits", "%d keys were each found once, and none of them at the read that followed", kept)
}

func tryReturnedBytesStay(a *attempt, s *providerSubject) {
	const size = 300
	type held struct {
		key       string
		got, copy []byte
	}
	var all []held
	hold := func(key string) {
		if got, found := s.get(a, key); found {
			all = append(all, held{key, got, bytes.Clone(got)})
		}
	}
	check := func(after string) {
		for _, h := range all {
			if !bytes.Equal(h.got, h.copy) {
				a.violated("the bytes as they were returned", "the slice that Get(%s) returned changed after %s%s",
					quote(h.key), after, firstDifference(h.got, h.copy))
			}
		}
	}
	keys := names("stay", 8)
	for _, key := range keys {
		s.keep(a, key, sample(key, size))
		hold(key)
	}
	check("Gets of other keys")
	for _, key := range keys {
		s.set(a, key, sample(key+"'", size), lasting)
		s.settle(a)
		hold(key)
	}
	check("Sets of the same keys")
	for _, key := range keys {
		s.del(a, key)
	}
	for _, key := range names("other", 64) {
		s.set(a, key, sample(key, size), lasting)
		s.settle(a)
		hold(key)
	}
	check("Dels of the same keys and Sets of others")
	if len(all) == 0 {
		a.inconclusive("nothing was kept")
	}
	_ = s.p.Close(a.Context())
	check("Close")
}
