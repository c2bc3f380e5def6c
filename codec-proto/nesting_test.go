package protocodec

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/unkn0wn-root/cascache/codec-proto/internal/testpb"
)

// TestNestingIsCountedAsTheLibraryDoes nests messages in each way there is, and
// compares with the library at every limit around the depth.
func TestNestingIsCountedAsTheLibraryDoes(t *testing.T) {
	const levels = 20
	user := &testpb.User{}
	value := structpb.NewBoolValue(true)
	list := structpb.NewBoolValue(true)
	legacy := &testpb.Legacy{Id: proto.String("")}
	line := &testpb.Legacy_Line{}
	for range levels {
		user = &testpb.User{Contact: &testpb.User_Deputy{Deputy: user}}
		value = structpb.NewStructValue(&structpb.Struct{Fields: map[string]*structpb.Value{"": value}})
		list = structpb.NewListValue(&structpb.ListValue{Values: []*structpb.Value{structpb.NewNullValue(), list}})
		legacy = &testpb.Legacy{Id: proto.String(""), Next: legacy}
		line = &testpb.Legacy_Line{Number: proto.Int32(1), Within: line}
	}
	// To User, field 100 is unknown, and so is what it holds.
	unknown := &testpb.User{}
	unknown.ProtoReflect().SetUnknown(protowire.AppendBytes(protowire.AppendTag(nil, 100, protowire.BytesType), mustMarshal(t, user)))

	// To the library, a field of the wrong wire type is an unknown one.
	misread := &testpb.User{}
	misread.ProtoReflect().SetUnknown(slices.Concat(protowire.AppendTag(nil, 9, protowire.StartGroupType), mustMarshal(t, user), protowire.AppendTag(nil, 9, protowire.EndGroupType)))
	misreadGroup := &testpb.Legacy{Id: proto.String("")}
	misreadGroup.ProtoReflect().SetUnknown(protowire.AppendBytes(protowire.AppendTag(nil, 4, protowire.BytesType), mustMarshal(t, line)))
	noted := &testpb.Legacy{Id: proto.String("")}
	proto.SetExtension(noted, testpb.E_Note, strings.Repeat("x", 10*levels))

	for name, message := range map[string]proto.Message{
		"flat":                 &testpb.User{Name: strings.Repeat("x", 10*levels)},
		"oneof":                user,
		"map":                  value,
		"list":                 list,
		"plain":                legacy,
		"group":                &testpb.Legacy{Id: proto.String(""), Line: []*testpb.Legacy_Line{{}, line}},
		"text as an extension": noted,
		"unknown":              unknown,
		"message like a group": misread,
		"group like a message": misreadGroup,
		"map beside":           &testpb.Team{Members: map[string]*testpb.User{"a": {}, "b": user}},
	} {
		t.Run(name, func(t *testing.T) {
			data := mustMarshal(t, message)
			descriptor := message.ProtoReflect().Descriptor()
			refused := 0
			for limit := 1; limit <= 4*levels; limit++ {
				err := proto.UnmarshalOptions{RecursionLimit: limit}.Unmarshal(data, message.ProtoReflect().New().Interface())
				if err != nil {
					refused++
				}
				if got := checkNesting(data, descriptor, limit); (got == nil) != (err == nil) {
					t.Errorf("the check must refuse what the library would, and nothing else: at a limit of %d got %v, want %v", limit, got, err)
				}
			}
			flat := slices.Contains([]string{"flat", "unknown", "text as an extension", "message like a group", "group like a message"}, name)
			if flat == (refused >= levels) {
				t.Errorf("the message is not nested as this test means it to be: the library refused %d limits", refused)
			}
		})
	}
}

// TestNestingInExtensions is where the library does not count.
func TestNestingInExtensions(t *testing.T) {
	codec := Proto[*testpb.Legacy]{MaxDepth: 10}
	message := &testpb.Legacy{Id: proto.String("")}
	for depth := 1; depth <= 20; depth++ {
		data := mustMarshal(t, message)
		want := depth <= 10
		if _, err := codec.Encode(message); (err == nil) != want || err != nil && !errors.Is(err, errTooDeep) {
			t.Errorf("Encode must count extensions: got error %v for a depth of %d, at most 10 allowed", err, depth)
		}
		if _, err := codec.Decode(data); (err == nil) != want || err != nil && !errors.Is(err, errTooDeep) {
			t.Errorf("Decode must count extensions: got error %v for a depth of %d, at most 10 allowed", err, depth)
		}
		outer := &testpb.Legacy{Id: proto.String("")}
		proto.SetExtension(outer, testpb.E_Attached, message)
		message = outer
	}

	// Without the check, this is the end of the process.
	refuses[*testpb.Legacy](t, nestedIn(101, "\x0a\x00", 3_000_000))
}

func TestNestingOfBrokenGroups(t *testing.T) {
	for name, data := range map[string]string{
		"no end":         "\x23",
		"no end, nested": "\x23\x33\x34",
		"another's end":  "\x23\x2c",
		"an end too few": "\x23\x33\x33\x34\x24",
		"an end alone":   "\x24",
	} {
		if err := checkNesting([]byte("\x12\x0810 bytes"+data), (*testpb.Legacy)(nil).ProtoReflect().Descriptor(), 5); err == nil {
			t.Errorf("%s: a group that is not closed is an error: got none for %x", name, data)
		}
		refuses[*testpb.Legacy](t, "\x0a\x00"+data)
	}
}
