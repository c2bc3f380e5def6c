package msgpackcodec

import (
	"bytes"
	"strings"
	"testing"

	"github.com/vmihailenco/msgpack/v5"
)

func TestStructure(t *testing.T) {
	long := strings.Repeat("x", 65_536)
	for name, test := range map[string]struct {
		data string
		ok   bool
	}{
		"empty":                    {"", false},
		"nil":                      {"\xc0", true},
		"the byte never used":      {"\xc1", false},
		"false":                    {"\xc2", true},
		"true":                     {"\xc3", true},
		"smallest of the small":    {"\xe0", true},
		"largest of the small":     {"\x7f", true},
		"uint8":                    {"\xcc1", true},
		"uint8, short":             {"\xcc", false},
		"uint16":                   {"\xcd12", true},
		"uint16, short":            {"\xcd1", false},
		"uint32":                   {"\xce1234", true},
		"uint32, short":            {"\xce123", false},
		"uint64":                   {"\xcf12345678", true},
		"uint64, short":            {"\xcf1234567", false},
		"int8":                     {"\xd01", true},
		"int16":                    {"\xd112", true},
		"int32":                    {"\xd21234", true},
		"int64":                    {"\xd312345678", true},
		"int64, short":             {"\xd31234567", false},
		"float32":                  {"\xca1234", true},
		"float32, short":           {"\xca123", false},
		"float64":                  {"\xcb12345678", true},
		"float64, short":           {"\xcb1234567", false},
		"short string":             {"\xa3abc", true},
		"short string, short":      {"\xa3ab", false},
		"str8":                     {"\xd9\x03abc", true},
		"str8, short":              {"\xd9\x03ab", false},
		"str8 without a length":    {"\xd9", false},
		"str16":                    {"\xda\xff\xff" + long[:65_535], true},
		"str16, short":             {"\xda\xff\xff" + long[:65_534], false},
		"str16, half a length":     {"\xda\xff", false},
		"str32":                    {"\xdb\x00\x01\x00\x00" + long, true},
		"str32, short":             {"\xdb\xff\xff\xff\xff" + long, false},
		"bin8":                     {"\xc4\x03abc", true},
		"bin16":                    {"\xc5\x00\x03abc", true},
		"bin32":                    {"\xc6\x00\x00\x00\x03abc", true},
		"bin32, short":             {"\xc6\x80\x00\x00\x00abc", false},
		"empty array":              {"\x90", true},
		"array":                    {"\x92\x01\x02", true},
		"array, short":             {"\x92\x01", false},
		"array16":                  {"\xdc\x00\x02\x01\x02", true},
		"array16, short":           {"\xdc\x00\x03\x01\x02", false},
		"array32":                  {"\xdd\x00\x00\x00\x02\x01\x02", true},
		"array32, short":           {"\xdd\xff\xff\xff\xff\x01\x02", false},
		"empty map":                {"\x80", true},
		"map":                      {"\x81\xa1a\x01", true},
		"map, short of a value":    {"\x81\xa1a", false},
		"map16":                    {"\xde\x00\x01\xa1a\x01", true},
		"map16, short":             {"\xde\x00\x02\xa1a\x01\x02", false},
		"map32":                    {"\xdf\x00\x00\x00\x01\xa1a\x01", true},
		"map32, short":             {"\xdf\xff\xff\xff\xff\xa1a\x01", false},
		"extension of 1":           {"\xd4\x011", true},
		"extension of 2":           {"\xd5\x0112", true},
		"extension of 4":           {"\xd6\x011234", true},
		"extension of 8":           {"\xd7\x0112345678", true},
		"extension of 16":          {"\xd8\x01" + long[:16], true},
		"extension of 16, short":   {"\xd8\x01" + long[:15], false},
		"extension without a type": {"\xd4", false},
		"ext8":                     {"\xc7\x03\x01abc", true},
		"ext8, short":              {"\xc7\x03\x01ab", false},
		"ext8, empty":              {"\xc7\x00\x01", false},
		"ext16":                    {"\xc8\x00\x03\x01abc", true},
		"ext32":                    {"\xc9\x00\x00\x00\x03\x01abc", true},
		"ext32, short":             {"\xc9\xff\xff\xff\xff\x01abc", false},
		"interned string":          {"\xd4\x80\x00", false},
		"trailing byte":            {"\xc0\xc0", false},
		"as deep as allowed":       {strings.Repeat("\x91", 9) + "\x80", true},
		"one array too deep":       {strings.Repeat("\x91", 10) + "\x90", false},
		"one map too deep":         {strings.Repeat("\x81\xc0", 10) + "\x80", false},
		"deep, then flat":          {"\x92" + strings.Repeat("\x91", 8) + "\x90\x91\x90", true},
	} {
		t.Run(name, func(t *testing.T) {
			var s structure
			if err := s.check([]byte(test.data), 10, nil); (err == nil) != test.ok {
				t.Errorf("bytes are accepted if they are one value, and only then: got error %v, want one: %v", err, !test.ok)
			}
		})
	}
}

// FuzzStructure compares the check with the library's own way of passing over
// a value: where the check accepts, both must see one and the same value.
func FuzzStructure(f *testing.F) {
	for _, value := range []any{nil, 1, -1, "text", []byte("bytes"), []any{1.5, map[string]any{"a": true}}} {
		data, err := Msgpack[any]{}.Encode(value)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte("\xd6\xff\x00\x00\x00\x01"))
	f.Fuzz(func(t *testing.T, data []byte) {
		var s structure
		err := s.check(data, 100, nil)
		for i, e := range s.extensions {
			if e.start >= e.end || i > 0 && e.start <= s.extensions[i-1].end {
				t.Fatalf("extensions must be in order and not empty: %v", s.extensions)
			}
		}
		if err != nil {
			return
		}
		rest := bytes.NewReader(data)
		if err := msgpack.NewDecoder(rest).Skip(); err != nil || rest.Len() != 0 {
			t.Fatalf("what the check accepts must be one value to the library: %v, %d of %d bytes left: %x", err, rest.Len(), len(data), data)
		}
	})
}
