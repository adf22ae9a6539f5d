package tracking

/*
#include <stdlib.h>
#include <tracking/c.h>
*/
import "C"

import (
	"context"
	"encoding/json"
	"runtime"
	"sync"
	"time"
	"unsafe"
)

// Delivery is an event, or a gap: then Gap is set.
type Delivery struct {
	JSON       string // the event's line, or {"gap":{...}}
	Cursor     string // where to resume behind it: Settings{"since": cursor}
	Gap        *Gap
	AccountID  int64
	ID         string
	Data       json.RawMessage // byte for byte as it was sent
	Timestamp  time.Time       // when the service accepted it
	OccurredAt time.Time       // zero = not said
	Producer   string
	Sequence   uint64
}

// Gap says that events were missed.
type Gap struct {
	Reason string  // slow-subscriber, expired, unknown-cursor, disconnected, sequence, corrupt, or another
	Missed *uint64 // how many, if known
}

// Subscriber gives events and gaps. Next and Deliveries are for one goroutine at a time; all else is for any.
type Subscriber struct {
	handle   *C.tracking_subscriber
	changing sync.Mutex     // held while the filter changes: in the library and here in one order
	mutex    sync.Mutex     // guards what follows
	ready    []Delivery     // fetched, not handed over
	cursor   string         // of the last one handed over, or before it where it began; if isNoted
	isNoted  bool           // from the first fetch on: until then the library's cursor is ours
	wanted   map[int64]bool // accounts, if they were changed: what was fetched may be older; empty = all
	isClosed bool

	isOffered bool          // the first of ready is offered to whoever receives from Deliveries
	withdraw  chan struct{} // ends that
	settled   *sync.Cond    // it has ended
}

const (
	sliceMs  = 100 // how long a call may wait before the context is looked at again
	batchMax = 256
)

// Subscribe subscribes to the service: Settings{"account_id": "1,2", "since": "10m"}, as of GET /v1/events.
func (service *Service) Subscribe(settings Settings) (*Subscriber, error) {
	defer runtime.KeepAlive(service)
	array, count, free := settings.inC()
	defer free()
	var handle *C.tracking_subscriber
	var failure C.tracking_error
	if C.tracking_service_subscribe(service.handle, array, count, &handle, &failure) != C.TRACKING_OK {
		return nil, errorOf(&failure)
	}
	return newSubscriber(handle), nil
}

// Subscribe subscribes at a distance: "http://host:port". It reconnects by itself, and tells what was missed as gaps.
func Subscribe(url string, settings Settings) (*Subscriber, error) {
	array, count, free := settings.inC()
	defer free()
	place := C.CString(url)
	defer C.free(unsafe.Pointer(place))
	var handle *C.tracking_subscriber
	var failure C.tracking_error
	if C.tracking_subscriber_open(place, C.size_t(len(url)), array, count, &handle, &failure) != C.TRACKING_OK {
		return nil, errorOf(&failure)
	}
	return newSubscriber(handle), nil
}

func newSubscriber(handle *C.tracking_subscriber) *Subscriber {
	subscriber := &Subscriber{handle: handle, withdraw: make(chan struct{}, 1)}
	subscriber.settled = sync.NewCond(&subscriber.mutex)
	runtime.SetFinalizer(subscriber, func(subscriber *Subscriber) { C.tracking_subscriber_free(subscriber.handle) })
	return subscriber
}

// Next waits for the next delivery. The error is the context's, or has the code Closed at the end: of history, of the
// limit, or by Close; another code says why it ended.
func (subscriber *Subscriber) Next(ctx context.Context) (Delivery, error) {
	for {
		if err := subscriber.wait(ctx); err != nil {
			return Delivery{}, err
		}
		if delivery, isThere := subscriber.take(); isThere {
			return delivery, nil
		}
	}
}

// Deliveries is Next as a channel. It is closed when the context ends or the subscription does; the function then says
// why: nil for a plain end. A delivery that nobody took when the context ended is the next one again.
func (subscriber *Subscriber) Deliveries(ctx context.Context) (<-chan Delivery, func() error) {
	channel := make(chan Delivery)
	var reason error
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer close(channel)
		for {
			err := subscriber.wait(ctx)
			if err == nil {
				err = subscriber.offer(ctx, channel)
			}
			if err != nil {
				if CodeOf(err) != Closed {
					reason = err
				}
				return
			}
		}
	}()
	return channel, func() error { <-done; return reason }
}

// SetAccounts changes the filter while it runs; none = every account. No event of an account that stays is lost or
// repeated.
func (subscriber *Subscriber) SetAccounts(accountIDs ...int64) error {
	defer runtime.KeepAlive(subscriber)
	ids := append(accountIDs[:len(accountIDs):len(accountIDs)], 0) // never an array without elements
	subscriber.changing.Lock()
	defer subscriber.changing.Unlock()
	var failure C.tracking_error
	if C.tracking_subscriber_set_accounts(subscriber.handle, (*C.int64_t)(&ids[0]), C.size_t(len(accountIDs)),
		&failure) != C.TRACKING_OK {
		return errorOf(&failure)
	}
	wanted := map[int64]bool{}
	for _, id := range accountIDs {
		wanted[id] = true
	}
	subscriber.mutex.Lock()
	defer subscriber.mutex.Unlock()
	subscriber.settle()
	subscriber.wanted = wanted
	return nil
}

// Cursor is the position after the last delivery handed over. Empty = not known yet: at a distance before the stream is
// there; once it is, no later event is missed.
func (subscriber *Subscriber) Cursor() string {
	if cursor, isNoted := subscriber.noted(); isNoted {
		return cursor
	}
	opening := subscriber.libraryCursor()
	// The library may have handed over a batch meanwhile, but not before the opening was noted.
	if cursor, isNoted := subscriber.noted(); isNoted {
		return cursor
	}
	return opening
}

// Close ends it, and wakes a Next that waits: nothing more is handed over. It may be repeated.
func (subscriber *Subscriber) Close() {
	defer runtime.KeepAlive(subscriber)
	subscriber.mutex.Lock()
	subscriber.settle()
	subscriber.isClosed = true
	subscriber.ready = nil
	subscriber.mutex.Unlock()
	C.tracking_subscriber_close(subscriber.handle)
}

// Waits until something is ready; the error is as of Next.
func (subscriber *Subscriber) wait(ctx context.Context) error {
	for {
		if subscriber.isReady() {
			return nil
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := subscriber.fetch(); err != nil && CodeOf(err) != TimedOut {
			return err
		}
	}
}

// Offers what is first until it is taken, or somebody wants to know whether it was: then it is offered again, if it is
// still wanted.
func (subscriber *Subscriber) offer(ctx context.Context, channel chan<- Delivery) error {
	delivery, isThere := subscriber.beginOffer()
	if !isThere {
		return nil
	}
	isTaken := false
	var err error
	select {
	case channel <- delivery:
		isTaken = true
	case <-subscriber.withdraw:
	case <-ctx.Done():
		err = ctx.Err()
	}
	subscriber.mutex.Lock()
	defer subscriber.mutex.Unlock()
	subscriber.isOffered = false
	if isTaken {
		subscriber.handOver()
	}
	subscriber.settled.Broadcast()
	return err
}

func (subscriber *Subscriber) beginOffer() (Delivery, bool) {
	subscriber.mutex.Lock()
	defer subscriber.mutex.Unlock()
	if !subscriber.hasFirst() {
		return Delivery{}, false
	}
	subscriber.isOffered = true
	return subscriber.ready[0], true
}

// Returns when nothing is on offer, so that all that was handed over is known. The mutex is held.
func (subscriber *Subscriber) settle() {
	for subscriber.isOffered {
		select {
		case subscriber.withdraw <- struct{}{}:
		default:
		}
		subscriber.settled.Wait()
	}
}

// Whether there is a first one; drops what is not wanted any more. The mutex is held.
func (subscriber *Subscriber) hasFirst() bool {
	for len(subscriber.ready) > 0 {
		first := &subscriber.ready[0]
		if first.Gap != nil || len(subscriber.wanted) == 0 || subscriber.wanted[first.AccountID] {
			return true
		}
		subscriber.ready = subscriber.ready[1:]
	}
	return false
}

// The mutex is held.
func (subscriber *Subscriber) handOver() Delivery {
	delivery := subscriber.ready[0]
	subscriber.ready = subscriber.ready[1:]
	subscriber.cursor = delivery.Cursor
	return delivery
}

func (subscriber *Subscriber) isReady() bool {
	subscriber.mutex.Lock()
	defer subscriber.mutex.Unlock()
	return subscriber.hasFirst()
}

func (subscriber *Subscriber) take() (Delivery, bool) {
	subscriber.mutex.Lock()
	defer subscriber.mutex.Unlock()
	if !subscriber.hasFirst() {
		return Delivery{}, false
	}
	return subscriber.handOver(), true
}

func (subscriber *Subscriber) noted() (cursor string, isNoted bool) {
	subscriber.mutex.Lock()
	defer subscriber.mutex.Unlock()
	subscriber.settle()
	return subscriber.cursor, subscriber.isNoted
}

// Called when nothing is ready, by the one goroutine that reads.
func (subscriber *Subscriber) fetch() error {
	defer runtime.KeepAlive(subscriber)
	if _, isNoted := subscriber.noted(); !isNoted {
		if _, err := subscriber.ask(0); err != nil {
			return err
		}
		opening := subscriber.libraryCursor()
		subscriber.mutex.Lock()
		subscriber.cursor, subscriber.isNoted = opening, true
		subscriber.mutex.Unlock()
	}
	ready, err := subscriber.ask(batchMax)
	subscriber.mutex.Lock()
	defer subscriber.mutex.Unlock()
	if !subscriber.isClosed {
		subscriber.ready = ready
	}
	return err
}

func (subscriber *Subscriber) ask(deliveriesMax C.size_t) ([]Delivery, error) {
	var got C.tracking_deliveries
	var failure C.tracking_error
	if C.tracking_subscriber_next(subscriber.handle, sliceMs, deliveriesMax, &got, &failure) != C.TRACKING_OK {
		return nil, errorOf(&failure)
	}
	ready := make([]Delivery, 0, int(got.count))
	for _, item := range unsafe.Slice(got.items, int(got.count)) {
		ready = append(ready, deliveryOf(item))
	}
	return ready, nil
}

func (subscriber *Subscriber) libraryCursor() string {
	defer runtime.KeepAlive(subscriber)
	var buffer [256]C.char
	size := C.tracking_subscriber_cursor(subscriber.handle, &buffer[0], C.size_t(len(buffer)))
	return C.GoStringN(&buffer[0], C.int(size))
}

func deliveryOf(item C.tracking_delivery) Delivery {
	text := func(bytes *C.char, size C.size_t) string { return C.GoStringN(bytes, C.int(size)) }
	out := Delivery{
		JSON:      text(item.json, item.json_size),
		Cursor:    text(item.cursor, item.cursor_size),
		AccountID: int64(item.account_id),
	}
	if item.flags&C.TRACKING_DELIVERY_GAP != 0 {
		out.Gap = &Gap{Reason: text(item.reason, item.reason_size)}
		if item.flags&C.TRACKING_DELIVERY_HAS_MISSED != 0 {
			missed := uint64(item.missed)
			out.Gap.Missed = &missed
		}
		return out
	}
	out.ID = text(item.id, item.id_size)
	out.Data = json.RawMessage(text(item.data, item.data_size))
	out.Producer = text(item.producer, item.producer_size)
	out.Sequence = uint64(item.sequence)
	out.Timestamp = time.UnixMicro(int64(item.timestamp_us)).UTC()
	if item.flags&C.TRACKING_DELIVERY_HAS_OCCURRED_AT != 0 {
		out.OccurredAt = time.UnixMicro(int64(item.occurred_at_us)).UTC()
	}
	return out
}
