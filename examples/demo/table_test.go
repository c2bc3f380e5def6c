package main

import (
	"bytes"
	"testing"
	"time"
)

var sampleResults = []result{
	{name: "TTL only", elapsed: 2 * time.Second, reads: 1_234_567, hits: 1_200_000, stale: 34_000, worst: 1_003_260 * time.Microsecond, writes: 1_500},
	{name: "delete-then-set", elapsed: 2 * time.Second, reads: 900, hits: 450, stale: 1, worst: 400 * time.Microsecond, writes: 1_500},
	{name: "CasCache", promises: true, elapsed: 2 * time.Second, reads: 800_000, hits: 799_999, writes: 1_500},
}

func TestTable(t *testing.T) {
	var out bytes.Buffer
	printTable(&out, sampleResults)
	want := `
cache                reads  hit ratio  stale reads  worst staleness (ms)  reads per second
---------------  ---------  ---------  -----------  --------------------  ----------------
TTL only         1,234,567     97.2 %       34,000               1,003.3           617,283
delete-then-set        900     50.0 %            1                   0.4               450
CasCache           800,000    100.0 %            0                   0.0           400,000
`
	if got := "\n" + out.String(); got != want {
		t.Errorf("the table has one aligned row per cache:\ngot%s\nwant%s", got, want)
	}
}

func TestTableOfNothing(t *testing.T) {
	var out bytes.Buffer
	printTable(&out, []result{{name: "idle"}})
	want := `
cache  reads  hit ratio  stale reads  worst staleness (ms)  reads per second
-----  -----  ---------  -----------  --------------------  ----------------
idle       0      0.0 %            0                   0.0                 0
`
	if got := "\n" + out.String(); got != want {
		t.Errorf("a cache without reads has a row of zeros:\ngot%s\nwant%s", got, want)
	}
}
