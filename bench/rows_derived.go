package main

import (
	"context"
	"errors"
	"fmt"

	jsoncodec "github.com/unkn0wn-root/cascache/codec-json"
	cascache "github.com/unkn0wn-root/cascache/core"
)

// How many dependencies the entries of these rows have.
var depCounts = []int{0, 1, 4, 16}

// derivedRows: warm reads of entries that depend on other generations. The first
// contender of each row is the same read without any, which the others are divided
// by.
func derivedRows() []row {
	near := func(gens localGens) func(*env, *workload, func(*cascache.Options[product])) (cas[product], error) {
		return func(_ *env, w *workload, _ func(*cascache.Options[product])) (cas[product], error) {
			return casNear[product](w, gens.open())
		}
	}
	remote := func(a assembly) func(*env, *workload, func(*cascache.Options[product])) (cas[product], error) {
		return func(e *env, w *workload, change func(*cascache.Options[product])) (cas[product], error) {
			return a.openWith(e, w, change)
		}
	}
	rows := []row{
		derivedRow("derived-near", "A warm read of a decoded value with dependencies, local generations", false, near(exact), false),
		derivedRow("derived-striped", "A warm read of a decoded value with dependencies, striped generations", false, near(striped), false),
		derivedRow("derived-ristretto", "A warm read from Ristretto, decoding JSON, with dependencies, local generations", false,
			func(_ *env, w *workload, _ func(*cascache.Options[product])) (cas[product], error) {
				return casRistretto(w, cascache.Codec[product](jsoncodec.JSON[product]{}), nil)
			}, false),
		derivedRow("derived-leased", "A warm read of a decoded value with dependencies, leased generations", true,
			remote(assembly{name: "near + leased generations", values: "near", leased: true}), false),
		derivedRow("derived-apart", "A warm read with dependencies, values and generations in Redis apart", true,
			remote(assembly{name: "redis + redis generations", values: "redis"}), false),
		derivedRow("derived-both", "A warm read with dependencies, one Redis for both", true,
			remote(assembly{name: "one Redis for both", values: "backend"}), false),
		derivedRow("derived-both-tags", "A warm read with tags known from the key, one Redis for both", true,
			remote(assembly{name: "one Redis for both", values: "backend"}), true),
	}
	return rows
}

func derivedRow(name, title string, redis bool,
	open func(e *env, w *workload, change func(*cascache.Options[product])) (cas[product], error), known bool) row {
	r := row{name: name, title: title, redis: redis, patterns: []pattern{zipf}}
	for _, n := range depCounts {
		r.contenders = append(r.contenders, contender{fmt.Sprint(n, " dependencies"), checked, func(e *env, w *workload) (*instance, error) {
			tags := make([]string, n)
			for i := range tags {
				tags[i] = fmt.Sprintf("tag %02d", i)
			}
			change := func(o *cascache.Options[product]) {
				o.Namespace = fmt.Sprint(name, " ", n)
				if known && n > 0 {
					o.Tags = func(string) []string { return tags }
				}
			}
			c, err := open(e, w, change)
			if err != nil {
				return nil, err
			}
			if err := c.fillDerived(w, tags, known); err != nil {
				c.shut()
				return nil, err
			}
			return c.getter(w), nil
		}})
	}
	return r
}

var errNotKept = errors.New("bench: an entry with dependencies was not kept")

// fillDerived loads every value once, in a load that depends on the tags.
func (c cas[V]) fillDerived(w *workload, tags []string, known bool) error {
	ctx := context.Background()
	deps := make([]cascache.Dep, len(tags))
	for i, tag := range tags {
		deps[i] = c.TagDep(tag)
	}
	at := make(map[string]int, len(w.keys))
	for i, key := range w.keys {
		at[key] = i
	}
	loader, err := cascache.NewLoader(c.Handle, cascache.LoaderOptions[V]{Load: func(ctx context.Context, key string) (V, error) {
		value := any(w.products[at[key]]).(V)
		if known || len(deps) == 0 {
			return value, nil
		}
		return value, cascache.DependOn(ctx, deps...)
	}})
	if err != nil {
		return err
	}
	for i, key := range w.keys {
		if _, err := loader.Get(ctx, key); err != nil {
			return err
		}
		if c.wait != nil && i%256 == 0 {
			c.wait()
		}
	}
	if c.wait != nil {
		c.wait()
	}
	for _, key := range w.keys {
		if _, ok, err := c.Get(ctx, key); !ok || err != nil {
			return errors.Join(errNotKept, err)
		}
	}
	return nil
}
