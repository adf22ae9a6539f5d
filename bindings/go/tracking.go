// Package tracking is real-time event tracking: the engine inside this process, or at a distance, over libtracking_c.
//
// A Service takes events and may be used by any number of goroutines; a Subscriber gives them back and is read by one
// at a time. A call that waits in the library holds an operating-system thread, but no goroutine waits for it beyond
// its context.
package tracking

/*
#cgo pkg-config: tracking-c
#include <stdlib.h>
#include <tracking/c.h>
*/
import "C"

import (
	"errors"
	"sort"
	"unsafe"
)

// Version is that of the engine that runs.
func Version() string { return C.GoString(C.tracking_version()) }

// Code says what became of a call or of an event; its text is what the HTTP interface gives as type.
type Code int32

// The codes that programs ask for most; String gives the name of each.
const (
	OK                  Code = C.TRACKING_OK
	MalformedJSON       Code = C.TRACKING_MALFORMED_JSON
	InvalidEvent        Code = C.TRACKING_INVALID_EVENT
	UnknownAccount      Code = C.TRACKING_UNKNOWN_ACCOUNT
	InactiveAccount     Code = C.TRACKING_INACTIVE_ACCOUNT
	TooLarge            Code = C.TRACKING_TOO_LARGE
	BrokerUnavailable   Code = C.TRACKING_BROKER_UNAVAILABLE
	AccountsUnavailable Code = C.TRACKING_ACCOUNTS_UNAVAILABLE
	Overloaded          Code = C.TRACKING_OVERLOADED
	InDoubt             Code = C.TRACKING_IN_DOUBT
	InvalidParameter    Code = C.TRACKING_INVALID_PARAMETER
	Closed              Code = C.TRACKING_CLOSED
	TimedOut            Code = C.TRACKING_TIMED_OUT
)

func (code Code) String() string { return C.GoString(C.tracking_code_name(C.tracking_code(code))) }

// MayPass says that nothing was accepted and the same call may safely be repeated.
func (code Code) MayPass() bool {
	return code == BrokerUnavailable || code == AccountsUnavailable || code == Overloaded
}

// Error is what every function of this package returns for a failure.
type Error struct {
	Code Code
	Text string
}

func (failure *Error) Error() string { return failure.Text }

// CodeOf is the code of an error of this package, however it is wrapped; OK for nil, and -1 for others.
func CodeOf(err error) Code {
	var failure *Error
	switch {
	case err == nil:
		return OK
	case errors.As(err, &failure):
		return failure.Code
	}
	return -1
}

func errorOf(failure *C.tracking_error) error {
	return &Error{Code(failure.code), C.GoStringN(&failure.text[0], C.int(failure.text_size))}
}

// Settings are names and values as text; docs/EMBEDDING.md says which there are.
type Settings map[string]string

// inC gives the settings as C reads them, and what frees them.
func (settings Settings) inC() (*C.tracking_setting, C.size_t, func()) {
	if len(settings) == 0 {
		return nil, 0, func() {}
	}
	names := make([]string, 0, len(settings))
	for name := range settings {
		names = append(names, name)
	}
	sort.Strings(names) // the first that is wrong is always the same one
	memory := C.calloc(C.size_t(len(names)), C.size_t(unsafe.Sizeof(C.tracking_setting{})))
	array := unsafe.Slice((*C.tracking_setting)(memory), len(names))
	for i, name := range names {
		array[i].name, array[i].name_size = C.CString(name), C.size_t(len(name))
		array[i].value, array[i].value_size = C.CString(settings[name]), C.size_t(len(settings[name]))
	}
	return &array[0], C.size_t(len(names)), func() {
		for _, setting := range array {
			C.free(unsafe.Pointer(setting.name))
			C.free(unsafe.Pointer(setting.value))
		}
		C.free(memory)
	}
}
