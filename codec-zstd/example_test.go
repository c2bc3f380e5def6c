package zstdcodec_test

import (
	"fmt"
	"strings"

	zstdcodec "github.com/unkn0wn-root/cascache/codec-zstd"
	cascache "github.com/unkn0wn-root/cascache/core"
)

func Example() {
	// Over any codec; this one is of strings.
	codec, err := zstdcodec.New(cascache.String{}, zstdcodec.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, value := range []string{"too small to gain anything", strings.Repeat("a page of text ", 100)} {
		data, err := codec.Encode(value)
		if err != nil {
			fmt.Println(err)
			return
		}
		back, err := codec.Decode(data)
		fmt.Println(len(value), "bytes are", len(data) < len(value), "smaller, and come back:", back == value, err)
	}
	// Output:
	// 26 bytes are false smaller, and come back: true <nil>
	// 1500 bytes are true smaller, and come back: true <nil>
}

func ExampleConfig_maxDecoded() {
	codec, err := zstdcodec.New(cascache.String{}, zstdcodec.Config{MaxDecoded: 1 << 20})
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = codec.Encode(strings.Repeat("a", 1<<20+1))
	fmt.Println(err)
	_, err = zstdcodec.New(cascache.String{}, zstdcodec.Config{MaxDecoded: -1})
	fmt.Println(err)
	// Output:
	// zstdcodec: cascache: value too large: 1048577 bytes encoded, at most 1048576 allowed
	// zstdcodec: Config.MaxDecoded is -1, must be 0 (meaning 67108864) or from 1 to 2147483647
}

// A level is chosen for what is written; all levels read each other.
func ExampleLevel() {
	var written [][]byte
	for _, level := range []zstdcodec.Level{zstdcodec.Fastest, zstdcodec.Best} {
		codec, err := zstdcodec.New(cascache.String{}, zstdcodec.Config{Level: level})
		if err != nil {
			fmt.Println(err)
			return
		}
		data, err := codec.Encode(strings.Repeat("a page of text ", 100))
		if err != nil {
			fmt.Println(err)
			return
		}
		written = append(written, data)
	}
	reader, err := zstdcodec.New(cascache.String{}, zstdcodec.Config{Level: zstdcodec.Balanced})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, data := range written {
		back, err := reader.Decode(data)
		fmt.Println(len(back), err)
	}
	// Output:
	// 1500 <nil>
	// 1500 <nil>
}
