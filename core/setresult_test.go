package cascache

import (
	"errors"
	"maps"
	"strconv"
	"testing"
	"time"
)

// pickyCodec refuses one value.
type pickyCodec struct{ String }

func (c pickyCodec) Encode(v string) ([]byte, error) { return c.AppendEncode(nil, v) }

func (c pickyCodec) AppendEncode(dst []byte, v string) ([]byte, error) {
	if v == "refused" {
		return nil, errBroken
	}
	return append(dst, v...), nil
}

func picky(o *Options[string]) { o.Codec = pickyCodec{} }

var failedSet = SetResult{Outcome: SetFailed}

func TestASetTellsWhatHappened(t *testing.T) {
	onBothRigs(t, func(t *testing.T, r *rig) {
		set := func(rule, value string, gen uint64, ttl time.Duration, want SetResult, wantErr error) {
			t.Helper()
			got, err := r.SetWithGenResult(t.Context(), "k", value, gen, ttl)
			if got != want || !errors.Is(err, wantErr) {
				t.Errorf("%s: got %+v, %v, want %+v, %v", rule, got, err, want, wantErr)
			}
		}
		obs := r.SnapshotGen("k")
		set("a value that is stored", "v", obs, 0, SetResult{Outcome: SetStored}, nil)
		set("a fill without a snapshot", "v", 0, 0, skippedFor(ReasonNoSnapshot), nil)
		set("a fill of an invalid TTL", "v", obs, -1, failedSet, ErrInvalidTTL)
		set("a value that cannot be encoded", "refused", obs, 0, failedSet, errBroken)
		r.provider.decline = true
		set("a value that the provider declines", "v", obs, 0, SetResult{Outcome: SetDeclined}, nil)
		r.provider.decline, r.provider.setErr = false, errBroken
		set("a provider that fails", "v", obs, 0, failedSet, errBroken)
		r.provider.setErr = nil
		r.store.replace(GenCurrent, answer(0, errBroken))
		set("a generation store that fails", "v", obs, 0, skippedFor(ReasonGenError), nil)
		r.store.replace(GenCurrent, nil)
		bump(t, r.store.local, "single:n:k")
		set("a generation that has moved", "v", obs, 0, skippedFor(ReasonStale), nil)
		if got, err := r.SetWithGenResult(t.Context(), "", "v", obs, 0); got != failedSet || !errors.Is(err, ErrInvalidKey) {
			t.Errorf("a key that cannot exist: got %+v, %v", got, err)
		}
		_ = r.Close(t.Context())
		set("a closed cache", "v", obs, 0, failedSet, ErrClosed)
	}, picky)
}

func TestABulkSetTellsWhatHappened(t *testing.T) {
	onBothRigs(t, func(t *testing.T, r *rig) {
		values := map[string]string{"a": "1", "b": "2", "c": "3", "d": "4"}
		set := func(rule string, values map[string]string, gens map[string]uint64, bulk SetResult, wantErr error, notStored map[string]SetResult) {
			t.Helper()
			got, err := r.SetBulkWithGensResult(t.Context(), values, gens, 0)
			if got.Bulk != bulk || !maps.Equal(got.NotStored, notStored) || !errors.Is(err, wantErr) {
				t.Errorf("%s: got %+v, %v, want %+v and %+v, %v", rule, got, err, notStored, bulk, wantErr)
			}
		}
		all := func(of SetResult) map[string]SetResult {
			return map[string]SetResult{"a": of, "b": of, "c": of, "d": of}
		}
		stored, declined := SetResult{Outcome: SetStored}, SetResult{Outcome: SetDeclined}
		gens := r.SnapshotGens([]string{"a", "b", "c", "d"})
		if got, err := r.SetBulkWithGensResult(t.Context(), values, gens, 0); got.NotStored != nil || err != nil {
			t.Errorf("where all are stored, no map is made: got %v, %v", got.NotStored, err)
		}
		set("all are stored", values, gens, stored, nil, nil)
		set("nothing to store", nil, nil, SetResult{}, nil, nil)
		r.provider.decline = true
		set("the provider declines all", values, gens, declined, nil, all(declined))
		r.provider.decline = false
		r.provider.setErr = errBroken
		set("the provider fails", values, gens, failedSet, errBroken, all(failedSet))
		r.provider.setErr = nil

		values["c"] = "refused"
		set("one value cannot be encoded", values, gens, failedSet, errBroken, map[string]SetResult{"c": failedSet})
		bump(t, r.store.local, "single:n:b")
		delete(gens, "a")
		set("one of each", values, gens, skippedFor(ReasonStale), errBroken,
			map[string]SetResult{"a": skippedFor(ReasonNoSnapshot), "b": skippedFor(ReasonStale), "c": failedSet})

		r.store.replace(GenCurrent, answer(0, errBroken))
		values["c"] = "3"
		set("the generation store fails", values, gens, skippedFor(ReasonGenError), nil, map[string]SetResult{
			"a": skippedFor(ReasonNoSnapshot), "b": skippedFor(ReasonGenError), "c": skippedFor(ReasonGenError), "d": skippedFor(ReasonGenError),
		})
		r.store.replace(GenCurrent, nil)
		_ = r.Close(t.Context())
		set("a closed cache", values, gens, failedSet, ErrClosed, all(failedSet))
	}, picky)
}

func TestABulkSetOfManyKeysTellsOnlyWhatWasNotStored(t *testing.T) {
	r := newBulkRig(t, func(o *Options[string]) { o.DisableBulk = true })
	values, keys := make(map[string]string), make([]string, 10*partSize)
	for i := range keys {
		keys[i] = strconv.Itoa(i)
		values[keys[i]] = "v"
	}
	gens := r.SnapshotGens(keys)
	bump(t, r.store.local, "single:n:4321")
	got, err := r.SetBulkWithGensResult(t.Context(), values, gens, 0)
	if want := map[string]SetResult{"4321": skippedFor(ReasonStale)}; err != nil || !maps.Equal(got.NotStored, want) || got.Bulk != skippedFor(ReasonDisabled) {
		t.Errorf("one of 10,000 keys is not stored, and no bulk entry: got %d keys, %+v, %v", len(got.NotStored), got.Bulk, err)
	}
}

func TestADisabledCacheSkipsSets(t *testing.T) {
	h := open(t, Options[string]{Disabled: true})
	if got, err := h.SetWithGenResult(t.Context(), "k", "v", 1, 0); got != skippedFor(ReasonDisabled) || err != nil {
		t.Errorf("a disabled cache stores nothing: got %+v, %v", got, err)
	}
	got, err := h.SetBulkWithGensResult(t.Context(), map[string]string{"k": "v"}, nil, 0)
	if got.Bulk != skippedFor(ReasonDisabled) || got.NotStored["k"] != skippedFor(ReasonDisabled) || err != nil {
		t.Errorf("a disabled cache stores nothing: got %+v, %v", got, err)
	}
}

func TestASetThatNearAloneFailsAt(t *testing.T) {
	near := panickingNear{newEntryNear(), map[NearOp]bool{NearSet: true}}
	r, _ := nearCache(t, true, func(o *Options[string]) { o.Near = near })
	if got, err := r.SetWithGenResult(t.Context(), "k", "v", r.SnapshotGen("k"), 0); got.Outcome != SetDeclined || err != nil {
		t.Errorf("what near alone cannot keep is not stored, which is no error: got %+v, %v", got, err)
	}
}
