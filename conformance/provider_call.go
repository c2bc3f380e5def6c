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
	if s.getter != nil {
		all = append(all, call{"GetBulk", func(ctx context.Context) error {
			_, err := s.getter.GetBulk(ctx, []string{key, key + "'"})
			return err
		}})
	}
	if s.setter != nil {
		all = append(all, call{"SetBulk", func(ctx context.Context) error {
			_, err := s.setter.SetBulk(ctx, []cascache.Item{
				{Key: key, Value: sample(key, 20), Cost: 20, TTL: lasting},
				{Key: key + "'", Value: sample(key, 20), Cost: 20, TTL: lasting},
			})
			return err
		}})
	}
	if s.deleter != nil {
		all = append(all, call{"DelBulk", func(ctx context.Context) error { return s.deleter.DelBulk(ctx, []string{key, key + "'"}) }})
	}
	return all
}

func (s *providerSubject) needAbility() string {
	if len(s.abilityCalls("any")) == 0 {
		return "the provider has no optional calls"
	}
	return ""
}
