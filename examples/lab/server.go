package main

import (
	"bytes"
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/unkn0wn-root/cascache/examples/internal/pause"
)

//go:embed page
var pageFiles embed.FS

var pageTemplates = template.Must(template.New("").Funcs(template.FuncMap{
	"mini": func(key, name string, c chartOfLane) map[string]any {
		return map[string]any{"Key": key, "Name": name, "Chart": c}
	},
}).ParseFS(pageFiles, "page/*.html"))

// A labServer serves the page of a lab.
type labServer struct {
	cfg   config
	lanes []lane
	redis *redisServer

	mu       sync.Mutex
	run      *run // the latest, nil before the first
	controls controls
}

// serve serves the page until ctx ends.
func serve(ctx context.Context, cfg config, server *redisServer, stdout io.Writer) error {
	l, err := net.Listen("tcp", cfg.address)
	if err != nil {
		return err
	}
	s := newLabServer(cfg, server)
	defer s.close()
	web := &http.Server{Handler: s.handler(), ReadHeaderTimeout: 10 * time.Second,
		BaseContext: func(net.Listener) context.Context { return ctx }}
	ended := context.AfterFunc(ctx, func() { _ = web.Close() })
	defer ended()
	fmt.Fprintf(stdout, "The lab is open at http://%s/ (Ctrl-C closes it).\n", l.Addr())
	if err := web.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func newLabServer(cfg config, server *redisServer) *labServer {
	return &labServer{cfg: cfg, lanes: lanes(server != nil), redis: server, controls: cfg.controls}
}

// close ends the run that is under way.
func (s *labServer) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.run != nil {
		_ = s.run.stop() // why it ended was shown on the page
	}
}

func (s *labServer) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.page)
	mux.HandleFunc("GET /lab.css", file("page/lab.css", "text/css; charset=utf-8"))
	mux.HandleFunc("GET /lab.js", file("page/lab.js", "text/javascript; charset=utf-8"))
	mux.HandleFunc("GET /icon.svg", file("page/icon.svg", "image/svg+xml"))
	mux.HandleFunc("GET /events", s.events)
	mux.HandleFunc("GET /explanation/{lane}", s.explanation)
	mux.HandleFunc("POST /run", s.start)
	mux.HandleFunc("DELETE /run", s.stop)
	mux.HandleFunc("POST /controls", s.setControls)
	mux.HandleFunc("POST /faults/{fault}", s.inflict)
	// No page of another site can press the buttons of this one.
	return local(http.NewCrossOriginProtection().Handler(secured(mux)))
}

// local refuses requests that name another host than an address or localhost:
// a site whose name was made to point here would be this page's origin.
func local(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, err := net.SplitHostPort(r.Host)
		if err != nil {
			host = r.Host
		}
		if host != "localhost" && net.ParseIP(host) == nil {
			http.Error(w, "the lab is asked for by its address", http.StatusMisdirectedRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// secured keeps the page from fetching anything from elsewhere.
func secured(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", "default-src 'self'; frame-ancestors 'none'")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

func file(name, contentType string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		content, err := pageFiles.ReadFile(name)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", contentType)
		_, _ = w.Write(content)
	}
}

// current returns the latest run, nil before the first, and the controls.
func (s *labServer) current() (*run, controls) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.run, s.controls
}

func (s *labServer) view() view {
	r, c := s.current()
	return viewOf(r, s.lanes, c)
}

func (s *labServer) page(w http.ResponseWriter, _ *http.Request) {
	var b bytes.Buffer
	err := pageTemplates.ExecuteTemplate(&b, "page.html", map[string]any{
		"View": s.view(), "Controls": allControls, "Faults": faults, "Redis": s.redis != nil,
		"Slots": slots(s.cfg.replicas), "TTL": entryTTL,
	})
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write(b.Bytes())
}

func slots(n int) []int {
	list := make([]int, n)
	for i := range list {
		list[i] = i + 1
	}
	return list
}

// events sends a view every tick.
func (s *labServer) events(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	out := http.NewResponseController(w)
	for {
		data, err := json.Marshal(s.view())
		if err != nil {
			return
		}
		if _, err := fmt.Fprintf(w, "data: %s\n\n", data); err != nil {
			return
		}
		if out.Flush() != nil || pause.For(r.Context(), tick) != nil {
			return
		}
	}
}

func (s *labServer) explanation(w http.ResponseWriter, r *http.Request) {
	for _, l := range s.view().Lanes {
		if l.Key != r.PathValue("lane") {
			continue
		}
		var b bytes.Buffer
		if err := pageTemplates.ExecuteTemplate(&b, "explanation", l); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write(b.Bytes())
		return
	}
	http.Error(w, "there is no such lane", http.StatusNotFound)
}

func (s *labServer) start(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.run != nil {
		_ = s.run.stop()
	}
	cfg := s.cfg
	cfg.controls = s.controls
	started, err := startRun(r.Context(), cfg, s.lanes, s.redis)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	s.run = started
	w.WriteHeader(http.StatusNoContent)
}

func (s *labServer) stop(w http.ResponseWriter, _ *http.Request) {
	if r, _ := s.current(); r != nil {
		_ = r.stop()
	}
	w.WriteHeader(http.StatusNoContent)
}

// setControls takes any number of controls as a JSON object.
func (s *labServer) setControls(w http.ResponseWriter, r *http.Request) {
	var given map[string]int
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 4096)).Decode(&given); err != nil {
		http.Error(w, "controls are an object of whole numbers: "+err.Error(), http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.controls
	for key, value := range given {
		known := false
		for _, one := range allControls {
			if one.Key != key {
				continue
			}
			known = true
			if value < one.Min || value > one.Max {
				http.Error(w, fmt.Sprintf("%s is %d; it must be from %d to %d", key, value, one.Min, one.Max), http.StatusBadRequest)
				return
			}
			one.set(&c, value)
		}
		if !known {
			http.Error(w, "there is no control "+strconv.Quote(key), http.StatusBadRequest)
			return
		}
	}
	s.controls = c
	if s.run != nil {
		if err := s.run.control(c); err != nil && !errors.Is(err, errOver) {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
	}
	w.WriteHeader(http.StatusNoContent)
}

func (s *labServer) inflict(w http.ResponseWriter, r *http.Request) {
	f, ok := findFault(r.PathValue("fault"))
	if !ok {
		http.Error(w, "there is no such fault", http.StatusNotFound)
		return
	}
	slot := 1
	if text := r.URL.Query().Get("replica"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > s.cfg.replicas {
			http.Error(w, fmt.Sprintf("replica is %q; it must be from 1 to %d", text, s.cfg.replicas), http.StatusBadRequest)
			return
		}
		slot = n
	}
	current, _ := s.current()
	if current == nil {
		http.Error(w, errOver.Error(), http.StatusConflict)
		return
	}
	if err := current.inflict(f, slot); err != nil {
		http.Error(w, err.Error(), http.StatusConflict)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}
