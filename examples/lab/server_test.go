package main

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func testServer(t *testing.T) (*labServer, *httptest.Server) {
	t.Helper()
	s := newLabServer(stormy(), nil)
	web := httptest.NewServer(s.handler())
	t.Cleanup(func() {
		web.CloseClientConnections()
		web.Close()
		s.close()
	})
	return s, web
}

func ask(t *testing.T, method, url, body string, header ...string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		if header[i] == "Host" {
			r.Host = header[i+1]
		}
		r.Header.Set(header[i], header[i+1])
	}
	reply, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer reply.Body.Close()
	text, err := io.ReadAll(reply.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply.StatusCode, string(text)
}

func TestServerRefuses(t *testing.T) {
	_, web := testServer(t)
	for _, c := range []struct {
		what, method, path, body string
		header                   []string
		status                   int
		says                     string
	}{
		{"a control out of range", "POST", "/controls", `{"readers": 0}`, nil, 400, "from 1 to 64"},
		{"a control that does not exist", "POST", "/controls", `{"nope": 1}`, nil, 400, `"nope"`},
		{"a control that is no number", "POST", "/controls", `{"readers": "x"}`, nil, 400, "whole numbers"},
		{"a fault that does not exist", "POST", "/faults/nope", "", nil, 404, "no such fault"},
		{"a fault before the first run", "POST", "/faults/stall", "", nil, 409, "over"},
		{"a replica that does not exist", "POST", "/faults/kill?replica=9", "", nil, 400, "from 1 to 2"},
		{"a lane that does not exist", "GET", "/explanation/nope", "", nil, 404, "no such lane"},
		{"a button pressed by another site", "POST", "/run", "", []string{"Sec-Fetch-Site", "cross-site"}, 403, ""},
		{"a button pressed by another origin", "POST", "/run", "", []string{"Origin", "http://example.com"}, 403, ""},
		{"a name that was made to point here", "GET", "/", "", []string{"Host", "example.com"}, 421, ""},
	} {
		if status, text := ask(t, c.method, web.URL+c.path, c.body, c.header...); status != c.status || !strings.Contains(text, c.says) {
			t.Errorf("%s is refused with a sentence: got %d %q, want %d and %q", c.what, status, text, c.status, c.says)
		}
	}
}

func TestServerSendsLiveData(t *testing.T) {
	s, web := testServer(t)
	if status, text := ask(t, "POST", web.URL+"/run", ""); status != http.StatusNoContent {
		t.Fatalf("a run starts: got %d %q", status, text)
	}
	if status, text := ask(t, "POST", web.URL+"/controls", `{"write_rate": 350, "lag_ms": 40}`); status != http.StatusNoContent {
		t.Fatalf("controls are set: got %d %q", status, text)
	}
	r, _ := s.current()
	if got := r.board.get(wordWriteRate); got != 350 {
		t.Errorf("a control reaches the run: the write rate is %d, want 350", got)
	}
	if got := r.board.duration(wordLag); got != 40*time.Millisecond {
		t.Errorf("a control reaches the run: the lag is %v, want 40 ms", got)
	}
	reply, err := http.Get(web.URL + "/events")
	if err != nil {
		t.Fatal(err)
	}
	defer reply.Body.Close()
	lines := bufio.NewScanner(reply.Body)
	lines.Buffer(nil, 1<<20)
	for events := 0; events < 30 && lines.Scan(); {
		data, ok := strings.CutPrefix(lines.Text(), "data: ")
		if !ok {
			continue
		}
		events++
		var v view
		if err := json.Unmarshal([]byte(data), &v); err != nil {
			t.Fatal(err)
		}
		if v.Running && v.Lanes[1].Numbers["stale"] != "0" && v.Controls["write_rate"] == 350 {
			if !strings.HasPrefix(string(v.Lanes[1].Charts["stale"].SVG), "<svg") {
				t.Errorf("events carry the charts: got %q", v.Lanes[1].Charts["stale"].SVG)
			}
			return
		}
	}
	t.Error("no event told of a stale read of a run that has many")
}
