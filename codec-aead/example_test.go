package aeadcodec_test

import (
	"errors"
	"fmt"

	aeadcodec "github.com/unkn0wn-root/cascache/codec-aead"
	cascache "github.com/unkn0wn-root/cascache/core"
)

// secret stands for what a key management service gives: 32 random bytes.
func secret(n byte) []byte {
	s := make([]byte, aeadcodec.SecretSize)
	for i := range s {
		s[i] = n + byte(i)*n
	}
	return s
}

func Example() {
	key, err := aeadcodec.NewKey(1, secret(1))
	if err != nil {
		fmt.Println(err)
		return
	}
	// Over any codec; this one is of strings.
	codec, err := aeadcodec.New(cascache.String{}, aeadcodec.Config{Keys: []aeadcodec.Key{key}, Scope: "user"})
	if err != nil {
		fmt.Println(err)
		return
	}
	data, err := codec.Encode("Ada")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(codec.Decode(data))
	data[len(data)-1] ^= 1
	_, err = codec.Decode(data)
	fmt.Println(errors.Is(err, aeadcodec.ErrNotAuthentic))
	fmt.Printf("%+v\n", key)
	// Output:
	// Ada <nil>
	// true
	// aeadcodec.Key(1)
}

func Example_rotation() {
	older, err := aeadcodec.NewKey(1, secret(1))
	if err != nil {
		fmt.Println(err)
		return
	}
	newer, err := aeadcodec.NewKey(2, secret(2))
	if err != nil {
		fmt.Println(err)
		return
	}
	open := func(cfg aeadcodec.Config) *aeadcodec.Codec[string] {
		codec, err := aeadcodec.New(cascache.String{}, cfg)
		if err != nil {
			panic(err)
		}
		return codec
	}
	before := open(aeadcodec.Config{Keys: []aeadcodec.Key{older}})
	// First every replica gets the new key, then all of them seal with it.
	both := open(aeadcodec.Config{Keys: []aeadcodec.Key{older, newer}, Seal: 1})
	sealing := open(aeadcodec.Config{Keys: []aeadcodec.Key{older, newer}, Seal: 2})
	// The longest TTL later, the old one goes.
	after := open(aeadcodec.Config{Keys: []aeadcodec.Key{newer}})

	old, _ := before.Encode("sealed with the old key")
	fresh, _ := sealing.Encode("sealed with the new key")
	fmt.Println(sealing.Decode(old))
	fmt.Println(both.Decode(fresh))
	_, err = after.Decode(old)
	fmt.Println(err)
	// Output:
	// sealed with the old key <nil>
	// sealed with the new key <nil>
	// aeadcodec: sealed with a key that is not here: key 1
}
