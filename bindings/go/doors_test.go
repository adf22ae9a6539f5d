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

func trackOneToThree(t *testing.T, service *Service) {
	for _, data := range []string{"1", "2", "3"} {
		_, err := service.Track(Event{AccountID: 1, Data: json.RawMessage(data)})
		check(t, err)
	}
}

// countFrom is how many events a new subscriber finds from there to the end.
func countFrom(t *testing.T, service *Service, cursor string) int {
	subscriber, err := service.Subscribe(Settings{"since": cursor, "follow": "false"})
	check(t, err)
	defer subscriber.Close()
	for count := 0; ; count++ {
		if _, err := next(t, subscriber); err != nil {
			equal(t, CodeOf(err), Closed)
			return count
		}
	}
}

func TestTheCursorIsThatOfTheLastDeliveryTaken(t *testing.T) {
	service := inProcess(t, accounts).service
	subscriber := subscribeAll(t, service)
	trackOneToThree(t, service)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	deliveries, _ := subscriber.Deliveries(ctx)
	for i := 0; i < 3; i++ {
		taken := <-deliveries
		equal(t, subscriber.Cursor(), taken.Cursor)
	}
}

func TestWhatNobodyTookIsAheadOfTheCursor(t *testing.T) {
	service := inProcess(t, accounts).service
	subscriber := subscribeAll(t, service)
	trackOneToThree(t, service)
	ctx, cancel := context.WithCancel(context.Background())
	_, reason := subscriber.Deliveries(ctx)
	for isOffered := false; !isOffered; { // all three were fetched, and nobody receives
		subscriber.mutex.Lock()
		isOffered = subscriber.isOffered
		subscriber.mutex.Unlock()
	}
	equal(t, countFrom(t, service, subscriber.Cursor()), 3)
	cancel()
	equal(t, reason(), context.Canceled)
	equal(t, countFrom(t, service, subscriber.Cursor()), 3)
}

func TestAChangedFilterHoldsForWhatIsOffered(t *testing.T) {
	service := inProcess(t, accounts).service
	subscriber := subscribeAll(t, service)
	trackOneToThree(t, service)
	deliveries, _ := subscriber.Deliveries(context.Background())
	equal(t, (<-deliveries).AccountID, int64(1))
	check(t, subscriber.SetAccounts(3))
	_, err := service.Track(Event{AccountID: 3, Data: json.RawMessage("4")})
	check(t, err)
	equal(t, (<-deliveries).AccountID, int64(3))
}

func TestOfTwoChangesOfTheAccountsOneHolds(t *testing.T) {
	service := inProcess(t, accounts).service
	subscriber := subscribeAll(t, service)
	for round := 0; round < 1000; round++ {
		var all sync.WaitGroup
		for _, account := range []int64{1, 3} {
			all.Add(1)
			go func(account int64) {
				defer all.Done()
				check(t, subscriber.SetAccounts(account))
			}(account)
		}
		all.Wait()
		trackAll(t, service, []pair{{1, "1"}, {3, "1"}})
		one, err := next(t, subscriber) // exactly one of both
		check(t, err)
		check(t, subscriber.SetAccounts(one.AccountID))
		trackAll(t, service, []pair{{one.AccountID, "2"}})
		last, err := next(t, subscriber)
		check(t, err)
		equal(t, string(last.Data), "2")
	}
}

func TestAfterCloseNothingIsHandedOver(t *testing.T) {
	service := inProcess(t, accounts).service
	trackOneToThree(t, service)
	subscriber, err := service.Subscribe(Settings{"since": "all"})
	check(t, err)
	first, err := next(t, subscriber) // all three were fetched
	check(t, err)
	subscriber.Close()
	_, err = next(t, subscriber)
	equal(t, CodeOf(err), Closed)
	equal(t, subscriber.Cursor(), first.Cursor)

	subscriber, err = service.Subscribe(Settings{"since": "all"})
	check(t, err)
	deliveries, reason := subscriber.Deliveries(context.Background())
	<-deliveries
	subscriber.Close()
	_, isOpen := <-deliveries
	equal(t, isOpen, false)
	equal(t, reason(), error(nil))
}

func TestAClosedServiceSaysSo(t *testing.T) {
	service, err := Open(Settings{"accounts": accounts})
	check(t, err)
	check(t, service.Close())
	_, err = service.Track(Event{AccountID: 1, Data: json.RawMessage("1")})
	equal(t, CodeOf(err), Closed)
}
