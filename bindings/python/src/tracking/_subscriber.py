"""The reading door."""

from __future__ import annotations

import asyncio
import ctypes
import threading
import time
import weakref
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Iterable, Optional, Union

from . import _deliveries, _errors, _library, _settings
from ._deliveries import Event, Gap

_BATCH_MAX = 1024
_SLICE_MS = 100  # a signal, such as Ctrl-C, is seen between two calls


def _free(handle: ctypes.c_void_p) -> None:
    _library.LIBRARY.tracking_subscriber_free(handle)


class Subscriber:
    """Gives events and gaps: `for event in subscriber`, or `async for`. It is read by one thread or task at a time;
    any other may change its accounts or close it meanwhile."""

    def __init__(self, handle: ctypes.c_void_p) -> None:
        """For Service.subscribe() and subscribe()."""
        self._handle = handle
        # Freed when nobody can call it any more, so no call can be under way.
        self._freed = weakref.finalize(self, _free, handle)
        self._reading = threading.Lock()  # held while the library is asked for more
        self._changing = threading.Lock()  # held while the filter changes: in the library and here in one order
        self._lock = threading.Lock()  # guards what follows
        self._lines: list[bytes] = []  # of what was fetched: a line, its cursor, ...
        self._next_line = 0
        self._wanted: Optional[frozenset[int]] = None  # accounts, if they were changed: what was fetched may be older
        self._cursor: Optional[str] = None  # of the last one handed over; before it, from the first fetch, where it began
        self._is_closed = False

        self._executor: Optional[ThreadPoolExecutor] = None  # for async for
        self._fetching: Optional[asyncio.Future[bool]] = None

    def next(self, timeout: Optional[float] = None) -> Union[Event, Gap, None]:
        """The next event or gap, or None if there is none within `timeout` seconds. Raises Closed at the end: of
        history, of `limit`, or by close(); another Error says why it ended."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            delivery = self._take()
            if delivery is not None:
                return delivery
            left_ms = _SLICE_MS if deadline is None else round(max(0.0, deadline - time.monotonic()) * 1000)
            if not self._fetch(min(_SLICE_MS, left_ms)) and deadline is not None and time.monotonic() >= deadline:
                return None

    def next_batch(self, timeout: Optional[float] = None) -> list[Union[Event, Gap]]:
        """All that is there, about a thousand at most; waits for the first like next(). Empty = time-out."""
        first = self.next(timeout)
        if first is None:
            return []
        with self._lock:
            return [first, *iter(self._take_next, None)]

    def set_accounts(self, account_ids: Iterable[int] = ()) -> None:
        """Changes the filter while it runs; none = every account. No event of an account that stays is lost or
        repeated."""
        ids = list(account_ids)
        array, error = (ctypes.c_int64 * len(ids))(*ids), _library.Error()
        with self._changing:
            if _library.LIBRARY.tracking_subscriber_set_accounts(self._handle, array, len(ids),
                                                                 ctypes.byref(error)) != _errors.OK:
                raise _errors.make(error)
            with self._lock:
                self._wanted = frozenset(ids) if ids else None

    @property
    def cursor(self) -> str:
        """Where to resume: the position after the last event or gap handed over, or that at which it started. Empty =
        not known yet: at a distance before the stream is there; once it is, no later event is missed."""
        if self._cursor is None:
            opening = self._library_cursor()
            # The library may have handed over a batch meanwhile, but not before the opening was noted.
            return opening if self._cursor is None else self._cursor
        return self._cursor

    def close(self) -> None:
        """Ends it, and wakes who waits for it: nothing more is handed over. May be repeated."""
        with self._lock:
            self._is_closed = True
            self._lines = []
        _library.LIBRARY.tracking_subscriber_close(self._handle)
        if self._executor is not None:
            self._executor.shutdown(wait=False)

    def __enter__(self) -> "Subscriber":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __iter__(self) -> "Subscriber":
        return self

    def __next__(self) -> Union[Event, Gap]:
        try:
            delivery = self.next()
        except _errors.Closed:
            raise StopIteration from None
        assert delivery is not None  # without a time-out there is always one
        return delivery

    async def __aenter__(self) -> "Subscriber":
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()

    def __aiter__(self) -> "Subscriber":
        return self

    async def __anext__(self) -> Union[Event, Gap]:
        while True:
            delivery = self._take()
            if delivery is not None:
                return delivery
            try:
                await self._fetch_async()
            except _errors.Closed:
                raise StopAsyncIteration from None

    async def _fetch_async(self) -> None:
        if self._executor is None:
            self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="tracking-subscriber")
        if self._fetching is None:
            try:
                self._fetching = asyncio.get_running_loop().run_in_executor(self._executor, self._fetch, _SLICE_MS)
            except RuntimeError:  # it was shut down by close()
                raise _errors.Closed("closed", "the subscriber was closed") from None
        try:
            # A reader that is cancelled leaves it running: what it fetches is there for the next.
            await asyncio.shield(self._fetching)
        finally:
            if self._fetching.done():
                self._fetching = None

    def _take(self) -> Union[Event, Gap, None]:
        """The next of what was fetched."""
        with self._lock:
            return self._take_next()

    def _take_next(self) -> Union[Event, Gap, None]:
        """The lock is held."""
        while self._next_line + 1 < len(self._lines):
            at = self._next_line
            self._next_line += 2
            delivery = _deliveries.read(self._lines[at], self._lines[at + 1])
            wanted = self._wanted
            if wanted is not None and isinstance(delivery, Event) and delivery.account_id not in wanted:
                continue
            self._cursor = delivery.cursor
            return delivery
        return None

    def _fetch(self, timeout_ms: int) -> bool:
        """Waits for more; false: nothing came in time."""
        with self._reading:
            if self._next_line + 1 < len(self._lines):
                return True  # another task's
            if self._cursor is None:
                if self._ask(timeout_ms, 0) is None:
                    return False
                self._cursor = self._library_cursor()
            deliveries = self._ask(timeout_ms, _BATCH_MAX)
            if deliveries is None:
                return False
            # One copy and one split, whatever their number.
            lines = ctypes.string_at(deliveries.text, deliveries.text_size).split(b"\n")
            with self._lock:
                if not self._is_closed:
                    self._lines, self._next_line = lines, 0
            return True

    def _ask(self, timeout_ms: int, deliveries_max: int) -> Optional[_library.Deliveries]:
        """None: nothing came in time."""
        deliveries, error = _library.Deliveries(), _library.Error()
        code = _library.LIBRARY.tracking_subscriber_next(self._handle, timeout_ms, deliveries_max,
                                                         ctypes.byref(deliveries), ctypes.byref(error))
        if code == _errors.TIMED_OUT:
            return None
        if code != _errors.OK:
            raise _errors.make(error)
        return deliveries

    def _library_cursor(self) -> str:
        buffer = ctypes.create_string_buffer(256)
        size = _library.LIBRARY.tracking_subscriber_cursor(self._handle, buffer, len(buffer))
        return buffer.raw[:size].decode()


def subscribe(url: str, account_ids: Optional[Iterable[int]] = None, *, since: Optional[str] = None,
              tail: Optional[int] = None, limit: Optional[int] = None, follow: bool = True,
              buffer_size: Union[int, str, None] = None) -> Subscriber:
    """Subscribes at a distance without a service: "http://host:port". It reconnects by itself, resumes, and tells what
    was missed as gaps. Parameters as of Service.subscribe()."""
    settings: Any = _settings.subscription(account_ids, since, tail, limit, follow, buffer_size)
    place = url.encode()
    return Subscriber(_settings.call("tracking_subscriber_open", place, len(place), settings, len(settings)))
