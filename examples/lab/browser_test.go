package main

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// browserEnv names the browser to use in place of the Chromium in PATH.
const browserEnv = "CASCACHE_CHROMIUM"

// chromium returns the browser to test with. Without one it skips the test, or
// fails it where everything is to be tested.
func chromium(t *testing.T) string {
	t.Helper()
	names := []string{"chromium", "chromium-browser", "google-chrome", "chrome"}
	if name := os.Getenv(browserEnv); name != "" {
		names = []string{name}
	}
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	how := fmt.Sprintf("this test needs Chromium, and there is no %s: run `make deps` or `apt-get install chromium`, or set %s to its path",
		strings.Join(names, ", "), browserEnv)
	if os.Getenv("CI") == "true" {
		t.Fatal(how)
	}
	t.Skip(how)
	return ""
}

// A tab is one of a browser of the test's own.
type tab struct {
	t   *testing.T
	ctx context.Context

	mu     sync.Mutex // guards what follows
	asked  []string   // the addresses that the page fetched
	errors []string
}

// openTab opens a browser with an empty tab of this size.
func openTab(t *testing.T, width, height int64) *tab {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(chromium(t)))
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox) // which Chromium refuses to have as root
	}
	ctx, cancel := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	p := &tab{t: t, ctx: ctx}
	if err := chromedp.Do(ctx, chromedp.EmulateViewport(width, height)); err != nil {
		t.Fatalf("start the browser: %v", err)
	}
	if _, err := chromedp.Call(ctx, network.Enable, network.EnableParams{}); err != nil {
		t.Fatal(err)
	}
	requests := chromedp.Events(ctx, network.RequestWillBeSent)
	go func() {
		for e, err := range requests {
			if err != nil {
				return
			}
			p.mu.Lock()
			p.asked = append(p.asked, e.Request.URL)
			p.mu.Unlock()
		}
	}()
	console := chromedp.Console(ctx)
	go func() {
		for m, err := range console {
			if err != nil {
				return
			}
			if m.IsException() || m.Type == "error" {
				p.mu.Lock()
				p.errors = append(p.errors, m.String())
				p.mu.Unlock()
			}
		}
	}()
	return p
}

// do runs actions, each within the test's patience.
func (p *tab) do(what string, actions ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, time.Minute)
	defer cancel()
	if err := chromedp.Do(ctx, actions...); err != nil {
		p.t.Fatalf("%s: %v", what, err)
	}
}

// evaluate returns what the expression is in the page.
func evaluate[T any](p *tab, expression string) T {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, time.Minute)
	defer cancel()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		p.t.Fatalf("%s: %v", expression, err)
	}
	return v
}

// number reads a number of a lane as the table shows it.
func (p *tab) number(lane, key string) int {
	p.t.Helper()
	text := evaluate[string](p, fmt.Sprintf(`document.querySelector('tr[data-lane="%s"] [data-n="%s"]').textContent`, lane, key))
	n, err := strconv.Atoi(strings.ReplaceAll(text, ",", ""))
	if err != nil {
		p.t.Fatalf("the table shows a number for %s of %s: got %q", key, lane, text)
	}
	return n
}

func (p *tab) text(id string) string {
	p.t.Helper()
	return evaluate[string](p, fmt.Sprintf("document.getElementById(%q).textContent", id))
}

// mustBeClean fails the test if the page fetched from elsewhere, or if a script
// failed.
func (p *tab) mustBeClean(home string) {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, address := range p.asked {
		if u, err := url.Parse(address); err != nil || u.Scheme != "data" && !strings.HasPrefix(address, home) {
			p.t.Errorf("the page fetches nothing from elsewhere: it asked for %s", address)
		}
	}
	if len(p.errors) > 0 {
		p.t.Errorf("no script fails: %s", strings.Join(p.errors, "\n"))
	}
}

func TestBrowserRunsTheLab(t *testing.T) {
	t.Parallel()
	p := openTab(t, 1280, 900)
	s, web := testServer(t)
	p.do("open the page", chromedp.Navigate(web.URL), chromedp.WaitVisible(chromedp.CSS("#start")))
	if got := p.text("status"); got != "Not running" {
		t.Errorf("before the first run the page says so: got %q", got)
	}

	// By keyboard alone: Tab goes to the link that skips, then to Start.
	p.do("press Tab twice and Enter", chromedp.KeyEvent(kb.Tab+kb.Tab))
	if got := evaluate[string](p, "document.activeElement.id"); got != "start" {
		t.Fatalf("the second Tab reaches the Start button: got %q", got)
	}
	if got := evaluate[string](p, "getComputedStyle(document.activeElement).outlineStyle"); got != "solid" {
		t.Errorf("what has the focus is outlined: got %q", got)
	}
	p.do("press Enter", chromedp.KeyEvent(kb.Enter))
	until(t, "the page says that the run goes on", func() bool { return p.text("status") == "Running" })

	// A control is moved by its keys, and reaches the run.
	p.do("move a control", chromedp.Focus(chromedp.CSS("#c-write_rate")), chromedp.KeyEvent(kb.ArrowRight+kb.ArrowRight+kb.ArrowRight))
	if got, want := p.text("o-write_rate"), "430"; got != want {
		t.Errorf("a control shows what it is set to: got %q, want %q", got, want)
	}
	until(t, "the run has the write rate that was set on the page", func() bool {
		r, _ := s.current()
		return r.board.get(wordWriteRate) == 430
	})

	// The numbers are those of the lab.
	until(t, "the page shows stale reads of the lane that deletes", func() bool { return p.number("delete", "stale") > 0 })
	if reads, stale := p.number("cas", "reads"), p.number("cas", "stale"); reads == 0 || stale != 0 {
		t.Errorf("the page shows what CasCache promises: got %d stale reads of %d", stale, reads)
	}
	if n := evaluate[int](p, `document.querySelectorAll("article svg.chart polyline").length`); n != 4*7 {
		t.Errorf("every lane has lines for hits, reads, p50 and p99: got %d lines", n)
	}
	until(t, "the page explains a stale read, and where CasCache refuses", func() bool {
		return evaluate[bool](p, `document.querySelectorAll("#explanation li").length >= 4 && !!document.querySelector("#explanation .badge.bad") && !!document.querySelector("#explanation .badge.good")`)
	})

	p.do("stall loads", chromedp.Click(chromedp.CSS(`[data-fault="stall"]`)))
	until(t, "the page lists the fault", func() bool { return strings.Contains(p.text("notices"), "loads stalled") })
	p.do("stop", chromedp.Click(chromedp.CSS("#stop")))
	until(t, "the page says that the run is over", func() bool { return p.text("status") == "Stopped" })
	r, _ := s.current()
	if page, lab := p.number("delete", "stale"), int(counted(r)["delete"].Stale); page != lab {
		until(t, "the page shows the last count", func() bool { return p.number("delete", "stale") == lab })
	}
	p.mustBeClean(web.URL)
}

// contrasts returns the texts whose contrast with what lies behind them is
// below 4.5.
const contrasts = `(() => {
	const parse = (c) => (c.match(/[\d.]+/g) || []).map(Number);
	const light = (c) => { const [r, g, b] = c.slice(0, 3).map((v) => { v /= 255; return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; }); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
	const behind = (e) => { for (; e; e = e.parentElement) { const c = parse(getComputedStyle(e).backgroundColor); if (c.length === 3 || c[3] > 0) return c; } return [255, 255, 255]; };
	const bad = [];
	for (const e of document.querySelectorAll("body *")) {
		const own = [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim() !== "");
		if (!own || e.closest("svg, :disabled, script, option") || e.offsetParent === null) continue;
		const a = light(parse(getComputedStyle(e).color)), b = light(behind(e));
		const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
		if (ratio < 4.5) bad.push(e.tagName + " " + e.textContent.trim().slice(0, 40) + " " + ratio.toFixed(2));
	}
	return bad;
})()`

// tooSmall returns what can be pressed and is smaller than a finger.
const tooSmall = `[...document.querySelectorAll("button, select, input")].filter((e) => { const r = e.getBoundingClientRect(); return r.height < 36 || r.width < 36; }).map((e) => e.id || e.textContent)`

// unnamed returns what can be used and has no name.
const unnamed = `[...document.querySelectorAll("button, select, input, svg.chart")].filter((e) => !(e.textContent.trim() || e.getAttribute("aria-label") || (e.labels && e.labels.length))).map((e) => e.outerHTML.slice(0, 80))`

// Phones, the dark, and the report.
func TestBrowserShowsItToEveryone(t *testing.T) {
	t.Parallel()
	p := openTab(t, 360, 740)
	_, web := testServer(t)
	if status, text := ask(t, "POST", web.URL+"/run", ""); status != 204 {
		t.Fatalf("start a run: %d %s", status, text)
	}
	file := filepath.Join(t.TempDir(), "report.html")
	if err := testReport(t).write(file); err != nil {
		t.Fatal(err)
	}
	for name, address := range map[string]string{"page": web.URL + "/", "report": "file://" + filepath.ToSlash(file)} {
		grounds := make(map[string]string)
		for _, scheme := range []string{"light", "dark"} {
			features := []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}
			if _, err := chromedp.Call(p.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: features}); err != nil {
				t.Fatal(err)
			}
			p.do("open the "+name, chromedp.Navigate(address))
			if name == "page" {
				until(t, "the page is live, with an explanation", func() bool { return evaluate[bool](p, `!!document.querySelector("#explanation li")`) })
			}
			if width := evaluate[int](p, "document.documentElement.scrollWidth"); width > 360 {
				t.Errorf("%s, %s: nothing is wider than a phone of 360 pixels: got %d", name, scheme, width)
			}
			for what, script := range map[string]string{"text is readable (contrast 4.5)": contrasts, "what can be pressed is as large as a finger": tooSmall, "what can be used has a name": unnamed} {
				if got := evaluate[[]string](p, script); len(got) > 0 {
					t.Errorf("%s, %s: %s: %q is not", name, scheme, what, got)
				}
			}
			grounds[scheme] = evaluate[string](p, "getComputedStyle(document.documentElement).backgroundColor")
		}
		if grounds["light"] == grounds["dark"] {
			t.Errorf("%s: in the dark the ground is dark: got %s in both", name, grounds["dark"])
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.errors) > 0 {
		t.Errorf("no script fails: %s", strings.Join(p.errors, "\n"))
	}
}
