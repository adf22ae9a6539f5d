package tracking

import (
	"bufio"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"testing"
	"time"
)

// The table of cases that all bindings share (bindings/README.md).
type table struct {
	Accounts string
	Track    []struct {
		Name       string
		AccountID  int64 `json:"account_id"`
		Data       string
		ID         string
		OccurredAt time.Time `json:"occurred_at"`
		Code       string
		Duplicate  bool
		Delivered  string
	}
	Batches []struct {
		Name   string
		Events []struct {
			AccountID int64 `json:"account_id"`
			Data      json.RawMessage
		}
		Codes []string
	}
	Subscriptions []struct {
		Name     string
		Settings Settings
		Code     string
	}
	Streams []stream
}

type stream struct {
	Name          string
	Before        []pair
	Settings      Settings
	SinceCursorOf *int `json:"since_cursor_of"`
	After         []pair
	Expected      []json.RawMessage
	Ends          bool
	Accounts      []int64
	Later         []pair
	ExpectedLater []json.RawMessage `json:"expected_later"`
}

type pair struct {
	AccountID int64
	Data      string
}

func (it *pair) UnmarshalJSON(text []byte) error {
	return json.Unmarshal(text, &[]any{&it.AccountID, &it.Data})
}

// doors are those of one engine in this process, or of a daemon.
type doors struct {
	service   *Service
	subscribe func(Settings) (*Subscriber, error)
}

func inProcess(t *testing.T, accounts string) doors {
	service, err := Open(Settings{"accounts": accounts})
	check(t, err)
	t.Cleanup(func() { check(t, service.Close()) })
	return doors{service, service.Subscribe}
}

func atADistance(t *testing.T, accounts string) doors {
	program := filepath.Join(os.Getenv("TRACKING_BUILD_DIR"), "bin/tracking-httpd")
	daemon := exec.Command(program, "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--data-dir", t.TempDir(),
		"--log-format", "json", "--broker", "memory:", "--accounts", accounts)
	daemon.Env = []string{}
	output, err := daemon.StderrPipe()
	check(t, err)
	check(t, daemon.Start())
	t.Cleanup(func() {
		daemon.Process.Kill() //nolint: it may have ended
		daemon.Wait()         //nolint: it was killed
	})
	var record struct{ Message, Public string }
	for lines := bufio.NewScanner(output); record.Message != "listening"; {
		if !lines.Scan() {
			t.Fatal("tracking-httpd ended instead of listening")
		}
		check(t, json.Unmarshal(lines.Bytes(), &record))
	}
	service, err := Connect(record.Public, nil)
	check(t, err)
	t.Cleanup(func() { check(t, service.Close()) })
	return doors{service, func(settings Settings) (*Subscriber, error) { return Subscribe(record.Public, settings) }}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func equal(t *testing.T, got, expected any) {
	t.Helper()
	if !reflect.DeepEqual(got, expected) {
		t.Fatalf("got %v, expected %v", got, expected)
	}
}

func readTable(t *testing.T) table {
	text, err := os.ReadFile("../cases.json")
	check(t, err)
	var cases table
	check(t, json.Unmarshal(text, &cases))
	return cases
}

func trackAll(t *testing.T, service *Service, events []pair) {
	for _, event := range events {
		_, err := service.Track(Event{AccountID: event.AccountID, Data: json.RawMessage(event.Data)})
		check(t, err)
	}
}

// next waits for a while: a case that hangs has failed.
func next(t *testing.T, subscriber *Subscriber) (Delivery, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	return subscriber.Next(ctx)
}

// expect reads deliveries: account and data, or a gap.
func expect(t *testing.T, subscriber *Subscriber, expected []json.RawMessage) {
	t.Helper()
	for _, text := range expected {
		delivery, err := next(t, subscriber)
		check(t, err)
		var wanted pair
		if text[0] == '[' {
			check(t, json.Unmarshal(text, &wanted))
			equal(t, pair{delivery.AccountID, string(delivery.Data)}, wanted)
			continue
		}
		var got, gap any
		check(t, json.Unmarshal([]byte(delivery.JSON), &got))
		check(t, json.Unmarshal(text, &gap))
		equal(t, got, gap)
	}
}

func TestCases(t *testing.T) {
	cases := readTable(t)
	for where, open := range map[string]func(*testing.T, string) doors{"in process": inProcess, "at a distance": atADistance} {
		t.Run(where, func(t *testing.T) {
			t.Run("track", func(t *testing.T) { runTrack(t, cases, open(t, cases.Accounts)) })
			for _, one := range cases.Batches {
				t.Run("batch: "+one.Name, func(t *testing.T) {
					events := make([]Event, len(one.Events))
					for i, event := range one.Events {
						events[i] = Event{AccountID: event.AccountID, Data: event.Data}
					}
					receipts, err := open(t, cases.Accounts).service.TrackBatch(events)
					check(t, err)
					codes := []string{}
					for _, receipt := range receipts {
						codes = append(codes, receipt.Code.String())
					}
					equal(t, codes, one.Codes)
				})
			}
			for _, one := range cases.Subscriptions {
				t.Run("wrong subscription: "+one.Name, func(t *testing.T) {
					subscriber, err := open(t, cases.Accounts).subscribe(one.Settings)
					if err == nil {
						_, err = next(t, subscriber)
					}
					equal(t, CodeOf(err).String(), one.Code)
				})
			}
			for _, one := range cases.Streams {
				t.Run("stream: "+one.Name, func(t *testing.T) { runStream(t, one, open(t, cases.Accounts)) })
			}
		})
	}
}

func runTrack(t *testing.T, cases table, open doors) {
	subscriber, err := open.subscribe(Settings{"since": "all"})
	check(t, err)
	defer subscriber.Close()
	for _, one := range cases.Track {
		receipt, err := open.service.Track(Event{one.AccountID, json.RawMessage(one.Data), one.ID, one.OccurredAt})
		if code := CodeOf(err).String(); code != one.Code || receipt.Duplicate != one.Duplicate {
			t.Fatalf("%s: %s, duplicate %v", one.Name, code, receipt.Duplicate)
		}
	}
	for _, one := range cases.Track {
		if one.Code != "ok" || one.Duplicate {
			continue
		}
		event, err := next(t, subscriber)
		check(t, err)
		expected := one.Data
		if one.Delivered != "" {
			expected = one.Delivered
		}
		equal(t, pair{event.AccountID, string(event.Data)}, pair{one.AccountID, expected})
		if one.ID != "" {
			equal(t, event.ID, one.ID)
		}
		equal(t, event.OccurredAt, one.OccurredAt)
	}
}

func runStream(t *testing.T, one stream, open doors) {
	trackAll(t, open.service, one.Before)
	settings := Settings{}
	for name, value := range one.Settings {
		settings[name] = value
	}
	if one.SinceCursorOf != nil {
		earlier, err := open.subscribe(Settings{"since": "all"})
		check(t, err)
		for i := 0; i <= *one.SinceCursorOf; i++ {
			delivery, err := next(t, earlier)
			check(t, err)
			settings["since"] = delivery.Cursor
		}
		earlier.Close()
	}
	subscriber, err := open.subscribe(settings)
	check(t, err)
	defer subscriber.Close()
	for deadline := time.Now().Add(20 * time.Second); subscriber.Cursor() == ""; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the stream is not there")
		}
	}
	trackAll(t, open.service, one.After)
	expect(t, subscriber, one.Expected)
	if one.Accounts != nil {
		check(t, subscriber.SetAccounts(one.Accounts...))
		trackAll(t, open.service, one.Later)
		expect(t, subscriber, one.ExpectedLater)
	}
	if one.Ends {
		_, err := next(t, subscriber)
		equal(t, CodeOf(err), Closed)
	}
}
