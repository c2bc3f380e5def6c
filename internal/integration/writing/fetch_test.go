package writing

import (
	"context"
	"errors"
	"sync"
	"time"

	cascache "github.com/unkn0wn-root/cascache/core"
)

// fetcher reads through a cache: the loader, or what it must be better than.
type fetcher interface {
	Get(ctx context.Context, key string) (string, error)
}

// newFetcher returns a loader over cache, or a plain single-flight.
func newFetcher(cache *cascache.Handle[string], load func(context.Context, string) (string, error), plain bool, joined func()) fetcher {
	if plain {
		return &singleFlight{cache: cache, load: load, joined: joined, flights: make(map[string]*plainFlight)}
	}
	loader, err := cascache.NewLoader(cache, cascache.LoaderOptions[string]{Load: load, AbsentTTL: time.Minute})
	must(err)
	return loader
}

// singleFlight has callers of one key share a load, whatever has happened to
// the key since that began. The load itself is stored in the three steps.
type singleFlight struct {
	cache  *cascache.Handle[string]
	load   func(context.Context, string) (string, error)
	joined func() // called by those who share

	mu      sync.Mutex // guards flights
	flights map[string]*plainFlight
}

type plainFlight struct {
	done  chan struct{}
	value string
	err   error
}

func (s *singleFlight) Get(ctx context.Context, key string) (string, error) {
	if value, hit, err := s.cache.Get(ctx, key); hit || err != nil {
		return value, err
	}
	s.mu.Lock()
	f, underWay := s.flights[key]
	if !underWay {
		f = &plainFlight{done: make(chan struct{})}
		s.flights[key] = f
	}
	s.mu.Unlock()
	if underWay {
		s.joined()
		<-f.done
		return f.value, f.err
	}
	observed := s.cache.SnapshotGen(key)
	if f.value, f.err = s.load(ctx, key); f.err == nil {
		_ = s.cache.SetWithGen(ctx, key, f.value, observed, 0)
	}
	s.mu.Lock()
	delete(s.flights, key)
	s.mu.Unlock()
	close(f.done)
	return f.value, f.err
}

// runServe reads through a cache for the parent. A load reads its row, says so
// and waits until the parent lets it land.
func runServe(t task, parent *parent) {
	db, err := mapDatabase(t.Database)
	must(err)
	cache, err := cascache.New(t.Setup.options())
	must(err)

	var mu sync.Mutex // guards what follows
	loads := 0
	landing := make(map[int]chan struct{})
	load := func(_ context.Context, key string) (string, error) {
		version := db.read(rowOf(key))
		mu.Lock()
		loads++
		n, land := loads, make(chan struct{})
		landing[n] = land
		mu.Unlock()
		parent.say(message{Kind: "loading", N: n, Value: textOf(version)})
		<-land
		if version == 0 {
			return "", cascache.ErrNotFound
		}
		return textOf(version), nil
	}
	f := newFetcher(cache, load, t.Plain, func() { parent.say(message{Kind: "joined"}) })
	for {
		switch m := parent.hear(); m.Kind {
		case "get":
			go func() {
				value, err := f.Get(context.Background(), key)
				got := message{Kind: "got", N: m.N, Value: value}
				switch {
				case errors.Is(err, cascache.ErrNotFound):
					got.Value = "0"
				case err != nil:
					got.Err = err.Error()
				}
				parent.say(got)
			}()
		case "land":
			mu.Lock()
			close(landing[m.N])
			mu.Unlock()
		case "end":
			return
		}
	}
}
