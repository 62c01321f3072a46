package node

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// adminServer answers /metrics, /healthz and /readyz.
type adminServer struct {
	listener net.Listener
	server   *http.Server
	done     chan struct{}
}

func (n *Node) serveAdmin(context.Context) error {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(n.registry, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		n.health(w, n.replica.Err())
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		n.health(w, n.ready(r.Context()))
	})
	n.admin = &adminServer{
		listener: n.httpListener, done: make(chan struct{}),
		server: &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second},
	}
	go n.admin.run()
	return nil
}

func (n *Node) health(w http.ResponseWriter, err error) {
	if err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	fmt.Fprintln(w, "ok")
}

// ready says whether writes would be taken now.
func (n *Node) ready(ctx context.Context) error {
	if err := n.replica.Err(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	return n.replica.WaitLeader(ctx)
}

func (a *adminServer) run() {
	defer close(a.done)
	if err := a.server.Serve(a.listener); !errors.Is(err, http.ErrServerClosed) {
		a.listener.Close()
	}
}

// closeWait is how long Close lets requests in progress finish.
const closeWait = 2 * time.Second

func (a *adminServer) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), closeWait)
	defer cancel()
	err := a.server.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		err = a.server.Close()
	}
	<-a.done
	return err
}
