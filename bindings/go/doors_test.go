package tracking

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"testing"
	"time"
)

const accounts = "memory:?active=1,3&inactive=2"

func subscribeAll(t *testing.T, service *Service) *Subscriber {
	subscriber, err := service.Subscribe(nil)
	check(t, err)
	t.Cleanup(subscriber.Close)
	return subscriber
}

func TestErrorsAreExplained(t *testing.T) {
	service := inProcess(t, accounts).service
	_, err := service.Track(Event{AccountID: 2, Data: json.RawMessage("1")})
	equal(t, CodeOf(err), InactiveAccount)
	equal(t, err.Error(), "account 2 is not active")
	_, err = Open(Settings{"acounts": "memory:"})
	equal(t, CodeOf(err), InvalidParameter)
	equal(t, CodeOf(errors.New("another")), Code(-1))
}

func TestManyGoroutinesTrack(t *testing.T) {
	service := inProcess(t, accounts).service
	var all sync.WaitGroup
	for worker := 0; worker < 4; worker++ {
		all.Add(1)
		go func() {
			defer all.Done()
			for i := 0; i < 50; i++ {
				receipts, err := service.TrackBatch([]Event{{AccountID: 1, Data: json.RawMessage("1")}, {AccountID: 3, Data: json.RawMessage("2")}})
				if err != nil || receipts[0].Code != OK || receipts[1].Code != OK {
					t.Errorf("%v %v", receipts, err)
				}
			}
		}()
	}
	all.Wait()
}

func TestAContextEndsAWait(t *testing.T) {
	subscriber := subscribeAll(t, inProcess(t, accounts).service)
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	_, err := subscriber.Next(ctx)
	equal(t, err, context.DeadlineExceeded)
}

func TestCloseEndsTheChannel(t *testing.T) {
	subscriber := subscribeAll(t, inProcess(t, accounts).service)
	deliveries, reason := subscriber.Deliveries(context.Background())
	subscriber.Close()
	_, isOpen := <-deliveries
	equal(t, isOpen, false)
	equal(t, reason(), error(nil))
}

func TestADeliveryThatNobodyTookIsTheNextOneAgain(t *testing.T) {
	service := inProcess(t, accounts).service
	subscriber := subscribeAll(t, service)
	_, err := service.TrackBatch([]Event{{AccountID: 1, Data: json.RawMessage("1")}, {AccountID: 1, Data: json.RawMessage("2")}})
	check(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	deliveries, reason := subscriber.Deliveries(ctx)
	equal(t, string((<-deliveries).Data), "1")
	cancel()
	equal(t, reason(), context.Canceled) // nobody receives meanwhile
	again, err := next(t, subscriber)
	check(t, err)
	equal(t, string(again.Data), "2")
}

func TestAClosedServiceSaysSo(t *testing.T) {
	service, err := Open(Settings{"accounts": accounts})
	check(t, err)
	check(t, service.Close())
	_, err = service.Track(Event{AccountID: 1, Data: json.RawMessage("1")})
	equal(t, CodeOf(err), Closed)
}
