package cascache

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// tagged is a shelf whose products have the tags that their rows name after a
// colon, such as "a1:red,big".
func tagged(t testing.TB, form func(products, pages *Options[string]) *stubStore, change ...func(*LoaderOptions[string])) *shelf {
	t.Helper()
	s := newShelf(t, form)
	s.rows.write("a", "a1:red")
	s.rows.write("b", "b1:red,big")
	s.product = newLoader(t, s.products, s.rows, append([]func(*LoaderOptions[string]){func(o *LoaderOptions[string]) {
		o.AbsentTTL = time.Minute
		o.TagsOf = func(_, row string) []string {
			_, tags, _ := strings.Cut(row, ":")
			return strings.FieldsFunc(tags, func(r rune) bool { return r == ',' })
		}
	}}, change...)...)
	return s
}

func (s *shelf) wantProduct(t testing.TB, rule, key, want string, loads int) {
	t.Helper()
	before := len(s.rows.loads())
	if got, err := s.product.Get(context.Background(), key); got != want || err != nil {
		t.Errorf("%s: product %q is %q, %v, want %q", rule, key, got, err, want)
	}
	if n := len(s.rows.loads()) - before; n != loads {
		t.Errorf("%s: got %d loads of %q, want %d", rule, n, key, loads)
	}
}

func (s *shelf) invalidateTags(t testing.TB, tags ...string) {
	t.Helper()
	if err := s.products.InvalidateTags(context.Background(), tags...); err != nil {
		t.Errorf("nothing in the way of it: %v", err)
	}
}

func TestTagsOfValues(t *testing.T) {
	onEachShelf(t, func(t *testing.T, form func(products, pages *Options[string]) *stubStore) {
		s := tagged(t, form)
		s.wantProduct(t, "the first load of a key needs no other", "a", "a1:red", 1)
		s.wantProduct(t, "a hit", "a", "a1:red", 0)
		s.wantProduct(t, "the first load of a key needs no other", "b", "b1:red,big", 1)
		s.want(t, "a page", "a b", "a1:red b1:red,big")
		s.invalidateTags(t, "big")
		s.wantProduct(t, "another tag", "a", "a1:red", 0)
		s.wantProduct(t, "its tag", "b", "b1:red,big", 1)
		s.wantRuns(t, "a page", 1)
		s.want(t, "a page inherits the tags of its rows", "a b", "a1:red b1:red,big")
		s.wantRuns(t, "a page inherits the tags of its rows", 2)
		s.invalidateTags(t, "red", "no such tag")
		got, err := s.product.GetBulk(t.Context(), []string{"a", "b"})
		if len(got) != 2 || err != nil || len(s.rows.loads()) != 4 {
			t.Errorf("both have the tag, and are loaded at once: got %v, %v after the loads %q", got, err, s.rows.loads())
		}
		if got, missing, err := s.products.GetBulk(t.Context(), []string{"a", "b"}); len(got) != 2 || err != nil {
			t.Errorf("a bulk hit: got %v, missing %q, %v", got, missing, err)
		}
		s.invalidateTags(t, "big")
		if got, missing, err := s.products.GetBulk(t.Context(), []string{"a", "b"}); len(missing) != 1 || got["a"] == "" || err != nil {
			t.Errorf("one member has the tag: got %v, missing %q, %v", got, missing, err)
		}
		s.rows.write("b", "b2")
		s.write(t, "b", "b2")
		s.wantProduct(t, "no tags any more", "b", "b2", 1)
		s.invalidateTags(t, "big")
		s.wantProduct(t, "no tags any more", "b", "b2", 0)
	})
}

// raceTags has an invalidation of tags return at the worst moment: when the load has
// read the row.
func TestTagsInvalidatedDuringTheLoad(t *testing.T) {
	onEachShelf(t, func(t *testing.T, form func(products, pages *Options[string]) *stubStore) {
		for _, c := range []struct {
			name  string
			known bool   // the loader has seen the key
			tag   string // that moves
			loads int
			hit   bool // the value is stored
			want  string
		}{
			{"a new key, its tag", false, "red", 2, true, "a2:red"},
			{"a new key, another tag", false, "blue", 2, true, "a2:red"},
			{"a known key, its tag", true, "red", 1, false, "a1:red"},
			{"a known key, another tag", true, "blue", 1, true, "a1:red"},
		} {
			t.Run(c.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s := tagged(t, form)
					if c.known {
						s.wantProduct(t, "the loader sees the key", "a", "a1:red", 1)
						s.write(t, "a", "a1:red")
					}
					before := len(s.rows.loads())
					s.rows.gate = make(chan struct{})
					done := background(context.Background(), s.product, "a")
					synctest.Wait() // the load has read its row
					s.rows.write("a", "a2:red")
					s.invalidateTags(t, c.tag)
					close(s.rows.gate)
					if got := <-done; got.value != c.want || got.err != nil {
						t.Errorf("got %q, %v, want %q", got.value, got.err, c.want)
					}
					if n := len(s.rows.loads()) - before; n != c.loads {
						t.Errorf("got %d loads, want %d", n, c.loads)
					}
					got, ok, _ := s.products.Get(context.Background(), "a")
					if ok != c.hit || ok && got != c.want {
						t.Errorf("stored: got %q, %v, want %v", got, ok, c.hit)
					}
					if c.tag == "red" && got == "a1:red" {
						t.Error("an invalidation that returned during the load was missed")
					}
				})
			})
		}
	})
}

// Tags that move during every load leave the value unstored, after one more load.
func TestTagsThatNeverRest(t *testing.T) {
	s := tagged(t, shelfForms["apart"])
	loads := 0
	l := newLoader(t, s.products, s.rows, func(o *LoaderOptions[string]) {
		o.LoadBulk = nil
		o.Load = func(context.Context, string) (string, error) {
			loads++
			s.invalidateTags(t, "t")
			return fmt.Sprint(loads), nil
		}
		o.TagsOf = func(_, v string) []string { return []string{"t", "of load " + v} }
	})
	for range 2 {
		if _, err := l.Get(t.Context(), "k"); err != nil {
			t.Fatal(err)
		}
	}
	if loads != 4 {
		t.Errorf("each call loads, and once more since the tags are new: got %d loads, want 4", loads)
	}
	if _, ok, _ := s.products.Get(t.Context(), "k"); ok {
		t.Error("a value whose tags moved during both loads is stored")
	}
}

func TestTagsOfErrors(t *testing.T) {
	for name, tagsOf := range map[string]func(string, string) []string{
		"an empty tag": func(string, string) []string { return []string{""} },
		"a long tag":   func(string, string) []string { return []string{strings.Repeat("t", maxStorageKey)} },
		"a panic":      func(string, string) []string { panic("tags of") },
		"many tags": func(string, string) []string {
			tags := make([]string, MaxDeps+1)
			for i := range tags {
				tags[i] = fmt.Sprint(i)
			}
			return tags
		},
	} {
		t.Run(name, func(t *testing.T) {
			var stored error
			r := newRig(t, func(o *Options[string]) {
				o.Hooks.Load = func(_ context.Context, e LoadEvent) { stored = e.StoreErr }
			})
			l := newLoader(t, r.Handle, newSource(map[string]string{"k": "v"}), func(o *LoaderOptions[string]) { o.TagsOf = tagsOf })
			if got, err := l.Get(t.Context(), "k"); got != "v" || err != nil {
				t.Errorf("what was loaded is returned: got %q, %v", got, err)
			}
			wantMiss(t, r.Handle, "and not stored", "k")
			if name != "many tags" && (stored == nil || !strings.Contains(stored.Error(), "TagsOf")) {
				t.Errorf("LoadEvent.StoreErr names the option: got %v", stored)
			}
		})
	}
	r := newRig(t)
	_, err := NewLoader(CAS[string](poor{r.Handle}), LoaderOptions[string]{Load: newSource(nil).one, TagsOf: func(string, string) []string { return nil }})
	if err == nil || !strings.Contains(err.Error(), "TagsOf") {
		t.Errorf("a cache that cannot keep tags is refused: got %v", err)
	}
	disabled := open(t, Options[string]{Disabled: true})
	l := newLoader(t, disabled, newSource(map[string]string{"k": "v"}), func(o *LoaderOptions[string]) {
		o.TagsOf = func(string, string) []string { return []string{"t"} }
	})
	if got, err := l.Get(t.Context(), "k"); got != "v" || err != nil {
		t.Errorf("a disabled cache only loads: got %q, %v", got, err)
	}
}

// A load over a plain CAS may call DependOn: its value is returned, and not stored,
// since there is no way to store what it depends on.
func TestDependOnOverAPlainCAS(t *testing.T) {
	r := newRig(t)
	depend := true
	l, err := NewLoader(CAS[string](wrap(r.Handle)), LoaderOptions[string]{Load: func(ctx context.Context, _ string) (string, error) {
		if depend {
			return "v", DependOn(ctx, r.KeyDep("a"))
		}
		return "v", nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if got, err := l.Get(t.Context(), "k"); got != "v" || err != nil {
			t.Errorf("got %q, %v", got, err)
		}
		_, ok, _ := r.Get(t.Context(), "k")
		if ok == depend {
			t.Errorf("stored: %v, depends: %v", ok, depend)
		}
		depend = false
	}
}

// The memory of tags is bounded, and keeps those in use.
func TestTagMemory(t *testing.T) {
	var m tagMemory
	for i := range 3 * tagMemoryHalf {
		m.remember(fmt.Sprint(i), []string{"t"})
		m.of("0")
	}
	if n := len(m.young) + len(m.old); n > 2*tagMemoryHalf {
		t.Errorf("got %d keys, want at most %d", n, 2*tagMemoryHalf)
	}
	if len(m.of("0")) != 1 || len(m.of("1")) != 0 {
		t.Error("a key in use is remembered, and one of long ago is not")
	}
}

func TestInvalidateTagsErrors(t *testing.T) {
	r := newRig(t)
	if err := r.InvalidateTags(t.Context()); err != nil {
		t.Errorf("no tags: got %v", err)
	}
	err := r.InvalidateTags(t.Context(), "", "t")
	var bulk *InvalidateBulkError
	if !errors.As(err, &bulk) || len(bulk.Keys) != 0 || !errors.Is(err, ErrInvalidKey) {
		t.Errorf("an empty tag: got %v", err)
	}
	r.store.fail(GenBump, errBroken)
	err = r.InvalidateTags(t.Context(), "t", "u", "t")
	if !errors.As(err, &bulk) || fmt.Sprint(bulk.Keys) != "[t u]" || !errors.Is(err, errBroken) {
		t.Errorf("a bump that failed: got %v", err)
	}
	r.store.fail(GenBump, nil)
	if err := r.InvalidateTags(t.Context(), "t", "u"); err != nil {
		t.Error(err)
	}
	if r.suspects.any.Load() {
		t.Error("tags that were invalidated after all are not suspect")
	}
	h := open(t, Options[string]{Disabled: true})
	if err := errors.Join(h.InvalidateTags(t.Context(), "t"), h.Clear(t.Context())); err != nil {
		t.Errorf("a disabled cache does nothing: got %v", err)
	}
	closed := newRig(t, func(o *Options[string]) { o.Clearable = true })
	_ = closed.Close(t.Context())
	if err := closed.InvalidateTags(t.Context(), "t"); !errors.Is(err, ErrClosed) {
		t.Errorf("after Close: got %v", err)
	}
	if err := closed.Clear(t.Context()); !errors.Is(err, ErrClosed) {
		t.Errorf("after Close: got %v", err)
	}
}
