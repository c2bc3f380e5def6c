package faults_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/unkn0wn-root/cascache/conformance/faults"
	cascache "github.com/unkn0wn-root/cascache/core"
)

// A generation store whose second bump is carried out, and whose reply is lost.
func ExampleNewGenStore() {
	ctx := context.Background()
	script := faults.NewScript(1,
		faults.Rule{Call: faults.Bump, Kind: faults.LoseReply, After: 1, Times: 1},
	)
	store := faults.NewGenStore(cascache.NewLocalGenStore(0, 0), script)
	defer store.Close(ctx)

	first, err := store.Bump(ctx, "single:user:1")
	fmt.Println(first > 0, err)
	_, err = store.Bump(ctx, "single:user:1")
	fmt.Println(errors.Is(err, faults.ErrInjected))
	now, err := store.Current(ctx, "single:user:1")
	fmt.Println(now > first, err)
	// Output:
	// true <nil>
	// true
	// true <nil>
}

// A codec that does not decode what belongs to others.
func ExampleNewCodec() {
	script := faults.NewScript(1, faults.Rule{Call: faults.Decode, Kind: faults.Fail, Err: errors.New("not a name")})
	codec := faults.NewCodec(cascache.String{}, script)

	data, err := codec.Encode("Ada")
	fmt.Println(string(data), err)
	_, err = codec.Decode(data)
	fmt.Println(err)
	// Output:
	// Ada <nil>
	// not a name
}

// server stands for a value that is provider and generation store. The example
// needs one of its calls.
type server struct{ cascache.Combined }

func (server) Bump(context.Context, string) (uint64, error) { return 1, nil }

// A backend that bumps, and fails to delete.
func ExampleNewBackend() {
	values := faults.NewScript(1, faults.Rule{Call: faults.Del, Kind: faults.Fail})
	var both *faults.Backend = faults.NewBackend(server{}, values, faults.NewScript(2))

	gens, bumpErr, delErr := both.BumpAndDel(context.Background(), []string{"single:user:1"})
	fmt.Println(gens, bumpErr, errors.Is(delErr, faults.ErrInjected))
	// Output:
	// [1] <nil> true
}
