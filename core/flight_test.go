package cascache

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestFlightsAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		source := newSource(map[string]string{"a": "1", "b": "2"})
		l := newLoader(t, r.Handle, source)
		known := func() int {
			synctest.Wait()
			l.flights.mu.Lock()
			defer l.flights.mu.Unlock()
			return len(l.flights.byKey)
		}
		if _, err := l.GetBulk(t.Context(), []string{"a", "b"}); err != nil {
			t.Fatal(err)
		}
		if n := known(); n != 0 {
			t.Errorf("a flight that has landed is forgotten: %d are known", n)
		}
		source.gate = make(chan struct{})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		left := make(chan error)
		// A load that takes no notice of its context.
		deaf := newLoader(t, r.Handle, source, func(o *LoaderOptions[string]) {
			o.Load = func(context.Context, string) (string, error) { <-source.gate; return "late", nil }
		})
		go func() { _, err := deaf.Get(ctx, "c"); left <- err }()
		if err := <-left; !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a caller leaves when its time is up: got %v", err)
		}
		deaf.flights.mu.Lock()
		if n := len(deaf.flights.byKey); n != 0 {
			t.Errorf("a flight that everybody has left is forgotten: %d are known", n)
		}
		deaf.flights.mu.Unlock()
		close(source.gate)
	})
}
