package deploy

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"tocsin/desk"
)

// front is the one HTTP port: health, metrics, MQTT over WebSocket, and the desk once it stands.
type front struct {
	listener net.Listener
	shows    *tls.Config    // nil: without TLS
	mqtt     []net.Listener // of the gateway, opened with it
	app      *App
	desk     atomic.Pointer[http.Handler]
	socket   atomic.Pointer[http.Handler]
	ready    atomic.Pointer[func(context.Context) error]
}

func newFront(l net.Listener, a *App) *front { return &front{listener: l, app: a} }

// run serves until ctx ends. Streams to browsers never end by themselves, so they are cut after a moment.
func (f *front) run(ctx context.Context) error {
	socket, rest := orElse(&f.socket, unavailable("there is no gateway in this process, or it is starting")), orElse(&f.desk, f.plain())
	handler := func(w http.ResponseWriter, r *http.Request) { // no ServeMux: it would send a crooked path elsewhere, which the desk answers
		if r.URL.Path == "/mqtt" {
			socket.ServeHTTP(w, r)
			return
		}
		rest.ServeHTTP(w, r)
	}
	server := &http.Server{Handler: http.HandlerFunc(handler), ReadHeaderTimeout: 10 * time.Second, ErrorLog: slog.NewLogLogger(f.app.log.Handler(), slog.LevelDebug)}
	ended := make(chan error, 1)
	go func() {
		if f.shows != nil {
			server.TLSConfig = f.shows
			ended <- server.ServeTLS(f.listener, "", "")
			return
		}
		ended <- server.Serve(f.listener)
	}()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	short, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	if err := server.Shutdown(short); err != nil {
		_ = server.Close() // what is still open are streams, and their browsers come again
	}
	if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// plain is what a process without a desk answers, and one whose desk is still to come.
func (f *front) plain() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", f.readyz)
	mux.Handle("GET /metrics", promhttp.HandlerFor(f.app.registry, promhttp.HandlerOpts{}))
	mux.Handle("/", unavailable("there is no desk in this process, or it is starting"))
	mux.HandleFunc("/v1/", desk.NotHere)
	return mux
}

// orElse hands over to a handler that stands only after a while.
func orElse(to *atomic.Pointer[http.Handler], until http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if h := to.Load(); h != nil {
			(*h).ServeHTTP(w, r)
			return
		}
		until.ServeHTTP(w, r)
	})
}

func unavailable(why string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "1")
		http.Error(w, why, http.StatusServiceUnavailable)
	})
}

// readyz answers 200 when readings are taken and scored, else what is missing.
func (f *front) readyz(w http.ResponseWriter, r *http.Request) {
	ready := f.ready.Load()
	err := errors.New("starting")
	if ready != nil {
		err = (*ready)(r.Context())
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	fmt.Fprintln(w, "ready")
}
