// The service that a good Go team would write for the same task: net/http, pgx, nats.go, and a map as cache that
// LISTEN keeps true. tracking-httpd is measured beside it (bench/compare); same JSON in, same JSON out.
package main

import (
	"context"
	"errors"
	"flag"
	"log"
	"net"
	"net/http"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/nats-io/nats.go"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:8080", "where clients send events")
	natsURL := flag.String("nats", "", "publish to this NATS server; empty: events go nowhere")
	postgresURL := flag.String("postgres", "", "accounts are in this database")
	active := flag.String("active", "1,3,4", "accounts that are active, without a database")
	inactive := flag.String("inactive", "2", "accounts that are not")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *listen, *natsURL, *postgresURL, *active, *inactive); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, listen, natsURL, postgresURL, active, inactive string) error {
	accounts, err := openAccounts(ctx, postgresURL, active, inactive)
	if err != nil {
		return err
	}
	publish := func(string, []byte) error { return nil }
	isReady := func() bool { return true }
	if natsURL != "" {
		connection, err := nats.Connect(natsURL, nats.MaxReconnects(-1), nats.RetryOnFailedConnect(true))
		if err != nil {
			return err
		}
		defer connection.Drain()
		isReady = connection.IsConnected
		publish = func(subject string, line []byte) error {
			if !connection.IsConnected() {
				return nats.ErrDisconnected
			}
			return connection.Publish(subject, line)
		}
	}

	listener, err := net.Listen("tcp", listen)
	if err != nil {
		return err
	}
	server := &http.Server{
		Handler:           newHandler(accounts, publish, isReady),
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       60 * time.Second,
		WriteTimeout:      60 * time.Second,
		IdleTimeout:       65 * time.Second,
		MaxHeaderBytes:    16 << 10,
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	log.Printf("listening on %s", listener.Addr())

	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	drain, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := server.Shutdown(drain); err != nil && !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func parseIDs(text string) ([]int64, error) {
	var ids []int64
	for _, item := range strings.Split(text, ",") {
		if item == "" {
			continue
		}
		id, err := strconv.ParseInt(item, 10, 64)
		if err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, nil
}
