package protocodec

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/unkn0wn-root/cascache/codec-proto/internal/testpb"
)

// newRecord returns a message of 240 bytes when avatar is 82.
func newRecord(avatar int) *testpb.User {
	return &testpb.User{
		Id: 123456789, Name: "Ada Lovelace", Email: proto.String("ada.lovelace@example.com"), Score: 98.6,
		Created: timestamppb.New(time.Date(2024, 2, 29, 12, 30, 15, 123456789, time.UTC)),
		Tags:    []string{"analyst", "engine", "mathematics"},
		Attrs:   map[string]string{"country": "United Kingdom", "city": "London", "language": "en"},
		Avatar:  []byte(strings.Repeat("a", avatar)),
	}
}

func sizes(b *testing.B, run func(b *testing.B, message *testpb.User, data []byte)) {
	for _, avatar := range []int{82, 16 << 10} {
		message := newRecord(avatar)
		data, err := Proto[*testpb.User]{}.Encode(message)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(strconv.Itoa(len(data))+"B", func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(data)))
			run(b, message, data)
		})
	}
}

func benchmarkEncode(b *testing.B, codec Proto[*testpb.User]) {
	sizes(b, func(b *testing.B, message *testpb.User, _ []byte) {
		for b.Loop() {
			if _, err := codec.Encode(message); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkEncode(b *testing.B) { benchmarkEncode(b, Proto[*testpb.User]{}) }

func BenchmarkEncodeDeterministic(b *testing.B) {
	benchmarkEncode(b, Proto[*testpb.User]{Deterministic: true})
}

func BenchmarkAppendEncode(b *testing.B) {
	sizes(b, func(b *testing.B, message *testpb.User, data []byte) {
		dst := make([]byte, 0, 2*len(data))
		for b.Loop() {
			if _, err := (Proto[*testpb.User]{}).AppendEncode(dst, message); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkRawEncode is the library alone.
func BenchmarkRawEncode(b *testing.B) {
	sizes(b, func(b *testing.B, message *testpb.User, _ []byte) {
		for b.Loop() {
			if _, err := proto.Marshal(message); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	sizes(b, func(b *testing.B, _ *testpb.User, data []byte) {
		for b.Loop() {
			if _, err := (Proto[*testpb.User]{}).Decode(data); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkRawDecode(b *testing.B) {
	sizes(b, func(b *testing.B, _ *testpb.User, data []byte) {
		for b.Loop() {
			if err := proto.Unmarshal(data, new(testpb.User)); err != nil {
				b.Fatal(err)
			}
		}
	})
}
