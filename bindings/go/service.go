package tracking

/*
#include <stdlib.h>
#include <tracking/c.h>
*/
import "C"

import (
	"bytes"
	"encoding/json"
	"runtime"
	"time"
	"unsafe"
)

// Event is what is tracked.
type Event struct {
	AccountID  int64
	Data       json.RawMessage // the JSON text of one value; it reaches subscribers byte for byte
	ID         string          // one's own, [A-Za-z0-9._:-]{1,64}; empty = the service gives a UUIDv7
	OccurredAt time.Time       // zero = not said
}

// Receipt says what became of one event.
type Receipt struct {
	Code      Code
	ID        string    // if Code is OK or InDoubt
	Timestamp time.Time // when it was accepted; zero = not told
	Stored    bool      // it is on stable storage; else it was handed to the broker
	Duplicate bool      // its (account, id) was accepted before
}

// Service takes events.
type Service struct{ handle *C.tracking_service }

// Open opens an engine in this process: Settings{"accounts": "memory:?active=1,3"}.
func Open(settings Settings) (*Service, error) {
	array, count, free := settings.inC()
	defer free()
	var handle *C.tracking_service
	var failure C.tracking_error
	if C.tracking_service_open(array, count, &handle, &failure) != C.TRACKING_OK {
		return nil, errorOf(&failure)
	}
	return newService(handle), nil
}

// Connect opens the same door at a distance: "http://host:port". It does not wait for the server to be there.
func Connect(url string, settings Settings) (*Service, error) {
	array, count, free := settings.inC()
	defer free()
	place := C.CString(url)
	defer C.free(unsafe.Pointer(place))
	var handle *C.tracking_service
	var failure C.tracking_error
	if C.tracking_service_connect(place, C.size_t(len(url)), array, count, &handle, &failure) != C.TRACKING_OK {
		return nil, errorOf(&failure)
	}
	return newService(handle), nil
}

// The handle is freed when nobody can call it any more, so no call can be under way.
func newService(handle *C.tracking_service) *Service {
	service := &Service{handle}
	runtime.SetFinalizer(service, func(service *Service) { C.tracking_service_free(service.handle) })
	return service
}

// Track tracks one event and waits for its receipt. If it was not accepted the error has its code.
func (service *Service) Track(event Event) (Receipt, error) {
	receipts, err := service.track([]Event{event})
	if len(receipts) == 0 {
		return Receipt{}, err
	}
	return receipts[0], err
}

// TrackBatch tracks events together, in their order: each has its receipt, and only a batch that fails as a whole has
// an error.
func (service *Service) TrackBatch(events []Event) ([]Receipt, error) {
	receipts, err := service.track(events)
	if len(receipts) == len(events) {
		return receipts, nil
	}
	return nil, err
}

// Close takes no more events, and waits until what is pending is completed. Its subscribers end.
func (service *Service) Close() error {
	defer runtime.KeepAlive(service)
	var failure C.tracking_error
	if C.tracking_service_close(service.handle, 10_000, &failure) != C.TRACKING_OK {
		return errorOf(&failure)
	}
	return nil
}

// C may not hold on to Go's memory, nor find pointers into it in a structure: texts go over in one block of C's.
func (service *Service) track(events []Event) ([]Receipt, error) {
	defer runtime.KeepAlive(service)
	if len(events) == 0 {
		return []Receipt{}, nil
	}
	var texts bytes.Buffer
	for _, event := range events {
		texts.Write(event.Data)
		texts.WriteString(event.ID)
	}
	texts.WriteByte(0)
	block := C.CBytes(texts.Bytes())
	defer C.free(block)
	memory := C.calloc(C.size_t(len(events)), C.size_t(unsafe.Sizeof(C.tracking_event{})))
	defer C.free(memory)
	place := block
	text := func(size int) (*C.char, C.size_t) {
		begin := (*C.char)(place)
		place = unsafe.Add(place, size)
		return begin, C.size_t(size)
	}
	for i, out := 0, unsafe.Slice((*C.tracking_event)(memory), len(events)); i < len(events); i++ {
		out[i].account_id = C.int64_t(events[i].AccountID)
		out[i].data, out[i].data_size = text(len(events[i].Data))
		out[i].id, out[i].id_size = text(len(events[i].ID))
		if !events[i].OccurredAt.IsZero() {
			out[i].occurred_at_us = C.int64_t(events[i].OccurredAt.UnixMicro())
			out[i].flags = C.TRACKING_EVENT_HAS_OCCURRED_AT
		}
	}
	batchMemory := C.calloc(1, C.size_t(unsafe.Sizeof(C.tracking_batch{})))
	defer C.free(batchMemory)
	batch := (*C.tracking_batch)(batchMemory)
	batch.events, batch.count = (*C.tracking_event)(memory), C.size_t(len(events))

	receipts := make([]C.tracking_receipt, len(events))
	var count C.size_t
	var failure C.tracking_error
	code := C.tracking_service_track(service.handle, batch, &receipts[0], C.size_t(len(receipts)), &count, &failure)
	arrived := make([]Receipt, count)
	for i := range arrived {
		arrived[i] = receiptOf(&receipts[i])
	}
	if code != C.TRACKING_OK {
		return arrived, errorOf(&failure)
	}
	return arrived, nil
}

func receiptOf(receipt *C.tracking_receipt) Receipt {
	out := Receipt{
		Code:      Code(receipt.code),
		ID:        C.GoStringN(&receipt.id[0], C.int(receipt.id_size)),
		Stored:    receipt.ack == C.TRACKING_ACK_STORED,
		Duplicate: receipt.duplicate != 0,
	}
	if receipt.timestamp_us != 0 {
		out.Timestamp = time.UnixMicro(int64(receipt.timestamp_us)).UTC()
	}
	return out
}
