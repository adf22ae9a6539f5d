package main

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
)

const (
	bodyBytesMax = 256<<10 + 4<<10
	timeFormat   = "2006-01-02T15:04:05.000000Z"
)

type event struct {
	AccountID int64           `json:"account_id"`
	ID        string          `json:"id"`
	Data      json.RawMessage `json:"data"`
}

type line struct {
	ID        string          `json:"id"`
	AccountID int64           `json:"account_id"`
	Timestamp string          `json:"timestamp"`
	Producer  string          `json:"producer"`
	Sequence  uint64          `json:"sequence"`
	Data      json.RawMessage `json:"data"`
}

type receipt struct {
	ID        string `json:"id"`
	Timestamp string `json:"timestamp"`
	Ack       string `json:"ack"`
}

type problem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`
}

type handler struct {
	accounts *accounts
	publish  func(subject string, line []byte) error
	producer string
	sequence atomic.Uint64
}

func newHandler(accounts *accounts, publish func(string, []byte) error, isReady func() bool) http.Handler {
	h := &handler{accounts: accounts, publish: publish, producer: uuid.NewString()[:8]}
	mux := http.NewServeMux()
	mux.HandleFunc("/", h.track)
	mux.HandleFunc("/v1/events", h.track)
	mux.HandleFunc("/readyz", func(w http.ResponseWriter, _ *http.Request) {
		if !isReady() {
			refuse(w, http.StatusServiceUnavailable, "not-ready", "NATS does not answer")
			return
		}
		w.WriteHeader(http.StatusOK)
	})
	return mux
}

func (h *handler) track(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		refuse(w, http.StatusMethodNotAllowed, "method-not-allowed", "POST an event")
		return
	}
	var received event
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, bodyBytesMax)).Decode(&received); err != nil {
		var tooLarge *http.MaxBytesError
		if errors.As(err, &tooLarge) {
			refuse(w, http.StatusRequestEntityTooLarge, "too-large", "the body is too large")
			return
		}
		refuse(w, http.StatusBadRequest, "malformed-json", err.Error())
		return
	}
	if received.AccountID < 1 || len(received.Data) == 0 || len(received.ID) > 64 {
		refuse(w, http.StatusBadRequest, "invalid-event", "account_id and data are needed")
		return
	}
	switch found, err := h.accounts.find(r.Context(), received.AccountID); {
	case err != nil:
		w.Header().Set("Retry-After", "1")
		refuse(w, http.StatusServiceUnavailable, "accounts-unavailable", "the database does not answer")
		return
	case found == unknown:
		refuse(w, http.StatusNotFound, "unknown-account", "unknown account")
		return
	case found == inactive:
		refuse(w, http.StatusForbidden, "inactive-account", "inactive account")
		return
	}
	h.accept(w, received)
}

func (h *handler) accept(w http.ResponseWriter, received event) {
	id := received.ID
	if id == "" {
		id = uuid.Must(uuid.NewV7()).String()
	}
	now := time.Now().UTC().Format(timeFormat)
	encoded, err := json.Marshal(line{ID: id, AccountID: received.AccountID, Timestamp: now, Producer: h.producer,
		Sequence: h.sequence.Add(1), Data: received.Data})
	if err != nil {
		refuse(w, http.StatusBadRequest, "malformed-json", err.Error())
		return
	}
	if err := h.publish("tracking.events."+strconv.FormatInt(received.AccountID, 10), encoded); err != nil {
		w.Header().Set("Retry-After", "1")
		refuse(w, http.StatusServiceUnavailable, "broker-unavailable", "NATS does not answer")
		return
	}
	write(w, http.StatusAccepted, "application/json", receipt{ID: id, Timestamp: now, Ack: "sent"})
}

func refuse(w http.ResponseWriter, status int, kind, detail string) {
	write(w, status, "application/problem+json", problem{kind, http.StatusText(status), status, detail})
}

func write(w http.ResponseWriter, status int, contentType string, value any) {
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(value)
}
