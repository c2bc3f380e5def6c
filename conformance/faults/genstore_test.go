package faults_test

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/unkn0wn-root/cascache/conformance"
	"github.com/unkn0wn-root/cascache/conformance/faults"
	cascache "github.com/unkn0wn-root/cascache/core"
)

// overGens returns a generation store with faults, and the store under it.
func overGens(rules ...faults.Rule) (*faults.GenStore, *cascache.LocalGenStore) {
	local := cascache.NewLocalGenStore(0, 0)
	return faults.NewGenStore(local, faults.NewScript(1, rules...)), local
}

// bare has no optional abilities.
type bare struct{ cascache.GenStore }

// unknowing is a local store that hides what it knows.
type unknowing struct {
	cascache.GenStore
	cascache.Holder
}

func genLacks() map[conformance.Lack]string {
	return map[conformance.Lack]string{
		conformance.Sharing:       "it is memory",
		conformance.LostReplies:   "there is nothing in between",
		conformance.Failures:      "it is memory",
		conformance.ContextErrors: "it does no I/O",
	}
}

// A wrapper without rules is as good as what it wraps, and one that loses
// generations and waits keeps the contract too.
func TestGenStoreKeepsTheContract(t *testing.T) {
	for name, test := range map[string]struct {
		rules   []faults.Rule
		knowing bool // a rule that may befall every Current leaves nothing to know
	}{
		"no rules": {nil, true},
		"forgets":  {[]faults.Rule{{Kind: faults.Forget, Chance: 0.05}}, false},
	} {
		t.Run(name, func(t *testing.T) {
			var local *cascache.LocalGenStore // the newest
			conformance.RunGenStore(t, conformance.GenStoreHarness{
				New: func(testing.TB) cascache.GenStore {
					local = cascache.NewLocalGenStore(0, 0)
					script := faults.NewScript(1, test.rules...)
					if test.knowing {
						return faults.NewGenStore(local, script)
					}
					return faults.NewGenStore(unknowing{local, local}, script)
				},
				Losses: []conformance.Loss{{Name: "a prune", Lose: func(testing.TB, cascache.GenStore) { local.Cleanup(0) }}},
				Lacks:  genLacks(),
			})
		})
	}
}

func TestGenStoreHasTheAbilitiesOfWhatItWraps(t *testing.T) {
	script := faults.NewScript(1)
	local := cascache.NewLocalGenStore(0, 0)
	for _, test := range []struct {
		name  string
		store cascache.GenStore
		want  bool
	}{{"bare", bare{local}, false}, {"able", local, true}} {
		g := faults.NewGenStore(test.store, script)
		if _, has := cascache.AbilityOf[cascache.Holder](g); has != test.want {
			t.Errorf("%s: it can hold: %t, want %t", test.name, has, test.want)
		}
		if _, has := cascache.AbilityOf[cascache.LocalReader](g); has != test.want {
			t.Errorf("%s: it knows generations: %t, want %t", test.name, has, test.want)
		}
		if n, has := cascache.AbilityOf[cascache.NonBlocker](g); has && n.NonBlocking() {
			t.Errorf("%s: a store that may be delayed says that it never blocks", test.name)
		}
	}
}

func TestForgottenGenerationIsGoneForAll(t *testing.T) {
	ctx := t.Context()
	g, local := overGens(faults.Rule{Call: faults.Current, Kind: faults.Forget, After: 1, Times: 1})
	old, _ := g.Snapshot(ctx, "k")
	if gen, _ := g.Current(ctx, "k"); gen != old {
		t.Fatalf("Current answered %d before anything was lost, want %d", gen, old)
	}
	if gen, err := g.Current(ctx, "k"); gen != 0 || err != nil {
		t.Errorf("Current of a generation that was lost answered (%d, %v), want (0, nil)", gen, err)
	}
	for range 2 {
		if gen, _ := local.Current(ctx, "k"); gen != 0 && gen <= old {
			t.Errorf("G1: generation %d was lost, and is %d on another handle", old, gen)
		}
		if gen, _ := g.Snapshot(ctx, "k"); gen <= old {
			t.Errorf("G1: generation %d was lost, and is %d again", old, gen)
		}
	}
}

func TestBumpWithoutAReplyIsDone(t *testing.T) {
	ctx := t.Context()
	g, local := overGens(faults.Rule{Call: faults.Bump, Kind: faults.LoseReply})
	old, _ := g.Snapshot(ctx, "k")
	if gen, err := g.Bump(ctx, "k"); gen != 0 || !errors.Is(err, faults.ErrInjected) {
		t.Errorf("a Bump whose reply was lost returned (%d, %v)", gen, err)
	}
	if gen, _ := local.Current(ctx, "k"); gen <= old {
		t.Errorf("a Bump whose reply was lost was not carried out: %d, and then %d", old, gen)
	}
}

func TestFailedBumpIsNotDone(t *testing.T) {
	ctx := t.Context()
	g, local := overGens(faults.Rule{Call: faults.Bump, Kind: faults.Fail})
	old, _ := g.Snapshot(ctx, "k")
	if _, err := g.Bump(ctx, "k"); !errors.Is(err, faults.ErrInjected) {
		t.Errorf("a Bump that fails returned %v", err)
	}
	if gen, _ := local.Current(ctx, "k"); gen != old {
		t.Errorf("a Bump that failed was carried out")
	}
}

func TestFaultsOfABulkAreOfSingleKeys(t *testing.T) {
	ctx := t.Context()
	keys := make([]string, 10)
	for i := range keys {
		keys[i] = strconv.Itoa(i)
	}
	third := func(key string) bool { return key == "3" }
	local := cascache.NewLocalGenStore(0, 0)
	g := faults.NewGenStore(local, faults.NewScript(1, faults.Rule{Key: third, Kind: faults.Fail}))
	for call, do := range map[string]func(context.Context, []string) ([]uint64, error){
		"SnapshotBulk": g.SnapshotBulk, "CurrentBulk": g.CurrentBulk, "BumpBulk": g.BumpBulk,
	} {
		for _, key := range keys {
			_, _ = local.Snapshot(ctx, key)
		}
		gens, err := do(ctx, keys)
		if !errors.Is(err, faults.ErrInjected) || len(gens) != len(keys) {
			t.Fatalf("%s with one key that fails returned %d generations and %v", call, len(gens), err)
		}
		for i, gen := range gens {
			if (gen == 0) != third(keys[i]) {
				t.Errorf("%s returned %d for key %d; only number 3 fails", call, gen, i)
			}
		}
	}
}

func TestHoldFailsForAllOrNone(t *testing.T) {
	ctx := t.Context()
	keys := []string{"a", "b"}
	bad := func(key string) bool { return key == "b" }
	g, local := overGens(faults.Rule{Call: faults.Hold, Key: bad, Kind: faults.Fail, Times: 1},
		faults.Rule{Call: faults.Hold, Kind: faults.LoseReply, After: 2})
	if err := g.Hold(ctx, keys, "t", time.Hour); !errors.Is(err, faults.ErrInjected) {
		t.Errorf("a Hold that fails returned %v", err)
	}
	if gen, _ := local.Snapshot(ctx, "a"); gen == 0 {
		t.Error("a Hold that failed for one key holds the other")
	}
	if err := g.Hold(ctx, keys, "t", time.Hour); !errors.Is(err, faults.ErrInjected) {
		t.Errorf("a Hold whose reply was lost returned %v", err)
	}
	if gen, _ := local.Snapshot(ctx, "a"); gen != 0 {
		t.Error("a Hold whose reply was lost was not carried out")
	}
	if err := g.Release(ctx, keys, "t"); err != nil {
		t.Errorf("Release returned %v", err)
	}
	if gen, _ := local.Current(ctx, "a"); gen == 0 {
		t.Error("a Release was not carried out")
	}
	if err := faults.NewGenStore(bare{local}, faults.NewScript(1)).Hold(ctx, keys, "t", time.Hour); !errors.Is(err, cascache.ErrHoldUnsupported) {
		t.Errorf("Hold over a store that cannot returned %v", err)
	}
}

func TestGenStoreHangEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, local := overGens(faults.Rule{Call: faults.Current, Kind: faults.Hang}, faults.Rule{Call: faults.Snapshot, Kind: faults.Delay, Delay: time.Second})
		defer local.Close(context.Background())
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		begun := time.Now()
		if _, err := g.Snapshot(ctx, "k"); err != nil || time.Since(begun) != time.Second {
			t.Errorf("a Snapshot with a delay of 1s took %v and returned %v", time.Since(begun), err)
		}
		if _, err := g.Current(ctx, "k"); !errors.Is(err, context.DeadlineExceeded) || time.Since(begun) != time.Minute {
			t.Errorf("a hanging Current returned %v after %v", err, time.Since(begun))
		}
	})
}

func TestGenStoreSameSeedSameFaults(t *testing.T) {
	run := func() (lost []bool) {
		g, _ := overGens(faults.Rule{Kind: faults.Forget, Chance: 0.3})
		for range 100 {
			_, _ = g.Bump(t.Context(), "k")
			gen, _ := g.Current(t.Context(), "k")
			lost = append(lost, gen == 0)
		}
		return lost
	}
	if !slices.Equal(run(), run()) {
		t.Error("two runs with one seed differ")
	}
}

// knowing is a local store that is told of commits as well.
type knowing struct{ *cascache.LocalGenStore }

func (k knowing) CurrentToCommit(ctx context.Context, key string) (uint64, error) {
	return k.Current(ctx, key)
}

func (k knowing) CurrentToCommitBulk(ctx context.Context, keys []string) ([]uint64, error) {
	gens := make([]uint64, len(keys))
	for i, key := range keys {
		gen, err := k.Current(ctx, key)
		if err != nil {
			return nil, err
		}
		gens[i] = gen
	}
	return gens, nil
}

func TestKnowingGenStoreKeepsTheContract(t *testing.T) {
	conformance.RunGenStore(t, conformance.GenStoreHarness{
		New: func(testing.TB) cascache.GenStore {
			return faults.NewGenStore(knowing{cascache.NewLocalGenStore(0, 0)}, faults.NewScript(1))
		},
		Losses: []conformance.Loss{{Name: "a prune", Lose: func(_ testing.TB, s cascache.GenStore) {
			s.(*faults.GenStore).Unwrap().(knowing).Cleanup(0)
		}}},
		Lacks: genLacks(),
	})
}

// What is known without a call must not lead past a script about calls.
func TestKnownGenerationsDoNotBypassTheScript(t *testing.T) {
	ctx := t.Context()
	inner := knowing{cascache.NewLocalGenStore(0, 0)}
	for _, key := range []string{"spared", "struck"} {
		if _, err := inner.Snapshot(ctx, key); err != nil {
			t.Fatal(err)
		}
	}
	struck := func(key string) bool { return key == "struck" }
	known := func(g *faults.GenStore, key string) (one, many bool) {
		_, one = g.CurrentLocal(key[:2], key[2:])
		gens := make([]uint64, 1)
		g.CurrentLocalBulk([]string{key}, gens)
		return one, gens[0] != 0
	}
	for name, rule := range map[string]faults.Rule{
		"fails":           {Call: faults.Current, Kind: faults.Fail, Key: struck},
		"forgets":         {Call: faults.Current, Kind: faults.Forget, Key: struck},
		"hangs, any call": {Kind: faults.Hang, Key: struck},
		"fails later":     {Call: faults.Current, Kind: faults.Fail, After: 3, Key: struck},
		"by chance":       {Call: faults.Current, Kind: faults.Delay, Chance: 0.01, Key: struck},
	} {
		g := faults.NewGenStore(inner, faults.NewScript(1, rule))
		if one, many := known(g, "struck"); one || many {
			t.Errorf("%s: a key that the script is about is known without a call: %t, %t", name, one, many)
		}
		if one, many := known(g, "spared"); !one || !many {
			t.Errorf("%s: a key that it is not about must be known: %t, %t", name, one, many)
		}
	}
	script := faults.NewScript(1, faults.Rule{Call: faults.Current, Kind: faults.Fail, Times: 1}, faults.Rule{Call: faults.Bump, Kind: faults.Fail})
	g := faults.NewGenStore(inner, script)
	if _, ok := g.CurrentLocal("", "spared"); ok || script.Count(faults.Fail) != 0 {
		t.Error("a rule that has not befallen its one call yet must be waited for, and a look-up counts as none")
	}
	if _, err := g.CurrentToCommit(ctx, "spared"); !errors.Is(err, faults.ErrInjected) {
		t.Errorf("a commit is a Current to the script: got %v", err)
	}
	if _, ok := g.CurrentLocal("", "spared"); !ok {
		t.Error("a rule that befalls no call any more stands in nobody's way")
	}
	if _, ok := cascache.AbilityOf[cascache.LocalReader](faults.NewGenStore(bare{inner}, script)); ok {
		t.Error("what is wrapped knows nothing, and its wrapper says it does")
	}
}

// Without the ability in what is wrapped, the bulk calls work all the same.
func TestGenBulksOverPlainCalls(t *testing.T) {
	ctx := t.Context()
	local := cascache.NewLocalGenStore(0, 0)
	g := faults.NewGenStore(bare{local}, faults.NewScript(1))
	keys := []string{"a", "b"}
	current := func() []uint64 {
		gens := make([]uint64, len(keys))
		for i, key := range keys {
			gens[i], _ = local.Current(ctx, key)
		}
		return gens
	}
	if gens, err := g.CurrentBulk(ctx, keys); err != nil || !slices.Equal(gens, []uint64{0, 0}) || !slices.Equal(current(), gens) {
		t.Errorf("CurrentBulk creates nothing: got %v, %v", gens, err)
	}
	created, err := g.SnapshotBulk(ctx, keys)
	if err != nil || slices.Contains(created, 0) || !slices.Equal(created, current()) {
		t.Errorf("SnapshotBulk creates: got %v, %v, want %v", created, err, current())
	}
	if gens, err := g.CurrentBulk(ctx, keys); err != nil || !slices.Equal(gens, created) {
		t.Errorf("CurrentBulk reads what was created: got %v, %v, want %v", gens, err, created)
	}
	bumped, err := g.BumpBulk(ctx, keys)
	if err != nil || len(bumped) != 2 || bumped[0] <= created[0] || bumped[1] <= created[1] || !slices.Equal(bumped, current()) {
		t.Errorf("BumpBulk replaces %v: got %v, %v, want %v", created, bumped, err, current())
	}
}
