package child

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"testing"
	"time"
)

// childEnv makes this binary a child that counts to so many and ends, or waits
// for ever.
const childEnv = "CASCACHE_CHILD_COUNTS_TO"

func TestMain(m *testing.M) {
	switch n := os.Getenv(childEnv); n {
	case "":
		os.Exit(m.Run())
	case "wait":
		select {}
	default:
		var last int
		fmt.Sscan(n, &last)
		for i := range last {
			fmt.Println(i)
		}
		fmt.Print("half a line")
	}
}

func start(t *testing.T, part string, line func([]byte)) *Process {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+part)
	cmd.Stdout = Lines(line)
	p, err := Start(cmd)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Kill)
	return p
}

func TestAllThatAChildSaidIsHeardWhenItHasExited(t *testing.T) {
	const last = 20_000 // more than a pipe holds
	var next int
	p := start(t, fmt.Sprint(last), func(line []byte) {
		if string(line) != fmt.Sprint(next) {
			t.Errorf("lines come whole and in order: got %q, want %d", line, next)
		}
		next++
	})
	<-p.Exited()
	if next != last || p.Running() {
		t.Errorf("after Exited, all lines have been heard and nothing runs: heard %d of %d, running %t", next, last, p.Running())
	}
}

func TestLinesInPieces(t *testing.T) {
	var got []string
	w := Lines(func(line []byte) { got = append(got, string(line)) })
	for _, piece := range []string{"a", "b\n\nc", "\nd\ne", "\nf"} {
		if n, err := w.Write([]byte(piece)); n != len(piece) || err != nil {
			t.Fatalf("Write(%q) = %d, %v; it takes everything", piece, n, err)
		}
	}
	if want := []string{"ab", "", "c", "d", "e"}; !slices.Equal(got, want) {
		t.Errorf("lines are what stands between line ends: got %q, want %q", got, want)
	}
}

func TestPausedChildIsContinuedAndKilled(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux tells by /proc whether a process is paused")
	}
	p := start(t, "wait", func([]byte) {})
	await := func(paused bool) {
		t.Helper()
		for end := time.Now().Add(20 * time.Second); p.Paused() != paused; time.Sleep(time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("the child's being paused becomes %t, want it within 20s", paused)
			}
		}
	}
	for range 2 {
		if err := p.Pause(); err != nil {
			t.Fatal(err)
		}
		await(true)
		if err := p.Resume(); err != nil {
			t.Fatal(err)
		}
		await(false)
	}
	if err := p.Pause(); err != nil {
		t.Fatal(err)
	}
	p.Kill()
	if p.Running() {
		t.Error("Kill ends a paused child, too: it still runs")
	}
}

func TestMissingProgram(t *testing.T) {
	if _, err := Start(exec.Command("no-such-program")); err == nil {
		t.Error("a program that is not there cannot be started: want an error")
	}
}
