"""Settings as the library takes them."""

from __future__ import annotations

import ctypes
from typing import Any, Iterable, Mapping, Optional, Union

from . import _errors, _library


def text_of(value: Any) -> bytes:
    if isinstance(value, bool):
        return b"true" if value else b"false"
    return str(value).encode()


def pack(settings: Mapping[str, Any]) -> Any:
    """An array of settings; those that are None are left out. It must live as long as the call."""
    given = [(name.encode(), text_of(value)) for name, value in settings.items() if value is not None]
    return (_library.Setting * len(given))(*((name, len(name), value, len(value)) for name, value in given))


def subscription(account_ids: Optional[Iterable[int]], since: Optional[str], tail: Optional[int], limit: Optional[int],
                 follow: bool, buffer_size: Union[int, str, None]) -> Any:
    ids = None if account_ids is None else ",".join(map(str, account_ids))
    return pack({"account_id": ids or None, "since": since, "tail": tail, "limit": limit,
                 "follow": None if follow else False, "buffer_size": buffer_size})


def call(name: str, *arguments: Any) -> Any:
    """Calls a function whose last two parameters are where the handle and the error go; returns the handle."""
    handle, error = ctypes.c_void_p(), _library.Error()
    if getattr(_library.LIBRARY, name)(*arguments, ctypes.byref(handle), ctypes.byref(error)) != _errors.OK:
        raise _errors.make(error)
    return handle
