"""What subscribers get: events and gaps."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any, Optional, Union


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))  # Python knows Z since 3.11


class Event:
    """An event. It is read from its line when a member is asked for."""

    __slots__ = ("json", "cursor", "_members")
    __match_args__ = ("account_id", "data")

    def __init__(self, line: str, cursor: str) -> None:
        self.json = line  #: the event's line, as it is everywhere
        self.cursor = cursor  #: where to resume behind it: subscribe(since=cursor)
        self._members: Optional[dict[str, Any]] = None

    def _get(self) -> dict[str, Any]:
        if self._members is None:
            self._members = json.loads(self.json)
        return self._members

    @property
    def id(self) -> str:
        return self._get()["id"]

    @property
    def account_id(self) -> int:
        return self._get()["account_id"]

    @property
    def timestamp(self) -> datetime:
        """When the service accepted it."""
        return _time(self._get()["timestamp"])

    @property
    def occurred_at(self) -> Optional[datetime]:
        """When it happened, if its sender said so."""
        text = self._get().get("occurred_at")
        return _time(text) if text else None

    @property
    def producer(self) -> Optional[str]:
        return self._get().get("producer")

    @property
    def sequence(self) -> Optional[int]:
        return self._get().get("sequence")

    @property
    def data(self) -> Any:
        return self._get()["data"]

    @property
    def data_json(self) -> str:
        """`data` byte for byte as it was sent: numbers with all their digits, members in their order."""
        # It is the last member. What stands before it is an object by itself, which no text inside of a string can be.
        at = -1
        while True:
            at = self.json.index(',"data":', at + 1)
            try:
                json.loads(self.json[:at] + "}")
            except ValueError:
                continue
            return self.json[at + len(',"data":'):-1]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Event) and self.json == other.json

    def __hash__(self) -> int:
        return hash(self.json)

    def __repr__(self) -> str:
        return f"Event({self.json})"


class Gap:
    """Events were missed here."""

    __slots__ = ("json", "cursor", "reason", "missed", "account_id")
    __match_args__ = ("reason", "missed")

    def __init__(self, line: str, cursor: str) -> None:
        members = json.loads(line)["gap"]
        self.json = line
        self.cursor = cursor  #: where to resume behind it
        self.reason: str = members["reason"]  #: "slow-subscriber", "expired", "unknown-cursor", "disconnected", ...
        self.missed: Optional[int] = members.get("missed")  #: how many, if known
        self.account_id: Optional[int] = members.get("account_id")  #: if a single account is meant

    def __repr__(self) -> str:
        return f"Gap({self.json})"


def read(line: bytes, cursor: bytes) -> Union[Event, Gap]:
    return (Gap if line.startswith(b'{"gap"') else Event)(line.decode(), cursor.decode())
