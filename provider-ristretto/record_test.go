package ristrettoprovider

import (
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// otherShard returns a key that starts with prefix and lies in none of the
// queue shards of taken.
func otherShard(p *Provider, prefix string, taken ...string) string {
next:
	for i := 0; ; i++ {
		key := fmt.Sprint(prefix, i)
		for _, other := range taken {
			if p.queue.shard(p.hash.of(key)) == p.queue.shard(p.hash.of(other)) {
				continue next
			}
		}
		return key
	}
}

// stall keeps Ristretto's worker from taking anything else off its queue until
// release is called. keys are those that the test is going to use; no other
// key may share the queue shard of plug.
func stall(t testing.TB, p *Provider, keys ...string) (plug string, release func()) {
	t.Helper()
	plug = otherShard(p, "plug", keys...)
	mustSet(t, p, plug, "")
	p.Wait()
	// The worker settles plug as it takes up the next record.
	shard := p.queue.shard(p.hash.of(plug))
	shard.mu.Lock()
	mustSet(t, p, otherShard(p, "stopper", append(keys, plug)...), "")
	return plug, sync.OnceFunc(shard.mu.Unlock)
}

// waitFor polls for what the worker is about to do.
func waitFor(t testing.TB, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !done(); runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

// Ristretto throws the second Set away.
func TestLaterOfTwoQueuedSetsWins(t *testing.T) {
	p := newTestProvider(t, Config{})
	_, release := stall(t, p, "k")
	defer release()
	for i := range 100 {
		mustSet(t, p, "k", fmt.Sprint(i))
	}
	release()
	p.Wait()
	wantValue(t, p, "k", "99", "of several values accepted before the first was stored, the last is returned")
	mustSet(t, p, "k", "100")
	wantValue(t, p, "k", "100", "a new value of a stored key is visible at once")
}

// Ristretto stores, and shows, what was queued before the Del until its worker
// comes to the delete.
func TestDelHidesQueuedSets(t *testing.T) {
	p := newTestProvider(t, Config{})
	between := otherShard(p, "between", "k")
	_, release := stall(t, p, "k", between)
	defer release()
	mustSet(t, p, "k", "v1")
	mustSet(t, p, between, "")
	mustDel(t, p, "k")
	wantMiss(t, p, "k", "when Del has returned, no value set before is returned")

	// Let the worker store k and stop it before the delete: as it takes up
	// the record between, it settles k.
	shard := p.queue.shard(p.hash.of("k"))
	shard.mu.Lock()
	goOn := sync.OnceFunc(shard.mu.Unlock)
	defer goOn()
	release()
	waitFor(t, "the worker to store the value", func() bool {
		_, ok := p.cache.Get(p.hash.of("k"))
		return ok
	})
	wantMiss(t, p, "k", "when Del has returned, no value set before is returned, not even while the queue holds it")
	goOn()
	p.Wait()
	wantMiss(t, p, "k", "when Del has returned, no value set before is returned")

	mustSet(t, p, "k", "v2")
	p.Wait()
	wantValue(t, p, "k", "v2", "a value set after a Del is stored")
}

func TestSetAfterDelWhileQueued(t *testing.T) {
	p := newTestProvider(t, Config{})
	_, release := stall(t, p, "k")
	defer release()
	mustSet(t, p, "k", "v1")
	mustDel(t, p, "k")
	mustSet(t, p, "k", "v2")
	mustSet(t, p, "k", "v3")
	release()
	p.Wait()
	wantValue(t, p, "k", "v3", "values set after a Del are stored, the last one counts")
}

func TestQueuedUpdateKeepsItsOwnTTL(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newTestProvider(t, Config{})
		_, release := stall(t, p, "k")
		defer release()
		for _, ttl := range []time.Duration{time.Hour, time.Second} {
			if ok, err := p.Set(t.Context(), "k", []byte(ttl.String()), 1, ttl); !ok || err != nil {
				t.Fatalf("Set = %v, %v, want it accepted", ok, err)
			}
		}
		release()
		p.Wait()
		wantValue(t, p, "k", "1s", "the last value accepted is returned")
		time.Sleep(time.Second)
		wantMiss(t, p, "k", "a value is gone when its own TTL is over, whatever the one before had")
	})
}

func TestFullQueue(t *testing.T) {
	p := newTestProvider(t, Config{})
	mustSet(t, p, "stored", "v1")
	p.Wait()
	plug, release := stall(t, p, "stored", "queued", "declined")
	defer release()
	mustSet(t, p, "queued", "v1")
	var declinedKey string
	for i := 0; declinedKey == ""; i++ {
		key := otherShard(p, fmt.Sprint("filler", i, "-"), plug)
		ok, err := p.Set(t.Context(), key, nil, 1, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		if !ok {
			declinedKey = key
		}
	}
	for range 3 {
		if ok, err := p.Set(t.Context(), "declined", nil, 1, time.Hour); ok || err != nil {
			t.Errorf("while the queue is full, a new key is declined without an error: Set = %v, %v", ok, err)
		}
	}
	mustSet(t, p, "stored", "v2")
	wantValue(t, p, "stored", "v2", "while the queue is full, a stored key has its new value at once")
	ok, err := p.Set(t.Context(), "queued", []byte("v2"), 1, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	release()
	p.Wait()
	wantMiss(t, p, declinedKey, "a declined value is not stored")
	if !ok {
		t.Fatal("a new value of a key in the queue shows through the queued record, so it is accepted")
	}
	wantValue(t, p, "queued", "v2", "after a value was accepted, an older one is not returned")
}

func TestQueueForgetsSettledKeys(t *testing.T) {
	p := newTestProvider(t, Config{MaxCost: 100})
	for i := range 10_000 {
		key := fmt.Sprint(i % 500)
		switch i % 7 {
		case 3:
			mustDel(t, p, key)
		default:
			if _, err := p.Set(t.Context(), key, nil, 1, time.Hour); err != nil {
				t.Fatal(err)
			}
		}
	}
	p.Wait()
	held := 0
	for i := range p.queue.shards {
		shard := &p.queue.shards[i]
		shard.mu.Lock()
		held += len(shard.rest)
		if shard.first != nil {
			held++
		}
		shard.mu.Unlock()
	}
	// The last record the worker took up is settled with the next one.
	if held > 1 {
		t.Errorf("a key is forgotten once Ristretto's queue holds nothing of it: %d are held", held)
	}
}

// One writer a key, so that it is known what may be read: the value accepted
// last before the read began, a later one, or none.
func TestReadsUnderLoad(t *testing.T) {
	const keys, rounds = 8, 4000
	p := newTestProvider(t, Config{MaxCost: keys - 2}) // evicts all the time
	var (
		floor   [keys]atomic.Int64 // no lower value may be read
		hits    atomic.Int64
		done    atomic.Bool
		writers sync.WaitGroup
		readers sync.WaitGroup
	)
	for k := range keys {
		key := fmt.Sprint("key", k)
		writers.Go(func() {
			// On a busy machine the readers may not have begun when the rounds
			// are over.
			for n := int64(1); n <= rounds || hits.Load() == 0 && n < 1e6; n++ {
				if n > rounds {
					runtime.Gosched()
				}
				if n%50 == 0 {
					p.Wait()
				}
				if n%7 == 0 {
					if err := p.Del(t.Context(), key); err != nil {
						t.Errorf("Del: %v", err)
					}
					floor[k].Store(n)
					continue
				}
				ok, err := p.Set(t.Context(), key, fmt.Append(nil, n), 1, time.Hour)
				if err != nil {
					t.Errorf("Set: %v", err)
				}
				if ok {
					floor[k].Store(n)
				}
			}
		})
		for range 2 {
			readers.Go(func() {
				for !done.Load() {
					least := floor[k].Load()
					value, ok, err := p.Get(t.Context(), key)
					if err != nil {
						t.Errorf("Get: %v", err)
						return
					}
					if !ok {
						runtime.Gosched()
						continue
					}
					hits.Add(1)
					var got int64
					if _, err := fmt.Sscan(string(value), &got); err != nil {
						t.Errorf("a read returns a value as it was set: got %q", value)
						return
					}
					if got < least {
						t.Errorf("a read returns nothing older than what was accepted or deleted before it began: got value %d, want at least %d", got, least)
						return
					}
				}
			})
		}
	}
	writers.Wait()
	done.Store(true)
	readers.Wait()
	if hits.Load() == 0 {
		t.Error("all reads missed: the test shows nothing")
	}
}
