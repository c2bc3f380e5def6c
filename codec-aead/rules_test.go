package aeadcodec

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
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

// secretOf returns the secret of a key.
func secretOf(id uint32) []byte {
	secret := make([]byte, SecretSize)
	_, _ = rand.NewChaCha8([32]byte{byte(id)}).Read(secret)
	return secret
}

func mustKey(id uint32, secret []byte) Key {
	key, err := NewKey(id, secret)
	if err != nil {
		panic(err)
	}
	return key
}

func keyOf(id uint32) Key { return mustKey(id, secretOf(id)) }

// one is the configuration of most rules.
func one() Config { return Config{Keys: []Key{keyOf(1)}, Scope: "user"} }

var secretText = []byte("the text that nobody is to read, of more than one block")

var rules = []rule{
	{"a value comes back as it was, a fixed number of bytes longer", func(open func(Config) subject) error {
		codec := open(one())
		for _, n := range []int{0, 1, 15, 16, 17, 1000, 300_000} {
			value := bytes.Repeat([]byte("v"), n)
			data, err := codec.Encode(value)
			if err != nil {
				return err
			}
			if len(data) != n+overhead {
				return fmt.Errorf("%d bytes became %d, want %d", n, len(data), n+overhead)
			}
			if got, err := codec.Decode(data); err != nil || !bytes.Equal(got, value) {
				return fmt.Errorf("%d bytes came back as %d other ones, %v", n, len(got), err)
			}
		}
		return nil
	}},
	{"nothing of the text shows", func(open func(Config) subject) error {
		data, err := open(one()).Encode(secretText)
		if err != nil {
			return err
		}
		for i := range len(secretText) - 5 {
			if bytes.Contains(data, secretText[i:i+5]) {
				return fmt.Errorf("%q is in the payload", secretText[i:i+5])
			}
		}
		return nil
	}},
	{"no two nonces share a half", func(open func(Config) subject) error {
		codec := open(one())
		first, second := make(map[string]bool), make(map[string]bool)
		for i := range 500 {
			data, err := codec.Encode(secretText)
			if i%2 == 0 {
				data, err = codec.AppendEncode(nil, secretText)
			}
			if err != nil {
				return err
			}
			nonce := data[headerSize:]
			a, b := string(nonce[:halfNonce]), string(nonce[halfNonce:2*halfNonce])
			if first[a] || second[b] {
				return fmt.Errorf("the nonce %x has a half of one before it", nonce[:2*halfNonce])
			}
			first[a], second[b] = true, true
		}
		return nil
	}},
	{"a changed bit is an error", func(open func(Config) subject) error {
		codec := open(one())
		data, err := codec.Encode(secretText)
		if err != nil {
			return err
		}
		for i := range data {
			for bit := range 8 {
				changed := bytes.Clone(data)
				changed[i] ^= 1 << bit
				if got, err := codec.Decode(changed); err == nil {
					return fmt.Errorf("with bit %d of byte %d changed it opens, to %q", bit, i, got)
				}
			}
		}
		return nil
	}},
	{"a missing or further byte is an error", func(open func(Config) subject) error {
		codec := open(one())
		for _, text := range [][]byte{nil, secretText} {
			data, err := codec.Encode(text)
			if err != nil {
				return err
			}
			for end := range data {
				if got, err := codec.Decode(data[:end]); err == nil {
					return fmt.Errorf("%d of %d bytes open, to %q", end, len(data), got)
				}
			}
			for _, tail := range []string{"\x00", "x", string(data)} {
				if got, err := codec.Decode(append(bytes.Clone(data), tail...)); err == nil {
					return fmt.Errorf("with %d bytes behind it it opens, to %q", len(tail), got)
				}
			}
		}
		return nil
	}},
	{"what was not sealed is an error", func(open func(Config) subject) error {
		for _, data := range []string{"", "\x01", `{"id":1}`, strings.Repeat("a", 100), "\x01\x00\x00\x00\x01" + strings.Repeat("\x00", 60)} {
			if got, err := open(one()).Decode([]byte(data)); err == nil {
				return fmt.Errorf("%q opens, to %q", data, got)
			}
		}
		return nil
	}},
	{"another secret under the same id does not open", func(open func(Config) subject) error {
		data, err := open(one()).Encode(secretText)
		if err != nil {
			return err
		}
		other := Config{Keys: []Key{mustKey(1, secretOf(2))}, Scope: "user"}
		if got, err := open(other).Decode(data); !errors.Is(err, ErrNotAuthentic) {
			return fmt.Errorf("got %q, %v, want %v", got, err, ErrNotAuthentic)
		}
		return nil
	}},
	{"a payload opens only under the key that it names", func(open func(Config) subject) error {
		// The same secret twice, so that nothing but the name tells.
		codec := open(Config{Keys: []Key{mustKey(1, secretOf(7)), mustKey(2, secretOf(7))}, Seal: 1})
		data, err := codec.Encode(secretText)
		if err != nil {
			return err
		}
		binary.BigEndian.PutUint32(data[1:], 2)
		if got, err := codec.Decode(data); !errors.Is(err, ErrNotAuthentic) {
			return fmt.Errorf("renamed from key 1 to key 2: got %q, %v, want %v", got, err, ErrNotAuthentic)
		}
		return nil
	}},
	{"a payload opens only in its scope", func(open func(Config) subject) error {
		scopes := []string{"", "user", "user ", "order", "\x00"}
		for _, from := range scopes {
			data, err := open(Config{Keys: []Key{keyOf(1)}, Scope: from}).Encode(secretText)
			if err != nil {
				return err
			}
			for _, to := range scopes {
				got, err := open(Config{Keys: []Key{keyOf(1)}, Scope: to}).Decode(data)
				if from == to && err != nil || from != to && !errors.Is(err, ErrNotAuthentic) {
					return fmt.Errorf("sealed in scope %q, in scope %q: got %q, %v", from, to, got, err)
				}
			}
		}
		return nil
	}},
	{"keys rotate without a flush", func(open func(Config) subject) error {
		// Each step beside the one before, as when replicas take turns.
		steps := []Config{
			{Keys: []Key{keyOf(1)}},
			{Keys: []Key{keyOf(1), keyOf(2)}, Seal: 1},
			{Keys: []Key{keyOf(1), keyOf(2)}, Seal: 2},
			{Keys: []Key{keyOf(2)}},
		}
		sealed := []uint32{1, 1, 2, 2}
		for i, cfg := range steps {
			data, err := open(cfg).Encode(secretText)
			if err != nil {
				return err
			}
			if got := binary.BigEndian.Uint32(data[1:]); got != sealed[i] {
				return fmt.Errorf("step %d seals with key %d, want %d", i, got, sealed[i])
			}
			for j := max(0, i-1); j < min(len(steps), i+2); j++ {
				got, err := open(steps[j]).Decode(data)
				// Only the last step of all shuts anything out.
				if wantErr := sealed[i] == 1 && j == 3; wantErr != (err != nil) || err == nil && !bytes.Equal(got, secretText) {
					return fmt.Errorf("sealed at step %d, at step %d: got %q, %v", i, j, got, err)
				}
			}
		}
		old, err := open(steps[0]).Encode(secretText)
		if err != nil {
			return err
		}
		if got, err := open(steps[3]).Decode(old); !errors.Is(err, ErrUnknownKey) {
			return fmt.Errorf("sealed with a key that is gone: got %q, %v, want %v", got, err, ErrUnknownKey)
		}
		return nil
	}},
	{"AppendEncode appends a payload", func(open func(Config) subject) error {
		codec := open(one())
		for _, n := range []int{0, 10, 100_000} {
			for _, room := range []int{0, 3, 45, 200_000} {
				value := bytes.Repeat([]byte("v"), n)
				dst := append(make([]byte, 0, 6+room), "before"...)
				out, err := codec.AppendEncode(dst, value)
				if err != nil || !bytes.HasPrefix(out, []byte("before")) || string(dst) != "before" {
					return fmt.Errorf("%d bytes with room for %d: %q…, %v", n, room, out[:min(len(out), 12)], err)
				}
				if got, err := codec.Decode(out[len(dst):]); err != nil || !bytes.Equal(got, value) {
					return fmt.Errorf("%d bytes with room for %d do not open: %v", n, room, err)
				}
			}
		}
		return nil
	}},
	{"the value stays as it is", func(open func(Config) subject) error {
		codec, value := open(one()), bytes.Clone(secretText)
		if _, err := codec.Encode(value); err != nil {
			return err
		}
		if _, err := codec.AppendEncode(make([]byte, 0, 1000), value); err != nil {
			return err
		}
		if !bytes.Equal(value, secretText) {
			return fmt.Errorf("it is %q now", value)
		}
		return nil
	}},
	{"the result of Encode is not used again", func(open func(Config) subject) error {
		codec := open(one())
		first, err := codec.Encode(secretText)
		if err != nil {
			return err
		}
		before := bytes.Clone(first)
		for range 3 {
			if _, err := codec.Encode(secretText); err != nil {
				return err
			}
		}
		if !bytes.Equal(first, before) {
			return errors.New("the next Encode changed the result of the one before")
		}
		return nil
	}},
	{"the memory given to the inner codec is not used again", func(open func(Config) subject) error {
		// The inner codec returns what it was given, as one may that says so.
		codec := open(one())
		var kept [][]byte
		for _, fill := range "abc" {
			data, err := codec.Encode(bytes.Repeat([]byte(string(fill)), 100))
			if err != nil {
				return err
			}
			value, err := codec.Decode(data)
			if err != nil {
				return err
			}
			clear(data)
			kept = append(kept, value)
		}
		for i, fill := range "abc" {
			if !bytes.Equal(kept[i], bytes.Repeat([]byte(string(fill)), 100)) {
				return fmt.Errorf("value %c became %q…", fill, kept[i][:10])
			}
		}
		return nil
	}},
	{"Decode leaves its input alone", func(open func(Config) subject) error {
		codec := open(one())
		data, err := codec.Encode(secretText)
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
	{"the inner codec sees nothing that was not sealed", func(open func(Config) subject) error {
		codec := open(one())
		data, err := codec.Encode(secretText)
		if err != nil {
			return err
		}
		seen.Reset()
		for i := range data {
			changed := bytes.Clone(data)
			changed[i] ^= 0x40
			_, _ = codec.Decode(changed)
			_, _ = codec.Decode(data[:i])
		}
		if seen.Len() > 0 {
			return fmt.Errorf("it was given %q…", seen.Bytes()[:min(seen.Len(), 20)])
		}
		return nil
	}},
	{"no error shows a secret", func(open func(Config) subject) error {
		codec := open(one())
		data, err := codec.Encode(secretText)
		if err != nil {
			return err
		}
		for i := range data {
			changed := bytes.Clone(data)
			changed[i] ^= 1
			for _, bytes := range [][]byte{changed, data[:i]} {
				if _, err := codec.Decode(bytes); err != nil {
					for _, verb := range verbs {
						if text := fmt.Sprintf(verb, err); shows(text, secretOf(1)) || strings.Contains(text, "nobody") {
							return fmt.Errorf("printed with %s, an error says %s", verb, text)
						}
					}
				}
			}
		}
		return nil
	}},
}

var verbs = []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%T"}

// shows reports whether four bytes of secret in a row are in text, in any of
// the usual forms.
func shows(text string, secret []byte) bool {
	lower := strings.ToLower(text)
	for i := range len(secret) - 4 {
		part := secret[i : i+4]
		for _, form := range []string{
			string(part),
			fmt.Sprintf("%x", part),
			fmt.Sprintf("% x", part),
			strings.TrimSuffix(strings.TrimPrefix(fmt.Sprintf("%#v", part), "[]byte{"), "}"),
			strings.Trim(fmt.Sprint(part), "[]"),
			strings.ReplaceAll(strings.Trim(fmt.Sprint(part), "[]"), " ", ","),
			strings.ReplaceAll(strings.Trim(fmt.Sprint(part), "[]"), " ", ", "),
		} {
			if strings.Contains(text, form) || strings.Contains(lower, form) {
				return true
			}
		}
	}
	return false
}

// seen is what verbatim.Decode was given. No test is parallel.
var seen bytes.Buffer

// verbatim is the codec of bytes whose values are what it is given: Decode is
// documented, here, to share memory with its input.
type verbatim struct{}

func (verbatim) Encode(value []byte) ([]byte, error) { return value, nil }
func (verbatim) Decode(data []byte) ([]byte, error) {
	if seen.Len() < 1000 {
		seen.Write(data)
	}
	return data, nil
}

func (verbatim) AppendEncode(dst, value []byte) ([]byte, error) {
	return append(dst, value...), nil
}

// plain hides the appending form.
type plain struct{ cascache.Codec[[]byte] }

func open(tb testing.TB, inner cascache.Codec[[]byte], cfg Config) *Codec[[]byte] {
	tb.Helper()
	codec, err := New(inner, cfg)
	if err != nil {
		tb.Fatalf("a configuration that is right must be taken: %v", err)
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

// shows has to find what it looks for.
func TestShowsFindsSecrets(t *testing.T) {
	secret := secretOf(1)
	for _, verb := range []string{"%v", "%x", "%X", "%#v", "%s", "% x", "%d"} {
		if text := fmt.Sprintf("before "+verb+" after", secret); !shows(text, secret) {
			t.Errorf("a printed secret is found: with %s it is not, in %s", verb, text)
		}
	}
	if shows(fmt.Sprintf("%v %x %#v", secretOf(2), secretOf(3), secretOf(4)), secret) {
		t.Error("another secret is not taken for this one")
	}
	if slices.Equal(secretOf(1), secretOf(2)) {
		t.Error("secrets differ")
	}
}
