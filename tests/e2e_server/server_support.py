"""Requests as bytes, for the tests of this folder."""

import json

EVENT = b'{"account_id":1,"data":"foo"}'


def post(body=EVENT, path="/v1/events", headers=(), host=True, version="HTTP/1.1", length=True):
    """A POST as bytes; `headers` are lines without their ends."""
    lines = [f"POST {path} {version}"]
    lines += ["Host: localhost"] if host else []
    lines += [f"Content-Length: {len(body)}"] if length else []
    lines += list(headers)
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def get(path="/livez", headers=()):
    return "\r\n".join([f"GET {path} HTTP/1.1", "Host: localhost", *headers]).encode("latin-1") + b"\r\n\r\n"


def chunk(data, extension=b""):
    return b"%x" % len(data) + extension + b"\r\n" + data + b"\r\n"


def chunked(*pieces, path="/v1/events", headers=(), end=b"0\r\n\r\n"):
    """A POST with Transfer-Encoding: chunked."""
    head = post(b"", path, ["Transfer-Encoding: chunked", *headers], length=False)
    return head + b"".join(chunk(piece) for piece in pieces) + end


def event(data, account_id=1, **members):
    return json.dumps({"account_id": account_id, **members, "data": data}).encode()
