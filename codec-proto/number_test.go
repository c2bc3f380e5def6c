package protocodec

import (
	"math"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/unkn0wn-root/cascache/codec-proto/internal/testpb"
)

var wideNumbers = []int64{
	0, 1, 2, -1, 127, 128, 199_900, math.MaxInt32, math.MaxInt32 + 1, math.MinInt32, math.MinInt32 - 1,
	math.MaxUint32, math.MaxUint32 + 1, 1 << 40, math.MaxInt64, math.MinInt64,
}

// The field of one kind is read as that of another, as during a deployment
// that changes it.
func TestNumbersFitOrAreRefused(t *testing.T) {
	for _, n := range wideNumbers {
		data, err := Proto[*wrapperspb.Int64Value]{}.Encode(wrapperspb.Int64(n))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := (Proto[*wrapperspb.Int32Value]{}).Decode(data); (err == nil) != (n == int64(int32(n))) || err == nil && int64(got.Value) != n {
			t.Errorf("an int64 of %d must be itself as an int32, or an error: got %v, %v", n, got.GetValue(), err)
		}
		if got, err := (Proto[*wrapperspb.UInt32Value]{}).Decode(data); (err == nil) != (n == int64(uint32(n))) || err == nil && int64(got.Value) != n {
			t.Errorf("an int64 of %d must be itself as a uint32, or an error: got %v, %v", n, got.GetValue(), err)
		}
		if got, err := (Proto[*wrapperspb.BoolValue]{}).Decode(data); (err == nil) != (n == 0 || n == 1) || err == nil && got.Value != (n == 1) {
			t.Errorf("an int64 of %d must be a bool, or an error: got %v, %v", n, got.GetValue(), err)
		}
	}
}

func TestNumbersInEveryPlace(t *testing.T) {
	wide := protowire.AppendVarint(nil, 1<<32)
	field := func(number protowire.Number, content []byte) []byte {
		return protowire.AppendBytes(protowire.AppendTag(nil, number, protowire.BytesType), content)
	}
	number := func(n protowire.Number) []byte {
		return append(protowire.AppendTag(nil, n, protowire.VarintType), wide...)
	}
	group := slices.Concat(protowire.AppendTag(nil, 4, protowire.StartGroupType), number(5), protowire.AppendTag(nil, 4, protowire.EndGroupType))

	for name, decode := range map[string]func() error{
		"a list":             into[*testpb.User](number(13)),
		"a packed list":      into[*testpb.User](field(13, append([]byte{1}, wide...))),
		"a message":          into[*testpb.User](field(9, field(9, number(13)))),
		"a oneof":            into[*testpb.User](field(11, number(13))),
		"a map":              into[*testpb.Team](field(1, field(2, number(13)))),
		"a group":            into[*testpb.Legacy](append(field(1, nil), group...)),
		"an extension":       into[*testpb.Legacy](append(field(1, nil), field(101, append(field(1, nil), group...))...)),
		"an enum":            into[*structpb.Value](number(1)),
		"an enum of proto2":  into[*descriptorpb.FieldDescriptorProto](number(4)),
		"a bool of proto2":   into[*descriptorpb.FieldDescriptorProto](number(17)),
		"a number of proto2": into[*descriptorpb.FieldDescriptorProto](number(3)),
	} {
		if err := decode(); err == nil || !strings.Contains(err.Error(), "4294967296 does not fit") {
			t.Errorf("%s: a number that does not fit must be an error that says so: got %v", name, err)
		}
	}
	for name, decode := range map[string]func() error{
		"of an unknown field":    into[*testpb.User](number(99)),
		"in bytes":               into[*testpb.User](field(4, number(13))),
		"of a field of 64 bits":  into[*testpb.User](number(1)),
		"in a field of messages": into[*testpb.User](number(9)),
	} {
		if err := decode(); err != nil {
			t.Errorf("a number %s is not too large: got %v", name, err)
		}
	}
	if got, err := (Proto[*testpb.User]{}).Decode(field(13, []byte{0xff, 0xff})); err == nil {
		t.Errorf("a packed list that ends within a number must be an error: got %v", got)
	}
}

func into[T proto.Message](data []byte) func() error {
	return func() error {
		_, err := Proto[T]{}.Decode(data)
		return err
	}
}

// A message type with a field of each kind.
func TestNumbersOfEveryKind(t *testing.T) {
	kinds := map[protoreflect.Kind][2]uint64{ // the largest that fits, and one that does not
		protoreflect.Int32Kind:  {math.MaxUint64, math.MaxUint32},
		protoreflect.Uint32Kind: {math.MaxUint32, math.MaxUint32 + 1},
		protoreflect.Sint32Kind: {math.MaxUint32, math.MaxUint32 + 1},
		protoreflect.BoolKind:   {1, 2},
		protoreflect.Int64Kind:  {math.MaxUint64, 0},
		protoreflect.Uint64Kind: {math.MaxUint64, 0},
		protoreflect.Sint64Kind: {math.MaxUint64, 0},
	}
	file := &descriptorpb.FileDescriptorProto{Name: proto.String("k.proto"), Syntax: proto.String("proto3")}
	message := &descriptorpb.DescriptorProto{Name: proto.String("Kinds")}
	for kind := range kinds {
		message.Field = append(message.Field, &descriptorpb.FieldDescriptorProto{
			Name: proto.String("f" + kind.String()), Number: proto.Int32(int32(kind)),
			Type: descriptorpb.FieldDescriptorProto_Type(kind).Enum(), Label: descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL.Enum(),
		})
	}
	file.MessageType = []*descriptorpb.DescriptorProto{message}
	made, err := protodesc.NewFile(file, nil)
	if err != nil {
		t.Fatal(err)
	}
	for kind, limits := range kinds {
		for i, n := range limits {
			data := protowire.AppendVarint(protowire.AppendTag(nil, protowire.Number(kind), protowire.VarintType), n)
			if err := checkBytes(data, made.Messages().Get(0), 10); (err == nil) != (i == 0 || n == 0) {
				t.Errorf("%d as a field of kind %v: got error %v", n, kind, err)
			}
		}
	}
}

func TestAMessageThatContainsItselfIsAnError(t *testing.T) {
	manager := &testpb.User{}
	manager.Manager = &testpb.User{Contact: &testpb.User_Deputy{Deputy: manager}}
	team := &testpb.Team{Members: map[string]*testpb.User{"x": manager}}
	list := &structpb.ListValue{}
	list.Values = []*structpb.Value{structpb.NewListValue(list)}
	object := &structpb.Struct{}
	object.Fields = map[string]*structpb.Value{"x": structpb.NewStructValue(object)}
	legacy := &testpb.Legacy{Id: proto.String("")}
	proto.SetExtension(legacy, testpb.E_Attached, legacy)
	line := &testpb.Legacy_Line{}
	line.Within = line
	for name, encode := range map[string]func() ([]byte, error){
		"a field":      func() ([]byte, error) { return Proto[*testpb.User]{}.Encode(manager) },
		"a map":        func() ([]byte, error) { return Proto[*testpb.Team]{}.Encode(team) },
		"a list":       func() ([]byte, error) { return Proto[*structpb.ListValue]{}.Encode(list) },
		"a struct":     func() ([]byte, error) { return Proto[*structpb.Struct]{}.Encode(object) },
		"an extension": func() ([]byte, error) { return Proto[*testpb.Legacy]{}.Encode(legacy) },
		"a group": func() ([]byte, error) {
			return Proto[*testpb.Legacy]{}.Encode(&testpb.Legacy{Id: proto.String(""), Line: []*testpb.Legacy_Line{line}})
		},
	} {
		if data, err := encode(); err == nil || !strings.Contains(err.Error(), "contains itself") {
			t.Errorf("%s: a message that contains itself must be an error of Encode: got %d bytes, %v", name, len(data), err)
		}
	}
	shared := &testpb.User{Id: 1}
	roundTrip(t, "one message twice", &testpb.User{Manager: shared, Contact: &testpb.User_Deputy{Deputy: shared}})
}
