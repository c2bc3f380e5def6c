package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// The replicas of a run are this very program, so they are this test too.
func TestMain(m *testing.M) {
	if told := os.Getenv(replicaEnv); told != "" {
		os.Exit(replicaMain(told, os.Stdin, os.Stdout))
	}
	redis.SetLogger(quiet{})
	os.Exit(m.Run())
}

// until returns once ok holds, and fails the test if that takes too long.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain until %s", what)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// runLab runs the program with a temporary folder of its own, which must be
// empty afterwards.
func runLab(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	var out, errs bytes.Buffer
	code = realMain(t.Context(), args, &out, &errs)
	if left, _ := os.ReadDir(temp); len(left) != 0 {
		t.Errorf("the lab removes its temporary files: %d are left", len(left))
	}
	return code, out.String(), errs.String()
}

func TestOnce(t *testing.T) {
	file := filepath.Join(t.TempDir(), "report.html")
	code, stdout, stderr := runLab(t, "-once", "-duration", "1s", "-out", file)
	if code != exitOK || stderr != "" {
		t.Fatalf("the lab succeeds: exit code %d, %s\n%s", code, stderr, stdout)
	}
	for _, part := range []string{"7 lanes side by side for 1s", "\nTTL only ", "\nsturdyc ", "\nCasCache ", "CasCache: none out of", "report.html"} {
		if !strings.Contains(stdout, part) {
			t.Errorf("the output lacks %q:\n%s", part, stdout)
		}
	}
	for _, name := range []string{"report.html", "report.json", "report.svg"} {
		if _, err := os.Stat(filepath.Join(filepath.Dir(file), name)); err != nil {
			t.Errorf("a report has its figures and its picture beside it: %v", err)
		}
	}
}

func TestUsage(t *testing.T) {
	if code, stdout, _ := runLab(t, "-h"); code != exitOK || !strings.Contains(stdout, "-load-delay") {
		t.Errorf("-h explains the flags: got exit code %d and %q", code, stdout)
	}
	for _, args := range []string{"-readers 0", "-out x.html", "now", "-write-rate 2001", "-replicas 1", "-lag 3s"} {
		if code, _, stderr := runLab(t, strings.Fields(args)...); code != exitUsage || !strings.HasPrefix(stderr, "lab: ") {
			t.Errorf("%s is refused with a sentence: got exit code %d and %q", args, code, stderr)
		}
	}
	if code, _, stderr := runLab(t, "-once", "-redis", "127.0.0.1:1"); code != exitFailed || !strings.Contains(stderr, "no Redis at 127.0.0.1:1") {
		t.Errorf("a Redis that is not there is named: got exit code %d and %q", code, stderr)
	}
}

func TestOnceIsInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(300*time.Millisecond, cancel)
	var out, errs bytes.Buffer
	if code := realMain(ctx, []string{"-once", "-duration", "5m"}, &out, &errs); code != exitFailed || !strings.Contains(errs.String(), "interrupted") {
		t.Errorf("an interrupted measurement says so: got exit code %d and %q", code, errs.String())
	}
}
