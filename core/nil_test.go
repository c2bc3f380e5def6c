package cascache

import (
	"context"
	"strings"
	"testing"
	"time"
)

// Types whose nil has methods, one of each kind that can be nil.
type (
	nilFunc  func()
	nilMap   map[string]string
	nilSlice []byte
	nilChan  chan int
)

func (nilFunc) Encode(string) ([]byte, error)  { panic("called") }
func (nilFunc) Decode([]byte) (string, error)  { panic("called") }
func (nilSlice) Encode(string) ([]byte, error) { panic("called") }
func (nilSlice) Decode([]byte) (string, error) { panic("called") }
func (nilChan) Encode(string) ([]byte, error)  { panic("called") }
func (nilChan) Decode([]byte) (string, error)  { panic("called") }

func (nilMap) Get(string) (string, uint64, bool)         { panic("called") }
func (nilMap) Set(string, string, uint64, time.Duration) { panic("called") }
func (nilMap) Del(string)                                { panic("called") }
func (nilMap) Close() error                              { panic("called") }

// wrappedCodec is a decorator that was made without a constructor.
type wrappedCodec struct{ Codec[string] }

func (c wrappedCodec) Unwrap() any { return c.Codec }

func TestNewRefusesANilInsideAnInterface(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(*Options[string])
		want  []string // the field, and the type that is nil
	}{
		"provider":           {func(o *Options[string]) { o.Provider = (*mapProvider)(nil) }, []string{"Options.Provider", "*cascache.mapProvider"}},
		"store":              {func(o *Options[string]) { o.GenStore = (*LocalGenStore)(nil) }, []string{"Options.GenStore", "*cascache.LocalGenStore"}},
		"striped store":      {func(o *Options[string]) { o.GenStore = (*StripedGenStore)(nil) }, []string{"Options.GenStore", "*cascache.StripedGenStore"}},
		"near":               {func(o *Options[string]) { o.Near = nilMap(nil) }, []string{"Options.Near", "cascache.nilMap"}},
		"near alone":         {func(o *Options[string]) { o.Near, o.Provider, o.Codec = nilMap(nil), nil, nil }, []string{"Options.Near", "cascache.nilMap"}},
		"codec, a pointer":   {func(o *Options[string]) { o.Codec = (*Limit[string])(nil) }, []string{"Options.Codec", "*cascache.Limit"}},
		"codec, a func":      {func(o *Options[string]) { o.Codec = nilFunc(nil) }, []string{"Options.Codec", "cascache.nilFunc"}},
		"codec, a slice":     {func(o *Options[string]) { o.Codec = nilSlice(nil) }, []string{"Options.Codec", "cascache.nilSlice"}},
		"codec, a channel":   {func(o *Options[string]) { o.Codec = nilChan(nil) }, []string{"Options.Codec", "cascache.nilChan"}},
		"an empty limit":     {func(o *Options[string]) { o.Codec = Limit[string]{Max: 5} }, []string{"Options.Codec", "cascache.Limit", "wraps nothing"}},
		"a limit of a nil":   {func(o *Options[string]) { o.Codec = Limit[string]{Codec: nilFunc(nil)} }, []string{"Options.Codec", "cascache.Limit", "cascache.nilFunc"}},
		"a limit in a limit": {func(o *Options[string]) { o.Codec = &Limit[string]{Codec: Limit[string]{Max: 5}} }, []string{"Options.Codec", "wraps nothing"}},
		"deep inside": {func(o *Options[string]) {
			o.Codec = wrappedCodec{wrappedCodec{Limit[string]{Codec: (*scriptedCodec)(nil)}}}
		}, []string{"Options.Codec", "*cascache.scriptedCodec"}},
		"an empty provider":  {func(o *Options[string]) { o.Provider = wrappedProvider{} }, []string{"Options.Provider", "wrappedProvider", "wraps nothing"}},
		"a wrapped provider": {func(o *Options[string]) { o.Provider = wrappedProvider{(*mapProvider)(nil)} }, []string{"Options.Provider", "*cascache.mapProvider"}},
		"a wrapped store":    {func(o *Options[string]) { o.GenStore = wrappedStore{(*LocalGenStore)(nil)} }, []string{"Options.GenStore", "*cascache.LocalGenStore"}},
	} {
		t.Run(name, func(t *testing.T) {
			opts := Options[string]{Namespace: "n", Provider: newMapProvider(), Codec: String{}}
			c.spoil(&opts)
			h, err := New(opts)
			if err == nil || h != nil {
				t.Fatalf("a part that would panic at the first call is refused: got %v, %v", h, err)
			}
			for _, part := range append(c.want, "cascache: ") {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("the error names the field and the type: %q is missing in %q", part, err)
				}
			}
		})
	}
}

func TestNewTakesValuesThatOnlyLookNil(t *testing.T) {
	for name, change := range map[string]func(*Options[string]){
		"an empty func codec":  func(o *Options[string]) { o.Codec = wrappedCodec{String{}} },
		"no near, no store":    func(o *Options[string]) { o.Near, o.GenStore = nil, nil },
		"hooks without a func": func(o *Options[string]) { o.Hooks = &Hooks{} },
		"disabled, all nil": func(o *Options[string]) {
			*o = Options[string]{Disabled: true, Provider: (*mapProvider)(nil), GenStore: (*LocalGenStore)(nil)}
		},
	} {
		opts := Options[string]{Namespace: "n", Provider: newMapProvider(), Codec: String{}}
		change(&opts)
		h, err := New(opts)
		if err != nil {
			t.Errorf("%s is usable: got %v", name, err)
			continue
		}
		if err := h.Close(context.Background()); err != nil {
			t.Error(err)
		}
	}
}

func TestALimitWithoutACodecIsAnErrorOfEveryCall(t *testing.T) {
	for name, limit := range map[string]Limit[string]{
		"no codec":    {Max: 5},
		"a nil codec": {Codec: (*scriptedCodec)(nil), Max: 5},
		"a nil func":  {Codec: nilFunc(nil)},
		"nothing":     {},
	} {
		_, encodeErr := limit.Encode("v")
		kept, appendErr := limit.AppendEncode([]byte("before"), "v")
		_, decodeErr := limit.Decode([]byte("v"))
		for call, err := range map[string]error{"Encode": encodeErr, "AppendEncode": appendErr, "Decode": decodeErr} {
			if err == nil || !strings.Contains(err.Error(), "Limit.Codec") {
				t.Errorf("%s: a limit without a codec is an error that says so: %s: got %v", name, call, err)
			}
		}
		if string(kept) != "before" {
			t.Errorf("%s: what stood before an error stays: got %q", name, kept)
		}
	}
}

func TestNewLoaderRefusesANilCache(t *testing.T) {
	load := LoaderOptions[string]{Load: func(context.Context, string) (string, error) { return "", nil }}
	if l, err := NewLoader(nil, load); err == nil || l != nil {
		t.Errorf("a loader needs a cache: got %v, %v", l, err)
	}
}
