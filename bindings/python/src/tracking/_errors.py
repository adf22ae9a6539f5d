"""What can go wrong, by what can be done about it."""

from __future__ import annotations

from typing import Optional

from . import _library


def name_of(code: int) -> str:
    return _library.LIBRARY.tracking_code_name(code).decode()


class Error(Exception):
    """Base of all. `code` is the name that the HTTP interface gives as `type`, such as "unknown-account"."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


class Refused(Error):
    """The event itself is at fault; repeating it changes nothing."""


class UnknownAccount(Refused):
    """There is no such account."""


class InactiveAccount(Refused):
    """The account may not track at present."""


class Unavailable(Error):
    """Nothing was accepted and it may pass: the same call may safely be repeated."""


class InDoubt(Error):
    """The event may have been stored. A repeat with the same `id` doubles nothing."""

    id: Optional[str] = None


class Closed(Error):
    """The service or the subscriber was closed."""


# By the numbers of <tracking/c.h>.
_CLASSES = {1: Refused, 2: Refused, 3: UnknownAccount, 4: InactiveAccount, 5: Refused, 6: Unavailable, 7: Unavailable,
            8: Unavailable, 9: InDoubt, 26: Closed}

OK = 0
IN_DOUBT = 9
CLOSED = 26
TIMED_OUT = 27


def make(error: _library.Error) -> Error:
    """The exception for what a call filled in."""
    return _CLASSES.get(error.code, Error)(name_of(error.code), error.text.decode("utf-8", "replace"))
