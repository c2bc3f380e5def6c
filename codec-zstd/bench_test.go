package zstdcodec

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
)

// rows returns JSON of n bytes, as rows of a database look.
func rows(n int) []byte {
	random := rand.New(rand.NewPCG(1, 2))
	word := func() string { return words[random.IntN(len(words))] }
	var out []byte
	for len(out) < n {
		row, err := json.Marshal(map[string]any{
			"id": random.Int64(), "name": word() + " " + word(), "email": word() + "@example.com",
			"active": random.IntN(2) == 0, "score": random.Float64(), "tags": []string{word(), word()},
			"created": time.Unix(random.Int64N(2e9), random.Int64N(1e9)).UTC(),
		})
		if err != nil {
			panic(err)
		}
		out = append(out, row...)
	}
	return out[:n:n]
}

var benchSizes = []int{64, 256, 512, 1 << 10, 4 << 10, 16 << 10, 64 << 10, 256 << 10, 1 << 20}

func name(n int) string {
	switch {
	case n >= 1<<20:
		return fmt.Sprintf("%dMB", n>>20)
	case n >= 1<<10:
		return fmt.Sprintf("%dKB", n>>10)
	}
	return fmt.Sprintf("%dB", n)
}

// rawCoders are the library alone, with the options of the codec.
func rawCoders(b *testing.B) (*zstd.Encoder, *zstd.Decoder) {
	b.Helper()
	return newEncoder(DefaultLevel), newDecoder()
}

// BenchmarkEncode: "ratio" is the size of the result to that of the payload.
// The codec stores what is under DefaultMinSize; codec-all shows what it would
// gain by compressing that too.
func BenchmarkEncode(b *testing.B) {
	raw, _ := rawCoders(b)
	for _, n := range benchSizes {
		payload := rows(n)
		dst := make([]byte, 0, 2*n+100)
		run := func(codec string, encode func() ([]byte, error)) {
			b.Run(codec+"/"+name(n), func(b *testing.B) {
				b.ReportAllocs()
				b.SetBytes(int64(n))
				var out []byte
				for b.Loop() {
					var err error
					if out, err = encode(); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(len(out))/float64(n), "ratio")
			})
		}
		run("raw", func() ([]byte, error) { return raw.EncodeAll(payload, dst), nil })
		for codec, cfg := range map[string]Config{"codec": {}, "codec-all": {MinSize: 1}} {
			c, err := New(verbatim{}, cfg)
			if err != nil {
				b.Fatal(err)
			}
			run(codec, func() ([]byte, error) { return c.AppendEncode(dst, payload) })
		}
	}
}

func BenchmarkLevel(b *testing.B) {
	for level := Fastest; level <= Best; level++ {
		codec, err := New(verbatim{}, Config{Level: level})
		if err != nil {
			b.Fatal(err)
		}
		for _, n := range []int{1 << 10, 64 << 10} {
			payload := rows(n)
			data, err := codec.Encode(payload)
			if err != nil {
				b.Fatal(err)
			}
			dst := make([]byte, 0, 2*n)
			b.Run(fmt.Sprintf("encode/%v/%s", level, name(n)), func(b *testing.B) {
				b.SetBytes(int64(n))
				for b.Loop() {
					if _, err := codec.AppendEncode(dst, payload); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(len(data))/float64(n), "ratio")
			})
			b.Run(fmt.Sprintf("decode/%v/%s", level, name(n)), func(b *testing.B) {
				b.SetBytes(int64(n))
				for b.Loop() {
					if _, err := codec.Decode(data); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// BenchmarkDecode: raw has a buffer that it uses again, which the codec may
// not, and copy is what it costs to make one of that size and fill it.
func BenchmarkDecode(b *testing.B) {
	encoder, decoder := rawCoders(b)
	codec, err := New(verbatim{}, Config{})
	if err != nil {
		b.Fatal(err)
	}
	for _, n := range benchSizes {
		payload := rows(n)
		frame := encoder.EncodeAll(payload, nil)
		data, err := codec.Encode(payload)
		if err != nil {
			b.Fatal(err)
		}
		dst := make([]byte, 0, n+slack)
		for contender, decode := range map[string]func() ([]byte, error){
			"raw":   func() ([]byte, error) { return decoder.DecodeAll(frame, dst) },
			"copy":  func() ([]byte, error) { return append(make([]byte, 0, n+slack), payload...), nil },
			"codec": func() ([]byte, error) { return codec.Decode(data) },
		} {
			b.Run(contender+"/"+name(n), func(b *testing.B) {
				b.ReportAllocs()
				b.SetBytes(int64(n))
				for b.Loop() {
					if _, err := decode(); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
