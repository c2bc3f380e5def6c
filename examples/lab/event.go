package main

// A kind says what happened in an event.
type kind string

const (
	kindAsk         kind = "ask"         // a read began that found nothing in the cache
	kindQuery       kind = "query"       // its query returned
	kindArrive      kind = "arrive"      // the row reached the cache
	kindCommit      kind = "commit"      // a transaction committed
	kindInvalidate  kind = "invalidate"  // the invalidation began
	kindInvalidated kind = "invalidated" // the invalidation returned
	kindCrash       kind = "crash"       // the writer died before it could invalidate
	kindCopy        kind = "copy"        // a process served this load of the row for the first time
	kindStale       kind = "stale"       // a read returned what it must not
)

// allLanes is the lane of an event that is about the database.
const allLanes = -1

// An event is one moment in the history of a product. Events are recorded of
// the most popular products only, and of reads that load or are stale.
type event struct {
	Seq     int64 `json:"seq"` // by board.next
	At      int64 `json:"at"`  // Unix time in nanoseconds
	Kind    kind  `json:"kind"`
	Lane    int   `json:"lane"`
	Product int64 `json:"product"`
	Version int64 `json:"version"`
	Slot    int   `json:"slot"`  // the process
	Actor   int   `json:"actor"` // the reader or writer in it

	// Load is the Row.Loaded of the row that a read is about, or of the write
	// that an invalidation follows.
	Load int64 `json:"load,omitempty"`

	// Doomed is set on a commit whose writer dies before it can invalidate.
	Doomed bool `json:"doomed,omitempty"`

	// Began is when a stale read began.
	Began   int64 `json:"began,omitempty"`
	BeganAt int64 `json:"began_at,omitempty"`
}
