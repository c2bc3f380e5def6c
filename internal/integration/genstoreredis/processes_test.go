//go:build unix

package genstoreredis

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/redis/go-redis/v9"

	redisbackend "github.com/unkn0wn-root/cascache/backend-redis"
	cascache "github.com/unkn0wn-root/cascache/core"
	redisgenstore "github.com/unkn0wn-root/cascache/genstore-redis"
	"github.com/unkn0wn-root/cascache/internal/redistest"
)

// childVariable is set for the processes that TestProcesses starts, to a
// childTask in JSON.
const childVariable = "CASCACHE_STRESS_CHILD"

type childTask struct {
	Redis    string // "" for local generations
	Backend  bool   // values in Redis too
	Oracle   string // the file that all children map
	Duration time.Duration

	Version int    // of the service, in a rollout; 0: there is one
	Codec   string // of such a version
	Schema  bool   // such a version has
}

func TestMain(m *testing.M) {
	if task := os.Getenv(childVariable); task != "" {
		runChild([]byte(task))
		return
	}
	redis.SetLogger(quiet{}) // it tells each connection that a test breaks
	os.Exit(m.Run())
}

type quiet struct{}

func (quiet) Printf(context.Context, string, ...any) {}

// TestProcesses runs the promise between two real processes: nothing but Redis
// is between their caches, and nothing but the oracle's memory between them and
// the database.
func TestProcesses(t *testing.T) {
	duration := 10 * time.Second
	if testing.Short() {
		duration = 2 * time.Second
	}
	server := redistest.Start(t)
	for _, backend := range []bool{false, true} {
		task := childTask{Redis: server.Addr(), Backend: backend, Duration: duration / 2}
		checkTally(t, runChildren(t, task, task))
	}
}

// TestProcessesOnLocalGenerations shows that the oracle sees stale reads.
func TestProcessesOnLocalGenerations(t *testing.T) {
	task := childTask{Duration: time.Second}
	if total := runChildren(t, task, task); total.Stale == 0 {
		t.Errorf("two processes that share no generations served nothing stale in %d reads: the oracle sees nothing", total.Reads)
	}
}

// runChildren runs a process for each task, all on one oracle.
func runChildren(t *testing.T, tasks ...childTask) (total tally) {
	oracle := filepath.Join(t.TempDir(), "oracle")
	if err := os.WriteFile(oracle, make([]byte, 8*oracleCells), 0o600); err != nil {
		t.Fatal(err)
	}
	var children []*exec.Cmd
	var outputs []*json.Decoder
	for _, task := range tasks {
		task.Oracle = oracle
		variable, err := json.Marshal(task)
		if err != nil {
			t.Fatal(err)
		}
		child := exec.CommandContext(t.Context(), os.Args[0])
		child.Env = append(os.Environ(), childVariable+"="+string(variable))
		child.Stderr = os.Stderr
		out, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		children, outputs = append(children, child), append(outputs, json.NewDecoder(out))
	}
	for i, child := range children {
		var part tally
		if err := outputs[i].Decode(&part); err != nil {
			t.Errorf("a child has not reported: %v", err)
		}
		if err := child.Wait(); err != nil {
			t.Errorf("a child ended with %v", err)
		}
		total.add(part)
	}
	return total
}

func runChild(variable []byte) {
	var task childTask
	must(json.Unmarshal(variable, &task))
	file, err := os.OpenFile(task.Oracle, os.O_RDWR, 0)
	must(err)
	memory, err := syscall.Mmap(int(file.Fd()), 0, 8*oracleCells, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
	must(err)
	shared := oracle{cells: unsafe.Slice((*uint64)(unsafe.Pointer(&memory[0])), oracleCells)}

	var store cascache.GenStore = cascache.NewLocalGenStore(0, 0)
	if task.Redis != "" {
		client := redis.NewClient(&redis.Options{Addr: task.Redis})
		store = redisgenstore.NewRedisGenStore(client, "test")
		if task.Backend {
			store, err = redisbackend.New(redisbackend.Config{Client: client, Namespace: "test"})
			must(err)
		}
	}
	opts := cascache.Options[string]{
		Namespace: "stress", Provider: providerFor(store), Codec: cascache.String{}, GenStore: store,
	}
	foreign := new(atomic.Int64)
	if task.Version > 0 {
		task.deploy(&opts, foreign)
	}
	cache, err := cascache.New(opts)
	must(err)
	ctx, cancel := context.WithTimeout(context.Background(), task.Duration)
	defer cancel()
	total := stress(ctx, shared, cache)
	total.Foreign = foreign.Load()
	must(json.NewEncoder(os.Stdout).Encode(total))
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}
