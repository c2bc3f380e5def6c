package metrics

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	promhooks "github.com/unkn0wn-root/cascache/hooks-prometheus"
	"github.com/unkn0wn-root/cascache/internal/redistest/child"
)

const (
	alertsFolder  = "../../../deploy/prometheus"
	dashboardFile = "../../../deploy/grafana/cascache.json"
)

// program returns the path of a program of Prometheus. Without it the test is
// skipped, or fails where everything is to be tested.
func program(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err == nil {
		return path
	}
	how := fmt.Sprintf("this test needs %s, and there is none (%v): run `make deps` or `apt-get install prometheus`", name, err)
	if os.Getenv("CI") == "true" {
		t.Fatal(how)
	}
	t.Skip(how)
	return ""
}

func TestAlertRules(t *testing.T) {
	promtool := program(t, "promtool")
	for _, args := range [][]string{{"check", "rules", "alerts.yml"}, {"test", "rules", "alerts_test.yml"}} {
		cmd := exec.Command(promtool, args...)
		cmd.Dir = alertsFolder
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("promtool %s must succeed: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
}

// A dashboard is what the tests read of one.
type dashboard struct {
	Panels []struct {
		Title       string `json:"title"`
		Description string `json:"description"`
		Type        string `json:"type"`
		Targets     []struct {
			Expr string `json:"expr"`
		} `json:"targets"`
	} `json:"panels"`
}

func readDashboard(t *testing.T) dashboard {
	t.Helper()
	raw, err := os.ReadFile(dashboardFile)
	if err != nil {
		t.Fatal(err)
	}
	var d dashboard
	if err := json.Unmarshal(raw, &d); err != nil {
		t.Fatalf("%s must be JSON: %v", dashboardFile, err)
	}
	return d
}

var metricName = regexp.MustCompile(`\bcascache_[a-z_]+`)

// TestDashboardAndAlertsNameTheMetricsThatThereAre: each metric has a panel, and
// nothing is asked for that no cache has.
func TestDashboardAndAlertsNameTheMetricsThatThereAre(t *testing.T) {
	registry := prometheus.NewPedanticRegistry()
	hooks, err := promhooks.New(promhooks.Config{Registerer: registry})
	if err != nil {
		t.Fatal(err)
	}
	if err := live(t.Context(), hooks, 0); err != nil {
		t.Fatal(err)
	}
	exist := make(map[string]bool)
	for series := range gather(t, registry) {
		exist[series[:strings.Index(series, "{")]] = true
	}
	exist["cascache_load_duration_seconds_bucket"] = true

	shown := make(map[string]bool)
	for _, p := range readDashboard(t).Panels {
		for _, target := range p.Targets {
			for _, name := range metricName.FindAllString(target.Expr, -1) {
				shown[name] = true
				if !exist[name] {
					t.Errorf("panel %q asks for a metric that no cache has: %s", p.Title, name)
				}
			}
		}
	}
	for name := range exist {
		if !shown[name] {
			t.Errorf("each metric has a panel: %s has none", name)
		}
	}

	alerts, err := os.ReadFile(filepath.Join(alertsFolder, "alerts.yml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range metricName.FindAllString(string(alerts), -1) {
		if !exist[name] && name != "cascache_hit_ratio" { // the part of a rule's own name
			t.Errorf("alerts.yml asks for a metric that no cache has: %s", name)
		}
	}
}

// TestDashboardOnARealPrometheus has a Prometheus scrape a service whose caches go
// through everything that hooks are told of, and asks it each query of the
// dashboard.
func TestDashboardOnARealPrometheus(t *testing.T) {
	registry := prometheus.NewPedanticRegistry()
	hooks, err := promhooks.New(promhooks.Config{Registerer: registry})
	if err != nil {
		t.Fatal(err)
	}
	handler := promhttp.HandlerFor(registry, promhttp.HandlerOpts{ErrorHandling: promhttp.HTTPErrorOnError})
	round := 0
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := live(r.Context(), hooks, round); err != nil {
			t.Error(err)
		}
		round++ // the scrapes come one after the other
		handler.ServeHTTP(w, r)
	}))
	defer service.Close()
	server := startPrometheus(t, strings.TrimPrefix(service.URL, "http://"))

	replacer := strings.NewReplacer("$__rate_interval", "10s", "$namespace", ".*", "$job", "shop")
	queries := 0
	for _, p := range readDashboard(t).Panels {
		for _, target := range p.Targets {
			queries++
			server.wantData(t, p.Title, replacer.Replace(target.Expr))
		}
		if p.Type != "row" && (len(p.Targets) == 0 || p.Description == "") {
			t.Errorf("panel %q has a query and says what it shows", p.Title)
		}
	}
	if queries < 15 {
		t.Errorf("this test must find the queries of the dashboard: it found %d", queries)
	}
	server.wantData(t, "the recorded hit ratio", "namespace_job:cascache_hit_ratio:rate5m")
	for _, alert := range []string{"CascacheInvalidationFailed", "CascacheLeaseEnded", "CascacheSharedProvider"} {
		server.wantData(t, alert, `ALERTS{alertname="`+alert+`", alertstate="firing"}`)
	}
}

// prometheusServer is a Prometheus of the test's own.
type prometheusServer struct {
	url string
	*child.Process
	log *lockedBuffer
}

// startPrometheus starts a server that scrapes the target as job "shop" and
// evaluates the alerts.
func startPrometheus(t *testing.T, target string) *prometheusServer {
	t.Helper()
	binary, dir := program(t, "prometheus"), t.TempDir()
	rules, err := filepath.Abs(filepath.Join(alertsFolder, "alerts.yml"))
	if err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(dir, "prometheus.yml")
	text := fmt.Sprintf("global: {scrape_interval: 500ms, evaluation_interval: 500ms}\nrule_files: [%q]\nscrape_configs: [{job_name: shop, static_configs: [{targets: [%q]}]}]\n", rules, target)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 5 { // somebody else may take the port before the server does
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		address := l.Addr().String()
		l.Close()
		s := &prometheusServer{url: "http://" + address, log: new(lockedBuffer)}
		cmd := exec.Command(binary, "--config.file="+config, "--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address="+address)
		cmd.Stdout, cmd.Stderr = s.log, s.log
		if s.Process, err = child.Start(cmd); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(s.Kill)
		if s.ready() {
			return s
		}
		if !strings.Contains(s.log.String(), "address already in use") {
			t.Fatalf("Prometheus must start: it said\n%s", s.log)
		}
	}
	t.Fatal("Prometheus must start: it found no port in five attempts")
	return nil
}

// ready waits until the server answers, and reports whether it does.
func (s *prometheusServer) ready() bool {
	for deadline := time.Now().Add(20 * time.Second); s.Running() && time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		resp, err := http.Get(s.url + "/-/ready")
		if err != nil {
			continue
		}
		resp.Body.Close()
		if resp.StatusCode == http.StatusOK {
			return true
		}
	}
	return false
}

// wantData waits until a query has a sample that is a number other than 0.
func (s *prometheusServer) wantData(t *testing.T, what, query string) {
	t.Helper()
	var last string
	for deadline := time.Now().Add(15 * time.Second); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		resp, err := http.Get(s.url + "/api/v1/query?query=" + url.QueryEscape(query))
		if err != nil {
			t.Fatalf("Prometheus must answer: %v; it said\n%s", err, s.log)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		if resp.StatusCode != http.StatusOK {
			t.Errorf("%s: Prometheus refuses the query %s: %s", what, query, body)
			return
		}
		if last = string(body); hasData(body) {
			return
		}
	}
	t.Errorf("%s: the query returns data: got none for %s: %s", what, query, last)
}

// hasData reports whether an answer has a sample that is a number other than 0.
func hasData(answer []byte) bool {
	var a struct {
		Data struct {
			Result []struct {
				Value [2]any `json:"value"`
			} `json:"result"`
		} `json:"data"`
	}
	if json.Unmarshal(answer, &a) != nil {
		return false
	}
	for _, r := range a.Data.Result {
		if v := r.Value[1]; v != "0" && v != "NaN" {
			return true
		}
	}
	return false
}

// lockedBuffer may be read while a process still writes to it.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
