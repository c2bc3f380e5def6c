package cascache

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// mark is the key of a value in a context.
type mark struct{}

// eachHook calls do with every field of Hooks, so that no test forgets a new one.
func eachHook(t *testing.T, do func(t *testing.T, field int, name string)) {
	t.Helper()
	hooks := reflect.TypeFor[Hooks]()
	for i := range hooks.NumField() {
		t.Run(hooks.Field(i).Name, func(t *testing.T) { do(t, i, hooks.Field(i).Name) })
	}
}

// hooksWith returns hooks of which one is set, which gets the context and the event.
func hooksWith(field int, f func(ctx context.Context, event any)) *Hooks {
	hooks := new(Hooks)
	v := reflect.ValueOf(hooks).Elem().Field(field)
	v.Set(reflect.MakeFunc(v.Type(), func(args []reflect.Value) []reflect.Value {
		f(args[0].Interface().(context.Context), args[1].Interface())
		return nil
	}))
	return hooks
}

// eventOf returns an event of the field's type in which nothing is zero.
func eventOf(field int) reflect.Value {
	e := reflect.New(reflect.TypeFor[Hooks]().Field(field).Type.In(1)).Elem()
	for i := range e.NumField() {
		f := e.Field(i)
		switch f.Interface().(type) {
		case []string:
			f.Set(reflect.ValueOf([]string{"a", "b"}))
		case *InvalidateError:
			f.Set(reflect.ValueOf(&InvalidateError{Key: "k", BumpErr: errBroken}))
		}
		switch f.Kind() {
		case reflect.String:
			f.SetString("text")
		case reflect.Int, reflect.Int64:
			f.SetInt(7)
		case reflect.Bool:
			f.SetBool(true)
		case reflect.Interface:
			f.Set(reflect.ValueOf(errBroken))
		}
	}
	return e
}

func fire(hooks *Hooks, field int, ctx context.Context, event reflect.Value) {
	reflect.ValueOf(hooks).Elem().Field(field).Call([]reflect.Value{reflect.ValueOf(ctx), event})
}

func isSet(hooks *Hooks, field int) bool { return !reflect.ValueOf(hooks).Elem().Field(field).IsNil() }

func TestJoinedHooksTellEach(t *testing.T) {
	eachHook(t, func(t *testing.T, field int, _ string) {
		type told struct {
			who   string
			event any
			value any
		}
		var got []told
		note := func(who string) *Hooks {
			return hooksWith(field, func(ctx context.Context, event any) { got = append(got, told{who, event, ctx.Value(mark{})}) })
		}
		joined := JoinHooks(nil, note("first"), new(Hooks), note("second"), nil, note("third"))
		event := eventOf(field)
		fire(joined, field, context.WithValue(t.Context(), mark{}, "mine"), event)
		want := []told{{"first", event.Interface(), "mine"}, {"second", event.Interface(), "mine"}, {"third", event.Interface(), "mine"}}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("every hook is told, in order, with event and context: got %v, want %v", got, want)
		}
		other := (field + 1) % reflect.TypeFor[Hooks]().NumField()
		if isSet(joined, other) {
			t.Error("an event that no hook is set for costs nothing: its joined hook is set")
		}
	})
}

func TestJoinedHooksOfNothing(t *testing.T) {
	for name, hooks := range map[string]*Hooks{"none": JoinHooks(), "nil": JoinHooks(nil, nil), "empty": JoinHooks(new(Hooks), new(Hooks))} {
		if hooks == nil || !reflect.ValueOf(*hooks).IsZero() {
			t.Errorf("%s: hooks of nothing are hooks without a function: got %v", name, hooks)
		}
	}
}

func TestAPanicDoesNotKeepJoinedHooksFromTheNext(t *testing.T) {
	var told []string
	note := func(name string, panics bool) *Hooks {
		return &Hooks{Miss: func(context.Context, MissEvent) {
			told = append(told, name)
			if panics {
				panic(name)
			}
		}}
	}
	defer func() {
		if got := recover(); got != "a" {
			t.Errorf("a panic reaches the caller as it is: got %v, want a", got)
		}
		if !slices.Equal(told, []string{"a", "b", "c"}) {
			t.Errorf("a panic in one hook does not keep the event from the next: told %v", told)
		}
	}()
	JoinHooks(note("a", true), note("b", false), note("c", false)).Miss(t.Context(), MissEvent{})
}

func TestJoinedHooksAreThoseOfTheCall(t *testing.T) {
	h := &Hooks{}
	joined := JoinHooks(h, h)
	h.Miss = func(context.Context, MissEvent) { t.Error("a function that is set later is not joined") }
	if joined.Miss != nil {
		joined.Miss(t.Context(), MissEvent{})
	}
}

func TestAsyncHooksTellEachEvent(t *testing.T) {
	eachHook(t, func(t *testing.T, field int, _ string) {
		type told struct {
			event any
			value any
			err   error
			ends  bool
		}
		got := make(chan told, 1)
		a := NewAsyncHooks(hooksWith(field, func(ctx context.Context, event any) {
			_, ends := ctx.Deadline()
			got <- told{event, ctx.Value(mark{}), ctx.Err(), ends || ctx.Done() != nil}
		}), 1)
		ctx, cancel := context.WithTimeout(context.WithValue(t.Context(), mark{}, "mine"), time.Hour)
		cancel()
		event := eventOf(field)
		want := reflect.New(event.Type()).Elem()
		want.Set(event)
		var given [][]string // slices that the cache uses again
		for i := range event.NumField() {
			if keys, ok := event.Field(i).Interface().([]string); ok {
				want.Field(i).Set(reflect.ValueOf(slices.Clone(keys)))
				given = append(given, keys)
			} else if k := event.Field(i).Kind(); k == reflect.Slice || k == reflect.Map {
				t.Fatalf("an event has a field that this test does not know how to keep: %v", event.Type().Field(i))
			}
		}
		a.mu.Lock() // the goroutine takes nothing yet
		a.running = true
		a.mu.Unlock()
		fire(a.Hooks(), field, ctx, event)
		for _, keys := range given {
			clear(keys)
		}
		go a.run(make(chan struct{}))
		if g := <-got; !reflect.DeepEqual(g, told{want.Interface(), "mine", nil, false}) {
			t.Errorf("a hook is told later of the event as it was, with the values of its context and not its end: got %+v, want %+v", g, want)
		}
		if other := (field + 1) % reflect.TypeFor[Hooks]().NumField(); isSet(a.Hooks(), other) {
			t.Error("an event without a hook costs nothing: it is queued")
		}
	})
}

func TestAsyncHooksKeepTheOrder(t *testing.T) {
	var got, want []string
	a := NewAsyncHooks(&Hooks{
		Hit:  func(_ context.Context, e HitEvent) { got = append(got, "hit "+e.Key) },
		Miss: func(_ context.Context, e MissEvent) { got = append(got, "miss "+e.Key) },
	}, 1000)
	for i := range 500 {
		key := fmt.Sprint(i)
		a.Hooks().Hit(t.Context(), HitEvent{Key: key})
		a.Hooks().Miss(t.Context(), MissEvent{Key: key})
		want = append(want, "hit "+key, "miss "+key)
	}
	if err := a.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got, want) || a.Dropped() != 0 {
		t.Errorf("events are told in their order, all of them: got %d of %d, %d dropped", len(got), len(want), a.Dropped())
	}
}

func TestAsyncHooksCountWhatTheyDrop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate, told := make(chan struct{}), 0
		a := NewAsyncHooks(&Hooks{Miss: func(context.Context, MissEvent) { <-gate; told++ }}, 3)
		miss := func() { a.Hooks().Miss(t.Context(), MissEvent{}) }
		miss()
		synctest.Wait() // it is under way, and does not wait any more
		for range 10 {
			miss()
		}
		if got := a.Dropped(); got != 7 {
			t.Errorf("what does not fit into a queue of 3 is dropped and counted: got %d, want 7", got)
		}
		close(gate)
		if err := a.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		miss()
		if told != 4 || a.Dropped() != 8 {
			t.Errorf("Close waits for what is queued, and what comes after it is dropped: %d told, want 4, %d dropped, want 8", told, a.Dropped())
		}
		if err := a.Close(t.Context()); err != nil {
			t.Errorf("Close is idempotent: %v", err)
		}
	})
}

func TestAsyncHooksCloseEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := make(chan struct{})
		a := NewAsyncHooks(&Hooks{Miss: func(context.Context, MissEvent) { <-gate }}, 10)
		for range 5 {
			a.Hooks().Miss(t.Context(), MissEvent{})
		}
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := a.Close(ctx); !errors.Is(err, context.DeadlineExceeded) || a.Dropped() != 4 {
			t.Errorf("Close ends with its context, and drops what is left: got %v, %d dropped, want 4", err, a.Dropped())
		}
		close(gate)
		if err := a.Close(t.Context()); err != nil {
			t.Errorf("once the hook has returned, there is nothing to wait for: %v", err)
		}
	})
}

func TestAsyncHooksContainPanics(t *testing.T) {
	told := 0
	a := NewAsyncHooks(&Hooks{Miss: func(_ context.Context, e MissEvent) {
		switch e.Key {
		case "panic":
			panic("mine")
		case "exit":
			runtime.Goexit()
		}
		told++
	}}, 0)
	for _, key := range []string{"panic", "a", "exit", "b", "panic", "exit", "c"} {
		a.Hooks().Miss(t.Context(), MissEvent{Key: key})
	}
	if err := a.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if told != 3 || a.Panics() != 4 || a.Dropped() != 0 {
		t.Errorf("a panic ends with its event: %d told, %d panics, %d dropped; want 3, 4, 0", told, a.Panics(), a.Dropped())
	}
}

func TestAsyncHooksOfNothing(t *testing.T) {
	a := NewAsyncHooks(nil, -1)
	if !reflect.ValueOf(*a.Hooks()).IsZero() {
		t.Error("hooks of nothing have no function: one is set")
	}
	if err := a.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestAsyncHooksInACache(t *testing.T) {
	var mu sync.Mutex
	misses := 0
	a := NewAsyncHooks(&Hooks{Miss: func(context.Context, MissEvent) { mu.Lock(); misses++; mu.Unlock() }}, 10_000)
	r := newRig(t, func(o *Options[string]) { o.Hooks = a.Hooks() })
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 100 {
				_, _, _ = r.Get(context.Background(), "k")
			}
		})
	}
	wg.Wait()
	if err := a.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if misses != 800 {
		t.Errorf("every event is told: got %d misses, want 800", misses)
	}
}

// A goroutine that waited for events would keep the hooks, and what they know.
func TestAsyncHooksThatNobodyClosesAreFreed(t *testing.T) {
	abandon(t, "asynchronous hooks", func() *AsyncHooks {
		told := make(chan struct{})
		a := NewAsyncHooks(&Hooks{Miss: func(context.Context, MissEvent) { close(told) }}, 0)
		a.Hooks().Miss(context.Background(), MissEvent{})
		<-told
		return a
	})
}
