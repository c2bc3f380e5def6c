package wire

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unsafe"
)

func depsOf(tb testing.TB, deps ...Dep) Deps {
	tb.Helper()
	d, err := DepsOf(deps)
	if err != nil {
		tb.Fatalf("dependencies that fit must be taken: got %v", err)
	}
	return d
}

func listOf(deps Deps) []Dep {
	var list []Dep
	for key, gen := range deps.All() {
		list = append(list, Dep{key, gen})
	}
	return list
}

// manyDeps returns n dependencies in order.
func manyDeps(n int) []Dep {
	deps := make([]Dep, n)
	for i := range deps {
		deps[i] = Dep{fmt.Sprintf("single:catalogue:product:%06d", i), uint64(i)}
	}
	return deps
}

func TestDepsOf(t *testing.T) {
	longest := strings.Repeat("k", MaxKeyLen)
	for _, want := range [][]Dep{
		nil,
		{{"", 0}},
		{{"a", 1}, {"b", 1}},
		{{"", 1}, {"\x00", 0}, {"a", 5}, {"a\x00", 4}, {"aa", 3}, {"\x80", 2}, {"\xff", 1}},
		{{"a", 1}, {longest, 1<<64 - 1}},
		manyDeps(MaxDeps),
	} {
		given := slices.Clone(want)
		slices.Reverse(given)
		before := slices.Clone(given)
		for _, in := range [][]Dep{want, given} {
			deps, err := DepsOf(in)
			if got := listOf(deps); err != nil || !slices.Equal(got, want) || deps.Len() != len(want) {
				t.Errorf("dependencies must come in ascending order of their keys, whatever order they were given in: got %.200v, %v, want %.200v", got, err, want)
			}
		}
		if !slices.Equal(given, before) {
			t.Errorf("DepsOf must leave the caller's slice as it was: got %v, want %v", given, before)
		}
	}
}

func TestDepsOfRefuses(t *testing.T) {
	for _, c := range []struct {
		name string
		deps []Dep
		want error
	}{
		{"one too many", manyDeps(MaxDeps + 1), ErrTooManyDeps},
		{"more than the field holds", manyDeps(1<<16 + 1), ErrTooManyDeps},
		{"the same dependency twice", []Dep{{"a", 1}, {"a", 1}}, ErrDuplicateKey},
		{"the same key twice", []Dep{{"a", 2}, {"b", 1}, {"a", 1}}, ErrDuplicateKey},
		{"a key that is too long", []Dep{{strings.Repeat("k", MaxKeyLen+1), 1}}, ErrTooLarge},
	} {
		t.Run(c.name, func(t *testing.T) {
			if deps, err := DepsOf(c.deps); !errors.Is(err, c.want) || deps.Len() != 0 {
				t.Errorf("dependencies that no entry can carry must be refused: got %d, %v, want %v", deps.Len(), err, c.want)
			}
		})
	}
}

func TestDepsOfKeepsNothingOfTheCallers(t *testing.T) {
	given := []Dep{{"a", 1}, {"b", 2}}
	deps := depsOf(t, given...)
	given[0], given[1] = Dep{"z", 9}, Dep{"z", 9}
	if got, want := listOf(deps), []Dep{{"a", 1}, {"b", 2}}; !slices.Equal(got, want) {
		t.Errorf("DepsOf must copy what it is given: got %v after the slice changed, want %v", got, want)
	}
}

func TestDepsAllStops(t *testing.T) {
	frame, err := Version3.AppendMembers(nil, "", []Member{{Deps: depsOf(t, manyDeps(4)...)}})
	if err != nil {
		t.Fatal(err)
	}
	members, _, err := Version3.DecodeMembers(frame, "")
	if err != nil {
		t.Fatal(err)
	}
	for name, deps := range map[string]Deps{"an entry": depsOf(t, manyDeps(4)...), "a member": members[0].Deps} {
		var got []Dep
		for key, gen := range deps.All() {
			if got = append(got, Dep{key, gen}); len(got) == 2 {
				break
			}
		}
		if want := manyDeps(2); !slices.Equal(got, want) {
			t.Errorf("a loop over the dependencies of %s may end early: got %v, want %v", name, got, want)
		}
		if got, want := listOf(deps), manyDeps(4); !slices.Equal(got, want) {
			t.Errorf("the dependencies of %s may be ranged over again: got %v, want %v", name, got, want)
		}
	}
}

func TestDecodedDepsAliasTheInput(t *testing.T) {
	check := func(t *testing.T, frame []byte, deps Deps) {
		t.Helper()
		for key := range deps.All() {
			if !aliases(frame, unsafe.Slice(unsafe.StringData(key), len(key))) {
				t.Errorf("the key of a decoded dependency must alias the input, not copy it: %q", key)
			}
		}
	}
	t.Run("entry", func(t *testing.T) {
		var e Entry
		frame := unhex(t, goldenSingle3of2)
		if err := Version3.Decode(frame, goldenKey, &e); err != nil || e.Deps.Len() != 2 {
			t.Fatalf("got %d dependencies, %v, want 2", e.Deps.Len(), err)
		}
		check(t, frame, e.Deps)
	})
	t.Run("bulk", func(t *testing.T) {
		frame := unhex(t, goldenBulk3)
		members, _, err := Version3.DecodeMembers(frame, goldenBulkKey)
		if err != nil || members[0].Deps.Len() != 2 {
			t.Fatalf("got %v, %v, want a member with two dependencies first", members, err)
		}
		check(t, frame, members[0].Deps)
		if aliases(frame, unsafe.Slice(unsafe.StringData(members[0].Key), 1)) {
			t.Errorf("the key of a member must be a copy, so that it can be kept: %q", members[0].Key)
		}
	})
}
