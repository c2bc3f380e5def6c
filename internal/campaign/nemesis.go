package campaign

import (
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/unkn0wn-root/cascache/internal/redistest"
)

// nemesis breaks something.
type nemesis struct {
	name     string
	topology topology

	// strike breaks it, and returns how to end that. Both belong to the
	// goroutine of the run. A nemesis is over when mend has returned.
	strike func(w *world) (mend func())

	// limit is how long after the end the hit ratio must be back.
	limit time.Duration

	// losesHolds: a write that outlived its Mutate is not covered then.
	losesHolds bool

	appendOnly bool // the server keeps an append-only file
	snapshot   bool // the server must not
	guarded    bool // min-replicas-to-write is set
	fewRows    bool // writers are about few rows, and so meet
	down       bool // the server answers nothing until it is mended
	stepsRedis bool // with a loss, the order of generations is left to chance

	// bites is a design that goes stale under this nemesis, with values kept
	// in bitesIn.
	bites   naive
	bitesIn assembly
}

const (
	dataLoss = time.Second
	restart  = 3 * time.Second
	failover = time.Second
)

// appClockStepped needs replicas that were built for it.
const appClockStepped = "clock of the application stepped"

func nothing() {}

// nemeses are all there are.
var nemeses = []nemesis{
	{name: "flush", topology: single, limit: dataLoss, losesHolds: true, bites: counted, bitesIn: inMemory,
		strike: func(w *world) func() {
			for range 3 {
				time.Sleep(100 * time.Millisecond)
				w.gens.Do("FLUSHALL")
			}
			return nothing
		}},
	{name: "expiry", topology: single, limit: dataLoss, losesHolds: true, bites: counted, bitesIn: inMemory,
		strike: func(w *world) func() {
			for range 3 {
				w.gens.Do("EVAL", `for _, key in ipairs(redis.call('KEYS', 'gen:*')) do redis.call('PEXPIRE', key, math.random(1, 80)) end`, "0")
				time.Sleep(80 * time.Millisecond)
			}
			return nothing
		}},
	{name: "eviction", topology: single, limit: dataLoss, losesHolds: true, bites: counted, bitesIn: inMemory,
		strike: func(w *world) func() {
			before := w.gens.Info("evicted_keys")
			w.gens.Config("maxmemory-policy", "allkeys-random")
			w.gens.Config("maxmemory", w.gens.Info("used_memory"))
			for i := range 300 {
				// Refused when there is nothing left to evict.
				_, _ = w.gens.Try("SET", fmt.Sprint("filler:", i), strings.Repeat("x", 2000))
			}
			if w.gens.Info("evicted_keys") == before {
				w.tb.Errorf("campaign: nothing was evicted")
			}
			return func() {
				w.gens.Config("maxmemory", "0")
				w.gens.Config("maxmemory-policy", "noeviction")
			}
		}},
	{name: "out of memory", topology: single, limit: dataLoss, losesHolds: true, bites: careless, bitesIn: inMemory,
		strike: func(w *world) func() {
			w.gens.Config("maxmemory", "1")
			time.Sleep(700 * time.Millisecond)
			return func() { w.gens.Config("maxmemory", "0") }
		}},
	{name: "killed, empty", topology: single, down: true, limit: restart, losesHolds: true, bites: counted, bitesIn: inMemory,
		strike: func(w *world) func() {
			w.gens.Kill()
			time.Sleep(200 * time.Millisecond)
			return w.gens.RestartEmpty
		}},
	{name: "killed, old snapshot", topology: single, down: true, limit: restart, losesHolds: true, snapshot: true, bites: counted, bitesIn: inMemory,
		strike: func(w *world) func() {
			w.gens.Save()
			time.Sleep(600 * time.Millisecond)
			w.gens.Kill()
			time.Sleep(100 * time.Millisecond)
			return w.gens.Restart
		}},
	{name: "killed, append-only file", topology: single, down: true, limit: restart, losesHolds: true, appendOnly: true, bites: careless, bitesIn: inMemory,
		strike: func(w *world) func() {
			w.gens.Kill()
			time.Sleep(500 * time.Millisecond)
			return w.gens.Restart
		}},
	{name: "stopped for 2 s", topology: single, down: true, limit: restart, bites: careless, bitesIn: inMemory,
		strike: func(w *world) func() {
			w.gens.Pause()
			time.Sleep(2 * time.Second)
			return w.gens.Resume
		}},
	// To a client, a server that refuses connections is one that restarts.
	{name: "connections cut", topology: single, limit: restart, bites: careless, bitesIn: inMemory,
		strike: func(w *world) func() {
			for range 30 {
				p := w.proxies[w.rng.IntN(replicas)]
				p.Cut()
				time.Sleep(20 * time.Millisecond)
			}
			for _, p := range w.proxies {
				p.Refuse()
				p.Cut()
			}
			time.Sleep(300 * time.Millisecond)
			return func() {
				for _, p := range w.proxies {
					p.Accept()
				}
			}
		}},
	{name: "frozen without a close", topology: single, limit: restart, bites: careless, bitesIn: inMemory,
		strike: func(w *world) func() {
			for _, p := range w.proxies {
				p.Freeze()
				time.Sleep(time.Duration(w.rng.Int64N(int64(200 * time.Millisecond))))
			}
			time.Sleep(1500 * time.Millisecond)
			return func() {
				for _, p := range w.proxies {
					p.Thaw()
				}
			}
		}},
	{name: "replies lost", topology: single, limit: dataLoss, fewRows: true, bites: chosen, bitesIn: inMemory,
		strike: func(w *world) func() {
			var on atomic.Bool
			on.Store(true)
			write := redistest.Named("SET", "EVAL", "EVALSHA", "INCR", "DEL")
			for range 100 {
				w.proxies[w.rng.IntN(replicas)].DropReply(func(c redistest.Command) bool { return on.Load() && write(c) })
				time.Sleep(20 * time.Millisecond)
			}
			return func() { on.Store(false) }
		}},
	{name: "clock of Redis stepped", topology: single, limit: dataLoss, losesHolds: true, stepsRedis: true, bites: serverTimed, bitesIn: inMemory,
		strike: func(w *world) func() {
			for _, step := range []time.Duration{-time.Hour, time.Minute, -10 * time.Second, 2 * time.Second} {
				setServerClock(w.tb, w.gens, step)
				time.Sleep(300 * time.Millisecond)
			}
			return func() { setServerClock(w.tb, w.gens, 0) }
		}},

	{name: "promotion after lost bumps", topology: pair, limit: failover, losesHolds: true, bites: counted, bitesIn: inMemory,
		strike: func(w *world) func() {
			w.between.Freeze()
			time.Sleep(500 * time.Millisecond)
			w.gens.Kill()
			return func() {
				w.heir.Promote()
				w.gens = w.heir
				for _, p := range w.proxies {
					p.SetTarget(w.heir.Addr())
					p.Cut()
				}
			}
		}},
	{name: "master cut off", topology: pair, limit: failover, losesHolds: true, guarded: true, bites: counted, bitesIn: inMemory,
		strike: func(w *world) func() {
			// From here on the window is open that the documents derive: the
			// old master notices within min-replicas-max-lag and a second.
			w.between.Freeze()
			redistest.Eventually(w.tb, redistest.Patience, "the master misses its replica", func() bool {
				return w.gens.Info("min_slaves_good_slaves") == "0"
			})
			w.heir.Promote()
			for _, p := range w.proxies[1:] {
				p.SetTarget(w.heir.Addr())
				p.Cut()
			}
			time.Sleep(1500 * time.Millisecond) // of two masters
			return func() {
				w.gens = w.heir
				w.proxies[0].SetTarget(w.heir.Addr())
				w.proxies[0].Cut()
			}
		}},

	{name: "Sentinel, master killed", topology: sentinels, limit: failover, losesHolds: true, bites: counted, bitesIn: inMemory,
		strike: func(w *world) func() {
			master := w.group.Master()
			for _, s := range w.group.Servers {
				if s != master {
					loseMaster(s)
				}
			}
			time.Sleep(500 * time.Millisecond)
			master.Kill()
			return func() {
				heir := w.group.WaitMaster(master)
				for _, s := range w.group.Servers {
					if s != master {
						findMaster(s)
					}
				}
				answers(w, heir)
			}
		}},
	{name: "Sentinel, master hung and resumed", topology: sentinels, limit: failover, losesHolds: true, bites: counted, bitesIn: inMemory,
		strike: func(w *world) func() {
			master := w.group.Master()
			for _, s := range w.group.Servers {
				if s != master {
					loseMaster(s)
				}
			}
			time.Sleep(500 * time.Millisecond)
			master.Config("min-replicas-to-write", "1")
			master.Pause()
			return func() {
				heir := w.group.WaitMaster(master)
				for _, s := range w.group.Servers {
					if s != master {
						findMaster(s)
					}
				}
				answers(w, heir)
				time.Sleep(500 * time.Millisecond)
				master.Resume()
			}
		}},

	{name: "Cluster, master killed", topology: cluster, limit: failover, losesHolds: true, bites: counted, bitesIn: inMemory,
		strike: func(w *world) func() {
			master := w.cluster.Nodes[w.rng.IntN(3)]
			heir := w.cluster.ReplicaOf(master)
			loseMaster(heir)
			time.Sleep(500 * time.Millisecond)
			master.Kill()
			return func() {
				w.cluster.WaitPromoted(heir)
				findMaster(heir)
				answers(w, heir)
			}
		}},
	{name: "Cluster, master hung and resumed", topology: cluster, limit: failover, losesHolds: true, bites: counted, bitesIn: inMemory,
		strike: func(w *world) func() {
			master := w.cluster.Nodes[w.rng.IntN(3)]
			heir := w.cluster.ReplicaOf(master)
			loseMaster(heir)
			time.Sleep(500 * time.Millisecond)
			master.Config("min-replicas-to-write", "1")
			master.Pause()
			return func() {
				w.cluster.WaitPromoted(heir, master)
				findMaster(heir)
				answers(w, heir)
				time.Sleep(500 * time.Millisecond)
				master.Resume()
			}
		}},
	{name: "Cluster, slots moved", topology: cluster, limit: failover, losesHolds: true, bites: counted, bitesIn: inMemory,
		strike: func(w *world) func() {
			for range 80 {
				keys := genKeys(w)
				key := keys[w.rng.IntN(len(keys))]
				from := w.cluster.MasterOf(key)
				to := w.cluster.Nodes[w.rng.IntN(3)]
				if to == from {
					continue
				}
				m := w.cluster.BeginMigration(key, to)
				time.Sleep(5 * time.Millisecond)
				if w.rng.IntN(2) == 0 {
					// Of this slot, the keys are lost on the way.
					lost, _ := from.Do("CLUSTER", "GETKEYSINSLOT", fmt.Sprint(m.Slot), "100").([]any)
					for _, k := range lost {
						from.Do("DEL", k.(string))
					}
				}
				m.Finish()
			}
			return nothing
		}},

	{name: "process killed", limit: restart, bites: unheld, bitesIn: inMemory,
		strike: func(w *world) func() {
			for range 4 {
				// At any time, or between a commit and what follows it.
				victim := w.rng.IntN(replicas)
				if w.rng.IntN(4) > 0 {
					atomic.StoreUint64(&w.memory.Strike[victim], killAfterCommit)
					select {
					case <-w.processes[victim].Exited():
					case <-time.After(500 * time.Millisecond):
					}
				}
				w.kill(victim)
				atomic.StoreUint64(&w.memory.Strike[victim], 0)
				time.Sleep(time.Duration(w.rng.Int64N(int64(100 * time.Millisecond))))
				w.restart(victim)
				time.Sleep(time.Duration(w.rng.Int64N(int64(200 * time.Millisecond))))
			}
			return nothing
		}},
	{name: "process paused after a check", limit: dataLoss, bites: locked, bitesIn: inRedis,
		strike: func(w *world) func() {
			for range 8 {
				victim := w.rng.IntN(replicas)
				flag := &w.memory.Strike[victim]
				atomic.StoreUint64(flag, pauseAfterCheck)
				if !eventually(500*time.Millisecond, w.processes[victim].Paused) {
					// It makes no such call, as during another fault.
					atomic.StoreUint64(flag, 0)
				}
				time.Sleep(200*time.Millisecond + time.Duration(w.rng.Int64N(int64(500*time.Millisecond))))
				w.processes[victim].resume()
			}
			return nothing
		}},
	{name: appClockStepped, limit: dataLoss, bites: timed, bitesIn: inMemory,
		strike: func(w *world) func() {
			moved := make([]time.Duration, replicas)
			step := func(replica int, d time.Duration) {
				w.processes[replica].tell(order{Step: d})
				moved[replica] += d
			}
			for range 8 {
				d := [...]time.Duration{-time.Hour, time.Hour, -10 * time.Second, 10 * time.Second, -time.Second}[w.rng.IntN(5)]
				step(w.rng.IntN(replicas), d)
				time.Sleep(100 * time.Millisecond)
			}
			return func() {
				for replica, d := range moved {
					step(replica, -d)
				}
			}
		}},
}

// loseMaster cuts a replica off from its master, which does not notice more
// than that, and Sentinel and the Cluster nothing at all.
func loseMaster(s *redistest.Server) {
	s.Config("masteruser", "nobody")
	s.Config("masterauth", "nothing")
	s.Do("CLIENT", "KILL", "TYPE", "master")
}

func findMaster(s *redistest.Server) {
	s.Config("masterauth", "")
	s.Config("masteruser", "")
}

// answers waits until a new master takes writes.
func answers(w *world, s *redistest.Server) {
	redistest.Eventually(w.tb, redistest.Patience, "the new master answers", func() bool {
		_, err := s.Try("EVAL", "#!lua\nreturn 1", "0")
		return err == nil
	})
}

// genKeys returns the Redis keys of all generations in a Cluster.
func genKeys(w *world) (names []string) {
	for _, s := range w.cluster.Nodes[:3] {
		keys, _ := s.Do("KEYS", "gen:*").([]any)
		for _, key := range keys {
			names = append(names, key.(string))
		}
	}
	return names
}
