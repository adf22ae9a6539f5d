"""The writing door."""

from __future__ import annotations

import asyncio
import ctypes
import itertools
import json
import threading
import weakref
from datetime import datetime, timedelta, timezone
from typing import Any, Iterable, Mapping, Optional, Union

from . import _errors, _library, _receipts, _settings
from ._receipts import Receipt, Receipts
from ._subscriber import Subscriber

_HAS_OCCURRED_AT = 1
_STOPS_AT_FAILURE = 1
_ACKS = {None: 0, "sent": 1, "stored": 2}
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


class Json(str):
    """Data that is JSON text already: it reaches subscribers byte for byte."""


def _aware(time: datetime) -> datetime:
    if time.tzinfo is None:
        raise ValueError("occurred_at needs a time zone, such as datetime.now(timezone.utc)")
    return time


def _encode_other(value: Any) -> str:
    if isinstance(value, datetime):
        return _aware(value).isoformat()
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")


_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_encode_other).encode
_encode_ascii = json.JSONEncoder(allow_nan=False, separators=(",", ":"), default=_encode_other).encode


def _json_of(value: Any) -> bytes:
    try:
        return _encode(value).encode()
    except UnicodeEncodeError:  # a surrogate by itself, which JSON can say only as an escape
        return _encode_ascii(value).encode()


def _as_bytes(text: Union[str, bytes]) -> bytes:
    return text if isinstance(text, bytes) else text.encode()


class _Flights:
    """Batches whose completion has not run yet: what they borrow, and who waits. The library knows them by number."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._flying: dict[int, tuple[Any, ...]] = {}
        self.land = _library.Completion(self._land)  # kept: the library calls it

    def start(self, *borrowed: Any) -> tuple[int, "asyncio.Future[Receipts]"]:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Receipts] = loop.create_future()
        with self._lock:
            number = next(self._numbers)
            self._flying[number] = (loop, future, borrowed)
        return number, future

    def drop(self, number: int) -> None:
        with self._lock:
            self._flying.pop(number, None)

    def _land(self, number: int, receipts: Any, count: int) -> None:
        """Runs on any thread, maybe inside of the call that started it."""
        copy = (_library.Receipt * count)()
        ctypes.memmove(copy, receipts, ctypes.sizeof(copy))
        with self._lock:
            loop, future, _ = self._flying.pop(number)
        first = next((receipt for receipt in copy if receipt.code != _errors.OK), None)
        failure = None
        if first is not None:
            code = _errors.name_of(first.code)
            failure = _errors.make(_library.Error(first.code, 0, f"an event was not accepted: {code}".encode()))
            if isinstance(failure, _errors.InDoubt):
                failure.id = _receipts.read(first).id

        def arrive() -> None:
            if not future.done():  # it may have been cancelled
                future.set_result(Receipts(copy, count, failure))

        try:
            loop.call_soon_threadsafe(arrive)
        except RuntimeError:  # the loop was closed meanwhile, so no one waits
            pass


_flights = _Flights()


def _free(handle: ctypes.c_void_p) -> None:
    _library.LIBRARY.tracking_service_free(handle)


class Service:
    """Takes events. Any thread may use it, also at one time."""

    def __init__(self, handle: ctypes.c_void_p) -> None:
        """For open() and connect()."""
        self._handle = handle
        # Freed when nobody can call it any more, so no call can be under way.
        self._freed = weakref.finalize(self, _free, handle)

    def track(self, account_id: int, data: Any, *, id: Optional[str] = None, occurred_at: Optional[datetime] = None,
              ack: Optional[str] = None) -> Receipt:
        """Tracks one event and waits for its receipt. `data` is any JSON value, or Json text. Raises UnknownAccount,
        InactiveAccount, Refused, Unavailable, InDoubt or another Error if it was not accepted."""
        batch, _borrowed = _one(account_id, data, id, occurred_at, ack)
        receipts = self._track(batch, 1)
        return receipts.check()[0]

    def track_batch(self, events: Iterable[Union[Mapping[str, Any], tuple[int, Any]]], *, ack: Optional[str] = None,
                    stops_at_failure: bool = False) -> Receipts:
        """Tracks events together, in their order: {"account_id": 1, "data": ...} with `id` and `occurred_at` if
        wanted, or (account_id, data). Each has its own outcome; only a batch that fails as a whole raises."""
        listed = _listed(events)
        return self._track(_of_json(_json_of(listed), ack, stops_at_failure), len(listed))

    def track_json(self, text: Union[str, bytes], *, ack: Optional[str] = None,
                   stops_at_failure: bool = False) -> Receipts:
        """The same for JSON text: an array of events, or an event a line."""
        encoded = _as_bytes(text)
        return self._track(_of_json(encoded, ack, stops_at_failure), encoded.count(b"{"))  # at most so many

    async def track_async(self, account_id: int, data: Any, *, id: Optional[str] = None,
                          occurred_at: Optional[datetime] = None, ack: Optional[str] = None) -> Receipt:
        """As track(), without blocking the event loop."""
        batch, borrowed = _one(account_id, data, id, occurred_at, ack)
        return (await self._start(batch, borrowed)).check()[0]

    async def track_batch_async(self, events: Iterable[Union[Mapping[str, Any], tuple[int, Any]]], *,
                                ack: Optional[str] = None, stops_at_failure: bool = False) -> Receipts:
        """As track_batch(), without blocking the event loop."""
        return await self._start(_of_json(_json_of(_listed(events)), ack, stops_at_failure))

    def subscribe(self, account_ids: Optional[Iterable[int]] = None, *, since: Optional[str] = None,
                  tail: Optional[int] = None, limit: Optional[int] = None, follow: bool = True,
                  buffer_size: Union[int, str, None] = None) -> Subscriber:
        """Subscribes to accounts (none = all). `since`: "now", "all", a cursor, an RFC 3339 time, or a duration such
        as "10m"; `tail` starts so many events back, `limit` ends after so many, follow=False at the end of history."""
        settings = _settings.subscription(account_ids, since, tail, limit, follow, buffer_size)
        return Subscriber(_settings.call("tracking_service_subscribe", self._handle, settings, len(settings)))

    def close(self, timeout: float = 10.0) -> None:
        """Takes no more events, and waits until what is pending is completed. Its subscribers end. May be repeated."""
        error = _library.Error()
        if _library.LIBRARY.tracking_service_close(self._handle, int(timeout * 1000), ctypes.byref(error)) != _errors.OK:
            raise _errors.make(error)

    def __enter__(self) -> "Service":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _track(self, batch: _library.Batch, count: int) -> Receipts:
        array, arrived, error = (_library.Receipt * count)(), ctypes.c_size_t(), _library.Error()
        code = _library.LIBRARY.tracking_service_track(self._handle, ctypes.byref(batch), array, count,
                                                       ctypes.byref(arrived), ctypes.byref(error))
        failure = None
        if code != _errors.OK:
            failure = _errors.make(error)
            if arrived.value == 0:
                raise failure
            if isinstance(failure, _errors.InDoubt):
                failure.id = next(_receipts.read(receipt).id for receipt in array if receipt.code == _errors.IN_DOUBT)
        return Receipts(array, arrived.value, failure)

    async def _start(self, batch: _library.Batch, *borrowed: Any) -> Receipts:
        number, future = _flights.start(batch, *borrowed)
        error = _library.Error()
        code = _library.LIBRARY.tracking_service_track_async(self._handle, ctypes.byref(batch), _flights.land, number,
                                                             ctypes.byref(error))
        if code != _errors.OK:
            _flights.drop(number)
            raise _errors.make(error)
        return await future


def _listed(events: Iterable[Any]) -> list[Any]:
    return [{"account_id": event[0], "data": event[1]} if isinstance(event, tuple) else event for event in events]


def _ack(level: Optional[str]) -> int:
    if level not in _ACKS:
        raise ValueError(f'ack is "sent", "stored" or None, not {level!r}')
    return _ACKS[level]


def _of_json(text: bytes, ack: Optional[str], stops_at_failure: bool) -> _library.Batch:
    return _library.Batch(None, 0, text, len(text), _ack(ack), _STOPS_AT_FAILURE if stops_at_failure else 0)


def _one(account_id: int, data: Any, id: Optional[str], occurred_at: Optional[datetime],
         ack: Optional[str]) -> tuple[_library.Batch, Any]:
    """A batch of one event, and what it borrows."""
    text = data.encode() if isinstance(data, Json) else _json_of(data)
    own_id = id.encode() if id is not None else None
    if own_id == b"":
        raise ValueError("id must not be empty; leave it out to be given one")
    if not -2**63 <= account_id < 2**63:
        raise ValueError("account_id must be an integer from 1 to 9223372036854775807")
    event = _library.Event(account_id, text, len(text), own_id, len(own_id or b""), 0, 0, 0)
    if occurred_at is not None:
        event.occurred_at_us = (_aware(occurred_at) - _EPOCH) // timedelta(microseconds=1)
        event.flags = _HAS_OCCURRED_AT
    events = ctypes.pointer(event)
    return _library.Batch(events, 1, None, 0, _ack(ack), 0), (events, text, own_id)


def open(**settings: Any) -> Service:
    """Opens an engine in this process: accounts="memory:?active=1,3", broker="memory:", data_dir=".", ack="sent",
    max_data_size="256KiB", account_ttl="10s", ...; docs/EMBEDDING.md lists them."""
    packed = _settings.pack(settings)
    return Service(_settings.call("tracking_service_open", packed, len(packed)))


def connect(url: str, **settings: Any) -> Service:
    """The same door at a distance: "http://host:port". It does not wait for the server to be there."""
    packed, place = _settings.pack(settings), url.encode()
    return Service(_settings.call("tracking_service_connect", place, len(place), packed, len(packed)))
