"""libtracking_c: found, loaded, and its functions declared as <tracking/c.h> declares them (a test compares)."""

from __future__ import annotations

import ctypes
import os
import pathlib
import subprocess
from ctypes import (CFUNCTYPE, POINTER, Structure, c_char, c_char_p, c_int32, c_int64, c_size_t, c_uint8, c_uint32,
                    c_uint64, c_void_p)
from typing import Iterator

SONAME = "libtracking_c.so.1"


class Error(Structure):
    _fields_ = [("code", c_int32), ("text_size", c_uint32), ("text", c_char * 504)]


class Setting(Structure):
    _fields_ = [("name", c_char_p), ("name_size", c_size_t), ("value", c_char_p), ("value_size", c_size_t)]


class Event(Structure):
    _fields_ = [("account_id", c_int64), ("data", c_char_p), ("data_size", c_size_t), ("id", c_char_p),
                ("id_size", c_size_t), ("occurred_at_us", c_int64), ("flags", c_uint32), ("reserved", c_uint32)]


class Batch(Structure):
    _fields_ = [("events", POINTER(Event)), ("count", c_size_t), ("json", c_char_p), ("json_size", c_size_t),
                ("ack", c_int32), ("flags", c_uint32)]


class Receipt(Structure):
    _fields_ = [("code", c_int32), ("ack", c_uint8), ("duplicate", c_uint8), ("id_size", c_uint8),
                ("reserved", c_uint8), ("timestamp_us", c_int64), ("id", c_char * 64)]


class Delivery(Structure):
    _fields_ = [("json", c_void_p), ("json_size", c_size_t), ("cursor", c_void_p), ("cursor_size", c_size_t),
                ("data", c_void_p), ("data_size", c_size_t), ("id", c_void_p), ("id_size", c_size_t),
                ("producer", c_void_p), ("producer_size", c_size_t), ("reason", c_void_p), ("reason_size", c_size_t),
                ("account_id", c_int64), ("timestamp_us", c_int64), ("occurred_at_us", c_int64),
                ("sequence", c_uint64), ("missed", c_uint64), ("flags", c_uint32), ("reserved", c_uint32)]


class Deliveries(Structure):
    _fields_ = [("items", POINTER(Delivery)), ("count", c_size_t), ("text", c_void_p), ("text_size", c_size_t)]


Completion = CFUNCTYPE(None, c_void_p, POINTER(Receipt), c_size_t)

# name: (result, arguments). A handle is a void*.
FUNCTIONS = {
    "tracking_version": (c_char_p, []),
    "tracking_code_name": (c_char_p, [c_int32]),
    "tracking_service_open": (c_int32, [POINTER(Setting), c_size_t, POINTER(c_void_p), POINTER(Error)]),
    "tracking_service_connect": (c_int32, [c_char_p, c_size_t, POINTER(Setting), c_size_t, POINTER(c_void_p),
                                           POINTER(Error)]),
    "tracking_service_track": (c_int32, [c_void_p, POINTER(Batch), POINTER(Receipt), c_size_t, POINTER(c_size_t),
                                         POINTER(Error)]),
    "tracking_service_track_async": (c_int32, [c_void_p, POINTER(Batch), Completion, c_void_p, POINTER(Error)]),
    "tracking_service_close": (c_int32, [c_void_p, c_int64, POINTER(Error)]),
    "tracking_service_free": (None, [c_void_p]),
    "tracking_service_subscribe": (c_int32, [c_void_p, POINTER(Setting), c_size_t, POINTER(c_void_p), POINTER(Error)]),
    "tracking_subscriber_open": (c_int32, [c_char_p, c_size_t, POINTER(Setting), c_size_t, POINTER(c_void_p),
                                           POINTER(Error)]),
    "tracking_subscriber_next": (c_int32, [c_void_p, c_int64, c_size_t, POINTER(Deliveries), POINTER(Error)]),
    "tracking_subscriber_set_accounts": (c_int32, [c_void_p, POINTER(c_int64), c_size_t, POINTER(Error)]),
    "tracking_subscriber_cursor": (c_size_t, [c_void_p, c_char_p, c_size_t]),
    "tracking_subscriber_close": (None, [c_void_p]),
    "tracking_subscriber_free": (None, [c_void_p]),
}


def _candidates() -> Iterator[str]:
    """Where the library may be, the most deliberate place first."""
    named = os.environ.get("TRACKING_C_LIBRARY")
    if named:
        yield named
        return
    bundled = pathlib.Path(__file__).with_name(SONAME)
    if bundled.exists():
        yield str(bundled)
    yield SONAME  # the loader's own places: LD_LIBRARY_PATH, ldconfig
    try:
        folder = subprocess.run(["pkg-config", "--variable=libdir", "tracking-c"], stdout=subprocess.PIPE,
                                stderr=subprocess.DEVNULL, text=True, check=True).stdout.strip()
        yield os.path.join(folder, SONAME)
    except (OSError, subprocess.CalledProcessError):
        pass


def _load() -> ctypes.CDLL:
    failures = []
    for path in _candidates():
        try:
            library = ctypes.CDLL(path)
        except OSError as failure:
            failures.append(str(failure))
            continue
        for name, (result, arguments) in FUNCTIONS.items():
            function = getattr(library, name)
            function.restype, function.argtypes = result, arguments
        return library
    raise ImportError(f"{SONAME} is not found ({'; '.join(failures)}). Install libtracking_c, or name the file in the "
                      "variable TRACKING_C_LIBRARY.")


LIBRARY = _load()
