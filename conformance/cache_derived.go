package conformance

import (
	"context"
	"fmt"
	"strings"

	cascache "github.com/unkn0wn-root/cascache/core"
)

var cacheDerivedRules = []rule[*cacheSubject]{
	{
		name: "TagInvalidatesItsKeys",
		says: "When InvalidateTags has returned nil, no replica serves what was there before of any key with one of the tags.",
		harm: "a tenant whose data was withdrawn goes on being served it.",
		try: func(a *attempt, s *cacheSubject) {
			trySweep(a, s, "InvalidateTags", func(ctx context.Context, h *cascache.Handle[string]) error {
				return h.InvalidateTags(ctx, "some other tag", "a tag")
			})
		},
	},
	{
		name: "ClearInvalidatesAllKeys",
		says: "When Clear has returned nil, no replica serves what was there before of any key.",
		harm: "after a faulty import has been mended and the cache cleared, the faulty values are served until their time to live is over.",
		try: func(a *attempt, s *cacheSubject) {
			trySweep(a, s, "Clear", func(ctx context.Context, h *cascache.Handle[string]) error { return h.Clear(ctx) })
		},
	},
	{
		name: "EntryDiesWithWhatItDependsOn",
		says: "When Invalidate has returned nil for a key of one cache, no replica of another cache serves a value that a load made of that key's old value.",
		harm: "a page goes on showing a price that has changed.",
		try:  tryEntryDiesWithWhatItDependsOn,
	},
	{
		name: "LostDependencyProvesNothing",
		says: "When the generation of what a value depends on is lost after an invalidation, the value is not served.",
		harm: "an eviction in the generation store brings old pages back.",
		try:  tryLostDependencyProvesNothing,
	},
}

// derived are options with a tag for every key, and Clear.
func derived(opts *cascache.Options[string]) {
	opts.Clearable = true
	opts.Tags = func(key string) []string { return []string{"a tag", "key " + key} }
}

// handles returns the replicas as what the library opens, or ends the case: a cache
// that the harness opens by itself need not have more than cascache.CAS.
func handles(a *attempt, replicas []*replica) []*cascache.Handle[string] {
	all := make([]*cascache.Handle[string], len(replicas))
	for i, r := range replicas {
		h, ok := r.CAS.(*cascache.Handle[string])
		if !ok {
			a.end(inapplicable, "CacheHarness.Open returns no *cascache.Handle")
		}
		all[i] = h
	}
	return all
}

func trySweep(a *attempt, s *cacheSubject, call string, sweep func(context.Context, *cascache.Handle[string]) error) {
	s.change = derived
	replicas := s.openFaulty(a, s.replicas())
	handle := handles(a, replicas)[0]
	reader := replicas[len(replicas)-1]
	keys := names("swept", 5)
	seen := 0
	for _, key := range keys {
		if reader.keep(a, key, before(key)) {
			seen++
		}
	}
	reader.fillBulk(a, keys, before)
	observed := reader.SnapshotGens(keys)
	if err := sweep(a.Context(), handle); err != nil {
		a.inconclusive("%s returned %v", call, err)
	}
	if seen == 0 {
		a.inconclusive("%d fills of each of %d keys left nothing to be served; see FillIsServed", cacheTries, len(keys))
	}
	for _, key := range keys {
		refuse(a, replicas, key, call+" returned nil")
	}
	for i, r := range replicas {
		for key, got := range r.getBulk(a, keys) {
			if got != after(key) {
				a.violated("a miss", "%s returned nil, and GetBulk on replica %d then served %s for %s", call, i, quote(got), quote(key))
			}
		}
	}
	for _, key := range keys {
		reader.store(a, key, before(key), observed[key])
		refuse(a, replicas, key, "a load began before "+call+", which returned nil, and was stored after it")
	}
	for _, key := range keys {
		if !reader.keep(a, key, after(key)) {
			a.inconclusive("%d fills of %s after %s left nothing to be served", cacheTries, quote(key), call)
		}
	}
}

// pages opens a second cache over the backends of a replica, whose loads make a value
// of those of the replica's keys that its key names, and returns it with its loader.
func (r *replica) pages(a *attempt, rows func(key string) string) (*replica, func(ctx context.Context, key string) (string, error)) {
	opts := r.opts
	if opts.Provider == nil {
		a.end(inapplicable, "the assembly has no Provider that a second cache could have")
	}
	opts.Near = nil
	opts.Namespace += " pages"
	p := &replica{h: r.h, opts: opts, CAS: r.h.openCache(a, opts)}
	a.Cleanup(func() { _ = p.Close(context.Background()) })
	handle := handles(a, []*replica{p})[0]
	load := func(_ context.Context, key string) (string, error) { return rows(key), nil }
	row, err := cascache.NewLoader(handles(a, []*replica{r})[0], cascache.LoaderOptions[string]{Load: load})
	if err != nil {
		a.Fatal(err)
	}
	page, err := cascache.NewLoader(handle, cascache.LoaderOptions[string]{Load: func(ctx context.Context, key string) (string, error) {
		var all []string
		for _, name := range strings.Split(key, "+") {
			value, err := row.Get(ctx, name)
			if err != nil {
				return "", err
			}
			all = append(all, value)
		}
		return strings.Join(all, "+"), nil
	}})
	if err != nil {
		a.Fatal(err)
	}
	return p, page.Get
}

// keepPage loads a page until it is served without a load.
func (r *replica) keepPage(a *attempt, get func(context.Context, string) (string, error), key, want string) {
	for range cacheTries {
		if _, err := get(a.Context(), key); err != nil {
			continue
		}
		r.settle(a)
		if got, ok := r.get(a, key); ok && got == want {
			return
		}
	}
	a.inconclusive("%d loads of a value made of two others left nothing to be served; see FillIsServed", cacheTries)
}

func tryEntryDiesWithWhatItDependsOn(a *attempt, s *cacheSubject) {
	replicas := s.openFaulty(a, s.replicas())
	handles(a, replicas)
	for i := range 3 {
		version := 0
		rows := func(key string) string { return fmt.Sprintf("%s version %d", key, version) }
		keys := names("row", 2)
		key := keys[0] + "+" + keys[1]
		pages := make([]*replica, len(replicas))
		for j, r := range replicas {
			var get func(context.Context, string) (string, error)
			pages[j], get = r.pages(a, rows)
			for _, k := range keys {
				r.invalidate(a, k)
			}
			pages[j].invalidate(a, key)
			pages[j].keepPage(a, get, key, rows(keys[0])+"+"+rows(keys[1]))
		}
		version++
		replicas[0].invalidate(a, keys[i%2])
		for j, p := range pages {
			if got, ok := p.get(a, key); ok {
				a.violated("a miss", "a value was made of two keys of another cache, Invalidate of one of them returned nil, and Get on replica %d then served %s", j, quote(got))
			}
			if got := p.getBulk(a, []string{key}); len(got) > 0 {
				a.violated("a miss", "a value was made of two keys of another cache, Invalidate of one of them returned nil, and GetBulk on replica %d then served %s", j, quote(got[key]))
			}
		}
	}
}

func tryLostDependencyProvesNothing(a *attempt, s *cacheSubject) {
	s.losing(a, 1, func(replicas []*replica, lose func(), loss Loss) {
		r := replicas[0]
		handles(a, replicas)
		keys := names("row", 2)
		key := keys[0] + "+" + keys[1]
		rows := func(key string) string { return key + ", version 0" }
		p, get := r.pages(a, rows)
		p.keepPage(a, get, key, rows(keys[0])+"+"+rows(keys[1]))
		r.invalidate(a, keys[1])
		lose()
		for range 2 {
			if got, ok := p.get(a, key); ok {
				a.violated("a miss", "a value was made of two keys of another cache, Invalidate of one of them returned nil, its generation was lost (%s), and Get then served %s", loss.Name, quote(got))
			}
			r.SnapshotGens(keys) // creates what is missing
		}
	})
}
