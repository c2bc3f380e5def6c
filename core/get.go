package cascache

import (
	"context"
	"fmt"

	"github.com/unkn0wn-root/cascache/wire"
)

// Get implements [CAS].
func (h *Handle[V]) Get(ctx context.Context, key string) (V, bool, error) {
	value, found, err := h.lookUp(ctx, key)
	return value, found == foundValue, err
}

// found says what the cache knows of a key.
type found uint8

const (
	foundNothing found = iota
	foundValue
	foundAbsent // that the source has no such key
)

// lookUp is Get, and tells apart what the source does not have.
func (h *Handle[V]) lookUp(ctx context.Context, key string) (V, found, error) {
	var none V
	if h.disabled {
		return none, foundNothing, nil
	}
	if err := h.begin(ctx); err != nil {
		return none, foundNothing, err
	}
	if err := h.keys.check(key); err != nil {
		return none, foundNothing, err
	}
	entry := h.keys.entry(key)
	raw, ok, err := h.provider.Get(ctx, entry)
	if err != nil {
		h.emit.miss(ctx, key, ReasonProviderError)
		return none, foundNothing, fmt.Errorf("cascache: get %q: %w", entry, err)
	}
	if !ok {
		h.emit.miss(ctx, key, ReasonNotFound)
		return none, foundNothing, nil
	}
	gen, payload, kind, err := decodeEntry(raw)
	if err != nil {
		h.heal(ctx, entry, ReasonCorrupt)
		h.emit.miss(ctx, key, ReasonCorrupt)
		return none, foundNothing, nil
	}
	// Before the generation is read: once the key is cleared, the generation
	// that clears it is to be seen.
	if h.suspects.has(entry) {
		h.emit.miss(ctx, key, ReasonSuspect)
		return none, foundNothing, nil
	}
	// Read after the entry: an entry whose generation is still current here
	// was current when this call began, or became so since.
	current, err := h.gens.current(ctx, entry)
	if err != nil {
		h.emit.genStoreError(ctx, GenCurrent, key, 1, err)
		h.emit.miss(ctx, key, ReasonGenError)
		return none, foundNothing, ended(ctx)
	}
	if current == 0 {
		h.emit.miss(ctx, key, ReasonNoGen)
		return none, foundNothing, nil
	}
	if gen != current {
		h.heal(ctx, entry, ReasonStale)
		h.emit.miss(ctx, key, ReasonStale)
		return none, foundNothing, nil
	}
	if kind == wire.KindAbsent {
		h.emit.miss(ctx, key, ReasonAbsent)
		return none, foundAbsent, nil
	}
	value, err := h.codec.decode(payload)
	if err != nil {
		h.heal(ctx, entry, ReasonDecode)
		h.emit.miss(ctx, key, ReasonDecode)
		return none, foundNothing, nil
	}
	h.emit.hit(ctx, key, false)
	return value, foundValue, nil
}

// decodeEntry opens what is stored under the storage key of a single: a value,
// or the note that the source has none.
func decodeEntry(raw []byte) (gen uint64, payload []byte, kind wire.Kind, err error) {
	if kind, err = wire.KindOf(raw); err != nil {
		return 0, nil, 0, err
	}
	if kind == wire.KindAbsent {
		gen, err = wire.DecodeAbsent(raw)
		return gen, nil, kind, err
	}
	gen, payload, err = wire.DecodeSingle(raw)
	return gen, payload, kind, err
}

// heal deletes an entry that cannot be served any more. It may take a newer
// entry with it that was stored meanwhile, which costs a miss.
func (h *Handle[V]) heal(ctx context.Context, entry string, reason Reason) {
	err := h.provider.Del(ctx, entry)
	h.emit.selfHeal(ctx, entry, reason, err)
}
