package conformance

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	cascache "github.com/unkn0wn-root/cascache/core"
)

// What a generation store may do without, beside [ContextErrors], [Failures]
// and [LongKeys].
const (
	// Sharing is a state that several handles, and so several processes,
	// share: the store is the memory of this process, so there is no
	// GenStoreHarness.Peer. Assemblies on such a store lack it too.
	Sharing Lack = "Sharing"

	// Losing is the loss of generations: the store never drops one, so there
	// are no GenStoreHarness.Losses.
	Losing Lack = "Losing"

	// LostReplies is a way between caller and state on which the reply to a
	// call that was carried out can be lost: there is none, so there is no
	// GenStoreHarness.LoseReply.
	LostReplies Lack = "LostReplies"

	// OwnGenerations is a generation of its own for each key: keys share
	// them, by a hash with little room, so that the bump of one is one of
	// others too.
	OwnGenerations Lack = "OwnGenerations"

	// BulkGenerations, Holding, CurrentLocally and CurrentCommitting are
	// abilities that a wrapper cannot forward from what it wraps.
	BulkGenerations   Lack = "BulkGenerations"
	Holding           Lack = "Holding"
	CurrentLocally    Lack = "CurrentLocally"
	CurrentCommitting Lack = "CurrentCommitting"
)

var genStoreLacks = []Lack{
	Sharing, Losing, LostReplies, OwnGenerations, LongKeys, ContextErrors, Failures,
	BulkGenerations, Holding, CurrentLocally, CurrentCommitting,
}

// A Loss is one way in which generations can be lost, or go back to older
// ones: a prune, an expiry, an eviction, a flush, a restart from an old copy, a
// failover, a clock that is set back.
type Loss struct {
	// Name says what happens, such as "FLUSHALL".
	Name string

	// Prepare is called before generations are drawn that will be lost, such
	// as to save what is brought back later. nil for nothing.
	Prepare func(tb testing.TB, s cascache.GenStore)

	// Lose makes it happen to the state of s, and returns when calls can be
	// made again. What is not lost is no fault. A store that draws by a clock
	// of microseconds, and whose state takes longer than one to come back,
	// may have Lose take that long.
	Lose func(tb testing.TB, s cascache.GenStore)
}

// A GenStoreHarness tells [RunGenStore] how to handle one kind of generation
// store. New is required, and so are Peer, Losses, LoseReply and Break unless
// Lacks says why there is none. The functions are called from one goroutine at
// a time.
type GenStoreHarness struct {
	// New makes a store that nothing else uses, and that is empty. The suite
	// closes it; what else there is to tidy up goes to tb.Cleanup.
	New func(tb testing.TB) cascache.GenStore

	// Peer opens another handle on the state of s, as another process would:
	// with a connection and a memory of its own. The suite closes it. nil
	// needs [Sharing] in Lacks.
	Peer func(tb testing.TB, s cascache.GenStore) cascache.GenStore

	// Losses are the ways in which the store can lose generations. None needs
	// [Losing] in Lacks.
	Losses []Loss

	// LoseReply makes the reply to the next Bump of s be lost after it was
	// carried out: the caller of s, or the client inside it, hears of a broken
	// connection and may try again. meanwhile is to be called once, after the
	// bump was carried out and before it can be tried again. nil needs
	// [LostReplies] in Lacks.
	LoseReply func(tb testing.TB, s cascache.GenStore, meanwhile func())

	// Advance moves the store's clock ahead by d. nil: the suite waits, for
	// leases of a tenth of a second.
	Advance func(tb testing.TB, s cascache.GenStore, d time.Duration)

	// Break makes the state of s fail from now on, as a server does that is
	// shut down. It is not undone. nil needs [Failures] in Lacks.
	Break func(tb testing.TB, s cascache.GenStore)

	// Lacks declares what the store by its nature does without, and why:
	// [Sharing] and those listed with it.
	Lacks map[Lack]string

	// Deadline bounds each case. 0 means 30 seconds.
	Deadline time.Duration
}

// RunGenStore holds a generation store, and the optional abilities that it
// has, to the contract of cascache.GenStore: the rules G1 to G4, on one handle
// and on several that share their state. Run it with -race. Each case is a
// subtest of t.
func RunGenStore(t *testing.T, h GenStoreHarness) {
	t.Helper()
	if h.New == nil {
		t.Fatal("conformance: GenStoreHarness.New is nil; it is required")
	}
	genStoreSuite(h).run(t)
}

func genStoreSuite(h GenStoreHarness) *suite[*genSubject] {
	return &suite[*genSubject]{
		rules:    genStoreRules,
		subject:  func(a *attempt) *genSubject { return openGenStore(a, h) },
		lacks:    h.Lacks,
		allowed:  genStoreLacks,
		deadline: h.Deadline,
	}
}

var genStoreRules = slices.Concat(
	genUniqueRules,
	genProofRules,
	genCreateRules,
	genVisibleRules,
	genKeyRules,
	genBulkRules,
	genLocalRules,
	genCommitRules,
	genHoldRules,
	genErrorRules,
	genCloseRules,
	genConcurrencyRules,
	genWrapperRules,
)

// A genSubject is one handle on a generation store under test.
type genSubject struct {
	h GenStoreHarness
	s cascache.GenStore

	holder    cascache.Holder
	local     cascache.LocalReader
	committer cascache.CommitReader

	bulks []bulkCall // by kind; nil where the store is no cascache.BulkGenStore
}

// A bulkCall is one of the bulk methods of a generation store.
type bulkCall func(ctx context.Context, keys []string) ([]uint64, error)

const (
	currentBulk = iota
	snapshotBulk
	bumpBulk
	bulkKinds
)

// openGenStore makes a store that is closed when the case has ended.
func openGenStore(a *attempt, h GenStoreHarness) *genSubject {
	store := h.New(a)
	if store == nil {
		a.Fatal("GenStoreHarness.New returned nil")
	}
	return newGenSubject(a, h, store)
}

func newGenSubject(a *attempt, h GenStoreHarness, store cascache.GenStore) *genSubject {
	a.Cleanup(func() {
		// How Close behaves, and when it comes twice, has cases of its own.
		defer func() { _ = recover() }()
		// The case's own context is done by now.
		_ = store.Close(context.Background())
	})
	s := &genSubject{h: h, s: store}
	// A chain of wrappers that never ends would keep AbilityOf for ever.
	if _, ends := unwrapAll(store); !ends {
		return s
	}
	s.holder, _ = cascache.AbilityOf[cascache.Holder](store)
	s.local, _ = cascache.AbilityOf[cascache.LocalReader](store)
	s.committer, _ = cascache.AbilityOf[cascache.CommitReader](store)
	s.bulks = bulkCalls(store)
	return s
}

// bulkCalls returns the bulk methods by kind, or nil where the store is no
// cascache.BulkGenStore.
func bulkCalls(store cascache.GenStore) []bulkCall {
	b, ok := cascache.AbilityOf[cascache.BulkGenStore](store)
	if !ok {
		return nil
	}
	return []bulkCall{currentBulk: b.CurrentBulk, snapshotBulk: b.SnapshotBulk, bumpBulk: b.BumpBulk}
}

// another makes a store that shares nothing with s.
func (s *genSubject) another(a *attempt) *genSubject { return openGenStore(a, s.h) }

// peer opens another handle on the same state.
func (s *genSubject) peer(a *attempt) *genSubject {
	s.give(a, s.h.Peer != nil, "Peer", Sharing)
	store := s.h.Peer(a, s.s)
	if store == nil {
		a.Fatal("GenStoreHarness.Peer returned nil")
	}
	return newGenSubject(a, s.h, store)
}

// handles returns s and, where there can be any, one more handle on its state.
func (s *genSubject) handles(a *attempt) []*genSubject {
	if s.h.Peer == nil {
		return []*genSubject{s}
	}
	return []*genSubject{s, s.peer(a)}
}

// give ends the case unless the harness has what it needs.
func (s *genSubject) give(a *attempt, has bool, field string, lack Lack) {
	if has {
		return
	}
	if _, declared := s.h.Lacks[lack]; declared {
		a.inconclusive("the harness gives no %s", field)
	}
	a.Fatalf("the harness gives no %s, nor declares in Lacks why there is none (%s)", field, lack)
}

// The methods below are what most cases are made of. An error is taken as no
// generation, or as a bump that may not have happened: the rules on errors have
// cases of their own, so that a store with one fault fails one case. A store
// may drop a generation at any time, so no case asks for one more than it asks
// for 0, except for those that make sure that it is not all zeros.

// current returns the key's generation, or 0.
func (s *genSubject) current(a *attempt, key string) uint64 {
	gen, err := s.s.Current(a.Context(), key)
	if err != nil {
		return 0
	}
	return gen
}

// snapshot returns the key's generation, created if need be, or 0.
func (s *genSubject) snapshot(a *attempt, key string) uint64 {
	gen, err := s.s.Snapshot(a.Context(), key)
	if err != nil {
		return 0
	}
	return gen
}

// bump gives the key a new generation and reports whether it is known to have
// one.
func (s *genSubject) bump(a *attempt, key string) (uint64, bool) {
	gen, err := s.s.Bump(a.Context(), key)
	return gen, err == nil
}

// bulk returns one generation per key, or nil after an error or an answer of
// another length, which have cases of their own.
func (s *genSubject) bulk(a *attempt, kind int, keys []string) []uint64 {
	gens, err := s.bulks[kind](a.Context(), slices.Clone(keys))
	if err != nil || len(gens) != len(keys) {
		return nil
	}
	return gens
}

// genTries is how many keys a case tries before it takes something for never
// happening: enough for a store that drops every other generation at once.
const genTries = 40

// stale says in a report that a generation is older than it may be.
func stale(got, newest uint64) string {
	return fmt.Sprintf("%d, which is older than %d", got, newest)
}

// The leases of holds. Without a clock to move, the short ones are waited for.
const (
	longLease   = time.Hour
	movedLease  = time.Minute
	waitedLease = 120 * time.Millisecond
	waitedSlack = 40 * time.Millisecond
)

// shortLease is one whose end the case will see.
func (s *genSubject) shortLease() time.Duration {
	if s.h.Advance != nil {
		return movedLease
	}
	return waitedLease
}

// outlast returns when a short lease that began before is over.
func (s *genSubject) outlast(a *attempt) {
	if s.h.Advance != nil {
		s.h.Advance(a, s.s, movedLease+time.Second)
		return
	}
	sleep(a, waitedLease+waitedSlack)
}
