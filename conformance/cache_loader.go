package conformance

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	cascache "github.com/unkn0wn-root/cascache/core"
)

var cacheLoaderRules = []rule[*cacheSubject]{
	{
		name: "LoadIsNotJoinedAcrossAnInvalidation",
		says: "A caller that comes after an invalidation does not join a load that began before it.",
		harm: "under load, those who come right after a write are given what was there before it.",
		try:  tryLoadIsNotJoinedAcrossAnInvalidation,
	},
	{
		name: "AbsenceIsChecked",
		says: "That the source has no such key is believed only while the generation is current.",
		harm: "a row that was looked for before it was inserted stays invisible until the time to live is over.",
		try:  tryAbsenceIsChecked,
	},
}

// loader returns the Get of a loader, or ends the case.
func (r *replica) loader(a *attempt, load func(ctx context.Context, key string) (string, error)) func(ctx context.Context, key string) (string, error) {
	if r.h.Loader != nil {
		return r.h.Loader(a, r.CAS, load)
	}
	handle, ok := r.CAS.(*cascache.Handle[string])
	if !ok {
		a.inconclusive("the harness gives no Loader")
	}
	l, err := cascache.NewLoader(handle, cascache.LoaderOptions[string]{Load: load, AbsentTTL: lasting})
	if err != nil {
		a.Fatal(err)
	}
	return l.Get
}

// joinTime is how long the second caller is given to begin a load of its own
// before the first load goes on. One that takes longer costs the case its
// sight, and nothing else.
const joinTime = 100 * time.Millisecond

func tryLoadIsNotJoinedAcrossAnInvalidation(a *attempt, s *cacheSubject) {
	r := s.open(a, 1)[0]
	for _, key := range names("joined", 3) {
		var version, loads atomic.Int64
		begun, second, finish := make(chan struct{}), make(chan struct{}), make(chan struct{})
		get := r.loader(a, func(ctx context.Context, key string) (string, error) {
			value := fmt.Sprint(version.Load())
			switch loads.Add(1) {
			case 1:
				close(begun)
				select {
				case <-finish:
				case <-a.Context().Done():
				}
			case 2:
				close(second)
			}
			return value, nil
		})
		early := make(chan struct{})
		go func() {
			defer close(early)
			_, _ = get(a.Context(), key)
		}()
		select {
		case <-begun:
		case <-a.Context().Done():
			a.inconclusive("the loader never loaded")
		}
		version.Store(1)
		r.invalidate(a, key)
		go func() {
			timer := time.NewTimer(joinTime)
			defer timer.Stop()
			select {
			case <-second:
			case <-timer.C:
			}
			close(finish)
		}()
		value, err := get(a.Context(), key)
		<-early
		if err == nil && value != "1" {
			a.violated(`"1"`, "a load read version 0 and was still under way, the source got version 1, Invalidate returned nil, and a Get that began then returned version %s", value)
		}
		if got, ok := r.get(a, key); ok && got != "1" {
			a.violated(`"1", or a miss`, "a load that began before an invalidation was stored after it, and Get served version %s", got)
		}
	}
}

func tryAbsenceIsChecked(a *attempt, s *cacheSubject) {
	r := s.openFaulty(a, 1)[0]
	for _, key := range names("absent", 4) {
		var inserted atomic.Bool
		get := r.loader(a, func(context.Context, string) (string, error) {
			if inserted.Load() {
				return after(key), nil
			}
			return "", cascache.ErrNotFound
		})
		for range 3 {
			_, _ = get(a.Context(), key) // until it is remembered
			r.settle(a)
		}
		inserted.Store(true)
		r.loseDeletes()
		r.invalidate(a, key)
		if _, err := get(a.Context(), key); errors.Is(err, cascache.ErrNotFound) {
			a.violated("the value, or another error", "the source had no %s, then it was inserted and Invalidate returned nil (the delete failed), and a Get of the loader still returned %v",
				quote(key), err)
		}
		r.values.Set()
	}
}
