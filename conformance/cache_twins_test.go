package conformance

import (
	"context"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	cascache "github.com/unkn0wn-root/cascache/core"
)

// A cacheTwin is a row of the table: a toy with a fault, or a right one on a
// generation store with a fault.
type cacheTwin struct {
	twin
	faults  toyFaults
	harness func(h *CacheHarness) // what differs from toyHarness, nil for nothing
}

var cacheTwins = []cacheTwin{
	{
		twin:   twin{fault: "fills are all refused", fails: "FillIsServed", also: []string{"BulkFillIsServed"}},
		faults: toyFaults{storesNothing: true},
	},
	{
		twin: twin{fault: "a fill carries the generation that is current, not the one observed", fails: "StaleFillIsRefused",
			also: []string{"ReplicasRefuseStaleFill", "StaleFillAfterALossIsRefused", "InvalidateBulkIsForAll", "MutateLeavesNothingStale",
				"LoadIsNotJoinedAcrossAnInvalidation"}},
		faults: toyFaults{stampsCurrent: true},
	},
	{
		twin:   twin{fault: "a fill without a snapshot is stored", fails: "FillWithoutASnapshotIsRefused", also: []string{"MutateLeavesNothingStale"}},
		faults: toyFaults{takesZero: true},
	},
	{
		twin: twin{fault: "generations are counted from 0", fails: "StaleFillAfterALossIsRefused", also: []string{"LossRevivesNothing"}},
		harness: over(drawing(func(_ *genState, _ string, prev uint64) uint64 {
			return prev + 1
		})),
	},
	{
		twin: twin{fault: "a generation that is lost comes back with an old copy", fails: "LossRevivesNothing", also: []string{"StaleFillAfterALossIsRefused"}},
		harness: func(h *CacheHarness) {
			over(gens(func(p *twinGens) {
				p.mu.Lock()
				defer p.mu.Unlock()
				p.restored = func() {
					for key := range p.scratch {
						p.gens[key] = p.scratch[key]
					}
				}
				p.bump = func(ctx context.Context, key string) (uint64, error) {
					return p.insideOne(ctx, key, func(key string) uint64 {
						p.scratch[key] = p.gens[key] // the copy is from before the last bump
						return p.replace(key)
					})
				}
			}))(h)
		},
	},
	{
		twin: twin{fault: "a read does not compare", fails: "InvalidatedIsNotServed",
			also: []string{"ReplicasSeeInvalidation", "InvalidateBulkIsForAll", "LossRevivesNothing", "StaleEntryIsDeleted", "UnreadableGenerationIsAMiss",
				"BulkChecksEveryMember", "MutateServesNothingMeanwhile", "MutateLeavesNothingStale", "FailedMutateServesNothing"}},
		faults: toyFaults{servesAll: true},
	},
	{
		twin: twin{fault: "an invalidation only deletes", fails: "StaleFillIsRefused",
			also: []string{"InvalidatedIsNotServed", "ReplicasSeeInvalidation", "ReplicasRefuseStaleFill", "StaleEntryIsDeleted",
				"InvalidateBulkIsForAll", "FailedBumpIsTold", "BulkChecksEveryMember", "BulkFillChecksEveryMember",
				"AbsenceIsChecked", "LoadIsNotJoinedAcrossAnInvalidation"}},
		faults: toyFaults{onlyDeletes: true},
		harness: func(h *CacheHarness) {
			h.Losses, h.Lacks = nil, map[Lack]string{Losing: "it is not what this is about"}
		},
	},
	{
		twin: twin{fault: "each replica has generations of its own", fails: "ReplicasSeeInvalidation",
			also: []string{"ReplicasRefuseStaleFill", "NearIsChecked", "MutateServesNothingMeanwhile", "MutateLeavesNothingStale", "FailedMutateServesNothing"}},
		harness: func(h *CacheHarness) {
			right := h.New
			h.New = func(tb testing.TB, n int) []cascache.Options[string] {
				all := right(tb, n)
				for i := range all {
					// Its values too, so that it serves what it has filled.
					all[i].Provider = bulked{newPlain()}
					all[i].GenStore = ableGens{newPlainGens()}
				}
				return all
			}
			h.Losses, h.Lacks = nil, map[Lack]string{Losing: "it is not what this is about"}
		},
	},
	{
		twin: twin{fault: "a fill compares with the generation that its replica has seen last", fails: "ReplicasRefuseStaleFill",
			also: []string{"StaleFillAfterALossIsRefused"}},
		faults: toyFaults{comparesMemory: true},
	},
	{
		twin: twin{fault: "what was served is kept in memory, and served without a check", fails: "NearIsChecked",
			also: []string{"LossRevivesNothing", "UnreadableGenerationIsAMiss", "MutateServesNothingMeanwhile", "MutateLeavesNothingStale", "MutatedIsServedAgain", "FailedMutateServesNothing"}},
		faults: toyFaults{nearUnchecked: true},
	},
	{
		twin:   twin{fault: "InvalidateBulk bumps its first key, and deletes the others", fails: "InvalidateBulkIsForAll"},
		faults: toyFaults{bulkOneBump: true},
	},
	{
		twin:   twin{fault: "what is stale stays where it is", fails: "StaleEntryIsDeleted"},
		faults: toyFaults{noHealing: true},
	},
	{
		twin:   twin{fault: "what cannot be decoded is an error", fails: "GarbageIsAMiss"},
		faults: toyFaults{errorsOnGarbage: true},
	},

	{
		twin:   twin{fault: "a bulk read never hits", fails: "BulkFillIsServed"},
		faults: toyFaults{bulkNeverHits: true},
	},
	{
		twin:   twin{fault: "the missing keys of a bulk come sorted", fails: "BulkNamesTheMissing"},
		faults: toyFaults{bulkSortsMissing: true},
	},
	{
		twin:   twin{fault: "a bulk read checks its first member only", fails: "BulkChecksEveryMember"},
		faults: toyFaults{bulkFirstOnly: true},
	},
	{
		twin:   twin{fault: "a bulk fill carries the generations that are current", fails: "BulkFillChecksEveryMember"},
		faults: toyFaults{bulkStampsCurrent: true},
	},
	{
		twin:   twin{fault: "a bulk fill needs no snapshots", fails: "BulkFillWithoutSnapshotsIsRefused"},
		faults: toyFaults{bulkTakesZero: true},
	},

	{
		twin:   twin{fault: "an invalidation whose bump fails is done if its delete is", fails: "FailedBumpIsTold"},
		faults: toyFaults{hidesBumpErrors: true},
	},
	{
		twin:   twin{fault: "a failed invalidation makes nothing suspect", fails: "SuspectIsNotServed"},
		faults: toyFaults{forgetsFailures: true},
	},
	{
		twin:   twin{fault: "an entry whose generation cannot be read is served", fails: "UnreadableGenerationIsAMiss"},
		faults: toyFaults{servesBlind: true},
	},
	{
		twin:   twin{fault: "an entry whose generation cannot be read is deleted", fails: "UnreadableGenerationLeavesTheEntry"},
		faults: toyFaults{healsBlind: true},
	},

	{
		twin: twin{fault: "Mutate writes, and then invalidates", fails: "MutateServesNothingMeanwhile",
			also: []string{"FailedMutateServesNothing"}},
		faults: toyFaults{mutateWithoutHold: true},
	},
	{
		twin:   twin{fault: "Mutate puts the generation back", fails: "MutateLeavesNothingStale"},
		faults: toyFaults{mutateWithoutBump: true},
	},
	{
		twin:   twin{fault: "a write of unknown outcome is taken for done", fails: "FailedMutateServesNothing"},
		faults: toyFaults{failedMutateIsOver: true},
	},

	{
		twin:   twin{fault: "Mutate does not release its hold", fails: "MutatedIsServedAgain"},
		faults: toyFaults{mutateNeverFrees: true},
	},
	{
		twin:   twin{fault: "that the source has no such key is remembered, whatever is invalidated", fails: "AbsenceIsChecked"},
		faults: toyFaults{believesAbsence: true},
	},
	{
		twin:   twin{fault: "a load is shared by its key alone", fails: "LoadIsNotJoinedAcrossAnInvalidation"},
		faults: toyFaults{joinsByKey: true},
	},

	{
		twin:   twin{fault: "a fill compares, and then carries what is current a moment later", fails: "PromiseUnderLoad"},
		faults: toyFaults{stampsLate: true},
	},
	{
		twin: twin{fault: "a bump is written once more a moment later, with the same number", fails: "PromiseUnderFaults"},
		harness: over(able(func(p *twinAble) {
			p.bump = func(ctx context.Context, key string) (uint64, error) {
				gen, err := p.ableGens.Bump(ctx, key)
				if gen != 0 && err == nil {
					time.Sleep(500 * time.Microsecond)
					_, _ = p.insideOne(context.Background(), key, func(key string) uint64 {
						if p.gens[key] != 0 {
							p.gens[key] = gen
						}
						return 0
					})
				}
				return gen, err
			}
		})),
	},
	{
		twin: twin{fault: "where the generation cannot be read, the one that was read before counts", fails: "PromiseUnderFaults",
			also: []string{"UnreadableGenerationIsAMiss"}},
		faults: toyFaults{trustsMemory: true},
	},

	{
		twin:    twin{fault: "a bump of what is no key of an entry is lost", fails: "TagInvalidatesItsKeys"},
		harness: losingBumps("tag:"),
	},
	{
		twin:    twin{fault: "a bump of the whole namespace is lost", fails: "ClearInvalidatesAllKeys"},
		harness: losingBumps("all:"),
	},
	{
		twin:    twin{fault: "bumps of some keys are lost", fails: "EntryDiesWithWhatItDependsOn"},
		harness: losingBumps("single:suite:row"),
	},
	{
		twin: twin{fault: "all generations come back with an old copy", fails: "LostDependencyProvesNothing",
			also: []string{"LossRevivesNothing", "StaleFillAfterALossIsRefused"}},
		harness: ofHandles(gens(func(p *twinGens) {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.restored = func() { maps.Copy(p.gens, p.scratch) }
			p.bump = func(ctx context.Context, key string) (uint64, error) {
				return p.insideOne(ctx, key, func(key string) uint64 {
					maps.Copy(p.scratch, p.gens) // the copy is from before the last bump
					return p.replace(key)
				})
			}
		})),
	},

	{
		twin:    twin{fault: "a rule of safety is declared as lacking", fails: "LackSafety"},
		harness: func(h *CacheHarness) { h.Lacks = map[Lack]string{"Safety": "too hard"} },
	},
}

// ofHandles puts caches of the library over a generation store with a fault.
func ofHandles(open func(*plainGens) cascache.GenStore) func(*CacheHarness) {
	return func(h *CacheHarness) {
		h.Open, h.Loader = nil, nil
		over(open)(h)
	}
}

// losingBumps loses the bumps of keys with that prefix.
func losingBumps(prefix string) func(*CacheHarness) {
	return ofHandles(gens(func(p *twinGens) {
		p.bump = func(ctx context.Context, key string) (uint64, error) {
			if strings.HasPrefix(key, prefix) {
				return p.plainGens.Current(ctx, key)
			}
			return p.plainGens.Bump(ctx, key)
		}
	}))
}

// rulesFor leaves out the stress unless the twin is for it: by chance, it finds
// what a directed case finds each time.
func rulesFor(tw twin) []rule[*cacheSubject] {
	return slices.DeleteFunc(slices.Clone(cacheRules), func(r rule[*cacheSubject]) bool {
		return strings.HasPrefix(r.name, "Promise") && r.name != tw.fails
	})
}

func TestCacheTwinsAreCaught(t *testing.T) {
	var twins []twin
	var suites []*suite[*cacheSubject]
	for _, tw := range cacheTwins {
		h := toyHarness(tw.faults)
		if tw.harness != nil {
			tw.harness(&h)
		}
		twins = append(twins, tw.twin)
		s := cacheSuite(h)
		s.rules = rulesFor(tw.twin)
		suites = append(suites, s)
	}
	requireAllCaught(t, twins, suites)
	requireTwins(t, cacheRules, twins)
}
