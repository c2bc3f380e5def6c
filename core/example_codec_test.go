package cascache_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log"

	cascache "github.com/unkn0wn-root/cascache/core"
)

// celsius is a codec of one's own: a temperature in tenths of a degree, in four
// bytes. What it cannot have made is an error.
type celsius struct{}

func (c celsius) Encode(tenths int32) ([]byte, error) { return c.AppendEncode(nil, tenths) }

func (celsius) AppendEncode(dst []byte, tenths int32) ([]byte, error) {
	return binary.BigEndian.AppendUint32(dst, uint32(tenths)), nil
}

func (celsius) Decode(data []byte) (int32, error) {
	if len(data) != 4 {
		return 0, errors.New("celsius: not four bytes")
	}
	return int32(binary.BigEndian.Uint32(data)), nil
}

func ExampleCodec() {
	ctx := context.Background()
	var codec cascache.Codec[int32] = celsius{}
	cache, err := cascache.New(cascache.Options[int32]{
		Namespace: "temperature", Provider: newPlainProvider(), Codec: codec,
	})
	if err != nil {
		log.Fatal(err)
	}
	defer cache.Close(ctx)

	_ = cache.SetWithGen(ctx, "Oslo", -125, cache.SnapshotGen("Oslo"), 0)
	fmt.Println(cache.Get(ctx, "Oslo"))
	// Output:
	// -125 true <nil>
}

// A codec that appends lets a fill write frame and payload into one buffer. The
// codecs of this package do.
func ExampleAppendEncoder() {
	appender, ok := cascache.AbilityOf[cascache.AppendEncoder[string]](cascache.String{})
	fmt.Println(ok)
	data, err := appender.AppendEncode([]byte("before:"), "tea")
	fmt.Println(string(data), err)
	// Output:
	// true
	// before:tea <nil>
}

// Bytes carries what is encoded already.
func ExampleBytes() {
	data, err := cascache.Bytes{}.Encode([]byte("tea"))
	fmt.Println(string(data), err)
	// Output:
	// tea <nil>
}
