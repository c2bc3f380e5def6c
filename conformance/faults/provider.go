package faults

import (
	"context"
	"errors"
	"sync"
	"time"

	cascache "github.com/unkn0wn-root/cascache/core"
)

// A Provider is another provider with faults. It has the optional abilities of
// the other one, as far as cascache.AbilityOf can tell, and forwards them.
type Provider struct {
	inner  cascache.Provider
	script *Script

	mu   sync.Mutex // guards late
	late []func()   // sets that wait for Flush
}

var (
	_ cascache.Provider     = (*Provider)(nil)
	_ cascache.BulkProvider = (*Provider)(nil)
	_ cascache.PrefixGetter = (*Provider)(nil)
	_ cascache.Sharer       = (*Provider)(nil)
	_ cascache.Wrapper      = (*Provider)(nil)
	_ cascache.ClosedTeller = (*Provider)(nil)
)

// NewProvider returns inner with the faults of script. It panics if either is nil.
func NewProvider(inner cascache.Provider, script *Script) *Provider {
	checkInner("NewProvider", inner, script)
	return &Provider{inner: inner, script: script}
}

// Unwrap implements [cascache.Wrapper].
func (p *Provider) Unwrap() any { return p.inner }

// Closed implements [cascache.ClosedTeller].
func (p *Provider) Closed() bool { return isClosed(p.inner) }

// Get implements [cascache.Provider].
func (p *Provider) Get(ctx context.Context, key string) ([]byte, bool, error) {
	return p.get(ctx, key, func() ([]byte, bool, error) { return p.inner.Get(ctx, key) })
}

// GetPrefixed implements [cascache.PrefixGetter].
func (p *Provider) GetPrefixed(ctx context.Context, prefix, key string) ([]byte, bool, error) {
	return p.get(ctx, prefix+key, func() ([]byte, bool, error) {
		if getter, ok := cascache.AbilityOf[cascache.PrefixGetter](p.inner); ok {
			return getter.GetPrefixed(ctx, prefix, key)
		}
		return p.inner.Get(ctx, prefix+key)
	})
}

func (p *Provider) get(ctx context.Context, key string, carryOut func() ([]byte, bool, error)) ([]byte, bool, error) {
	faults := p.script.decide(Get, key, Miss, Tear, Flip)
	if err := p.script.before(ctx, faults, Get, key); err != nil {
		return nil, false, err
	}
	value, found, err := carryOut()
	if err != nil {
		return nil, false, err
	}
	if err := lost(faults, Get, key); err != nil {
		return nil, false, err
	}
	if !found || find(faults, Miss) != nil {
		return nil, false, nil
	}
	return damage(faults, value), true, nil
}

// Set implements [cascache.Provider].
func (p *Provider) Set(ctx context.Context, key string, value []byte, cost int64, ttl time.Duration) (bool, error) {
	faults := p.script.decide(Set, key, Drop, Decline, Late, Tear, Flip)
	if err := p.script.before(ctx, faults, Set, key); err != nil {
		return false, err
	}
	accepted, err := p.set(ctx, faults, cascache.Item{Key: key, Value: value, Cost: cost, TTL: ttl})
	if err == nil {
		err = lost(faults, Set, key)
	}
	return accepted && err == nil, err
}

// set carries out one set.
func (p *Provider) set(ctx context.Context, faults []fault, item cascache.Item) (bool, error) {
	if find(faults, Decline) != nil {
		return false, nil
	}
	if find(faults, Drop) != nil {
		return true, p.inner.Del(ctx, item.Key)
	}
	item.Value = damage(faults, item.Value)
	if late := find(faults, Late); late != nil {
		p.setLater(item, late.Delay)
		return true, nil
	}
	return p.inner.Set(ctx, item.Key, item.Value, item.Cost, item.TTL)
}

// setLater stores item in after, or with the next Flush when that is 0.
func (p *Provider) setLater(item cascache.Item, after time.Duration) {
	land := func() {
		// The caller is gone, and so is its context. Nobody is left to be told
		// of an error.
		_, _ = p.inner.Set(context.Background(), item.Key, item.Value, item.Cost, item.TTL)
	}
	if after > 0 {
		time.AfterFunc(after, land)
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.late = append(p.late, land)
}

// Flush stores what is late, in the order in which it was set, but for what
// waits for a delay of its own.
func (p *Provider) Flush() {
	p.mu.Lock()
	late := p.late
	p.late = nil
	p.mu.Unlock()
	for _, land := range late {
		land()
	}
}

// Del implements [cascache.Provider].
func (p *Provider) Del(ctx context.Context, key string) error {
	faults := p.script.decide(Del, key)
	if err := p.script.before(ctx, faults, Del, key); err != nil {
		return err
	}
	if err := p.inner.Del(ctx, key); err != nil {
		return err
	}
	return lost(faults, Del, key)
}

// Close implements [cascache.Provider].
func (p *Provider) Close(ctx context.Context) error {
	faults := p.script.decide(Close, "")
	if err := p.script.before(ctx, faults, Close, ""); err != nil {
		return err
	}
	if err := p.inner.Close(ctx); err != nil {
		return err
	}
	return lost(faults, Close, "")
}

// Shared implements [cascache.Sharer].
func (p *Provider) Shared() bool {
	sharer, ok := cascache.AbilityOf[cascache.Sharer](p.inner)
	return ok && sharer.Shared()
}

// GetBulk implements [cascache.BulkProvider].
func (p *Provider) GetBulk(ctx context.Context, keys []string) ([][]byte, error) {
	faults, wanted, errs := p.plan(ctx, Get, keys, Miss, Tear, Flip)
	values := make([][]byte, len(keys))
	found, err := p.bulk().GetBulk(ctx, pick(keys, wanted))
	if err != nil {
		errs = append(errs, err)
	}
	for j, value := range found {
		i := wanted[j]
		if err := lost(faults[i], Get, keys[i]); err != nil {
			errs = append(errs, err)
			continue
		}
		if value != nil && find(faults[i], Miss) == nil {
			values[i] = damage(faults[i], value)
		}
	}
	return values, errors.Join(errs...)
}

// bulk returns the bulk calls of the provider inside, made of single calls where
// it has none.
func (p *Provider) bulk() cascache.BulkProvider {
	if b, ok := cascache.AbilityOf[cascache.BulkProvider](p.inner); ok {
		return b
	}
	return singleValues{p.inner}
}

// singleValues makes bulk calls of single ones.
type singleValues struct{ cascache.Provider }

func (s singleValues) GetBulk(ctx context.Context, keys []string) ([][]byte, error) {
	values := make([][]byte, len(keys))
	for i, key := range keys {
		value, found, err := s.Get(ctx, key)
		if err != nil {
			return values, err
		}
		if found {
			values[i] = append([]byte{}, value...)
		}
	}
	return values, nil
}

// SetBulk implements [cascache.BulkProvider].
func (p *Provider) SetBulk(ctx context.Context, items []cascache.Item) ([]bool, error) {
	keys := make([]string, len(items))
	for i, item := range items {
		keys[i] = item.Key
	}
	faults, wanted, errs := p.plan(ctx, Set, keys, Drop, Decline, Late, Tear, Flip)
	accepted := make([]bool, len(items))
	var plain []cascache.Item // what goes on in one call
	var places []int          // where in items it comes from
	for _, i := range wanted {
		if find(faults[i], Drop) == nil && find(faults[i], Decline) == nil && find(faults[i], Late) == nil {
			item := items[i]
			item.Value = damage(faults[i], item.Value)
			plain, places = append(plain, item), append(places, i)
			continue
		}
		ok, err := p.set(ctx, faults[i], items[i])
		if accepted[i] = ok && err == nil; err != nil {
			errs = append(errs, err)
		}
	}
	stored, err := p.bulk().SetBulk(ctx, plain)
	if err != nil {
		errs = append(errs, err)
	}
	for j, ok := range stored {
		accepted[places[j]] = ok
	}
	for _, i := range wanted {
		if err := lost(faults[i], Set, keys[i]); err != nil {
			accepted[i] = false
			errs = append(errs, err)
		}
	}
	return accepted, errors.Join(errs...)
}

func (s singleValues) SetBulk(ctx context.Context, items []cascache.Item) ([]bool, error) {
	accepted := make([]bool, len(items))
	for i, item := range items {
		ok, err := s.Set(ctx, item.Key, item.Value, item.Cost, item.TTL)
		if err != nil {
			return accepted, err
		}
		accepted[i] = ok
	}
	return accepted, nil
}

// DelBulk implements [cascache.BulkProvider].
func (p *Provider) DelBulk(ctx context.Context, keys []string) error {
	faults, wanted, errs := p.plan(ctx, Del, keys)
	if err := p.bulk().DelBulk(ctx, pick(keys, wanted)); err != nil {
		errs = append(errs, err)
	}
	for _, i := range wanted {
		if err := lost(faults[i], Del, keys[i]); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

func (s singleValues) DelBulk(ctx context.Context, keys []string) error {
	var errs []error
	for _, key := range keys {
		if err := s.Del(ctx, key); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// plan decides for each key of a bulk call, and returns which calls are to be
// carried out and why the others are not.
func (p *Provider) plan(ctx context.Context, call Call, keys []string, kinds ...Kind) (faults [][]fault, wanted []int, errs []error) {
	faults = make([][]fault, len(keys))
	for i, key := range keys {
		faults[i] = p.script.decide(call, key, kinds...)
		if err := p.script.before(ctx, faults[i], call, key); err != nil {
			errs = append(errs, err)
			continue
		}
		wanted = append(wanted, i)
	}
	return faults, wanted, errs
}

func pick(keys []string, places []int) []string {
	picked := make([]string, len(places))
	for j, i := range places {
		picked[j] = keys[i]
	}
	return picked
}
