package linearizability

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/anishathalye/porcupine"

	cascache "github.com/unkn0wn-root/cascache/core"
)

// A Run is how a history comes about.
type Run struct {
	Stores []cascache.GenStore // handles on one state
	Keys   []string
	Seed   uint64

	Clients int // goroutines, of which each uses one handle
	Calls   int // of each client
	Lose    func(key string)
}

// lease is that of the holds of a run, which are released.
const lease = time.Hour

// Record uses the stores and returns what was called and answered. The clients
// take turns with nothing but chance.
func Record(ctx context.Context, run Run) []porcupine.Operation {
	start := time.Now()
	histories := make([][]porcupine.Operation, run.Clients)
	var wg sync.WaitGroup
	for c := range run.Clients {
		wg.Go(func() {
			client := client{run: run, id: c, start: start, store: run.Stores[c%len(run.Stores)], rng: rand.New(rand.NewPCG(run.Seed, uint64(c)))}
			client.holder, _ = cascache.AbilityOf[cascache.Holder](client.store)
			for range run.Calls {
				client.step(ctx)
			}
			client.letGo(ctx)
			histories[c] = client.history
		})
	}
	wg.Wait()
	all := slices.Concat(histories...)
	slices.SortFunc(all, func(a, b porcupine.Operation) int { return cmp.Compare(a.Call, b.Call) })
	return all
}

type client struct {
	run     Run
	id      int
	start   time.Time
	store   cascache.GenStore
	holder  cascache.Holder
	rng     *rand.Rand
	history []porcupine.Operation
	holding string // the key that this client holds, "" for none
}

func (c *client) step(ctx context.Context) {
	key := c.run.Keys[c.rng.IntN(len(c.run.Keys))]
	switch p := c.rng.IntN(100); {
	case p < 50:
		c.record(Input{Op: Current, Key: key}, func() (uint64, error) { return c.store.Current(ctx, key) })
	case p < 65:
		c.record(Input{Op: Snapshot, Key: key}, func() (uint64, error) { return c.store.Snapshot(ctx, key) })
	case p < 92:
		c.record(Input{Op: Bump, Key: key}, func() (uint64, error) { return c.store.Bump(ctx, key) })
	case p < 94 && c.run.Lose != nil:
		c.record(Input{Op: Lose, Key: key}, func() (uint64, error) { c.run.Lose(key); return 0, nil })
	case c.holder == nil:
	case c.holding != "":
		c.letGo(ctx)
	default:
		c.holding = key
		c.record(Input{Op: Hold, Key: key, Holder: c.id}, func() (uint64, error) {
			return 0, c.holder.Hold(ctx, []string{key}, c.token(), lease)
		})
	}
}

func (c *client) token() string { return fmt.Sprint("client-", c.id) }

// letGo releases what the client holds.
func (c *client) letGo(ctx context.Context) {
	if key := c.holding; key != "" {
		c.holding = ""
		c.record(Input{Op: Release, Key: key, Holder: c.id}, func() (uint64, error) {
			return 0, c.holder.Release(ctx, []string{key}, c.token())
		})
	}
}

func (c *client) record(in Input, call func() (uint64, error)) {
	op := porcupine.Operation{ClientId: c.id, Input: in, Call: int64(time.Since(c.start))}
	gen, err := call()
	op.Return = int64(time.Since(c.start))
	op.Output = Output{Gen: gen}
	if err != nil {
		op.Output = Output{Failed: true}
		if in.Op != Current {
			// It may be carried out at any later time.
			op.Return = math.MaxInt64
		}
	}
	c.history = append(c.history, op)
}
