package lease

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	cascache "github.com/unkn0wn-root/cascache/core"
	leasegenstore "github.com/unkn0wn-root/cascache/genstore-lease"
	redisgenstore "github.com/unkn0wn-root/cascache/genstore-redis"
	"github.com/unkn0wn-root/cascache/internal/redistest"
)

var (
	measure     = flag.Bool("measure", false, "make the measurements of docs/leases.md")
	measureTime = flag.Duration("measure.time", 3*time.Second, "how long each of them takes")
)

func measuring(t *testing.T) {
	t.Helper()
	if !*measure {
		t.Skip("only with -measure")
	}
	load, _ := os.ReadFile("/proc/loadavg")
	t.Logf("%d processors, load %s", runtime.GOMAXPROCS(0), strings.TrimSpace(string(load)))
}

// rate returns how many times a second look-ups succeed, with as many callers as
// told, and the nanoseconds of this process' processor time that each takes.
func rate(t *testing.T, callers int, look func(n uint64) bool) (perSecond, cpuEach float64) {
	t.Helper()
	before := used()
	var total, failed atomic.Uint64
	var stop atomic.Bool
	var running sync.WaitGroup
	began := time.Now()
	for c := range callers {
		running.Go(func() {
			done, bad := uint64(0), uint64(0)
			for n := uint64(c) * 7919; !stop.Load(); n++ {
				if look(n) {
					done++
				} else {
					bad++
				}
			}
			total.Add(done)
			failed.Add(bad)
		})
	}
	time.Sleep(*measureTime)
	stop.Store(true)
	running.Wait()
	if bad := failed.Load(); bad > total.Load()/100 {
		t.Logf("%d of %d look-ups failed", bad, bad+total.Load())
	}
	n := float64(total.Load())
	return n / time.Since(began).Seconds(), float64(used()-before) / n
}

// used returns how much processor time this process has used.
func used() time.Duration {
	var u syscall.Rusage
	must(syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// TestMeasureReads compares reads that ask Redis with reads from memory.
func TestMeasureReads(t *testing.T) {
	measuring(t)
	server := redistest.Start(t)
	const prefix = "single:app:"
	plain := redisgenstore.NewRedisGenStore(connect(t, server.Addr()), "plain")
	leased := openGated(t, server)
	ctx := context.Background()
	for _, keys := range []int{8, 100_000} {
		full := make([]string, keys)
		for i := range full {
			full[i] = prefix + strconv.Itoa(i)
		}
		for _, s := range []cascache.GenStore{plain, leased.Store} {
			if _, err := s.(cascache.BulkGenStore).SnapshotBulk(ctx, full); err != nil {
				t.Fatal(err)
			}
		}
		leased.serving(t, full[0])
		// A replica that has learned before it joined knows none of it.
		if _, err := leased.CurrentBulk(ctx, full); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			trips, tripsCPU := rate(t, 16, func(n uint64) bool {
				gen, err := plain.Current(ctx, full[n%uint64(keys)])
				return gen != 0 && err == nil
			})
			var asked atomic.Uint64
			local, localCPU := rate(t, runtime.GOMAXPROCS(0), func(n uint64) bool {
				// The key is made here, as one that came with a request is at
				// hand: fetching it from memory is not the look-up's.
				i := n * 2654435761 % uint64(keys)
				var digits [20]byte
				if _, ok := leased.CurrentLocal(prefix, string(strconv.AppendUint(digits[:0], i, 10))); ok {
					return true
				}
				asked.Add(1)
				gen, err := leased.Current(ctx, full[i])
				return gen != 0 && err == nil
			})
			t.Logf("%7d keys: a read with a round trip takes %.0f ns of processor time beside the server's, one under leases %.0f ns", keys, tripsCPU, localCPU)
			t.Logf("%7d keys: %9.0f reads a second with a round trip each, %10.0f under leases: %.0f times as many (%d asked Redis)", keys, trips, local, local/trips, asked.Load())
		}
	}
}

// members starts replicas that read a little.
func members(t *testing.T, server *redistest.Server, n int) []*child {
	t.Helper()
	path := filepath.Join(t.TempDir(), "board")
	b := mapBoard(path)
	all := make([]*child, n)
	for i := range all {
		all[i] = startChild(t, os.Args[0], task{Addrs: []string{server.Addr()}, Board: path, Slot: i, Readers: 1, Rest: 5 * time.Millisecond})
	}
	redistest.Eventually(t, redistest.Patience, "all members serve", func() bool {
		for i := range all {
			if b.counts[i].local.Load() == 0 {
				return false
			}
		}
		return true
	})
	return all
}

// latencies bumps at a rate and returns how long each bump took, sorted.
func latencies(t *testing.T, store *leasegenstore.Store, perSecond int, during func()) []time.Duration {
	t.Helper()
	var mu sync.Mutex
	var took []time.Duration
	var running sync.WaitGroup
	if during != nil {
		running.Go(during)
	}
	ticker := time.NewTicker(time.Second / time.Duration(perSecond))
	defer ticker.Stop()
	for end := time.Now().Add(*measureTime); time.Now().Before(end); {
		<-ticker.C
		n := len(took)
		running.Go(func() {
			began := time.Now()
			_, err := store.Bump(context.Background(), boardPrefix+boardKey(n%boardKeys))
			d := time.Since(began)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				t.Error(err)
			}
			took = append(took, d)
		})
	}
	running.Wait()
	slices.Sort(took)
	return took
}

func percentiles(took []time.Duration) string {
	at := func(p float64) time.Duration {
		return took[min(len(took)-1, int(p*float64(len(took))))].Round(10 * time.Microsecond)
	}
	return fmt.Sprintf("%d bumps: p50 %v, p99 %v, longest %v", len(took), at(0.5), at(0.99), took[len(took)-1].Round(10*time.Microsecond))
}

// cpu returns how many seconds of processor time the server has used.
func cpu(t *testing.T, server *redistest.Server) float64 {
	t.Helper()
	total := 0.0
	for _, field := range []string{"used_cpu_user", "used_cpu_sys"} {
		n, err := strconv.ParseFloat(server.Info(field), 64)
		if err != nil {
			t.Fatal(err)
		}
		total += n
	}
	return total
}

func TestMeasureInvalidations(t *testing.T) {
	measuring(t)
	for _, n := range []int{3, 8} {
		server := redistest.Start(t)
		store, err := leasegenstore.New(leasegenstore.Config{Client: connect(t, server.Addr()), Namespace: "faults"})
		if err != nil {
			t.Fatal(err)
		}
		all := members(t, server, n-1)
		for range 20 { // until old leases and the way there cost nothing
			if _, err := store.Bump(context.Background(), "warm"); err != nil {
				t.Fatal(err)
			}
			if _, err := store.Current(context.Background(), "warm"); err != nil {
				t.Fatal(err)
			}
			time.Sleep(10 * time.Millisecond)
		}
		if n == 8 {
			before, began := cpu(t, server), time.Now()
			time.Sleep(*measureTime)
			t.Logf("%d idle replicas: Redis uses %.1f %% of a core", n, 100*(cpu(t, server)-before)/time.Since(began).Seconds())
		}
		t.Logf("%d replicas, 100 a second: %s", n, percentiles(latencies(t, store, 100, nil)))
		if n == 8 {
			before, began := cpu(t, server), time.Now()
			took := latencies(t, store, 1000, nil)
			t.Logf("%d replicas, 1,000 a second: %s; Redis uses %.1f %% of a core", n, percentiles(took), 100*(cpu(t, server)-before)/time.Since(began).Seconds())
		}
		t.Logf("%d replicas, one paused: %s", n, percentiles(latencies(t, store, 100, func() {
			time.Sleep(*measureTime / 3)
			all[0].signal(syscall.SIGSTOP)
			time.Sleep(*measureTime / 3)
			all[0].signal(syscall.SIGCONT)
		})))
		t.Logf("%d replicas, one killed: %s", n, percentiles(latencies(t, store, 100, func() {
			time.Sleep(*measureTime / 3)
			all[0].kill()
		})))
		for _, c := range all {
			c.kill()
		}
		time.Sleep(500 * time.Millisecond)
		_, _ = store.Bump(context.Background(), "warm")
		time.Sleep(500 * time.Millisecond)
		t.Logf("alone: %s", percentiles(latencies(t, store, 100, nil)))
		_ = store.Close(context.Background())
		server.Kill()
	}
}
