package conformance

import (
	"context"

	cascache "github.com/unkn0wn-root/cascache/core"
)

// calls are all calls that take a context and may do I/O, on key.
func (s *providerSubject) calls(key string) []call {
	value := sample(key, 20)
	all := []call{
		{"Get", func(ctx context.Context) error { _, _, err := s.p.Get(ctx, key); return err }},
		{"Set", func(ctx context.Context) error { _, err := s.p.Set(ctx, key, value, 20, lasting); return err }},
		{"Del", func(ctx context.Context) error { return s.p.Del(ctx, key) }},
	}
	return append(all, s.abilityCalls(key)...)
}

// abilityCalls are the optional ones.
func (s *providerSubject) abilityCalls(key string) []call {
	var all []call
	if s.prefixed != nil {
		all = append(all, call{"GetPrefixed", func(ctx context.Context) error {
			_, _, err := s.prefixed.GetPrefixed(ctx, key[:1], key[1:])
			return err
		}})
	}
	if s.bulk == nil {
		return all
	}
	keys := []string{key, key + "'"}
	return append(all,
		call{"GetBulk", func(ctx context.Context) error { _, err := s.bulk.GetBulk(ctx, keys); return err }},
		call{"SetBulk", func(ctx context.Context) error {
			_, err := s.bulk.SetBulk(ctx, []cascache.Item{
				{Key: keys[0], Value: sample(key, 20), Cost: 20, TTL: lasting},
				{Key: keys[1], Value: sample(key, 20), Cost: 20, TTL: lasting},
			})
			return err
		}},
		call{"DelBulk", func(ctx context.Context) error { return s.bulk.DelBulk(ctx, keys) }},
	)
}

func (s *providerSubject) needAbility() string {
	if len(s.abilityCalls("any")) == 0 {
		return "the provider has no optional calls"
	}
	return ""
}
