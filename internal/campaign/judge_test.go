package campaign

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"path/filepath"
	"testing"
	"time"

	cascache "github.com/unkn0wn-root/cascache/core"
)

func newReplica(t *testing.T, a assembly) *replica {
	t.Helper()
	m, err := newMemory(filepath.Join(t.TempDir(), "memory"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.unmap)
	return &replica{task: task{Assembly: a}, memory: m, out: json.NewEncoder(io.Discard)}
}

func TestTheOracleSeesWhatIsStale(t *testing.T) {
	r := newReplica(t, inMemory)
	old := r.memory.commit(3)
	fresh := r.memory.commit(3)
	r.memory.ack(3, fresh)
	floor := r.memory.acked(3)
	for _, test := range []struct {
		what  string
		value string
		stale int64
	}{
		{"the acknowledged version is fresh", valueOf(3, fresh), 0},
		{"a newer version is fresh", valueOf(3, fresh+1), 0},
		{"an older one is stale", valueOf(3, old), 1},
		{"a value of another row is wrong", valueOf(4, fresh), 1},
		{"a value that nobody wrote is wrong", valueOf(3, fresh) + ".", 1},
	} {
		before := r.memory.total(stale)
		r.judge("Get", 3, floor, test.value)
		if got := r.memory.total(stale) - before; got != test.stale {
			t.Errorf("%s: got %d stale, want %d", test.what, got, test.stale)
		}
	}
	r.memory.ack(3, old)
	if got := r.memory.acked(3); got != fresh {
		t.Errorf("what was acknowledged stays: got %d, want %d", got, fresh)
	}
}

func TestErrorsThatTheContractAllows(t *testing.T) {
	network := errors.New("connection refused")
	invalidate := &cascache.InvalidateError{Key: "k", BumpErr: network}
	for _, test := range []struct {
		assembly assembly
		what     string
		err      error
		faulty   bool
		allowed  bool
	}{
		{inMemory, whatRead, network, true, false},
		{inRedis, whatRead, network, true, true},
		{inRedis, whatRead, network, false, false},
		{inNear, whatFill, network, true, false},
		{tiered, whatFill, network, true, true},
		{inRedis, whatLoader, network, true, false},
		{inRedis, whatLoader, context.DeadlineExceeded, true, true},
		{inMemory, whatLoader, context.DeadlineExceeded, true, false},
		{inMemory, whatInvalidate, network, true, false},
		{inMemory, whatInvalidate, invalidate, true, true},
		{inMemory, whatInvalidate, invalidate, false, false},
		{inMemory, whatMutate, network, true, true},
	} {
		r := newReplica(t, test.assembly)
		if got := r.breach(test.err, test.faulty, test.what) == ""; got != test.allowed {
			t.Errorf("%s, values in %s, under a fault %t: %v is allowed %t, want %t", test.what, test.assembly, test.faulty, test.err, got, test.allowed)
		}
	}
}

func TestAWriteUnderAHoldCountsOnlyIfItWasInTime(t *testing.T) {
	r := newReplica(t, inMemory)
	began := uint64(time.Hour)
	for _, test := range []struct {
		what string
		w    writing
		want bool
	}{
		{"committed in time", writing{Row: 1, Version: 5, Began: began, Committed: began + uint64(lease/2)}, true},
		{"never committed", writing{Row: 2, Began: began}, false},
		{"committed too late", writing{Row: 3, Version: 5, Began: began, Committed: began + uint64(lease)}, false},
	} {
		if got := test.w.ack(r.memory); got != test.want || (r.memory.acked(int(test.w.Row)) == 5) != test.want {
			t.Errorf("%s: counted %t, want %t", test.what, got, test.want)
		}
	}
}

func TestGenerationsMoveForward(t *testing.T) {
	for _, test := range []struct {
		what    string
		records []record
		ok      bool
	}{
		{"in order", []record{{Op: opRead, Call: 1, Return: 2, Gen: 10}, {Op: opBump, Call: 3, Return: 4, Gen: 20}, {Op: opRead, Call: 5, Return: 6, Gen: 20}}, true},
		{"a read that overlaps with the bump", []record{{Op: opBump, Call: 3, Return: 9, Gen: 20}, {Op: opRead, Call: 4, Return: 5, Gen: 10}}, true},
		{"by itself", []record{{Op: opRead, Call: 1, Return: 2, Gen: 10}, {Op: opRead, Call: 3, Return: 4, Gen: 30}}, true},
		{"a replaced one is read again", []record{{Op: opBump, Call: 1, Return: 2, Gen: 20}, {Op: opRead, Call: 3, Return: 4, Gen: 10}}, false},
		{"a bump draws what was there", []record{{Op: opRead, Call: 1, Return: 2, Gen: 20}, {Op: opBump, Call: 3, Return: 4, Gen: 20}}, false},
		{"another row is another matter", []record{{Row: 1, Op: opBump, Call: 1, Return: 2, Gen: 20}, {Op: opRead, Call: 3, Return: 4, Gen: 10}}, true},
	} {
		r := newReplica(t, inMemory)
		for _, one := range test.records {
			r.memory.record(one)
		}
		if calls, err := checkHistory(r.memory); (err == nil) != test.ok || calls != len(test.records) {
			t.Errorf("%s: %d calls, %v; want it allowed: %t", test.what, calls, err, test.ok)
		}
	}
}

func TestRecoveryIsTheFirstWindowWithHits(t *testing.T) {
	l := &timeline{}
	for i := range 100 {
		p := point{at: time.Duration(i) * nap, late: nap}
		if i > 0 {
			p.hits, p.misses = l.points[i-1].hits, l.points[i-1].misses+10
			if i > 50 {
				p.hits, p.misses = p.hits+10, p.misses-10
			}
		}
		l.points = append(l.points, p)
	}
	if took, ok := l.recovered(20*nap, 0.9); !ok || took < 29*nap || took > 31*nap {
		t.Errorf("hits are back 30 naps after the fault: got %v, %t", took/nap, ok)
	}
	if _, ok := l.recovered(20*nap, 1.1); ok {
		t.Error("hits that never come are not back")
	}
	if got := l.slowdown(0); got != 2 {
		t.Errorf("naps that take twice as long as asked: got %v, want 2", got)
	}
}
