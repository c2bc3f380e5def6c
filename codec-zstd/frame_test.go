package zstdcodec

import (
	"bytes"
	"strings"
	"testing"
)

func TestDecodedSize(t *testing.T) {
	one := lastBlock(raw, 1, []byte("a"))
	for name, test := range map[string]struct {
		frame string
		size  uint64
		ok    bool
	}{
		"one byte wide":            {magic + "\x24\x01" + string(one) + "sum?", 1, true},
		"two bytes wide":           {magic + "\x64\x01\x00" + string(lastBlock(repeated, 257, []byte("a"))) + "sum?", 257, true},
		"four bytes wide":          {magic + "\xa4\x01\x00\x00\x00" + string(one) + "sum?", 1, true},
		"eight bytes wide":         {string(frameOf(1, one)), 1, true},
		"empty":                    {string(frameOf(0, lastBlock(raw, 0, nil))), 0, true},
		"as much as blocks make":   {string(frameOf(maxBlock+2, append(block(repeated, maxBlock, []byte("a")), lastBlock(raw, 2, []byte("ab"))...))), maxBlock + 2, true},
		"more than blocks make":    {string(frameOf(maxBlock+3, append(block(repeated, maxBlock, []byte("a")), lastBlock(raw, 2, []byte("ab"))...))), 0, false},
		"a compressed block":       {string(frameOf(maxBlock, lastBlock(packed, 3, []byte("abc")))), maxBlock, true},
		"a compressed block, more": {string(frameOf(maxBlock+1, lastBlock(packed, 3, []byte("abc")))), 0, false},
		"a block of no kind":       {string(frameOf(0, lastBlock(3, 0, nil))), 0, false},
		"a block too large":        {string(frameOf(1, lastBlock(repeated, maxBlock+1, []byte("a")))), 0, false},
		"no last block":            {string(frameOf(1, block(raw, 1, []byte("a")))), 0, false},
		"a block without its end":  {magic + "\x24\x01" + string(one[:3]), 0, false},
		"half a block header":      {magic + "\x24\x01" + string(one[:2]), 0, false},
		"half a size":              {magic + "\xa4\x01\x00", 0, false},
		"no checksum":              {magic + "\x24\x01" + string(one), 0, false},
		"half a checksum":          {magic + "\x24\x01" + string(one) + "su", 0, false},
		"more than a checksum":     {magic + "\x24\x01" + string(one) + "sum??", 0, false},
		"other magic":              {strings.Replace(string(frameOf(1, one)), "\xb5", "\xb4", 1), 0, false},
	} {
		got, err := decodedSize([]byte(test.frame))
		if got != test.size || (err == nil) != test.ok {
			t.Errorf("%s: got %d, %v, want %d, and no error: %t", name, got, err, test.size, test.ok)
		}
	}
}

// What Encode makes is what decodedSize takes, at all sizes of the header.
func TestDecodedSizeOfOurOwnFrames(t *testing.T) {
	for level := Fastest; level <= Better; level++ {
		for _, n := range []int{1, 255, 256, 65_791, 65_792, 1 << 20} {
			for _, payload := range [][]byte{make([]byte, n), bytes.Repeat([]byte("abc"), n)[:n]} {
				frame := encode(encodersOf(level), nil, payload)
				if got, err := decodedSize(frame); err != nil || got != uint64(n) {
					t.Errorf("level %v: a frame tells its size: got %d, %v, want %d", level, got, err, n)
				}
			}
		}
	}
}
