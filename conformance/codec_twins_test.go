package conformance

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"unsafe"

	cascache "github.com/unkn0wn-root/cascache/core"
)

// twinCodec is plainCodec but for the methods that a twin replaces.
type twinCodec struct {
	encode func(r *record) ([]byte, error)
	decode func(data []byte) (*record, error)
	append func(dst []byte, r *record) ([]byte, error)
}

func (c twinCodec) Encode(r *record) ([]byte, error) {
	if c.encode != nil {
		return c.encode(r)
	}
	return plainCodec{}.Encode(r)
}

func (c twinCodec) Decode(data []byte) (*record, error) {
	if c.decode != nil {
		return c.decode(data)
	}
	return plainCodec{}.Decode(data)
}

func (c twinCodec) AppendEncode(dst []byte, r *record) ([]byte, error) {
	if c.append != nil {
		return c.append(dst, r)
	}
	return plainCodec{}.AppendEncode(dst, r)
}

// withEncode makes a twin whose AppendEncode goes by its Encode.
func withEncode(encode func(r *record) ([]byte, error)) twinCodec {
	return twinCodec{
		encode: encode,
		append: func(dst []byte, r *record) ([]byte, error) {
			data, err := encode(r)
			return append(dst, data...), err
		},
	}
}

// A codecTwin is a row of the table.
type codecTwin struct {
	twin
	codec   func() cascache.Codec[*record]
	harness func(h *CodecHarness[*record]) // what differs from recordHarness, nil for nothing

	// racy tells that concurrent calls are a data race: the case that makes
	// them is left out, since the race detector would fail the test itself.
	racy bool
}

var codecTwins = []codecTwin{
	{
		twin: twin{fault: "numbers pass through a float64", fails: "ValuesComeBack"},
		codec: func() cascache.Codec[*record] {
			return twinCodec{decode: func(data []byte) (*record, error) {
				r, err := plainCodec{}.Decode(data)
				if err == nil {
					r.ID = int64(float64(r.ID))
				}
				return r, err
			}}
		},
	},
	{
		twin: twin{fault: "an empty name is an error", fails: "ValuesComeBack"},
		codec: func() cascache.Codec[*record] {
			return withEncode(func(r *record) ([]byte, error) {
				if r != nil && r.Name == "" {
					return nil, errRecord
				}
				return plainCodec{}.Encode(r)
			})
		},
	},
	{
		twin: twin{fault: "Decode goes through a field of the codec", fails: "ValuesComeBackAtOnce"},
		codec: func() cascache.Codec[*record] {
			var mu sync.Mutex
			var current *record
			return twinCodec{decode: func(data []byte) (*record, error) {
				r, err := plainCodec{}.Decode(data)
				mu.Lock()
				current = r
				mu.Unlock()
				runtime.Gosched()
				mu.Lock()
				defer mu.Unlock()
				return current, err
			}}
		},
	},
	{
		twin: twin{fault: "a name that is too long is cut", fails: "RefusedIsAnError"},
		codec: func() cascache.Codec[*record] {
			return withEncode(func(r *record) ([]byte, error) {
				if r != nil && len(r.Name) > 100_000 {
					r = &record{Name: r.Name[:100_000]}
				}
				return plainCodec{}.Encode(r)
			})
		},
	},
	{
		twin: twin{fault: "Encode of nil panics", fails: "ZeroValueIsSafe"},
		codec: func() cascache.Codec[*record] {
			return withEncode(func(r *record) ([]byte, error) {
				_ = r.Name
				return plainCodec{}.Encode(r)
			})
		},
		harness: func(h *CodecHarness[*record]) { h.Refused = nil },
	},
	{
		twin: twin{fault: "nil is written as nothing, which cannot be read", fails: "ZeroValueIsSafe"},
		codec: func() cascache.Codec[*record] {
			return withEncode(func(r *record) ([]byte, error) {
				if r == nil {
					return nil, nil
				}
				return plainCodec{}.Encode(r)
			})
		},
		harness: func(h *CodecHarness[*record]) { h.Refused = nil },
	},

	{
		twin: twin{fault: "Encode returns its buffer, and uses it again", fails: "EncodeReusesNothing"},
		codec: func() cascache.Codec[*record] {
			var buf []byte
			return twinCodec{encode: func(r *record) ([]byte, error) {
				var err error
				buf, err = plainCodec{}.AppendEncode(buf[:0], r)
				return buf, err
			}}
		},
		racy: true,
	},
	{
		twin: twin{fault: "Encode sorts the caller's tags", fails: "EncodeOnlyReads"},
		codec: func() cascache.Codec[*record] {
			return withEncode(func(r *record) ([]byte, error) {
				if r != nil {
					slices.Sort(r.Tags)
				}
				return plainCodec{}.Encode(r)
			})
		},
	},
	{
		twin: twin{fault: "Decode removes the mark from its input", fails: "DecodeOnlyReads"},
		codec: func() cascache.Codec[*record] {
			return twinCodec{decode: func(data []byte) (*record, error) {
				r, err := plainCodec{}.Decode(data)
				if err == nil {
					data[0] = 0
				}
				return r, err
			}}
		},
	},
	{
		twin: twin{fault: "Decode appends an end mark to its input", fails: "DecodeOnlyReads"},
		codec: func() cascache.Codec[*record] {
			return twinCodec{decode: func(data []byte) (*record, error) {
				marked := append(data, 0)
				return plainCodec{}.Decode(marked[:len(data)])
			}}
		},
	},
	{
		twin:  twin{fault: "blobs alias the input, and the harness does not say so", fails: "DecodeKeepsNothing"},
		codec: func() cascache.Codec[*record] { return aliasing{} },
	},
	{
		twin: twin{fault: "strings alias the input, by unsafe", fails: "DecodeKeepsNothing"},
		codec: func() cascache.Codec[*record] {
			return twinCodec{decode: func(data []byte) (*record, error) {
				r, err := plainCodec{}.Decode(data)
				if err == nil && r.Name != "" {
					r.Name = unsafe.String(&data[13], len(r.Name))
				}
				return r, err
			}}
		},
	},
	{
		twin: twin{fault: "every Decode fills the same value", fails: "DecodedValuesStayApart"},
		codec: func() cascache.Codec[*record] {
			one := new(record)
			return twinCodec{decode: func(data []byte) (*record, error) {
				r, err := plainCodec{}.Decode(data)
				if err == nil {
					*one = *r
				}
				return one, err
			}}
		},
		racy: true,
	},
	{
		twin: twin{fault: "Decode clears the blob of the value before, to use it again", fails: "DecodedValuesStayApart"},
		codec: func() cascache.Codec[*record] {
			var kept []byte
			return twinCodec{decode: func(data []byte) (*record, error) {
				r, err := plainCodec{}.Decode(data)
				if err == nil {
					clear(kept)
					kept = r.Blob
				}
				return r, err
			}}
		},
		racy: true,
	},

	{
		twin: twin{fault: "Decode looks at the first byte before it looks at the length", fails: "GarbageIsNoPanic"},
		codec: func() cascache.Codec[*record] {
			return twinCodec{decode: func(data []byte) (*record, error) {
				if data[0] != recordMark {
					return nil, errRecord
				}
				return plainCodec{}.Decode(data)
			}}
		},
	},
	{
		twin: twin{fault: "Decode believes a length and slices by it", fails: "GarbageIsNoPanic"},
		codec: func() cascache.Codec[*record] {
			return twinCodec{decode: func(data []byte) (*record, error) {
				if len(data) >= 13 && data[0] == recordMark {
					n := int(binary.BigEndian.Uint32(data[9:]))
					_ = data[13:][:n:n]
				}
				return plainCodec{}.Decode(data)
			}}
		},
	},
	{
		twin: twin{fault: "the mark is not looked at", fails: "HostileIsAnError"},
		codec: func() cascache.Codec[*record] {
			return twinCodec{decode: func(data []byte) (*record, error) {
				if len(data) > 0 {
					data = append([]byte{recordMark}, data[1:]...)
				}
				return plainCodec{}.Decode(data)
			}}
		},
	},
	{
		twin: twin{fault: "what follows the value is not looked at", fails: "TrailingBytesAreAnError"},
		codec: func() cascache.Codec[*record] {
			return twinCodec{decode: func(data []byte) (*record, error) {
				r, _, err := decodeRecord(data)
				return r, err
			}}
		},
	},
	{
		twin: twin{fault: "tags that are missing are left out", fails: "CutEncodingIsAnError"},
		codec: func() cascache.Codec[*record] {
			return twinCodec{decode: func(data []byte) (*record, error) {
				r, err := plainCodec{}.Decode(data)
				for end := len(data); err != nil && end < len(data)+16; end++ {
					r, err = plainCodec{}.Decode(append(bytes.Clone(data), make([]byte, end-len(data)+1)...))
				}
				return r, err
			}}
		},
	},
	{
		twin: twin{fault: "memory is made for a blob before its length is looked at", fails: "LyingLengthsCostNothing"},
		codec: func() cascache.Codec[*record] {
			return twinCodec{decode: func(data []byte) (*record, error) {
				if name, rest, err := cutPart(data[min(9, len(data)):]); err == nil && len(rest) >= 4 && data[0] == recordMark {
					n := binary.BigEndian.Uint32(rest)
					blob := make([]byte, min(n, 1<<28))
					copy(blob, name)
					runtime.KeepAlive(blob)
				}
				return plainCodec{}.Decode(data)
			}}
		},
	},

	{
		twin: twin{fault: "AppendEncode writes its mark into the prefix", fails: "AppendEncodeLeavesThePrefix"},
		codec: func() cascache.Codec[*record] {
			return twinCodec{append: func(dst []byte, r *record) ([]byte, error) {
				if len(dst) > 0 {
					dst[0] = recordMark
				}
				return plainCodec{}.AppendEncode(dst, r)
			}}
		},
	},
	{
		twin: twin{fault: "AppendEncode takes dst for a buffer to fill", fails: "AppendEncodeLeavesThePrefix"},
		codec: func() cascache.Codec[*record] {
			return twinCodec{append: func(dst []byte, r *record) ([]byte, error) {
				return plainCodec{}.AppendEncode(dst[:0], r)
			}}
		},
	},
	{
		twin: twin{fault: "AppendEncode returns the value alone, without the prefix", fails: "AppendEncodeLeavesThePrefix"},
		codec: func() cascache.Codec[*record] {
			return twinCodec{append: func(_ []byte, r *record) ([]byte, error) { return plainCodec{}.Encode(r) }}
		},
	},
	{
		twin: twin{fault: "AppendEncode ends with a newline, Encode does not", fails: "AppendEncodeIsEncode"},
		codec: func() cascache.Codec[*record] {
			return twinCodec{append: func(dst []byte, r *record) ([]byte, error) {
				out, err := plainCodec{}.AppendEncode(dst, r)
				return append(out, '\n'), err
			}}
		},
	},
	{
		twin: twin{fault: "AppendEncode makes dst too small by one byte where there is no room", fails: "AppendEncodeIsEncode"},
		codec: func() cascache.Codec[*record] {
			return twinCodec{append: func(dst []byte, r *record) ([]byte, error) {
				n := len(dst)
				out, err := plainCodec{}.AppendEncode(dst, r)
				if err == nil && n > 0 && cap(dst) == n {
					out = out[:len(out)-1]
				}
				return out, err
			}}
		},
	},
	{
		twin: twin{fault: "AppendEncode clears its last result, for the next one", fails: "AppendEncodeKeepsNothing"},
		codec: func() cascache.Codec[*record] {
			var last []byte
			return twinCodec{append: func(dst []byte, r *record) ([]byte, error) {
				out, err := plainCodec{}.AppendEncode(dst, r)
				if len(dst) > 0 && err == nil {
					clear(last)
					last = out
				}
				return out, err
			}}
		},
		racy: true,
	},

	{
		twin:  twin{fault: "Unwrap returns the wrapper itself", fails: "UnwrapEnds"},
		codec: func() cascache.Codec[*record] { return selfWrappingCodec{} },
	},
	{
		twin:  twin{fault: "a wrapper hides AppendEncode", fails: "WrapperKeepsAppendEncode"},
		codec: func() cascache.Codec[*record] { return hidesAppendEncode{} },
	},
	{
		twin:    twin{fault: "owned values are declared as lacking, and are owned", fails: "LackOwnedValues"},
		codec:   func() cascache.Codec[*record] { return plainCodec{} },
		harness: func(h *CodecHarness[*record]) { h.Lacks = map[Lack]string{OwnedValues: "I did not try"} },
	},
	{
		twin:    twin{fault: "an end is declared as lacking, and is there", fails: "LackEndOfEncoding"},
		codec:   func() cascache.Codec[*record] { return plainCodec{} },
		harness: func(h *CodecHarness[*record]) { h.Lacks = map[Lack]string{EndOfEncoding: "I did not try"} },
	},
}

type selfWrappingCodec struct{ plainCodec }

func (w selfWrappingCodec) Unwrap() any { return w }

// hidesAppendEncode has no AppendEncode, since the wrapped one is not embedded.
type hidesAppendEncode struct{}

func (hidesAppendEncode) Encode(r *record) ([]byte, error)    { return plainCodec{}.Encode(r) }
func (hidesAppendEncode) Decode(data []byte) (*record, error) { return plainCodec{}.Decode(data) }
func (hidesAppendEncode) Unwrap() any                         { return plainCodec{} }

func TestCodecTwinsAreCaught(t *testing.T) {
	if testing.Short() && raceEnabled {
		t.Skip("the short form looks for broken implementations without -race")
	}
	var twins []twin
	for _, tw := range codecTwins {
		h := recordHarness(tw.codec())
		if tw.harness != nil {
			tw.harness(&h)
		}
		s := codecSuite(h)
		if tw.racy {
			s.rules = slices.DeleteFunc(s.rules, func(r rule[*codecSubject[*record]]) bool { return r.name == "ValuesComeBackAtOnce" })
		}
		twins = append(twins, tw.twin)
		t.Run(tw.fault, func(t *testing.T) { requireCaught(t, tw.twin, s.box(t)) })
	}
	requireTwins(t, codecRules[*record](), twins)
	t.Logf("%d broken implementations", len(twins))
}

// A message that repeats what is in the way of the reader is of no use.
func TestReportsStayShort(t *testing.T) {
	if text := show(strings.Repeat("x", 10_000)); len(text) > 300 {
		t.Errorf("a value is shown in %d bytes", len(text))
	}
	if text := quote(strings.Repeat("\x00", 10_000)); len(text) > 300 {
		t.Errorf("bytes are shown in %d bytes: %s", len(text), fmt.Sprint(text[:100]))
	}
}
