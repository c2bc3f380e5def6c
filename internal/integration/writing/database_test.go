package writing

import (
	"os"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"syscall"
	"testing"
	"unsafe"
)

// database is the source that the caches are in front of: a few rows, each a
// version that every commit counts up. It lies in a file that several
// processes map, and outlives any of them.
//
// Beside each row it keeps the greatest version whose invalidation has
// returned: what a read that begins later must not fall behind.
type database struct{ cells []uint64 }

const (
	rows          = 8
	databaseCells = 2 * rows
)

func newDatabase(tb testing.TB) (path string, db database) {
	tb.Helper()
	path = filepath.Join(tb.TempDir(), "database")
	if err := os.WriteFile(path, make([]byte, 8*databaseCells), 0o600); err != nil {
		tb.Fatal(err)
	}
	db, err := mapDatabase(path)
	if err != nil {
		tb.Fatal(err)
	}
	for row := range rows {
		db.commit(row)
	}
	return path, db
}

// mapDatabase maps the file for as long as the process lives.
func mapDatabase(path string) (database, error) {
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return database{}, err
	}
	defer file.Close()
	memory, err := syscall.Mmap(int(file.Fd()), 0, 8*databaseCells, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
	if err != nil {
		return database{}, err
	}
	return database{cells: unsafe.Slice((*uint64)(unsafe.Pointer(&memory[0])), databaseCells)}, nil
}

func (d database) read(row int) uint64   { return atomic.LoadUint64(&d.cells[row]) }
func (d database) commit(row int) uint64 { return atomic.AddUint64(&d.cells[row], 1) }

func (d database) acknowledged(row int) uint64 { return atomic.LoadUint64(&d.cells[rows+row]) }

// acknowledge notes that the invalidation of a version has returned.
func (d database) acknowledge(row int, version uint64) {
	cell := &d.cells[rows+row]
	for {
		old := atomic.LoadUint64(cell)
		if old >= version || atomic.CompareAndSwapUint64(cell, old, version) {
			return
		}
	}
}

// keyOf returns the cache key of a row.
func keyOf(row int) string { return "row" + strconv.Itoa(row) }

func rowOf(key string) int {
	row, err := strconv.Atoi(key[len("row"):])
	must(err)
	return row
}

func textOf(version uint64) string { return strconv.FormatUint(version, 10) }

func versionOf(text string) uint64 {
	version, err := strconv.ParseUint(text, 10, 64)
	must(err)
	return version
}
