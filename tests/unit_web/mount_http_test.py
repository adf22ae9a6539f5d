"""The example that mounts our routes in a server of the reader's own, as its first lines say to use it."""

import json
import os
import subprocess
import urllib.parse
import http.client

import pytest

from e2e_support.http import request

PROGRAM = os.path.join(os.environ["TRACKING_BUILD_DIR"], "libtracking/examples/mount_http")


@pytest.fixture(scope="module")
def url():
    with subprocess.Popen([PROGRAM], stdout=subprocess.PIPE, text=True) as server:
        try:
            yield server.stdout.readline().strip()
        finally:
            server.kill()


def test_events_come_in_beside_a_route_of_ones_own(url):
    assert request("GET", url + "/hello").text == "a route of your own\n"
    assert request("POST", url + "/v1/events", json={"account_id": 1, "data": "foo"}).status == 202
    assert request("POST", url + "/3?id=mine", body=b"hello").json()["id"] == "mine"


def test_refusals_are_problems(url):
    unknown = request("POST", url + "/v1/events", json={"account_id": 9, "data": 1})
    assert unknown.status == 404 and unknown.problem == "unknown-account"
    assert request("GET", url + "/v1/events?limit=0").problem == "invalid-parameter"


def test_ndjson_is_a_batch(url):
    body = b'{"account_id":1,"data":1}\nnonsense\n'
    answer = request("POST", url + "/v1/events", body=body, headers={"Content-Type": "application/x-ndjson"})
    assert answer.status == 202
    assert (answer.json()["accepted"], answer.json()["rejected"][0]["index"]) == (1, 1)


def test_history_is_streamed_as_ndjson(url):
    tracked = request("POST", url + "/v1/events", json={"account_id": 3, "data": [1e3]}).json()
    history = request("GET", url + "/v1/events?account_id=3&since=all&follow=false")
    assert history.headers["content-type"] == "application/x-ndjson"
    last = json.loads(history.text.splitlines()[-1])
    assert last["id"] == tracked["id"] and last["cursor"].startswith("c_")


def test_the_live_stream_is_server_sent_events(url):
    parts = urllib.parse.urlsplit(url)
    reader = http.client.HTTPConnection(parts.hostname, parts.port, timeout=10)
    reader.request("GET", "/v1/events?account_id=1", headers={"Accept": "text/event-stream"})
    stream = reader.getresponse()
    assert stream.getheader("Content-Type") == "text/event-stream"
    assert stream.readline() == b"retry: 2000\n"
    assert stream.readline().startswith(b"id: c_")
    request("POST", url + "/v1/events", json={"account_id": 1, "data": "live"})
    assert stream.readline() == b"\n"
    assert stream.readline().startswith(b"id: c_")
    assert json.loads(stream.readline().removeprefix(b"data: "))["data"] == "live"
    reader.close()
