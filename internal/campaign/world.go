package campaign

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/unkn0wn-root/cascache/internal/redistest"
)

// topology is the Redis that the replicas share.
type topology string

const (
	anywhere  topology = ""          // of a nemesis: it does not matter
	single    topology = "one Redis" // behind a proxy for each replica
	pair      topology = "master and replica"
	sentinels topology = "Sentinel"
	cluster   topology = "Cluster"
)

// world is all that a run has started.
type world struct {
	tb     testing.TB
	config config
	memory memory
	rng    *rand.Rand

	gens    *redistest.Server // of single and pair: where generations are
	heir    *redistest.Server // of pair: the replica
	between *redistest.Proxy  // of pair: on the way from the replica to its master
	proxies []*redistest.Proxy
	group   *redistest.Sentinel
	cluster *redistest.Cluster

	tasks     []task
	processes []*process
	ended     []*process // killed by a nemesis

	waiting sync.WaitGroup // for leases of killed processes to end
}

func startWorld(tb testing.TB, c config) *world {
	tb.Helper()
	w := &world{tb: tb, config: c, rng: rand.New(rand.NewPCG(c.seed, 1))}
	path := filepath.Join(tb.TempDir(), "memory")
	var err error
	if w.memory, err = newMemory(path); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(w.memory.unmap) // after all processes and goroutines are done
	tb.Cleanup(w.waiting.Wait)

	var args []string
	if c.appendOnly {
		args = append(args, "--appendonly", "yes")
	}
	if c.guarded {
		args = append(args, "--min-replicas-to-write", "1", "--min-replicas-max-lag", "1")
	}
	endpoints := make([]endpoint, replicas)
	switch c.topology {
	case single, pair:
		w.gens = redistest.Start(tb, args...)
		if c.topology == pair {
			w.between = w.gens.Proxy()
			w.heir = redistest.StartReplicaOf(tb, w.between.Addr())
		}
		for i := range replicas {
			p := w.gens.Proxy()
			w.proxies = append(w.proxies, p)
			endpoints[i] = endpoint{Addr: p.Addr()}
		}
	case sentinels:
		w.group = redistest.StartSentinel(tb, 2, args...)
		for i := range replicas {
			endpoints[i] = endpoint{Sentinels: w.group.Addrs(), Master: w.group.MasterName}
		}
	case cluster:
		w.cluster = redistest.StartCluster(tb, "--min-replicas-max-lag", "1")
		for i := range replicas {
			endpoints[i] = endpoint{Cluster: w.cluster.Addrs()}
		}
	}
	var values *redistest.Server
	if c.assembly.shared() && c.apart {
		values = redistest.Start(tb)
	}
	for i := range replicas {
		t := task{
			Replica: i, Memory: path, Seed: c.seed, Assembly: c.assembly, Naive: c.naive,
			Generations: endpoints[i], Values: endpoints[i],
			Batching: c.batching, Checksum: c.checksum, FewRows: c.fewRows, Wait: c.wait, HoldsKept: c.holdsKept,
		}
		if values != nil {
			t.Values = endpoint{Addr: values.Addr()}
		}
		w.tasks = append(w.tasks, t)
		w.processes = append(w.processes, startProcess(tb, t))
	}
	return w
}

// restart replaces a killed replica by a new process.
func (w *world) restart(replica int) {
	t := w.tasks[replica]
	t.Seed += uint64(len(w.ended)) + 1
	w.processes[replica] = startProcess(w.tb, t)
}

// kill kills a replica. What it had committed under a hold counts once the
// lease of that has ended.
func (w *world) kill(replica int) {
	p := w.processes[replica]
	p.kill()
	w.ended = append(w.ended, p)
	for i := range w.memory.Writing[replica] {
		slot := &w.memory.Writing[replica][i]
		left := *slot // nobody else is left to write to it
		atomic.StoreUint64(&slot.Version, 0)
		if w.config.holdsKept {
			w.waiting.Go(func() {
				time.Sleep(lease + leaseMargin)
				if left.ack(w.memory) {
					w.memory.count(replica, heldOver, 1)
				}
			})
		}
	}
}

// stop ends all replicas and returns what is left over of any.
func (w *world) stop() (left []string) {
	w.waiting.Wait()
	var mu sync.Mutex // guards left
	var stopping sync.WaitGroup
	for _, p := range w.processes {
		stopping.Go(func() {
			if err := p.stop(); err != nil {
				mu.Lock()
				defer mu.Unlock()
				left = append(left, err.Error())
			}
		})
	}
	stopping.Wait()
	for i, p := range w.proxies {
		if !eventually(5*time.Second, func() bool { return p.Connections() == 0 }) {
			left = append(left, fmt.Sprintf("replica %d leaves %d connections", i, p.Connections()))
		}
	}
	return left
}

// said returns what replicas have told of one kind, those included that were
// killed.
func (w *world) said(kind string) (texts []string) {
	for _, p := range slices.Concat(w.ended, w.processes) {
		texts = append(texts, p.of(kind)...)
	}
	return texts
}

func eventually(limit time.Duration, cond func() bool) bool {
	for deadline := now() + limit; ; time.Sleep(5 * time.Millisecond) {
		if cond() {
			return true
		}
		if now() > deadline {
			return false
		}
	}
}

// clockSource is a library that goes between a Redis server and the C library
// and moves what the clock says by as many nanoseconds as the file clock-offset
// in the server's folder tells. Monotonic time is left alone.
const clockSource = `#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static volatile int64_t *offset;

__attribute__((constructor)) static void map(void) {
	int fd = open("clock-offset", O_RDWR | O_CREAT, 0600);
	if (fd < 0 || ftruncate(fd, 8) != 0) return;
	void *p = mmap(0, 8, PROT_READ, MAP_SHARED, fd, 0);
	if (p != MAP_FAILED) offset = p;
	close(fd);
}

int clock_gettime(clockid_t id, struct timespec *ts) {
	int r = syscall(SYS_clock_gettime, id, ts);
	if (r == 0 && id == CLOCK_REALTIME && offset && *offset) {
		int64_t at = ts->tv_sec * 1000000000LL + ts->tv_nsec + *offset;
		ts->tv_sec = at / 1000000000LL;
		ts->tv_nsec = at % 1000000000LL;
	}
	return r;
}

int gettimeofday(struct timeval *tv, void *tz) {
	struct timespec ts;
	(void)tz;
	if (clock_gettime(CLOCK_REALTIME, &ts) != 0) return -1;
	tv->tv_sec = ts.tv_sec;
	tv->tv_usec = ts.tv_nsec / 1000;
	return 0;
}

time_t time(time_t *t) {
	struct timespec ts;
	clock_gettime(CLOCK_REALTIME, &ts);
	if (t) *t = ts.tv_sec;
	return ts.tv_sec;
}
`

// LetServersStepClocks makes all servers that this process starts from now on
// such whose clocks can be moved. It needs a C compiler. What it writes goes
// into folder.
func LetServersStepClocks(folder string) error {
	source, library, script := filepath.Join(folder, "clock.c"), filepath.Join(folder, "clock.so"), filepath.Join(folder, "redis-server")
	server := os.Getenv(redistest.BinaryEnv)
	if server == "" {
		server = "redis-server"
	}
	server, err := exec.LookPath(server)
	if err != nil {
		return nil // redistest says so, or skips
	}
	if err := os.WriteFile(source, []byte(clockSource), 0o600); err != nil {
		return err
	}
	if out, err := exec.Command("cc", "-O1", "-shared", "-fPIC", "-o", library, source).CombinedOutput(); err != nil {
		return fmt.Errorf("campaign: compile the clock of servers: %w\n%s", err, out)
	}
	text := fmt.Sprintf("#!/bin/sh\nLD_PRELOAD=%s exec %s \"$@\"\n", library, server)
	if err := os.WriteFile(script, []byte(text), 0o700); err != nil {
		return err
	}
	return os.Setenv(redistest.BinaryEnv, script)
}

// setServerClock moves the clock of a server away from that of the machine.
func setServerClock(tb testing.TB, s *redistest.Server, offset time.Duration) {
	tb.Helper()
	file, err := os.OpenFile(filepath.Join(s.Dir(), "clock-offset"), os.O_RDWR, 0)
	if err != nil {
		tb.Fatalf("campaign: the clock of this server cannot be moved: %v", err)
	}
	defer file.Close()
	if _, err := file.WriteAt(binary.LittleEndian.AppendUint64(nil, uint64(offset)), 0); err != nil {
		tb.Fatal(err)
	}
}
