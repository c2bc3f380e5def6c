package protocodec

import (
	"bytes"
	"math"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/unkn0wn-root/cascache/codec-proto/internal/testpb"
	"github.com/unkn0wn-root/cascache/conformance"
	cascache "github.com/unkn0wn-root/cascache/core"
)

func harness(codec Proto[*testpb.User]) conformance.CodecHarness[*testpb.User] {
	return conformance.CodecHarness[*testpb.User]{
		New: func(testing.TB) cascache.Codec[*testpb.User] { return codec },
		Values: func() []*testpb.User {
			return []*testpb.User{
				{},
				newRecord(82),
				{
					Id: math.MinInt64, Name: strings.Repeat("long ", 200), Email: proto.String(""), Counts: []int32{-1, 0, 1},
					Manager: &testpb.User{Name: "manager"}, Contact: &testpb.User_Deputy{Deputy: newRecord(0)},
				},
			}
		},
		Equal:   func(a, b *testpb.User) bool { return proto.Equal(a, b) },
		Refused: func() []*testpb.User { return []*testpb.User{{Name: "\xff"}} },
		Hostile: func() [][]byte {
			return [][]byte{
				{0xff}, {0x00}, {0x0a, 0x05}, {0x12, 0x01, 0xff}, {0x0b}, {0x0c}, {0x4a, 0xff, 0xff, 0xff, 0xff, 0x0f},
				bytes.Repeat([]byte{0x0b}, 1<<16),
			}
		},
		Lacks: map[conformance.Lack]string{
			conformance.EndOfEncoding: "two messages, one behind the other, are one message by the wire format",
		},
	}
}

func TestConformance(t *testing.T) {
	for name, codec := range map[string]Proto[*testpb.User]{
		"zero":          {},
		"deterministic": {Deterministic: true, MaxDepth: 16},
	} {
		t.Run(name, func(t *testing.T) { conformance.RunCodec(t, harness(codec)) })
	}
}

func BenchmarkConformance(b *testing.B) {
	conformance.BenchmarkCodec(b, harness(Proto[*testpb.User]{}))
}
