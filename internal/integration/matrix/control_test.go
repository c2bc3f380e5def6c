package matrix

import (
	"context"
	"runtime"
	"sync"
	"testing"
	"time"

	cascache "github.com/unkn0wn-root/cascache/core"
)

// recorder takes note of a failure in place of failing the test around it.
type recorder struct {
	testing.TB
	mu     sync.Mutex
	failed bool
}

func (r *recorder) note() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failed = true
}

func (r *recorder) Helper()               {}
func (r *recorder) Error(...any)          { r.note() }
func (r *recorder) Errorf(string, ...any) { r.note() }
func (r *recorder) Fatal(...any)          { r.note(); runtime.Goexit() }
func (r *recorder) Fatalf(string, ...any) { r.note(); runtime.Goexit() }

// frozen is a generation store that never moves.
type frozen struct{}

func (frozen) Current(context.Context, string) (uint64, error)  { return 1, nil }
func (frozen) Snapshot(context.Context, string) (uint64, error) { return 1, nil }
func (frozen) Bump(context.Context, string) (uint64, error)     { return 1, nil }
func (frozen) Close(context.Context) error                      { return nil }

// keeping is a provider that does not delete.
type keeping struct{ cascache.Provider }

func (keeping) Del(context.Context, string) error { return nil }

// forgetful is a provider that keeps nothing.
type forgetful struct{ cascache.Provider }

func (forgetful) Set(context.Context, string, []byte, int64, time.Duration) (bool, error) {
	return true, nil
}

// older is a codec that decodes the version before, once in a while.
type older struct{ cascache.String }

func (older) Decode(data []byte) (string, error) {
	if version := versionOf(string(data)); version%2 == 0 {
		return textOf(version - 1), nil
	}
	return string(data), nil
}

// Both tests must be able to fail.
func TestBrokenPartsAreFound(t *testing.T) {
	whole := kind[string]{cascache.String{}, textOf, versionOf, func(a, b string) bool { return a == b }}
	wrong := whole
	wrong.codec = older{}
	for _, test := range []struct {
		fault    string
		kind     kind[string]
		provider func(cascache.Provider) cascache.Provider
		gens     cascache.GenStore
		found    map[check]bool
	}{
		{"none", whole, nil, nil, map[check]bool{calls: false, freshness: false}},
		{"generations that never move", whole, func(p cascache.Provider) cascache.Provider { return keeping{p} }, frozen{}, map[check]bool{calls: true, freshness: true}},
		{"a provider that keeps nothing", whole, func(p cascache.Provider) cascache.Provider { return forgetful{p} }, nil, map[check]bool{calls: true, freshness: true}},
		{"a codec that decodes an older version", wrong, nil, nil, map[check]bool{calls: true, freshness: true}},
	} {
		for which, found := range test.found {
			// What only a race shows may take more than one try on a busy
			// machine.
			failed := false
			for try := 0; try < 5 && (try == 0 || found && !failed); try++ {
				s := providers[0].open(t, nil)
				if test.provider != nil {
					s.Provider = test.provider(s.Provider)
				}
				cache, err := cascache.New(cascache.Options[string]{Namespace: "control", Provider: s, Codec: test.kind.codec, GenStore: test.gens})
				if err != nil {
					t.Fatal(err)
				}
				r := &recorder{TB: t}
				ended := make(chan struct{})
				go func() {
					defer close(ended)
					b := bench[string]{kind: test.kind, storage: s, cache: cache}
					if which == calls {
						b.tryCalls(r)
					} else {
						b.tryFreshness(r)
					}
				}()
				<-ended
				failed = r.failed
				if err := cache.Close(context.Background()); err != nil {
					t.Error(err)
				}
			}
			if failed != found {
				t.Errorf("a cache with %s: test %d fails: got %t, want %t", test.fault, which, failed, found)
			}
		}
	}
}
