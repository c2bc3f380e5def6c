package cascache

// SetOutcome says what became of a value or bulk entry that was to be stored.
type SetOutcome string

// The outcomes.
const (
	// SetStored: it is stored.
	SetStored SetOutcome = "stored"
	// SetSkipped: it was not stored, for the sake of the promise or because the
	// cache does not store such entries; the reason says why.
	SetSkipped SetOutcome = "skipped"
	// SetDeclined: the provider declined it. Near may have it all the same. In a
	// cache without a provider: near failed.
	SetDeclined SetOutcome = "declined"
	// SetFailed: it is not known to be stored; the error of the call says why.
	SetFailed SetOutcome = "failed"
)

// SetResult is what became of one value or bulk entry.
type SetResult struct {
	Outcome SetOutcome
	Reason  Reason // why it was skipped; empty otherwise
}

// SetBulkResult is what became of a bulk of values.
type SetBulkResult struct {
	// NotStored has the keys that were not stored, and why; nil if all were.
	NotStored map[string]SetResult

	// Bulk is what became of the bulk entry of all keys. It is skipped with the
	// reason of a key that was skipped, or with [ReasonDisabled] in a cache that
	// writes no bulk entries, and failed where a value could not be encoded. With
	// no keys at all it has no outcome.
	Bulk SetResult
}

func (r *SetBulkResult) note(key string, of SetResult) {
	if of.Outcome == SetStored {
		return
	}
	if r.NotStored == nil {
		r.NotStored = make(map[string]SetResult)
	}
	r.NotStored[key] = of
}

func skippedFor(why Reason) SetResult { return SetResult{Outcome: SetSkipped, Reason: why} }

// result says what became of an item, as a caller is told.
func (w written) result() SetResult {
	switch {
	case w.why != "":
		return skippedFor(w.why)
	case w.failed:
		return SetResult{Outcome: SetFailed}
	case !w.stored:
		return SetResult{Outcome: SetDeclined}
	}
	return SetResult{Outcome: SetStored}
}
