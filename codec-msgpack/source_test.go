package msgpackcodec

import (
	"errors"
	"io"
	"testing"
	"testing/iotest"
)

func TestSourceReads(t *testing.T) {
	want := []byte("some bytes")
	if err := iotest.TestReader(&source{data: want}, want); err != nil {
		t.Errorf("a source must be a proper reader: %v", err)
	}
	s := &source{data: want}
	for _, b := range want {
		if got, err := s.ReadByte(); err != nil || got != b {
			t.Fatalf("bytes must come in order: got %q, %v, want %q", got, err, b)
		}
		if err := s.UnreadByte(); err != nil {
			t.Fatal(err)
		}
		if got, err := s.ReadByte(); err != nil || got != b {
			t.Fatalf("a byte that was put back must come again: got %q, %v, want %q", got, err, b)
		}
	}
	if _, err := s.ReadByte(); !errors.Is(err, io.EOF) {
		t.Errorf("the end must be io.EOF: got %v", err)
	}
}

func TestSourceGuardsExtensions(t *testing.T) {
	data := []byte("01[34]67[9]b")
	extensions := []span{{3, 5}, {9, 10}}
	for at := range data {
		s := &source{data: data, extensions: extensions}
		if _, err := io.CopyN(io.Discard, s, int64(at)); err != nil {
			t.Fatal(err)
		}
		_, err := s.ReadByte()
		inside := at == 3 || at == 4 || at == 9
		if errors.Is(err, errExtension) != inside {
			t.Errorf("ReadByte must find what was checked and nothing else: at %q, %d, got error %v, want one: %v", data[at], at, err, inside)
		}
		if inside {
			if n, err := s.Read(make([]byte, 1)); n != 1 || err != nil {
				t.Errorf("Read must reach the payload of an extension: got %d, %v", n, err)
			}
		}
	}
}
