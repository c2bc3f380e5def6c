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
