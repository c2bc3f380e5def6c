package faults_test

import (
	"context"
	"errors"
	"testing"

	"github.com/unkn0wn-root/cascache/conformance"
	"github.com/unkn0wn-root/cascache/conformance/faults"
	cascache "github.com/unkn0wn-root/cascache/core"
)

var ctx = context.Background()

func TestCodecWithoutRulesKeepsTheContract(t *testing.T) {
	for name, inner := range map[string]cascache.Codec[string]{
		"plain": plainCodec{},
		"able":  cascache.String{},
	} {
		t.Run(name, func(t *testing.T) {
			conformance.RunCodec(t, conformance.CodecHarness[string]{
				New: func(testing.TB) cascache.Codec[string] {
					return faults.NewCodec(inner, faults.NewScript(1))
				},
				Values: func() []string { return []string{"", "tea", "coffee"} },
			})
		})
	}
}

// plainCodec has no AppendEncode.
type plainCodec struct{}

func (plainCodec) Encode(v string) ([]byte, error)    { return []byte(v), nil }
func (plainCodec) Decode(data []byte) (string, error) { return string(data), nil }

func TestCodecFaults(t *testing.T) {
	codec := func(rule faults.Rule) *faults.Codec[string] {
		return faults.NewCodec[string](cascache.String{}, faults.NewScript(1, rule))
	}
	c := codec(faults.Rule{Kind: faults.Fail})
	_, encodeErr := c.Encode("tea")
	_, appendErr := c.AppendEncode(nil, "tea")
	_, decodeErr := c.Decode([]byte("tea"))
	for _, err := range []error{encodeErr, appendErr, decodeErr} {
		if !errors.Is(err, faults.ErrInjected) {
			t.Errorf("a failing call returned %v", err)
		}
	}
	if got, err := codec(faults.Rule{Kind: faults.Flip}).Decode([]byte("tea")); err != nil || differentBits([]byte(got), []byte("tea")) != 1 {
		t.Errorf("a flipped Decode returned (%q, %v)", got, err)
	}
	if got, err := codec(faults.Rule{Call: faults.Decode, Kind: faults.LoseReply}).Decode([]byte("tea")); got != "" || err == nil {
		t.Errorf("a Decode whose result is lost returned (%q, %v)", got, err)
	}
	defer func() {
		if recover() == nil {
			t.Error("Panic did not panic")
		}
	}()
	_, _ = codec(faults.Rule{Call: faults.Encode, Kind: faults.Panic}).Encode("tea")
}

func TestCodecAppendsOverPlainEncode(t *testing.T) {
	c := faults.NewCodec[string](plainCodec{}, faults.NewScript(1))
	if out, err := c.AppendEncode([]byte("green "), "tea"); string(out) != "green tea" || err != nil {
		t.Errorf("AppendEncode returned (%q, %v)", out, err)
	}
}
