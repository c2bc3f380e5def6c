package cascache

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"
)

// joined is a Combined of a provider and a store: each of its calls makes those
// of both. It forwards the bulk calls, which its parts must have or lack
// together.
type joined struct {
	provider Provider
	store    GenStore
}

func (j joined) Get(ctx context.Context, key string) ([]byte, bool, error) {
	return j.provider.Get(ctx, key)
}

func (j joined) Set(ctx context.Context, key string, value []byte, cost int64, ttl time.Duration) (bool, error) {
	return j.provider.Set(ctx, key, value, cost, ttl)
}

func (j joined) Del(ctx context.Context, key string) error { return j.provider.Del(ctx, key) }

func (j joined) Current(ctx context.Context, key string) (uint64, error) {
	return j.store.Current(ctx, key)
}

func (j joined) Snapshot(ctx context.Context, key string) (uint64, error) {
	return j.store.Snapshot(ctx, key)
}

func (j joined) Bump(ctx context.Context, key string) (uint64, error) { return j.store.Bump(ctx, key) }

func (j joined) Close(ctx context.Context) error {
	return errors.Join(j.provider.Close(ctx), j.store.Close(ctx))
}

func (j joined) Hold(ctx context.Context, keys []string, token string, lease time.Duration) error {
	holder, ok := AbilityOf[Holder](j.store)
	if !ok {
		return ErrHoldUnsupported
	}
	return holder.Hold(ctx, keys, token, lease)
}

func (j joined) Release(ctx context.Context, keys []string, token string) error {
	return j.store.(Holder).Release(ctx, keys, token)
}

func (j joined) NonBlocking() bool {
	n, ok := AbilityOf[NonBlocker](j.store)
	return ok && n.NonBlocking()
}

func (j joined) GetWithGen(ctx context.Context, key string, create bool) (value []byte, gen uint64, valueErr, genErr error) {
	value, found, valueErr := j.provider.Get(ctx, key)
	if found && value == nil {
		value = []byte{}
	}
	if create {
		gen, genErr = j.store.Snapshot(ctx, GenKey(key))
	} else {
		gen, genErr = j.store.Current(ctx, GenKey(key))
	}
	return value, gen, valueErr, genErr
}

func (j joined) GetBulkWithGens(ctx context.Context, bulk string, keys []string, wanted bool) (r BulkReading, err error) {
	if bulk != "" {
		r.Bulk, _, err = j.provider.Get(ctx, bulk)
	}
	r.Gens = make([]uint64, len(keys))
	if wanted {
		r.Values = make([][]byte, len(keys))
	}
	for i, key := range keys {
		var genErr, valueErr error
		if wanted {
			r.Values[i], r.Gens[i], valueErr, genErr = j.GetWithGen(ctx, key, false)
		} else {
			r.Gens[i], genErr = j.store.Current(ctx, GenKey(key))
		}
		r.GenErr, err = errors.Join(r.GenErr, genErr), errors.Join(err, valueErr)
	}
	return r, err
}

func (j joined) SetIfGen(ctx context.Context, item Item, gen uint64) (current uint64, stored bool, err error) {
	if current, err = j.store.Current(ctx, GenKey(item.Key)); err != nil {
		return 0, false, err
	}
	if current != gen {
		return current, false, nil
	}
	stored, err = j.provider.Set(ctx, item.Key, item.Value, item.Cost, item.TTL)
	return current, stored, err
}

func (j joined) SetBulkIfGens(ctx context.Context, items []Item, gens []uint64) (current []uint64, stored []bool, err error) {
	current, stored = make([]uint64, len(gens)), make([]bool, len(items))
	all := true
	for i, gen := range gens {
		var failed error
		current[i], stored[i], failed = j.SetIfGen(ctx, items[i], gen)
		err = errors.Join(err, failed)
		all = all && current[i] == gen
	}
	if len(items) > len(gens) && all {
		var failed error
		at := len(gens)
		stored[at], failed = j.provider.Set(ctx, items[at].Key, items[at].Value, items[at].Cost, items[at].TTL)
		err = errors.Join(err, failed)
	}
	return current, stored, err
}

func (j joined) BumpAndDel(ctx context.Context, keys []string) (gens []uint64, bumpErr, delErr error) {
	gens = make([]uint64, len(keys))
	for i, key := range keys {
		gen, err := j.store.Bump(ctx, GenKey(key))
		if gens[i] = gen; err != nil {
			gens[i] = 0
		}
		bumpErr = errors.Join(bumpErr, err)
		delErr = errors.Join(delErr, j.provider.Del(ctx, key))
	}
	return gens, bumpErr, delErr
}

func (j joined) DelEqual(ctx context.Context, keys []string, values [][]byte) error {
	var failed error
	for i, key := range keys {
		value, found, err := j.provider.Get(ctx, key)
		if found && bytes.Equal(value, values[i]) {
			err = j.provider.Del(ctx, key)
		}
		failed = errors.Join(failed, err)
	}
	return failed
}

// overCombined names the test whose subtests run over a joined provider and
// store.
const overCombined = "TestOverACombined/"

// join puts provider and store together if this test asks for it.
func join(t testing.TB, opts *Options[string]) {
	if strings.HasPrefix(t.Name(), overCombined) && opts.Provider != nil && opts.GenStore != nil {
		both := joined{opts.Provider, opts.GenStore}
		opts.Provider, opts.GenStore = both, both
	}
}

// TestOverACombined has all tests with a rig run again, but for those that count
// calls of one side, or are about which of the two comes first.
func TestOverACombined(t *testing.T) {
	for name, test := range map[string]func(*testing.T){
		"TestGetBulkDropsOnlyOlderEntries":                    TestGetBulkDropsOnlyOlderEntries,
		"TestGetBulkKeepsWhatItReadBeforeAnError":             TestGetBulkKeepsWhatItReadBeforeAnError,
		"TestABulkOfValuesOfAnotherLength":                    TestABulkOfValuesOfAnotherLength,
		"TestABulkEntryThatCannotBeReadLeavesTheSingles":      TestABulkEntryThatCannotBeReadLeavesTheSingles,
		"TestASetTellsWhatHappened":                           TestASetTellsWhatHappened,
		"TestABulkSetTellsWhatHappened":                       TestABulkSetTellsWhatHappened,
		"TestGetBulkWhoseContextEndsMeanwhile":                TestGetBulkWhoseContextEndsMeanwhile,
		"TestSetBulkReturnsTheProvidersError":                 TestSetBulkReturnsTheProvidersError,
		"TestSetBulkOfAnInvalidKeyStoresNothing":              TestSetBulkOfAnInvalidKeyStoresNothing,
		"TestSetBulkLeavesTheCallersMapsAlone":                TestSetBulkLeavesTheCallersMapsAlone,
		"TestSchemasShareGenerationsAndNoEntries":             TestSchemasShareGenerationsAndNoEntries,
		"TestAnotherVersionsInvalidationStopsAFill":           TestAnotherVersionsInvalidationStopsAFill,
		"TestVersionsDoNotMix":                                TestVersionsDoNotMix,
		"TestACommitThatTheStoreIsToldOfIsProved":             TestACommitThatTheStoreIsToldOfIsProved,
		"TestGetAfterFill":                                    TestGetAfterFill,
		"TestGetOfACurrentAbsentEntry":                        TestGetOfACurrentAbsentEntry,
		"TestGetWithoutAGenerationLeavesTheEntry":             TestGetWithoutAGenerationLeavesTheEntry,
		"TestGetOfAHungStoreEndsAfterGenTimeout":              TestGetOfAHungStoreEndsAfterGenTimeout,
		"TestGetReturnsTheProvidersError":                     TestGetReturnsTheProvidersError,
		"TestAContextThatEndsBetweenTheSteps":                 TestAContextThatEndsBetweenTheSteps,
		"TestAfterCloseEveryCallReturnsErrClosed":             TestAfterCloseEveryCallReturnsErrClosed,
		"TestCloseWhileInUse":                                 TestCloseWhileInUse,
		"TestCloseLeavesNoGoroutine":                          TestCloseLeavesNoGoroutine,
		"TestDisabledTouchesNothing":                          TestDisabledTouchesNothing,
		"TestEnabled":                                         TestEnabled,
		"TestCallersEndedContext":                             TestCallersEndedContext,
		"TestContextThatEndsDuringALookUp":                    TestContextThatEndsDuringALookUp,
		"TestAPanicInAHookReachesTheCaller":                   TestAPanicInAHookReachesTheCaller,
		"TestHooksRunUnderNoLock":                             TestHooksRunUnderNoLock,
		"TestHooksGetTheCallersContext":                       TestHooksGetTheCallersContext,
		"TestNilHooks":                                        TestNilHooks,
		"TestHooksAreCopied":                                  TestHooksAreCopied,
		"TestInvalidateBumpsThenDeletes":                      TestInvalidateBumpsThenDeletes,
		"TestABumpThatFailsIsAnInvalidateError":               TestABumpThatFailsIsAnInvalidateError,
		"TestABumpThatIsAppliedAndReportsAnError":             TestABumpThatIsAppliedAndReportsAnError,
		"TestABumpOfAHeldKeyIsDone":                           TestABumpOfAHeldKeyIsDone,
		"TestAHungBumpEnds":                                   TestAHungBumpEnds,
		"TestInvalidateUnderAnEndedContext":                   TestInvalidateUnderAnEndedContext,
		"TestStuckReadsDoNotStarveBumps":                      TestStuckReadsDoNotStarveBumps,
		"TestEntriesAsStored":                                 TestEntriesAsStored,
		"TestNamespacesAreIsolated":                           TestNamespacesAreIsolated,
		"TestInvalidKeysAreRefusedInEveryCall":                TestInvalidKeysAreRefusedInEveryCall,
		"TestLongestKeyWorksEverywhere":                       TestLongestKeyWorksEverywhere,
		"TestLimitInACache":                                   TestLimitInACache,
		"TestLoaderLoadsOnceAndStores":                        TestLoaderLoadsOnceAndStores,
		"TestLoaderSharesOneLoadAmongAThousand":               TestLoaderSharesOneLoadAmongAThousand,
		"TestLoaderNeverJoinsALoadFromBeforeAnInvalidation":   TestLoaderNeverJoinsALoadFromBeforeAnInvalidation,
		"TestLoaderCallersLeaveAlone":                         TestLoaderCallersLeaveAlone,
		"TestLoaderEndsALoadThatNobodyWaitsFor":               TestLoaderEndsALoadThatNobodyWaitsFor,
		"TestLoaderPanicsReachEveryCaller":                    TestLoaderPanicsReachEveryCaller,
		"TestLoaderGivesUpALoadThatHangs":                     TestLoaderGivesUpALoadThatHangs,
		"TestLoaderBoundsLoads":                               TestLoaderBoundsLoads,
		"TestLoaderLooksAgainAfterALoadHasLanded":             TestLoaderLooksAgainAfterALoadHasLanded,
		"TestLoaderWithoutAGenerationSharesAndStoresNothing":  TestLoaderWithoutAGenerationSharesAndStoresNothing,
		"TestLoaderGoesOnWithoutItsProvider":                  TestLoaderGoesOnWithoutItsProvider,
		"TestLoaderOfAClosedOrDisabledCache":                  TestLoaderOfAClosedOrDisabledCache,
		"TestLoaderTTL":                                       TestLoaderTTL,
		"TestLoaderRemembersAbsence":                          TestLoaderRemembersAbsence,
		"TestLoaderGetBulkStoresTheWholeSetAsABulk":           TestLoaderGetBulkStoresTheWholeSetAsABulk,
		"TestLoaderGetBulkJoinsLoadsUnderWay":                 TestLoaderGetBulkJoinsLoadsUnderWay,
		"TestLoaderGetBulkErrors":                             TestLoaderGetBulkErrors,
		"TestMutateRunsNothingWithoutAHold":                   TestMutateRunsNothingWithoutAHold,
		"TestOptionsAtTheirBounds":                            TestOptionsAtTheirBounds,
		"TestCostIsTheSizeByDefault":                          TestCostIsTheSizeByDefault,
		"TestACodecThatFailsToEncode":                         TestACodecThatFailsToEncode,
		"TestACodecThatFailsToDecode":                         TestACodecThatFailsToDecode,
		"TestFailedInvalidationsAreRetried":                   TestFailedInvalidationsAreRetried,
		"TestRetriesOfAStoreThatHangs":                        TestRetriesOfAStoreThatHangs,
		"TestMoreFailuresThanCanBeRemembered":                 TestMoreFailuresThanCanBeRemembered,
		"TestRuleG1ADeadEntryIsNotRevived":                    TestRuleG1ADeadEntryIsNotRevived,
		"TestRuleG2AHungStoreCostsABoundedNumberOfGoroutines": TestRuleG2AHungStoreCostsABoundedNumberOfGoroutines,
		"TestRuleG3ASnapshotNoticesALoss":                     TestRuleG3ASnapshotNoticesALoss,
		"TestSetStoresOnlyUnderTheObservedGeneration":         TestSetStoresOnlyUnderTheObservedGeneration,
		"TestWhatASetCosts":                                   TestWhatASetCosts,
		"TestASetOverAHungStoreIsSkipped":                     TestASetOverAHungStoreIsSkipped,
		"TestAProviderThatDeclines":                           TestAProviderThatDeclines,
		"TestSetReturnsTheProvidersError":                     TestSetReturnsTheProvidersError,
		"TestAnInvalidationBetweenCompareAndSet":              TestAnInvalidationBetweenCompareAndSet,
		"TestSlogHooksInACache":                               TestSlogHooksInACache,
		"TestASnapshotOfAHeldKey":                             TestASnapshotOfAHeldKey,
		"TestABumpFromBeforeTheMarkEndsNoSuspicion":           TestABumpFromBeforeTheMarkEndsNoSuspicion,
		"TestTTLsAsStored":                                    TestTTLsAsStored,
		"TestJitterIsDrawnForEachEntry":                       TestJitterIsDrawnForEachEntry,
		"TestANegativeTTLIsAnError":                           TestANegativeTTLIsAnError,
	} {
		t.Run(name, test)
	}
}
