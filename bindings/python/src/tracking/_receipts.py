"""What became of events."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from typing import Any, Iterator, NamedTuple, Optional, Union, overload

from . import _errors, _library

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_ACKS = {0: None, 1: "sent", 2: "stored"}


class Receipt(NamedTuple):
    """What became of one event."""

    code: str  #: "ok", or why it was not accepted: "unknown-account", ...
    id: Optional[str]  #: if code is ok or in-doubt
    timestamp: Optional[datetime]  #: when it was accepted; None = not told
    ack: Optional[str]  #: "sent" or "stored"
    duplicate: bool  #: its (account_id, id) was accepted before

    @property
    def is_accepted(self) -> bool:
        return self.code == "ok"


def read(receipt: _library.Receipt) -> Receipt:
    us = receipt.timestamp_us
    return Receipt(_errors.name_of(receipt.code), receipt.id[:receipt.id_size].decode() or None,
                   _EPOCH + timedelta(microseconds=us) if us else None, _ACKS.get(receipt.ack), bool(receipt.duplicate))


class Receipts(Sequence):
    """One Receipt for each event of a batch, in its order; each is made when it is looked at."""

    def __init__(self, array: Any, count: int, first_failure: Optional[_errors.Error]) -> None:
        self._array = array
        self._count = count
        self._first_failure = first_failure

    @property
    def are_all_accepted(self) -> bool:
        return self._first_failure is None

    @property
    def accepted(self) -> int:
        """How many events were accepted."""
        if self._first_failure is None:
            return self._count
        return sum(1 for index in range(self._count) if self._array[index].code == _errors.OK)

    def rejected(self) -> Iterator[tuple[int, Receipt]]:
        """(index, receipt) of each event that was not accepted."""
        if self._first_failure is not None:
            yield from ((index, read(self._array[index])) for index in range(self._count)
                        if self._array[index].code != _errors.OK)

    def check(self) -> "Receipts":
        """Raises the error of the first event that was not accepted; returns itself if all were."""
        if self._first_failure is not None:
            raise self._first_failure
        return self

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, index: int) -> Receipt: ...
    @overload
    def __getitem__(self, index: slice) -> list[Receipt]: ...

    def __getitem__(self, index: Union[int, slice]) -> Union[Receipt, list[Receipt]]:
        if isinstance(index, slice):
            return [read(self._array[place]) for place in range(*index.indices(self._count))]
        place = index + self._count if index < 0 else index
        if not 0 <= place < self._count:
            raise IndexError("there is no such receipt")
        return read(self._array[place])

    def __repr__(self) -> str:
        return f"<{self._count} receipts, {self.accepted} accepted>"
