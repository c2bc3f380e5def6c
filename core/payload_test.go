package cascache

import (
	"bytes"
	"errors"
	"runtime"
	"strings"
	"testing"

	"github.com/unkn0wn-root/cascache/wire"
)

var errRefused = errors.New("refused")

// scriptedCodec is a codec of strings that does what the test says, and the
// plain thing where it says nothing.
type scriptedCodec struct {
	encode func(string) ([]byte, error)
	decode func([]byte) (string, error)
}

func (c *scriptedCodec) Encode(value string) ([]byte, error) {
	if c.encode != nil {
		return c.encode(value)
	}
	return []byte(value), nil
}

func (c *scriptedCodec) Decode(data []byte) (string, error) {
	if c.decode != nil {
		return c.decode(data)
	}
	return string(data), nil
}

// appendingCodec obeys the value: it refuses "refuse", panics at "panic", and
// appends all else.
type appendingCodec struct{ String }

func (appendingCodec) AppendEncode(dst []byte, value string) ([]byte, error) {
	switch value {
	case "refuse":
		return nil, errRefused
	case "panic":
		panic("at the disco")
	}
	return append(dst, value...), nil
}

func TestACodecThatFailsToEncode(t *testing.T) {
	plain := &scriptedCodec{encode: func(value string) ([]byte, error) {
		switch value {
		case "refuse":
			return nil, errRefused
		case "panic":
			panic("at the disco")
		}
		return []byte(value), nil
	}}
	for name, codec := range map[string]Codec[string]{"plain": plain, "appending": appendingCodec{}, "limited": Limit[string]{Codec: plain}} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, func(o *Options[string]) { o.Codec = codec })
			obs := r.SnapshotGen("k")
			if err := r.SetWithGen(t.Context(), "k", "refuse", obs, 0); !errors.Is(err, errRefused) {
				t.Errorf("encoding errors are returned: got %v, want %v", err, errRefused)
			}
			if err := r.SetWithGen(t.Context(), "k", "panic", obs, 0); err == nil {
				t.Error("a codec that panics has failed to encode: got nil")
			}
			if got := r.provider.len(); got != 0 {
				t.Errorf("what was not encoded is not stored: got %d entries", got)
			}
			fill(t, r.Handle, "k", "fine")
			wantHit(t, r.Handle, "a codec that failed works on", "k", "fine")
		})
	}
}

func TestACodecThatFailsToDecode(t *testing.T) {
	for name, decode := range map[string]func([]byte) (string, error){
		"refuses": func([]byte) (string, error) { return "half a value", errRefused },
		"panics":  func([]byte) (string, error) { panic("at the disco") },
		"panics with a runtime error": func(data []byte) (string, error) {
			return string(data[:len(data)+1000]), nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, func(o *Options[string]) { o.Codec = &scriptedCodec{decode: decode} })
			fill(t, r.Handle, "k", "v")
			r.log.reset()
			wantMiss(t, r.Handle, "what cannot be decoded is a miss", "k")
			r.log.want(t, "what cannot be decoded is deleted, and told with the reason",
				SelfHealEvent{Namespace: "n", StorageKey: "single:n:k", Reason: ReasonDecode},
				MissEvent{Namespace: "n", Key: "k", Reason: ReasonDecode})
			if _, ok := r.provider.entry("single:n:k"); ok {
				t.Error("what cannot be decoded is deleted: it is still there")
			}
		})
	}
}

// The codec's buffer, on loan, shows neither in an entry that is stored nor in
// one that is stored later.
func TestFramesShareNoMemory(t *testing.T) {
	p := newPayloads[string](String{}, wire.Version1)
	if p.appender == nil {
		t.Fatal("this test is about codecs that append: String does not")
	}
	first, _, err := p.frame(filling[string]{value: "first", gen: 1}, "", "e")
	if err != nil {
		t.Fatal(err)
	}
	if cap(first) != len(first) {
		t.Errorf("an entry that may live for hours has its exact size: got capacity %d for %d bytes", cap(first), len(first))
	}
	for _, value := range []string{"other", strings.Repeat("long", 1000), "x"} {
		if _, _, err := p.frame(filling[string]{value: value, gen: 2}, "", "e"); err != nil {
			t.Fatal(err)
		}
	}
	var e wire.Entry
	if err := openEntry(p.version, first, "", "e", "", &e); e.Gen != 1 || string(e.Payload) != "first" || err != nil {
		t.Errorf("an entry is not changed by the next encoding: got %d, %q, %v", e.Gen, e.Payload, err)
	}
}

// leakyCodec hands out its own memory along with an error, which is to be
// ignored, and writes to that memory whenever it likes.
type leakyCodec struct {
	String
	own []byte
}

func (c *leakyCodec) AppendEncode(dst []byte, value string) ([]byte, error) {
	if value == "refuse" {
		return c.own, errRefused
	}
	dst = append(dst, value...)
	copy(c.own, "SPOILED")
	return dst, nil
}

func TestTheResultOfAnEncodingThatFailedIsIgnored(t *testing.T) {
	codec := &leakyCodec{own: make([]byte, 100)}
	p := newPayloads[string](codec, wire.Version1)
	// The pool may give back another buffer than the last one it was given.
	for range 100 {
		if _, _, err := p.frame(filling[string]{value: "refuse", gen: 1}, "", "e"); !errors.Is(err, errRefused) {
			t.Fatalf("encoding errors are returned: got %v, want %v", err, errRefused)
		}
		frame, _, err := p.frame(filling[string]{value: "value", gen: 1}, "", "e")
		if err != nil {
			t.Fatal(err)
		}
		var e wire.Entry
		if err := openEntry(p.version, frame, "", "e", "", &e); string(e.Payload) != "value" || err != nil {
			t.Fatalf("what an encoder returned along with an error is not used, least of all as a buffer: got %q, %v, want %q", e.Payload, err, "value")
		}
	}
	runtime.KeepAlive(codec)
}

func TestLargeBuffersAreNotKept(t *testing.T) {
	p := newPayloads[string](String{}, wire.Version1)
	if _, _, err := p.frame(filling[string]{value: strings.Repeat("x", maxScratch+1), gen: 1}, "", "e"); err != nil {
		t.Fatal(err)
	}
	for range 100 {
		buf := scratch.Get().(*[]byte)
		if cap(*buf) > maxScratch {
			t.Fatalf("one large value does not keep a large buffer alive: got %d bytes, want at most %d", cap(*buf), maxScratch)
		}
	}
}

// The storage key is joined in the memory of the frame, or was joined before; what
// is stored, and under which key, is the same.
func TestFrameOfAKeyThatIsStillToBeJoined(t *testing.T) {
	for _, version := range []wire.Version{wire.Version1, wire.Version2} {
		p := newPayloads[string](String{}, version)
		for _, value := range []string{"", "value", strings.Repeat("v", maxScratch+1)} {
			for _, absent := range []bool{false, true} {
				f := filling[string]{key: "key", value: value, gen: 7, absent: absent}
				want, _, err := p.frame(f, "single:ns:", "single:ns:key")
				if err != nil {
					t.Fatal(err)
				}
				got, entry, err := p.frame(f, "single:ns:", "")
				if err != nil || entry != "single:ns:key" || !bytes.Equal(got, want) {
					t.Errorf("a frame must not depend on who joins the key: got %.40x under %q, %v, want %.40x", got, entry, err, want)
				}
				if cap(got) != len(got) {
					t.Errorf("a frame must be clipped: got cap %d, want %d", cap(got), len(got))
				}
				_ = append(got, "overwritten"...)
				if entry != "single:ns:key" {
					t.Errorf("the key must be out of reach of the frame: got %q", entry)
				}
			}
		}
	}
}
