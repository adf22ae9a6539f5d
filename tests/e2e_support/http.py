"""One request, one answer, over a connection of its own."""

import http.client
import json as json_module
import urllib.parse

from .waiting import seconds


class Answer:
    """What came back."""

    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers  # names in lower case
        self.body = body

    @property
    def text(self):
        return self.body.decode("utf-8")

    def json(self):
        return json_module.loads(self.body)

    @property
    def problem(self):
        """The type of a problem document; fails if it is none."""
        assert self.headers.get("content-type") == "application/problem+json", (self.status, self.headers, self.body)
        document = self.json()
        assert document["status"] == self.status, document
        assert document["title"] and "detail" in document, document
        return document["type"]

    def __repr__(self):
        return f"Answer({self.status}, {self.headers}, {self.body!r})"


def request(method, url, body=None, headers=None, json=None, timeout=10.0):
    """Sends a request and reads the whole answer. `json` is encoded and sent as application/json."""
    parts = urllib.parse.urlsplit(url)
    headers = dict(headers or {})
    if json is not None:
        body = json_module.dumps(json).encode()
        headers.setdefault("Content-Type", "application/json")
    if isinstance(body, str):
        body = body.encode()
    target = parts.path or "/"
    if parts.query:
        target += "?" + parts.query
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=seconds(timeout))
    try:
        connection.request(method, target, body=body, headers=headers)
        response = connection.getresponse()
        return Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, response.read())
    finally:
        connection.close()
