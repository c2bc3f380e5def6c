//go:build unix

package genstoreredis

import (
	"errors"
	"fmt"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	cborcodec "github.com/unkn0wn-root/cascache/codec-cbor"
	jsoncodec "github.com/unkn0wn-root/cascache/codec-json"
	msgpackcodec "github.com/unkn0wn-root/cascache/codec-msgpack"
	cascache "github.com/unkn0wn-root/cascache/core"
	"github.com/unkn0wn-root/cascache/internal/redistest"
	redisprovider "github.com/unkn0wn-root/cascache/provider-redis"
)

// The row as two versions of a service know it.
type (
	rowV1 struct{ Version string }
	rowV2 struct{ Number uint64 }
)

func newRowV1(v string) rowV1        { return rowV1{v} }
func (r rowV1) text() (string, bool) { return r.Version, r.Version != "" }

func newRowV2(v string) rowV2 {
	n, err := strconv.ParseUint(v, 10, 64)
	must(err)
	return rowV2{n + 1}
}
func (r rowV2) text() (string, bool) { return strconv.FormatUint(r.Number-1, 10), r.Number > 0 }

// versioned encodes strings as one version's rows, and counts what another
// version had stored.
type versioned[R interface{ text() (string, bool) }] struct {
	inner   cascache.Codec[R]
	row     func(string) R
	foreign *atomic.Int64
}

func (c versioned[R]) Encode(v string) ([]byte, error) { return c.inner.Encode(c.row(v)) }

func (c versioned[R]) Decode(b []byte) (string, error) {
	row, err := c.inner.Decode(b)
	if err == nil {
		if text, own := row.text(); own {
			return text, nil
		}
		err = errors.New("a row of another version")
	}
	c.foreign.Add(1)
	return "", err
}

func versionedBy[R interface{ text() (string, bool) }](codec string, row func(string) R, foreign *atomic.Int64) cascache.Codec[string] {
	var inner cascache.Codec[R] = jsoncodec.JSON[R]{}
	switch codec {
	case "cbor":
		inner = cborcodec.CBOR[R]{}
	case "msgpack":
		inner = msgpackcodec.Msgpack[R]{}
	}
	return versioned[R]{inner, row, foreign}
}

// deploy makes of opts those of a version of the service, whose values are in
// Redis too.
func (task childTask) deploy(opts *cascache.Options[string], foreign *atomic.Int64) {
	if !task.Backend {
		provider, err := redisprovider.New(redisprovider.Config{Client: redis.NewClient(&redis.Options{Addr: task.Redis})})
		must(err)
		opts.Provider = provider
	}
	schema := cascache.SchemaOf[rowV1]()
	opts.Codec = versionedBy(task.Codec, newRowV1, foreign)
	if task.Version == 2 {
		schema = cascache.SchemaOf[rowV2]()
		opts.Codec = versionedBy(task.Codec, newRowV2, foreign)
	}
	if task.Schema {
		opts.Schema = schema
	}
}

// TestRollout runs two versions of a service at once, as processes with another
// struct each, on one Redis, both of which write and invalidate.
func TestRollout(t *testing.T) {
	duration := 4 * time.Second
	if testing.Short() {
		duration = time.Second
	}
	server := redistest.Start(t)
	for i, codec := range []string{"json", "cbor", "msgpack"} {
		for _, schema := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, with a schema %v", codec, schema), func(t *testing.T) {
				server.Do("FLUSHALL")
				before := childTask{Redis: server.Addr(), Backend: i != 1, Duration: duration, Version: 1, Codec: codec, Schema: schema}
				after := before
				after.Version = 2
				total := runChildren(t, before, after)
				checkTally(t, total)
				if schema && total.Foreign > 0 {
					t.Errorf("with a schema no version reads what the other has stored: %d of %d entries were", total.Foreign, total.Hits+total.Foreign)
				}
				if !schema && total.Foreign == 0 {
					t.Errorf("without a schema the versions must meet each other's entries, or this test sees nothing: %d hits", total.Hits)
				}
				t.Logf("%d entries of the other version", total.Foreign)
			})
		}
	}
}
