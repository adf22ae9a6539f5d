"""GET /v1/events."""

import threading

import pytest
from e2e_support import Daemon, wait_until
from server_support import event


def track(daemon, *values, account_id=1):
    for value in values:
        assert daemon.post({"account_id": account_id, "data": value}).status == 202


@pytest.fixture
def fresh():
    with Daemon() as running:
        yield running


@pytest.mark.parametrize("sse", [True, False])
def test_a_stream_opens_with_its_position_and_tells_every_event_after_it(fresh, sse):
    with fresh.subscribe(sse=sse) as stream:
        assert stream.status == 200
        assert stream.headers["x-accel-buffering"] == "no" and stream.headers["cache-control"] == "no-store"
        if sse:
            assert stream.headers["content-type"].startswith("text/event-stream")
            opening = stream.next_frame()
            assert opening["retry"] == "2000" and opening["id"].startswith("c_") and "data" not in opening
        else:
            assert stream.headers["content-type"].startswith("application/x-ndjson")
            assert stream.headers["tracking-cursor"].startswith("c_")
        track(fresh, *range(100))
        assert [stream.next_event()["data"] for _ in range(100)] == list(range(100))


@pytest.mark.parametrize("sse", [True, False])
def test_a_stream_resumes_after_its_last_event(fresh, sse):
    with fresh.subscribe(sse=sse) as stream:
        track(fresh, *range(10))
        events = stream.next_events(5)
        cursor = events[-1]["_cursor" if sse else "cursor"]
    headers = {"Last-Event-ID": cursor}
    with fresh.subscribe("since=now", sse=sse, headers=headers) as stream:
        assert [stream.next_event()["data"] for _ in range(5)] == [5, 6, 7, 8, 9]


def test_a_stream_resumes_at_its_opening_position(fresh):
    with fresh.subscribe(sse=False) as stream:
        cursor = stream.headers["tracking-cursor"]
    track(fresh, "later")
    with fresh.subscribe("since=" + cursor) as stream:
        assert stream.next_event()["data"] == "later"


def test_filters_and_limits(fresh):
    track(fresh, "a", "b", "c")
    track(fresh, "other", account_id=3)
    with fresh.subscribe("account_id=1&since=all&limit=2") as stream:
        assert [stream.next_event()["data"] for _ in range(2)] == ["a", "b"]
        assert stream.next_event() is None
    with fresh.subscribe("account_id=3&since=all&follow=false", sse=False) as stream:
        assert stream.next_event()["data"] == "other"
        assert stream.next_event() is None
    with fresh.subscribe("tail=2&follow=false") as stream:
        assert [stream.next_event()["data"] for _ in range(2)] == ["c", "other"]


@pytest.mark.parametrize("query", ["since=yesterday", "limit=x", "account_id=0", "account_id=a", "nonsense=1", "tail=-1"])
def test_a_wrong_parameter_is_named(fresh, query):
    answer = fresh.get("/v1/events?" + query)
    assert answer.problem == "invalid-parameter" and query.split("=")[0] in answer.json()["detail"]


def test_an_unreadable_cursor_is_a_gap_and_then_live(fresh):
    with fresh.subscribe(headers={"Last-Event-ID": "c_nonsense"}) as stream:
        assert stream.next_event()["gap"]["reason"] == "unknown-cursor"
        track(fresh, "live")
        assert stream.next_event()["data"] == "live"


def test_an_idle_stream_is_kept_alive(fresh):
    with fresh.subscribe(timeout=25) as sse, fresh.subscribe(sse=False, timeout=25) as lines:
        sse.next_frame()
        beat = sse.next_frame()
        assert beat["comment"] == "" and beat["id"].startswith("c_") and "data" not in beat
        assert lines.next_line() == b""


def test_streams_may_be_switched_off():
    with Daemon("--streams", "off") as daemon:
        assert daemon.get("/v1/events").problem == "forbidden"


def test_there_is_a_limit_of_subscribers():
    with Daemon("--max-subscribers", "2") as daemon:
        with daemon.subscribe(), daemon.subscribe():
            answer = daemon.get("/v1/events")
            assert (answer.status, answer.problem) == (503, "overloaded")
        wait_until(lambda: daemon.get("/v1/events?follow=false&since=all").status == 200, what="a free place")


def test_a_reader_that_goes_is_noticed_at_once(fresh):
    streams = [fresh.subscribe() for _ in range(10)]
    subscribers = lambda: fresh.metrics()["tracking_subscribers"]
    wait_until(lambda: subscribers() == 10)
    for i, stream in enumerate(streams):
        [stream.connection.close, stream.connection.reset, stream.connection.half_close][i % 3]()
    wait_until(lambda: subscribers() == 0, 10, "no subscribers")  # a heartbeat would notice it after 15 s


def test_subscribers_that_never_read_hold_up_no_one(fresh):
    """Fault 22, small: memory stays bounded, others get everything, and the slow one is told by a gap."""
    slow = [fresh.subscribe(receive_buffer=4096) for _ in range(50)]
    value = "x" * 1000
    with fresh.subscribe("limit=20000", sse=False, timeout=60) as reader:
        received = []
        thread = threading.Thread(target=lambda: received.extend(iter(reader.next_line, None)))
        thread.start()
        with fresh.connect(timeout=60) as writer:
            batch = b"[" + b",".join([event(value)] * 500) + b"]"
            for round in range(40):
                writer.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(batch) + batch)
                assert writer.read_answer().json()["accepted"] == 500
                wait_until(lambda: len(received) >= 500 * (round + 1), 30, "the reader")
        thread.join(60)
    assert len([line for line in received if line]) == 20000
    # History (64 MiB) apart, what 50 streams hold.
    assert fresh.private_bytes() < (64 + 50 + 30) << 20
    reasons = []
    for _ in range(30000):
        delivered = slow[0].next_event(30)
        if "gap" in delivered:
            reasons.append(delivered["gap"]["reason"])
            break
    assert reasons == ["slow-subscriber"]
    for stream in slow:
        stream.close()


def test_a_large_event_passes_whole(fresh):
    with fresh.subscribe() as sse, fresh.subscribe(sse=False) as lines:
        track(fresh, "y" * 250_000)
        assert len(sse.next_event()["data"]) == len(lines.next_event()["data"]) == 250_000


def test_http_1_0_readers_get_the_bytes_alone(fresh):
    track(fresh, "old")
    with fresh.connect() as raw:
        raw.send("GET /v1/events?since=all&follow=false HTTP/1.0\r\n\r\n")
        status, headers = raw.read_head()
        assert status == 200 and "transfer-encoding" not in headers
        assert b'"data":"old"' in raw.read_to_end()


def test_two_thousand_idle_streams_are_cheap(fresh):
    """2,000 idle SSE subscribers take at most 16 MiB."""
    fresh.subscribe().close()
    before = fresh.private_bytes()
    streams = [fresh.subscribe() for _ in range(2000)]
    assert fresh.private_bytes() - before < 16 << 20
    track(fresh, "all")
    assert all(stream.next_event()["data"] == "all" for stream in streams)
    for stream in streams:
        stream.close()
    assert fresh.get("/livez").status == 200
