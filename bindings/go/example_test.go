package tracking_test

import (
	"context"
	"fmt"
	"log"

	"tracking"
)

func Example() {
	service, err := tracking.Open(tracking.Settings{"accounts": "memory:?active=1,3"})
	if err != nil {
		log.Fatal(err)
	}
	defer service.Close()
	subscriber, err := service.Subscribe(tracking.Settings{"account_id": "1", "limit": "1"})
	if err != nil {
		log.Fatal(err)
	}
	defer subscriber.Close()
	if _, err := service.Track(tracking.Event{AccountID: 1, Data: []byte(`{"page":"/"}`)}); err != nil {
		log.Fatal(err)
	}
	deliveries, reason := subscriber.Deliveries(context.Background())
	for it := range deliveries {
		if it.Gap != nil {
			fmt.Println("missed because of", it.Gap.Reason)
		} else {
			fmt.Println(it.AccountID, string(it.Data))
		}
	}
	if err := reason(); err != nil {
		log.Fatal(err)
	}
	// Output: 1 {"page":"/"}
}
