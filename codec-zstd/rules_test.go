package zstdcodec

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	cascache "github.com/unkn0wn-root/cascache/core"
)

// A subject is the codec under test, or a broken twin of it.
type subject interface {
	cascache.Codec[[]byte]
	cascache.AppendEncoder[[]byte]
}

// A rule returns how the codecs that open makes break it, or nil.
type rule struct {
	name string
	try  func(open func(Config) subject) error
}

var rules = []rule{
	{"a value comes back as it was", func(open func(Config) subject) error {
		for _, cfg := range []Config{{}, {Level: Balanced, MinSize: 1}} {
			codec := open(cfg)
			for _, n := range []int{0, 1, 64, 511, 512, 513, 100_000, 300_000} {
				for _, payload := range [][]byte{text(n), noise(n), make([]byte, n)} {
					data, err := codec.Encode(payload)
					if err != nil {
						return err
					}
					got, err := codec.Decode(data)
					if err != nil || !bytes.Equal(got, payload) {
						return fmt.Errorf("%+v: %d bytes came back as %d other ones, %v", cfg, n, len(got), err)
					}
				}
			}
		}
		return nil
	}},
	{"what is too small to gain anything stays as it is", func(open func(Config) subject) error {
		for _, n := range []int{0, 1, DefaultMinSize - 1} {
			payload := make([]byte, n)
			data, err := open(Config{}).Encode(payload)
			if want := append([]byte{stored}, payload...); err != nil || !bytes.Equal(data, want) {
				return fmt.Errorf("%d zeros became %d bytes that begin with %x, %v", n, len(data), data[:min(len(data), 8)], err)
			}
		}
		return nil
	}},
	{"what does not shrink stays as it is", func(open func(Config) subject) error {
		payload := noise(10_000)
		data, err := open(Config{}).Encode(payload)
		if want := append([]byte{stored}, payload...); err != nil || !bytes.Equal(data, want) {
			return fmt.Errorf("10,000 random bytes became %d, %v", len(data), err)
		}
		return nil
	}},
	{"what shrinks is compressed", func(open func(Config) subject) error {
		for _, n := range []int{DefaultMinSize, 10_000} {
			payload := text(n)
			data, err := open(Config{}).Encode(payload)
			if err != nil || len(data) > len(payload)*3/4 || data[0] != compressed {
				return fmt.Errorf("%d bytes of text became %d that begin with %x, %v", n, len(data), data[:min(len(data), 8)], err)
			}
		}
		return nil
	}},
	{"AppendEncode appends what Encode returns", func(open func(Config) subject) error {
		for _, n := range []int{0, 10, 1000, 100_000} {
			for _, room := range []int{0, 3, 200_000} {
				codec := open(Config{})
				want, err := codec.Encode(text(n))
				if err != nil {
					return err
				}
				dst := append(make([]byte, 0, 6+room), "before"...)
				got, err := codec.AppendEncode(dst, text(n))
				if err != nil || string(got) != "before"+string(want) || string(dst) != "before" {
					return fmt.Errorf("%d bytes with room for %d: %d bytes that begin with %q, %v", n, room, len(got), got[:min(len(got), 12)], err)
				}
			}
		}
		return nil
	}},
	{"the result of Encode is not used again", func(open func(Config) subject) error {
		codec := open(Config{})
		for _, n := range []int{10, 1000} {
			first, err := codec.Encode(text(n))
			if err != nil {
				return err
			}
			before := bytes.Clone(first)
			for range 3 {
				if _, err := codec.Encode(text(n + 1)); err != nil {
					return err
				}
			}
			if !bytes.Equal(first, before) {
				return fmt.Errorf("the next Encode changed the result of the one before")
			}
		}
		return nil
	}},
	{"the memory given to the inner codec is not used again", func(open func(Config) subject) error {
		// The inner codec returns what it was given, as one may that says so.
		codec := open(Config{})
		var kept [][]byte
		for _, fill := range "abc" {
			data, err := codec.Encode(bytes.Repeat([]byte(string(fill)), 1000))
			if err != nil {
				return err
			}
			value, err := codec.Decode(data)
			if err != nil {
				return err
			}
			kept = append(kept, value)
		}
		for i, fill := range "abc" {
			if !bytes.Equal(kept[i], bytes.Repeat([]byte(string(fill)), 1000)) {
				return fmt.Errorf("value %c became %q…", fill, kept[i][:10])
			}
		}
		return nil
	}},
	{"Decode leaves its input alone", func(open func(Config) subject) error {
		codec := open(Config{})
		data, err := codec.Encode(text(5000))
		if err != nil {
			return err
		}
		before := bytes.Clone(data)
		if _, err := codec.Decode(data); err != nil {
			return err
		}
		if !bytes.Equal(data, before) {
			return errors.New("the input is another one now")
		}
		return nil
	}},
	{"a changed bit is noticed, or changes nothing", func(open func(Config) subject) error {
		codec := open(Config{})
		data, err := codec.Encode(text(900))
		if err != nil {
			return err
		}
		for i := 1; i < len(data); i++ { // another first byte is another form
			for bit := range 8 {
				changed := bytes.Clone(data)
				changed[i] ^= 1 << bit
				if got, err := codec.Decode(changed); err == nil && !bytes.Equal(got, text(900)) {
					return fmt.Errorf("with bit %d of byte %d changed it decodes, to another value", bit, i)
				}
			}
		}
		return nil
	}},
	{"a truncated frame is refused", func(open func(Config) subject) error {
		codec := open(Config{})
		for _, n := range []int{600, 300_000} {
			data, err := codec.Encode(text(n))
			if err != nil {
				return err
			}
			step := max(1, len(data)/500)
			for end := 0; end < len(data); end += step {
				if got, err := codec.Decode(data[:end]); err == nil {
					return fmt.Errorf("%d of %d bytes decode, to %d", end, len(data), len(got))
				}
			}
		}
		return nil
	}},
	{"what follows a frame is refused", func(open func(Config) subject) error {
		codec := open(Config{})
		data, err := codec.Encode(text(1000))
		if err != nil {
			return err
		}
		for what, tail := range map[string][]byte{
			"a byte":            {0},
			"four bytes":        {0, 0, 0, 0},
			"another frame":     data[1:],
			"an empty frame":    frameOf(0, lastBlock(raw, 0, nil)),
			"a skippable frame": []byte("\x50\x2a\x4d\x18\x00\x00\x00\x00"),
		} {
			if got, err := codec.Decode(slices.Concat(data, tail)); err == nil {
				return fmt.Errorf("with %s behind it it decodes, to %d bytes", what, len(got))
			}
		}
		return nil
	}},
	{"what does not begin as a payload does is refused", func(open func(Config) subject) error {
		for _, data := range []string{"", "\x00", `{"id":1}`, "\xa1\x61a\x01", "\x0a\x01a", "\x28\xb5\x2f\xfd\x24\x01\x09\x00\x00a", "\xfd", "\xff"} {
			if got, err := open(Config{}).Decode([]byte(data)); err == nil {
				return fmt.Errorf("%q decodes, to %q", data, got)
			}
		}
		return nil
	}},
	{"a frame of another form than Encode makes is refused", func(open func(Config) subject) error {
		for what, frame := range map[string]string{
			"a window":          magic + "\x04\x00\x09\x00\x00a",
			"no checksum":       magic + "\x20\x01\x09\x00\x00a",
			"a dictionary":      magic + "\x25\x07\x01\x09\x00\x00a\x00\x00\x00\x00",
			"a reserved bit":    magic + "\x2c\x01\x09\x00\x00a\x00\x00\x00\x00",
			"an unused bit":     magic + "\x34\x01\x09\x00\x00a\x00\x00\x00\x00",
			"a skippable frame": "\x50\x2a\x4d\x18\x00\x00\x00\x00",
			"nothing but magic": magic,
			"no header":         magic[:3],
		} {
			if got, err := open(Config{}).Decode([]byte("\xff" + frame)); err == nil {
				return fmt.Errorf("a frame with %s decodes, to %q", what, got)
			}
		}
		return nil
	}},
	{"a claimed size costs nothing", func(open func(Config) subject) error {
		codec := open(Config{})
		for what, frame := range map[string][]byte{
			"64 MiB and a block of one byte":    frameOf(64<<20, lastBlock(raw, 1, []byte("a"))),
			"64 MiB and a block of 128 KiB":     frameOf(64<<20, lastBlock(repeated, maxBlock, []byte("a"))),
			"64 MiB and a compressed block":     frameOf(64<<20, lastBlock(packed, 3, []byte("\x00\x00\x00"))),
			"64 MiB and nothing":                []byte(magic + "\xe4\x00\x00\x00\x04\x00\x00\x00\x00"),
			"2^64-1 and a block of one byte":    frameOf(1<<64-1, lastBlock(raw, 1, []byte("a"))),
			"a block of 2 MiB, and has it not":  frameOf(1<<21-1, lastBlock(raw, 1<<21-1, nil)),
			"a block of 2 MiB, of one byte":     frameOf(1<<21-1, lastBlock(repeated, 1<<21-1, []byte("a"))),
			"a thousand blocks, the last never": frameOf(64<<20, bytes.Repeat(block(raw, 0, nil), 1000)),
		} {
			err := cheaply(64<<10+uint64(len(frame)), func() error {
				_, err := codec.Decode(append([]byte{compressed}, frame...))
				return err
			})
			if err != nil {
				return fmt.Errorf("a frame that claims %s: %w", what, err)
			}
		}
		return nil
	}},
	{"nothing decompresses to more than MaxDecoded, or to more than it says", func(open func(Config) subject) error {
		const most = 256 << 10
		codec, lax := open(Config{MaxDecoded: most}), open(Config{})
		honest, err := lax.Encode(make([]byte, 4<<20))
		if err != nil {
			return err
		}
		lying := slices.Clone(honest) // says that it is 300 bytes
		copy(lying[1+len(magic)+1:], "\x2c\x01\x00\x00")
		letters := slices.Concat(bytes.Repeat(block(repeated, maxBlock, []byte("a")), 127), lastBlock(repeated, maxBlock, []byte("a")))
		for what, data := range map[string][]byte{
			"4 MiB of zeros":                       honest,
			"4 MiB of zeros that say 300 bytes":    lying,
			"16 MiB of one letter":                 append([]byte{compressed}, frameOf(16<<20, letters)...),
			"16 MiB of one letter, saying 256 KiB": append([]byte{compressed}, frameOf(most, letters)...),
			"a byte too many, stored as they are":  append([]byte{stored}, make([]byte, most+1)...),
		} {
			// What may be made is the content that is allowed, some of
			// it twice on the way, and the library's tables.
			err := cheaply(4*most+(256<<10), func() error {
				_, err := codec.Decode(data)
				return err
			})
			if err != nil {
				return fmt.Errorf("%s: %w", what, err)
			}
		}
		return nil
	}},
	{"Encode refuses what Decode would, and nothing else", func(open func(Config) subject) error {
		codec := open(Config{MaxDecoded: 2000})
		for _, fill := range []func(int) []byte{text, noise} {
			data, err := codec.Encode(fill(2000))
			if err != nil {
				return fmt.Errorf("2000 of 2000 bytes: %w", err)
			}
			if _, err := codec.Decode(data); err != nil {
				return fmt.Errorf("2000 of 2000 bytes: %w", err)
			}
			_, encodeErr := codec.Encode(fill(2001))
			_, appendErr := codec.AppendEncode(nil, fill(2001))
			if !errors.Is(encodeErr, cascache.ErrValueTooLarge) || !errors.Is(appendErr, cascache.ErrValueTooLarge) {
				return fmt.Errorf("2001 of 2000 bytes: got %v and %v, want %v", encodeErr, appendErr, cascache.ErrValueTooLarge)
			}
		}
		return nil
	}},
}

// Kinds of blocks, as in RFC 8878.
const (
	raw = iota
	repeated
	packed
)

func block(kind, size int, content []byte) []byte {
	header := uint32(size)<<3 | uint32(kind)<<1
	return append([]byte{byte(header), byte(header >> 8), byte(header >> 16)}, content...)
}

func lastBlock(kind, size int, content []byte) []byte {
	b := block(kind, size, content)
	b[0] |= 1
	return b
}

// frameOf is a frame of the form that Encode makes, with a wrong checksum.
func frameOf(size uint64, blocks []byte) []byte {
	frame := []byte(magic + "\xe4")
	for shift := 0; shift < 64; shift += 8 {
		frame = append(frame, byte(size>>shift))
	}
	return append(append(frame, blocks...), "sum?"...)
}

// cheaply returns how decoding was not refused, or allocated more than most.
// Other goroutines count too, so bounds are generous.
func cheaply(most uint64, decode func() error) error {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	err := decode()
	runtime.ReadMemStats(&after)
	if err == nil {
		return errors.New("it decodes")
	}
	if used := after.TotalAlloc - before.TotalAlloc; used > most {
		return fmt.Errorf("to refuse it took %d bytes of memory, want at most %d", used, most)
	}
	return nil
}

var words = strings.Fields("the cache of rows never serves a value after it was invalidated generation store key city note order item price stock")

// text returns n bytes that compress.
func text(n int) []byte {
	return bytes.Clone(allText()[:n])
}

var allText = sync.OnceValue(func() []byte {
	const n = 8 << 20
	random := rand.New(rand.NewPCG(1, 2))
	out := make([]byte, 0, n+20)
	for len(out) < n {
		out = append(append(out, words[random.IntN(len(words))]...), ' ')
	}
	return out[:n:n]
})

// noise returns n bytes that do not compress.
func noise(n int) []byte {
	out := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{}).Read(out)
	return out
}

// verbatim is the codec of bytes whose values are what it is given: Decode is
// documented, here, to share memory with its input.
type verbatim struct{}

func (verbatim) Encode(value []byte) ([]byte, error) { return value, nil }
func (verbatim) Decode(data []byte) ([]byte, error)  { return data, nil }
func (verbatim) AppendEncode(dst, value []byte) ([]byte, error) {
	return append(dst, value...), nil
}

// plain hides the appending form.
type plain struct{ cascache.Codec[[]byte] }

func open(tb testing.TB, inner cascache.Codec[[]byte], cfg Config) *Codec[[]byte] {
	tb.Helper()
	codec, err := New(inner, cfg)
	if err != nil {
		tb.Fatalf("a configuration in range must be taken: %v", err)
	}
	return codec
}

func TestRules(t *testing.T) {
	for name, inner := range map[string]cascache.Codec[[]byte]{"over a codec that appends": verbatim{}, "over one that does not": plain{verbatim{}}} {
		t.Run(name, func(t *testing.T) {
			for _, r := range rules {
				t.Run(r.name, func(t *testing.T) {
					if err := r.try(func(cfg Config) subject { return open(t, inner, cfg) }); err != nil {
						t.Errorf("rule: %s\nseen: %v", r.name, err)
					}
				})
			}
		})
	}
}
