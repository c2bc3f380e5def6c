package main

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"strconv"
	"sync/atomic"
	"text/tabwriter"
	"time"

	cascache "github.com/unkn0wn-root/cascache/core"
)

// How many entries a sweep makes unreadable, and for how long fills race with
// invalidations of tags.
const (
	sweepEntries      = 1_000_000
	sweepEntriesShort = 10_000
	sweepPipe         = 1000 // commands in one pipeline

	keptKeys     = 500
	keptTags     = 200
	keptRate     = 100 // invalidations of a tag a second
	keptLoad     = 2 * time.Millisecond
	keptFor      = 10 * time.Second
	keptForShort = time.Second
)

// sweep measures what it takes to make all entries of a Redis unreadable, and how
// many fills survive invalidations of tags, and prints both.
func (o *options) sweep(e *env, out io.Writer) error {
	n, kept := sweepEntries, keptFor
	if o.short {
		n, kept = sweepEntriesShort, keptForShort
	}
	if err := sweepAll(e, n, out); err != nil {
		return err
	}
	return keepFills(e, kept, out)
}

// sweepAll prints the time and round trips of each way to get rid of n entries in one
// Redis for both.
func sweepAll(e *env, n int, out io.Writer) error {
	c, err := e.connect(false)
	if err != nil {
		return err
	}
	defer c.shut()
	w := newWorkload(1, 16)
	keys := make([]string, n)
	for i := range keys {
		keys[i] = "k" + strconv.Itoa(i)
	}
	fmt.Fprintf(out, "\nMaking %d entries in one Redis unreadable (sweep)\n", n)
	tw := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(tw, "how\tms\tround trips\tentries left in Redis\t")
	for _, how := range []struct {
		name string
		do   func(ctx context.Context, h cas[product]) error
	}{
		{"Clear", func(ctx context.Context, h cas[product]) error { return h.Clear(ctx) }},
		{"InvalidateTags, one tag", func(ctx context.Context, h cas[product]) error { return h.InvalidateTags(ctx, "all") }},
		{"InvalidateBulk of all keys", func(ctx context.Context, h cas[product]) error { return h.InvalidateBulk(ctx, keys) }},
		{"go-redis, DEL of each, pipelined", func(ctx context.Context, h cas[product]) error {
			for from := 0; from < n; from += sweepPipe {
				pipe := c.Pipeline()
				for _, key := range keys[from:min(from+sweepPipe, n)] {
					pipe.Del(ctx, "single:sweep:"+key)
				}
				if _, err := pipe.Exec(ctx); err != nil {
					return err
				}
			}
			return nil
		}},
		{"FLUSHDB, of everything", func(ctx context.Context, h cas[product]) error { return c.FlushDB(ctx).Err() }},
	} {
		if err := c.FlushDB(e.ctx).Err(); err != nil {
			return err
		}
		h, err := assembly{name: "sweep", values: "backend"}.openWith(e, w, func(o *cascache.Options[product]) {
			o.Clearable = true
			o.Tags = func(string) []string { return []string{"all"} }
		})
		if err != nil {
			return err
		}
		if err := h.Clear(e.ctx); err != nil { // the server learns the script
			return err
		}
		for from := 0; from < n; from += sweepPipe {
			part := keys[from:min(from+sweepPipe, n)]
			items := make(map[string]product, len(part))
			for _, key := range part {
				items[key] = w.products[0]
			}
			if err := h.SetBulkWithGens(e.ctx, items, h.SnapshotGens(part), ttl); err != nil {
				return err
			}
		}
		trips, began := e.trips.Load(), time.Now()
		if err := how.do(e.ctx, h); err != nil {
			return fmt.Errorf("%s: %w", how.name, err)
		}
		took := time.Since(began)
		trips = e.trips.Load() - trips
		if _, ok, err := h.Get(e.ctx, keys[n/2]); ok || err != nil {
			return fmt.Errorf("%s: an entry is still served: %v, %w", how.name, ok, err)
		}
		left, err := c.DBSize(e.ctx).Result()
		if err != nil {
			return err
		}
		h.shut()
		fmt.Fprintf(tw, "%s\t%.4g\t%d\t%d\t\n", how.name, float64(took)/1e6, trips, left)
	}
	return tw.Flush()
}

// keepFills prints how many fills of keys that the loader knows, and of new ones, are
// stored after one load, while tags are invalidated all the time.
func keepFills(e *env, lasting time.Duration, out io.Writer) error {
	fmt.Fprintf(out, "\nFills kept at %d invalidations of tags a second, loads of %v (sweep)\n", keptRate, keptLoad)
	tw := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(tw, "generations\tkeys\tfills\tstored after one load\t")
	for _, local := range []bool{true, false} {
		for _, known := range []bool{true, false} {
			w := newWorkload(keptKeys, 16)
			name := "local"
			h, err := casNear[product](w, nil)
			if !local {
				name = "Redis"
				h, err = assembly{name: "near + redis generations", values: "near"}.openWith(e, w, func(*cascache.Options[product]) {})
			}
			if err != nil {
				return err
			}
			fills, once, err := h.keptFills(e.ctx, known, lasting)
			h.shut()
			if err != nil {
				return err
			}
			of := "new"
			if known {
				of = "known"
			}
			fmt.Fprintf(tw, "%s\t%s\t%d\t%.2f %%\t\n", name, of, fills, 100*float64(once)/float64(max(fills, 1)))
		}
	}
	return tw.Flush()
}

// keptFills fills keys one after the other, each with two of many tags, and returns
// how many fills there were and how many of them were stored after a single load.
func (c cas[V]) keptFills(ctx context.Context, known bool, lasting time.Duration) (fills, once int, err error) {
	tagsOf := func(key string) []string {
		n := 0
		for _, digit := range key {
			n = n*31 + int(digit)
		}
		return []string{"tag " + strconv.Itoa(n%keptTags), "tag " + strconv.Itoa(n/7%keptTags)}
	}
	var loads atomic.Int64
	var none V
	loader, err := cascache.NewLoader(c.Handle, cascache.LoaderOptions[V]{
		Load: func(context.Context, string) (V, error) {
			loads.Add(1)
			time.Sleep(keptLoad)
			return none, nil
		},
		TagsOf: func(key string, _ V) []string { return tagsOf(key) },
	})
	if err != nil {
		return 0, 0, err
	}
	key := func(i int) string { return "key " + strconv.Itoa(i) }
	if known {
		for i := range keptKeys {
			if _, err := loader.Get(ctx, key(i)); err != nil {
				return 0, 0, err
			}
		}
	}
	writing, stop := context.WithTimeout(ctx, lasting)
	defer stop()
	failed := make(chan error, 1)
	go func() {
		tick := time.NewTicker(time.Second / keptRate)
		defer tick.Stop()
		for {
			select {
			case <-writing.Done():
				failed <- nil
				return
			case <-tick.C:
			}
			if err := c.InvalidateTags(ctx, "tag "+strconv.Itoa(rand.IntN(keptTags))); err != nil {
				failed <- err
				return
			}
		}
	}()
	for i := 0; writing.Err() == nil; i++ {
		k := key(i % keptKeys)
		if known {
			if err := c.Invalidate(ctx, k); err != nil {
				return 0, 0, err
			}
		} else {
			k = key(keptKeys + i)
		}
		before := loads.Load()
		if _, err := loader.Get(ctx, k); err != nil {
			return 0, 0, err
		}
		fills++
		if _, ok, err := c.Get(ctx, k); err != nil {
			return 0, 0, err
		} else if ok && loads.Load() == before+1 {
			once++
		}
	}
	return fills, once, <-failed
}
