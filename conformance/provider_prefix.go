package conformance

import "bytes"

var providerPrefixRules = []rule[*providerSubject]{
	{
		name:  "GetPrefixedIsGet",
		says:  "GetPrefixed of a prefix and a key returns what Get of the two together does, or misses.",
		harm:  "one user, or one namespace, is given the data of another.",
		needs: needPrefixGet,
		try:   tryGetPrefixedIsGet,
	},
	{
		name:  "GetPrefixedAtAnyDivision",
		says:  "Wherever a key is divided, GetPrefixed returns what was set under the whole of it, or misses.",
		harm:  "two caches that divide their keys in different places are given the data of each other.",
		needs: needPrefixGet,
		try:   tryGetPrefixedAtAnyDivision,
	},
	{
		name:  "GetPrefixedFindsWhatGetFinds",
		says:  "GetPrefixed finds what Get finds.",
		harm:  "every read goes to the database, and the cache only costs.",
		needs: needPrefixGet,
		try:   tryGetPrefixedFindsWhatGetFinds,
	},
	{
		name:  "GetPrefixedSeesDel",
		says:  "When Del has returned nil, no GetPrefixed returns a value set before it began.",
		harm:  "readers go on being given an entry that was thrown out.",
		needs: needPrefixGet,
		try:   tryGetPrefixedSeesDel,
	},
	{
		name:  "GetPrefixedHeedsTTL",
		says:  "GetPrefixed does not return entries whose time to live is over.",
		harm:  "entries outlive their bound.",
		lack:  PerEntryTTL,
		needs: needPrefixGet,
		try:   tryGetPrefixedHeedsTTL,
	},
}

func needPrefixGet(s *providerSubject) string {
	if s.prefixed == nil {
		return "the provider is no cascache.PrefixGetter"
	}
	return ""
}

// getPrefixed returns what is stored under prefix+key, as get does.
func (s *providerSubject) getPrefixed(a *attempt, prefix, key string) ([]byte, bool) {
	value, found, err := s.prefixed.GetPrefixed(a.Context(), prefix, key)
	return value, found && err == nil
}

const prefix = "single:ns:"

func tryGetPrefixedIsGet(a *attempt, s *providerSubject) {
	for _, other := range []string{"single:other:", "single:ns", "single:ns:x", "s", "Single:ns:"} {
		for _, key := range []string{"a", "b:c", "", "\x00", "single:ns:a"} {
			for i, full := range []string{other + key, prefix + key} {
				value := sample(full, 20+i)
				if full == "" || !s.set(a, full, value, lasting) {
					continue
				}
				s.settle(a)
				// The same place of division throughout, as the cache does it.
				got, found := s.getPrefixed(a, prefix, key)
				if found && !bytes.Equal(got, sample(prefix+key, 21)) {
					a.violated("what was set under "+quote(prefix+key)+", or a miss", "after a Set of %s, GetPrefixed(%s, %s) returned %s",
						quote(full), quote(prefix), quote(key), quote(got))
				}
			}
		}
	}
	for _, key := range []string{"missing", "a "} {
		value, found, err := s.prefixed.GetPrefixed(a.Context(), prefix, key)
		if value != nil || found || err != nil {
			a.violated("(nil, false, nil)", "GetPrefixed(%s, %s), which was never set, returned (%s, %t, %v)", quote(prefix), quote(key), bytesOrNil(value), found, err)
		}
	}
}

func tryGetPrefixedAtAnyDivision(a *attempt, s *providerSubject) {
	// Each is what another becomes when a part is left out or put in.
	keys := []string{"user:a", "usera", "user::a", "user", "a", ":a", "user:b", "other:a", "us\x00er:a", "stra\u00dfe:a", "\xff:a"}
	keys = append(keys, longKeys([]int{257, maxKey})...)
	for _, key := range keys {
		s.set(a, key, sample(key, 20), lasting)
	}
	s.settle(a)
	for _, key := range keys {
		for at := 0; at <= len(key); at++ {
			if len(key) > 256 && at > 2 && at < len(key)-2 && at != len(key)/2 {
				continue
			}
			got, found := s.getPrefixed(a, key[:at], key[at:])
			if found && !bytes.Equal(got, sample(key, 20)) {
				a.violated("what was set under that key, or a miss", "GetPrefixed of %s, divided after %d bytes, returned %s",
					describeKey(key), at, quote(got))
			}
		}
	}
}

func tryGetPrefixedFindsWhatGetFinds(a *attempt, s *providerSubject) {
	keys := names("key", groupSize)
	for _, key := range keys {
		s.set(a, prefix+key, sample(key, 20), lasting)
	}
	s.settle(a)
	single, parted := 0, 0
	for _, key := range keys {
		if _, found := s.get(a, prefix+key); found {
			single++
		}
		if _, found := s.getPrefixed(a, prefix, key); found {
			parted++
		}
	}
	if single < groupSize/2 {
		a.inconclusive("of %d keys, Get found %d", groupSize, single)
	}
	if parted == 0 {
		a.violated("about as many", "of %d keys, Get found %d and GetPrefixed none", groupSize, single)
	}
}

func tryGetPrefixedSeesDel(a *attempt, s *providerSubject) {
	s.mustDelete(a)
	for _, key := range names("gone", 8) {
		value := sample(key, 20)
		s.keep(a, prefix+key, value)
		s.getPrefixed(a, prefix, key)
		if !s.del(a, prefix+key) {
			continue
		}
		if got, found := s.getPrefixed(a, prefix, key); found && bytes.Equal(got, value) {
			a.violated("a miss", "Del(%s) returned nil, and GetPrefixed then returned %s", quote(prefix+key), quote(got))
		}
	}
}

func tryGetPrefixedHeedsTTL(a *attempt, s *providerSubject) {
	s.mustExpire(a)
	ttl := s.ttl()
	kept, keys := 0, names("ends", groupSize)
	for _, key := range keys {
		s.set(a, prefix+key, sample(key, 20), ttl)
	}
	s.settle(a)
	for _, key := range keys {
		if _, found := s.getPrefixed(a, prefix, key); found {
			kept++
		}
	}
	s.pass(a, ttl+s.slack())
	for _, key := range keys {
		if got, found := s.getPrefixed(a, prefix, key); found && bytes.Equal(got, sample(key, 20)) {
			a.violated("a miss", "%s was set for %v, and GetPrefixed still returns it %v later", quote(prefix+key), ttl, ttl+s.slack())
		}
	}
	if kept == 0 {
		a.inconclusive("nothing was kept from the beginning")
	}
}
