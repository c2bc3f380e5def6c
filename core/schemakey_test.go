package cascache

import (
	"context"
	"errors"
	"maps"
	"strings"
	"testing"
)

func TestStorageKeysWithASchema(t *testing.T) {
	for _, c := range []struct{ namespace, schema, key, entry, gen string }{
		{"user", "", "1", "single:user:1", "single:user:1"},
		{"user", "v2", "1", "single:user%@v2:1", "single:user:1"},
		{"user", "v2", "a%@b:c", "single:user%@v2:a%@b:c", "single:user:a%@b:c"},
		{"a:b%@c", "x:y%", "k", "single:a%3Ab%25@c%@x%3Ay%25:k", "single:a%3Ab%25@c:k"},
		{"n", "%@", ":", "single:n%@%25@::", "single:n::"},
		{"n", "", "%@v2:1", "single:n:%@v2:1", "single:n:%@v2:1"},
	} {
		keys := newKeySpace(c.namespace, c.schema)
		entry := keys.entry(c.key)
		if entry != c.entry {
			t.Errorf("storage keys are part of the contract: namespace %q, schema %q, key %q: got %q, want %q", c.namespace, c.schema, c.key, entry, c.entry)
		}
		if got := keys.genKey(entry); got != c.gen {
			t.Errorf("the schema is part of no generation's key: of %q got %q, want %q", entry, got, c.gen)
		}
		if got := GenKey(entry); got != c.gen {
			t.Errorf("the schema is part of no generation's key: GenKey(%q) is %q, want %q", entry, got, c.gen)
		}
		if got := keys.genKey(c.gen); got != c.gen {
			t.Errorf("the key of a generation stays as it is: of %q got %q", c.gen, got)
		}
	}
	for _, name := range []string{"", "single:", "single:n", "bulk:n%@v2:abc", "floor:n", "single:n%@v2", "%@"} {
		if got := GenKey(name); got != name {
			t.Errorf("what is not the storage key of a single entry stays as it is: GenKey(%q) is %q", name, got)
		}
	}
}

// versions opens caches of one namespace over one storage, one for each schema.
func versions(t *testing.T, change func(*Options[string]), schemas ...string) []*rig {
	t.Helper()
	var checksum bool
	first := newBulkRig(t, func(o *Options[string]) {
		change(o)
		o.Schema, checksum = schemas[0], o.Checksum
	})
	rigs := []*rig{first}
	for _, schema := range schemas[1:] {
		log := &eventLog{}
		h := open(t, Options[string]{
			Namespace: "n", Schema: schema, Checksum: checksum, Codec: String{}, Hooks: log.hooks(),
			Provider: first.values.provider, GenStore: first.gens.store,
		})
		rigs = append(rigs, &rig{h, first.provider, first.store, log})
	}
	return rigs
}

// Two versions of a service share generations and no entries.
func TestSchemasShareGenerationsAndNoEntries(t *testing.T) {
	for name, change := range map[string]func(*Options[string]){
		"remote generations": func(*Options[string]) {},
		"local generations":  func(o *Options[string]) { o.GenStore = NewLocalGenStore(0, 0) },
		"a checksum":         func(o *Options[string]) { o.Checksum = true },
	} {
		t.Run(name, func(t *testing.T) {
			ctx := t.Context()
			rigs := versions(t, change, "", "v1", "v2")
			invalidate := []struct {
				name string
				do   func(r *rig) error
			}{
				{"Invalidate", func(r *rig) error { return errors.Join(r.Invalidate(ctx, "a"), r.Invalidate(ctx, "b")) }},
				{"InvalidateBulk", func(r *rig) error { return r.InvalidateBulk(ctx, []string{"a", "b"}) }},
				{"Mutate", func(r *rig) error {
					return r.Mutate(ctx, []string{"a", "b"}, func(context.Context) error { return nil })
				}},
			}
			for _, by := range invalidate {
				if by.name == "Mutate" && name != "local generations" {
					continue // the other store cannot hold
				}
				for i, invalidator := range rigs {
					for j, r := range rigs {
						value := string(rune('x' + j))
						want := map[string]string{"a": "a" + value, "b": "b" + value}
						fillBulk(t, r.Handle, want)
						wantBulk(t, r.Handle, "each version is served what it has stored", []string{"a", "b"}, want)
						if got, ok, err := r.Get(ctx, "a"); !ok || got != "a"+value || err != nil {
							t.Errorf("each version is served what it has stored: got %q, %v, %v, want %q", got, ok, err, "a"+value)
						}
					}
					for _, r := range rigs {
						if heals := eventsOf[SelfHealEvent](r.log); len(heals) > 0 {
							t.Fatalf("no version takes another's entry for a broken one of its own: healed %v", heals)
						}
					}
					if err := by.do(invalidator); err != nil {
						t.Fatal(err)
					}
					for j, r := range rigs {
						wantBulk(t, r.Handle, by.name+" by one version kills the entries of all", []string{"a", "b"}, map[string]string{}, "a", "b")
						if got, ok, err := r.Get(ctx, "a"); ok || err != nil {
							t.Errorf("%s by version %d kills the entries of version %d: got %q, %v, %v", by.name, i, j, got, ok, err)
						}
						r.log.reset()
					}
				}
			}
			for _, r := range rigs {
				if got, want := r.SnapshotGens([]string{"a", "b"}), rigs[0].SnapshotGens([]string{"a", "b"}); !maps.Equal(got, want) || got["a"] == 0 {
					t.Errorf("the versions have their generations in common: got %v and %v", got, want)
				}
			}
		})
	}
}

// A fill whose key another version invalidates during the load is not stored.
func TestAnotherVersionsInvalidationStopsAFill(t *testing.T) {
	rigs := versions(t, func(*Options[string]) {}, "v1", "v2")
	obs := rigs[0].SnapshotGens([]string{"a", "b"})
	if err := rigs[1].Invalidate(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	if err := rigs[0].SetWithGen(t.Context(), "a", "old", obs["a"], 0); err != nil {
		t.Fatal(err)
	}
	if err := rigs[0].SetBulkWithGens(t.Context(), ab, obs, 0); err != nil {
		t.Fatal(err)
	}
	if got, ok, _ := rigs[0].Get(t.Context(), "a"); ok {
		t.Errorf("what was read before another version's invalidation is not stored: got %q", got)
	}
}

func TestSchemaAndNamespaceLeaveRoomForAKey(t *testing.T) {
	opts := Options[string]{Namespace: "n", Schema: strings.Repeat("s", maxStorageKey-len("single:n%@:")), Provider: newMapProvider(), Codec: String{}}
	if _, err := New(opts); err == nil || !strings.Contains(err.Error(), "Options.Schema") {
		t.Errorf("a schema that leaves no room for a key is refused by name: got %v", err)
	}
	opts.Schema = opts.Schema[1:]
	fill(t, open(t, opts), "k", "v")
}
