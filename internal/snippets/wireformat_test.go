package snippets

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/unkn0wn-root/cascache/wire"
)

// The second implementation. It is written from docs/wire-format.md alone, in
// the plainest way, and shares nothing with package wire.

// reader takes fields off bytes, and remembers if one was not there.
type reader struct {
	b    []byte
	lack bool
}

func (r *reader) take(n uint64) []byte {
	if r.lack || n > uint64(len(r.b)) {
		r.lack = true
		return nil
	}
	taken := r.b[:n]
	r.b = r.b[n:]
	return taken
}

func (r *reader) number(size int) (n uint64) {
	for _, b := range r.take(uint64(size)) {
		n = n<<8 | uint64(b)
	}
	return n
}

// castagnoliOf is CRC-32C bit by bit.
func castagnoliOf(b []byte) uint32 {
	crc := ^uint32(0)
	for _, x := range b {
		crc ^= uint32(x)
		for range 8 {
			odd := crc & 1
			crc >>= 1
			if odd == 1 {
				crc ^= 0x82F63B78
			}
		}
	}
	return ^crc
}

var errRefused = errors.New("refused")

// decodeEntry returns what an entry holds, as the tables of the page say it.
func decodeEntry(version, name string, b []byte) (string, error) {
	if len(b) < 6 || string(b[:4]) != "CASC" || b[4] != version[0]-'0' || b[5] < 1 || b[5] > 3 {
		return "", errRefused
	}
	kind, header := b[5], 6
	if version[0] == '3' {
		if header = 7; len(b) < 7 || b[6] != map[string]byte{"3": 0, "3+": 1}[version] {
			return "", errRefused
		}
	}
	r := &reader{b: b[header:]}
	if hasSum(version) {
		if len(b) < header+4 {
			return "", errRefused
		}
		end := &reader{b: b[len(b)-4:]}
		if uint64(castagnoliOf(b[:len(b)-4])) != end.number(4) {
			return "", errRefused
		}
		r.b = b[header : len(b)-4]
		if string(r.take(r.number(2))) != name || r.lack {
			return "", errRefused
		}
	}
	var holds string
	var err error
	switch {
	case version[0] == '3':
		if holds, err = decodeBody3(kind, r); err != nil {
			return "", err
		}
	case kind == 1:
		gen := r.number(8)
		holds = fmt.Sprintf("single %d %q", gen, r.take(r.number(4)))
	case kind == 2:
		count := r.number(4)
		if count*14 > uint64(len(r.b)) {
			return "", errRefused
		}
		var members []string
		var last []byte
		for i := range count {
			key := r.take(r.number(2))
			gen := r.number(8)
			members = append(members, fmt.Sprintf("%q %d %q", key, gen, r.take(r.number(4))))
			if i > 0 && bytes.Compare(last, key) >= 0 {
				return "", errRefused
			}
			last = key
		}
		holds = strings.TrimSpace("bulk " + strings.Join(members, ", "))
	case kind == 3:
		holds = fmt.Sprintf("absent %d", r.number(8))
	}
	if r.lack || len(r.b) > 0 {
		return "", errRefused
	}
	return holds, nil
}

// hasSum reports whether entries of a version carry a checksum.
func hasSum(version string) bool { return version == "2" || version == "3+" }

type dependency struct {
	key string
	gen uint64
}

func (r *reader) dependency() dependency {
	key := string(r.take(r.number(2)))
	return dependency{key, r.number(8)}
}

// printed returns dependencies as the tables of the page do.
func printed(deps []dependency) string {
	var each []string
	for _, dep := range deps {
		each = append(each, fmt.Sprintf("%q %d", dep.key, dep.gen))
	}
	return "[" + strings.Join(each, ", ") + "]"
}

// decodeBody3 is the part of decodeEntry between header and checksum, in version 3.
func decodeBody3(kind byte, r *reader) (string, error) {
	if kind != 2 {
		gen, loaded, count := r.number(8), r.number(8), r.number(2)
		if count > 256 {
			return "", errRefused
		}
		var deps []dependency
		for range count {
			deps = append(deps, r.dependency())
		}
		for i := 1; i < len(deps); i++ {
			if deps[i-1].key >= deps[i].key {
				return "", errRefused
			}
		}
		if kind == 3 {
			return fmt.Sprintf("absent %d %d %s", gen, loaded, printed(deps)), nil
		}
		return fmt.Sprintf("single %d %d %s %q", gen, loaded, printed(deps), r.take(r.number(4))), nil
	}
	count := r.number(4)
	if count*10 > uint64(len(r.b)) {
		return "", errRefused
	}
	var table []dependency
	for range count {
		table = append(table, r.dependency())
	}
	for i := 1; i < len(table); i++ {
		if a, b := table[i-1], table[i]; a.key > b.key || a.key == b.key && a.gen >= b.gen {
			return "", errRefused
		}
	}
	if count = r.number(4); count*24 > uint64(len(r.b)) {
		return "", errRefused
	}
	var members []string
	var last string
	used := make(map[dependency]bool)
	for i := range count {
		key := string(r.take(r.number(2)))
		gen, loaded, many := r.number(8), r.number(8), r.number(2)
		if many > 256 || i > 0 && last >= key {
			return "", errRefused
		}
		last = key
		var deps []dependency
		for range many {
			index := r.number(4)
			if r.lack || index >= uint64(len(table)) {
				return "", errRefused
			}
			// The table is in order, so that ascending indices without a key
			// twice are ascending keys.
			dep := table[index]
			if len(deps) > 0 && deps[len(deps)-1].key >= dep.key {
				return "", errRefused
			}
			deps = append(deps, dep)
			used[dep] = true
		}
		members = append(members, fmt.Sprintf("%q %d %d %s %q", key, gen, loaded, printed(deps), r.take(r.number(4))))
	}
	if len(used) < len(table) {
		return "", errRefused
	}
	return strings.TrimSpace("bulk " + strings.Join(members, ", ")), nil
}

// entryName returns the name of the entry of keys in a namespace.
func entryName(namespace string, keys []string, bulk bool) string {
	namespace = strings.ReplaceAll(strings.ReplaceAll(namespace, "%", "%25"), ":", "%3A")
	if !bulk {
		return "single:" + namespace + ":" + keys[0]
	}
	keys = slices.Clone(keys)
	slices.Sort(keys)
	hash := sha256.New()
	for _, key := range slices.Compact(keys) {
		fmt.Fprintf(hash, "%c%c%s", byte(len(key)>>8), byte(len(key)), key) // these are short
	}
	return "bulk:" + namespace + ":" + hex.EncodeToString(hash.Sum(nil)[:16])
}

// generationName returns the Redis key of the generation of an entry, or of the
// mark of the namespace for none.
func generationName(namespace, entry string) string {
	slot := func(name string) int {
		if _, rest, ok := strings.Cut(name, "{"); ok {
			if tag, _, ok := strings.Cut(rest, "}"); ok && tag != "" {
				name = tag
			}
		}
		crc := 0
		for i := range len(name) {
			crc ^= int(name[i]) << 8
			for range 8 {
				crc <<= 1
				if crc > 0xFFFF {
					crc = (crc ^ 0x1021) & 0xFFFF
				}
			}
		}
		return crc % 16384
	}
	namespace = strings.ReplaceAll(strings.ReplaceAll(namespace, "%", "%25"), ":", "%3A")
	of, rest := entry, ":"+entry
	if entry == "–" {
		of, rest = namespace, ""
	}
	for n := int64(0); ; n++ {
		if tag := strconv.FormatInt(n, 36); slot(tag) == slot(of) {
			return "gen:{" + tag + "}:" + namespace + rest
		}
	}
}

// The judge that it is compared with.

var versions = map[string]wire.Version{"1": wire.Version1, "2": wire.Version2, "3": wire.Version3, "3+": wire.Version3Checked}

func printedDeps(deps wire.Deps) string {
	var list []dependency
	for key, gen := range deps.All() {
		list = append(list, dependency{key, gen})
	}
	return printed(list)
}

// wireEntry3 is decodeEntry of version 3 by package wire.
func wireEntry3(v wire.Version, name string, b []byte) (string, error) {
	kind, err := v.KindOf(b)
	if err != nil {
		return "", err
	}
	if kind == wire.KindBulk {
		bulk, _, err := v.DecodeMembers(b, name)
		var members []string
		for _, m := range bulk {
			members = append(members, fmt.Sprintf("%q %d %d %s %q", m.Key, m.Gen, m.Loaded, printedDeps(m.Deps), m.Payload))
		}
		return strings.TrimSpace("bulk " + strings.Join(members, ", ")), err
	}
	var e wire.Entry
	err = v.Decode(b, name, &e)
	if e.Absent {
		return fmt.Sprintf("absent %d %d %s", e.Gen, e.Loaded, printedDeps(e.Deps)), err
	}
	return fmt.Sprintf("single %d %d %s %q", e.Gen, e.Loaded, printedDeps(e.Deps), e.Payload), err
}

// wireEntry is decodeEntry by package wire.
func wireEntry(version, name string, b []byte) (string, error) {
	v := versions[version]
	if version[0] == '3' {
		return wireEntry3(v, name, b)
	}
	kind, err := v.KindOf(b)
	if err != nil {
		return "", err
	}
	switch kind {
	case wire.KindSingle:
		gen, payload, err := v.DecodeSingle(b, name)
		return fmt.Sprintf("single %d %q", gen, payload), err
	case wire.KindBulk:
		items, err := v.DecodeBulk(b, name)
		members := make([]string, len(items))
		for i, item := range items {
			members[i] = fmt.Sprintf("%q %d %q", item.Key, item.Gen, item.Payload)
		}
		return strings.TrimSpace("bulk " + strings.Join(members, ", ")), err
	default:
		gen, err := v.DecodeAbsent(b, name)
		return fmt.Sprintf("absent %d", gen), err
	}
}

// The page.

// tables returns the rows of the page's tables by their header, each cell
// without the marks of code.
func tables(t *testing.T) map[string][][]string {
	t.Helper()
	markdown, err := os.ReadFile(filepath.Join(root, "docs", "wire-format.md"))
	if err != nil {
		t.Fatal(err)
	}
	rows := make(map[string][][]string)
	header := ""
	for line := range strings.Lines(string(markdown)) {
		line = strings.TrimSpace(line)
		switch {
		case !strings.HasPrefix(line, "|"):
			header = ""
		case header == "":
			header = line
		case !strings.HasPrefix(line, "|---"):
			var cells []string
			for _, cell := range strings.Split(strings.Trim(line, "|"), "|") {
				cells = append(cells, strings.TrimSpace(cell))
			}
			rows[header] = append(rows[header], cells)
		}
	}
	return rows
}

func bare(cell string) string { return strings.ReplaceAll(cell, "`", "") }

func bytesOf(t *testing.T, cell string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(bare(cell), " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

const (
	goldenTable  = "| version | stored under | holds | bytes |"
	refusedTable = "| version | stored under | bytes | why |"
	namesTable   = "| namespace | keys | name |"
	redisTable   = "| store namespace | entry | Redis key |"
)

func rowsOf(t *testing.T, header string) [][]string {
	t.Helper()
	rows := tables(t)[header]
	if len(rows) == 0 {
		t.Fatalf("docs/wire-format.md must have a table with the header %s", header)
	}
	return rows
}

func TestASecondDecoderAgrees(t *testing.T) {
	if got := castagnoliOf([]byte("123456789")); got != 0xe3069283 {
		t.Fatalf("the checksum must be CRC-32C: got %08x for its check value, want e3069283", got)
	}
	type seed struct {
		version string
		name    string
		frame   []byte
	}
	var seeds []seed
	for _, row := range rowsOf(t, goldenTable) {
		version, name, holds, frame := bare(row[0]), bare(row[1]), row[2], bytesOf(t, row[3])
		seeds = append(seeds, seed{version, name, frame})
		if got, err := decodeEntry(version, name, frame); got != holds || err != nil {
			t.Errorf("the page must be enough to decode its golden bytes: %x: got %s, %v, want %s", frame, got, err, holds)
		}
		if got, err := wireEntry(version, name, frame); got != holds || err != nil {
			t.Errorf("the page and package wire must agree on golden bytes: %x: got %s, %v, want %s", frame, got, err, holds)
		}
	}
	for _, row := range rowsOf(t, refusedTable) {
		version, name, frame := bare(row[0]), bare(row[1]), bytesOf(t, row[2])
		seeds = append(seeds, seed{version, name, frame})
		if got, err := decodeEntry(version, name, frame); err == nil {
			t.Errorf("what the page says is refused must be: %x (%s): decoded to %s", frame, row[3], got)
		}
		if got, err := wireEntry(version, name, frame); !errors.Is(err, wire.ErrCorrupt) {
			t.Errorf("what the page says is refused must be: %x (%s): wire has %s, %v", frame, row[3], got, err)
		}
	}
	// Damage of all kinds. Where there is a checksum, it is often made to match
	// again, or nothing behind it would ever be looked at.
	random := rand.New(rand.NewPCG(1, 2))
	accepted := 0
	for range 200_000 {
		s := seeds[random.IntN(len(seeds))]
		frame := bytes.Clone(s.frame)
		for range 1 + random.IntN(3) {
			switch at := random.IntN(len(frame) + 1); {
			case at == len(frame):
				frame = append(frame, byte(random.IntN(4)))
			case random.IntN(8) == 0:
				frame = frame[:at]
			case random.IntN(4) == 0:
				frame = slices.Delete(frame, at, at+1)
			default:
				frame[at] = byte(random.IntN(5)) << random.IntN(8)
			}
			if len(frame) == 0 {
				break
			}
		}
		if hasSum(s.version) && len(frame) >= 11 && random.IntN(4) > 0 {
			sum := castagnoliOf(frame[:len(frame)-4])
			frame = append(frame[:len(frame)-4], byte(sum>>24), byte(sum>>16), byte(sum>>8), byte(sum))
		}
		got, err := decodeEntry(s.version, s.name, frame)
		want, wantErr := wireEntry(s.version, s.name, frame)
		if (err == nil) != (wantErr == nil) || err == nil && got != want {
			t.Fatalf("a decoder written from the page must take and refuse what package wire does: version %s, %x: got %s, %v, want %s, %v",
				s.version, frame, got, err, want, wantErr)
		}
		if err == nil {
			accepted++
		}
	}
	if accepted < 1000 {
		t.Errorf("the damaged bytes must be close enough to well-formed ones to compare what they decode to: %d were accepted", accepted)
	}
}

func TestASecondImplementationFindsTheNames(t *testing.T) {
	for _, row := range rowsOf(t, namesTable) {
		keys, want := strings.Split(bare(row[1]), ", "), bare(row[2])
		if got := entryName(bare(row[0]), keys, strings.HasPrefix(want, "bulk:")); got != want {
			t.Errorf("the page must be enough to find an entry: namespace %s, keys %q: got %s, want %s", row[0], keys, got, want)
		}
	}
	for _, row := range rowsOf(t, redisTable) {
		if got := generationName(bare(row[0]), bare(row[1])); got != bare(row[2]) {
			t.Errorf("the page must be enough to find a generation: %s in %s: got %s, want %s", row[1], row[0], got, row[2])
		}
	}
}
