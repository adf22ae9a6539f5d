package main

import (
	"context"
	"errors"
	"log"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

type state int

const (
	unknown state = iota
	inactive
	active
)

type entry struct {
	state   state
	expires time.Time
}

// accounts answers whether an account is active: from its map, else from the database.
type accounts struct {
	pool *pgxpool.Pool // nil: the map is all there is

	mutex sync.RWMutex
	known map[int64]entry
}

const (
	ttl      = 10 * time.Second
	knownMax = 1_000_000
)

func openAccounts(ctx context.Context, url, activeIDs, inactiveIDs string) (*accounts, error) {
	a := &accounts{known: make(map[int64]entry)}
	if url == "" {
		return a, a.addFixed(activeIDs, inactiveIDs)
	}
	pool, err := pgxpool.New(ctx, url)
	if err != nil {
		return nil, err
	}
	a.pool = pool
	go a.listen(ctx)
	return a, nil
}

func (a *accounts) addFixed(activeIDs, inactiveIDs string) error {
	for text, state := range map[string]state{activeIDs: active, inactiveIDs: inactive} {
		ids, err := parseIDs(text)
		if err != nil {
			return err
		}
		for _, id := range ids {
			a.known[id] = entry{state: state}
		}
	}
	return nil
}

func (a *accounts) find(ctx context.Context, id int64) (state, error) {
	a.mutex.RLock()
	found, ok := a.known[id]
	a.mutex.RUnlock()
	if a.pool == nil {
		return found.state, nil
	}
	if ok && time.Now().Before(found.expires) {
		return found.state, nil
	}
	return a.load(ctx, id)
}

func (a *accounts) load(ctx context.Context, id int64) (state, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	var isActive bool
	found := inactive
	err := a.pool.QueryRow(ctx, "SELECT is_active FROM accounts WHERE id = $1", id).Scan(&isActive)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		found = unknown
	case err != nil:
		return unknown, err
	case isActive:
		found = active
	}
	a.mutex.Lock()
	defer a.mutex.Unlock()
	if len(a.known) >= knownMax {
		for other := range a.known {
			delete(a.known, other)
			break
		}
	}
	a.known[id] = entry{state: found, expires: time.Now().Add(ttl)}
	return found, nil
}

// listen forgets what changed. After a lost connection it forgets everything, for what was told meanwhile is lost.
func (a *accounts) listen(ctx context.Context) {
	for ctx.Err() == nil {
		if err := a.listenOnce(ctx); err != nil && ctx.Err() == nil {
			log.Printf("listening for changes of accounts: %v", err)
			time.Sleep(time.Second)
		}
	}
}

func (a *accounts) listenOnce(ctx context.Context) error {
	connection, err := a.pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer connection.Release()
	if _, err := connection.Exec(ctx, "LISTEN tracking_accounts"); err != nil {
		return err
	}
	a.mutex.Lock()
	a.known = make(map[int64]entry)
	a.mutex.Unlock()
	for {
		notification, err := connection.Conn().WaitForNotification(ctx)
		if err != nil {
			return err
		}
		a.forget(strings.Fields(notification.Payload))
	}
}

// forget takes a notice of tracking's trigger: "1 TABLE ID ID ...", or "1 TABLE all".
func (a *accounts) forget(words []string) {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	for i, word := range words {
		if i < 2 {
			continue
		}
		if id, err := strconv.ParseInt(word, 10, 64); err == nil {
			delete(a.known, id)
		} else {
			a.known = make(map[int64]entry)
		}
	}
}
