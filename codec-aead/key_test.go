package aeadcodec

import (
	"bytes"
	"encoding/base64"
	"encoding/gob"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math"
	"strings"
	"testing"
)

func TestNewKeyRefuses(t *testing.T) {
	for name, test := range map[string]struct {
		id     uint32
		secret []byte
		says   []string
	}{
		"no id":              {0, secretOf(1), []string{"id", "is 0", "from 1 to 4294967295"}},
		"no secret":          {7, nil, []string{"key 7", "0 bytes", "32"}},
		"too short a secret": {7, secretOf(1)[:31], []string{"key 7", "31 bytes", "32"}},
		"too long a secret":  {7, append(secretOf(1), 1), []string{"key 7", "33 bytes", "32"}},
		"AES-128":            {7, secretOf(1)[:16], []string{"key 7", "16 bytes", "32"}},
		"a forgotten secret": {7, make([]byte, 32), []string{"key 7", "zeros"}},
	} {
		key, err := NewKey(test.id, test.secret)
		if err == nil || key.cipher != nil {
			t.Errorf("%s is an error: got %v, %v", name, key, err)
			continue
		}
		for _, part := range test.says {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%s: the error says what is wrong and what is allowed: %q lacks %q", name, err, part)
			}
		}
		if shows(err.Error(), secretOf(1)) {
			t.Errorf("%s: no error shows a secret: %q", name, err)
		}
	}
	for _, id := range []uint32{1, math.MaxUint32} {
		if key, err := NewKey(id, secretOf(1)); err != nil || key.ID() != id {
			t.Errorf("the ends of the range are allowed: got %v, %v", key, err)
		}
	}
}

func TestSecretIsCopied(t *testing.T) {
	secret := secretOf(1)
	key := mustKey(1, secret)
	codec := open(t, verbatim{}, Config{Keys: []Key{key}})
	clear(secret)
	data, err := codec.Encode(secretText)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := open(t, verbatim{}, Config{Keys: []Key{keyOf(1)}}).Decode(data); err != nil || !bytes.Equal(got, secretText) {
		t.Errorf("NewKey copies the secret, which its caller may overwrite: what was sealed after that does not open with the secret as it was: %v", err)
	}
}

func TestKeysOfConfigAreCopied(t *testing.T) {
	keys := []Key{keyOf(1), keyOf(2)}
	codec := open(t, verbatim{}, Config{Keys: keys, Seal: 1})
	data, err := codec.Encode(secretText)
	if err != nil {
		t.Fatal(err)
	}
	clear(keys)
	if _, err := codec.Decode(data); err != nil {
		t.Errorf("New copies Config.Keys, which its caller may change: after that: %v", err)
	}
}

// holder is what a program may have a key in: package fmt calls no methods of
// what is in unexported fields.
type holder struct {
	Public  any
	private any
	key     Key
	pointer *Key
	config  Config
	codec   *Codec[[]byte]
	many    map[string][]Key
}

func TestPrintingShowsNoSecret(t *testing.T) {
	secret := secretOf(1)
	key := mustKey(1, secret)
	cfg := Config{Keys: []Key{key, keyOf(2)}, Seal: 1, Scope: "user"}
	codec := open(t, verbatim{}, cfg)
	inside := holder{key, key, key, &key, cfg, codec, map[string][]Key{"k": {key}}}
	subkey := key.cipher().derive(make([]byte, halfNonce))
	for name, value := range map[string]any{
		"Key": key, "*Key": &key, "[]Key": []Key{key}, "Config": cfg, "*Config": &cfg, "Codec": *codec, "*Codec": codec,
		"a struct": inside, "*a struct": &inside, "error": fmt.Errorf("with %v", key),
	} {
		var printed []string
		for _, verb := range append(verbs, "%10v", "%+q", "%o", "%b", "%c", "%U", "%p") {
			printed = append(printed, fmt.Sprintf(verb, value))
		}
		var text strings.Builder
		slog.New(slog.NewTextHandler(&text, nil)).Info("m", "value", value)
		slog.New(slog.NewJSONHandler(&text, nil)).Info("m", "value", value)
		printed = append(printed, text.String())
		if out, err := json.Marshal(value); err == nil {
			printed = append(printed, string(out))
		}
		if err := gob.NewEncoder(io.Discard).Encode(value); err != nil {
			printed = append(printed, err.Error())
		}
		for _, out := range printed {
			for _, part := range [][]byte{secret, secretOf(2), key.cipher().k1[:], subkey[:]} {
				if shows(out, part) || strings.Contains(out, base64.StdEncoding.EncodeToString(part[:6])) {
					t.Errorf("no form of printing a %s shows a secret: %s", name, out)
				}
			}
		}
	}
}

func TestPrintingShowsTheIDs(t *testing.T) {
	codec := open(t, verbatim{}, Config{Keys: []Key{keyOf(7), keyOf(2)}, Seal: 2})
	for want, value := range map[string]fmt.Stringer{
		"aeadcodec.Key(7)": keyOf(7),
		"aeadcodec.Codec(seals with key 2, opens with [2 7])": codec,
		"aeadcodec.Codec(made without New)":                   &Codec[[]byte]{},
	} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%d", "%x"} {
			if got := fmt.Sprintf(verb, value); got != want {
				t.Errorf("with %s: got %s, want %s", verb, got, want)
			}
		}
	}
}
