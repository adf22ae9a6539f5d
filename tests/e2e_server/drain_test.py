"""SIGTERM (fault 2): what is here is finished, and nothing that was acknowledged is lost."""

import signal
import threading

from e2e_support import Daemon, wait_until
from server_support import EVENT, chunk, event, get, post


def test_under_load_every_acknowledged_event_reaches_the_subscriber():
    with Daemon() as daemon:
        stream = daemon.subscribe(sse=False, timeout=15)
        acknowledged = []

        def send(worker):
            with daemon.connect() as raw:
                try:
                    for i in range(1_000_000):
                        raw.send(post(event([worker, i])))
                        answer = raw.read_answer()
                        if answer.status == 202:
                            acknowledged.append((worker, i))
                        if answer.headers.get("connection") == "close":
                            return
                except (AssertionError, OSError):
                    pass  # closed between two requests

        received = []
        reader = threading.Thread(target=lambda: received.extend(iter(stream.next_event, None)))
        workers = [threading.Thread(target=send, args=(n,)) for n in range(8)]
        for thread in [reader, *workers]:
            thread.start()
        wait_until(lambda: len(acknowledged) > 500, 30, "some load")
        assert daemon.stop() == 0
        for thread in [*workers, reader]:
            thread.join(20)
        delivered = [tuple(one["data"]) for one in received]
        assert len(delivered) == len(set(delivered))
        assert set(acknowledged) <= set(delivered)


def test_a_request_in_flight_is_finished_and_idle_connections_are_closed():
    with Daemon("--drain-timeout", "60s") as daemon, daemon.connect() as busy, daemon.connect() as idle, \
            daemon.connect() as begun:
        idle.send(post())
        assert idle.read_answer().status == 202
        busy.send(post()[:-5])
        begun.send(post(b"", headers=["Content-Type: application/x-ndjson", "Transfer-Encoding: chunked"], length=False)
                   + chunk(EVENT + b"\n"))
        wait_until(lambda: daemon.ledger()["accepted"] == 2, what="the first line")
        daemon.process.send_signal(signal.SIGTERM)
        assert idle.is_closed_within(20)
        busy.send(EVENT[-5:])
        answer = busy.read_answer()
        assert (answer.status, answer.headers["connection"]) == (202, "close")
        begun.send(chunk(EVENT + b"\n") + b"0\r\n\r\n")
        answer = begun.read_answer()
        assert (answer.json()["accepted"], answer.headers["connection"]) == (2, "close")
        assert daemon.wait() == 0


def is_refused(daemon):
    try:
        daemon.connect().close()
        return False
    except ConnectionResetError:  # it stood in the line when that was closed
        return False
    except ConnectionRefusedError:
        return True


def test_a_request_on_a_kept_connection_is_answered_for_a_while_and_told_that_it_is_the_last():
    with Daemon() as daemon, daemon.connect() as used, daemon.connect() as fresh, daemon.connect() as asking:
        used.send(post())
        assert used.read_answer().status == 202
        daemon.process.send_signal(signal.SIGTERM)
        wait_until(lambda: is_refused(daemon), what="no one new")
        for raw, request in ((used, post()), (fresh, post()), (asking, get("/readyz"))):
            raw.send(request)
        for raw, status in ((used, 202), (fresh, 202), (asking, 503)):
            answer = raw.read_answer()
            assert (answer.status, answer.headers["connection"]) == (status, "close")
            assert raw.read_to_end() == b""
            raw.close()
        assert daemon.wait() == 0


def test_requests_that_were_sent_together_are_all_answered_and_the_last_says_so():
    with Daemon() as daemon, daemon.connect() as raw:
        daemon.process.send_signal(signal.SIGTERM)
        wait_until(lambda: is_refused(daemon), what="no one new")
        raw.send(post() * 5)
        answers = [raw.read_answer() for _ in range(5)]
        assert [answer.status for answer in answers] == [202] * 5
        assert [answer.headers.get("connection") for answer in answers] == [None] * 4 + ["close"]
        assert daemon.wait() == 0


def test_a_stream_that_is_asked_for_on_a_kept_connection_is_served_until_streams_end():
    with Daemon() as daemon, daemon.connect() as kept, daemon.connect() as other:
        daemon.process.send_signal(signal.SIGTERM)
        wait_until(lambda: is_refused(daemon), what="no one new")
        kept.send(get("/v1/events"))
        assert kept.read_head()[0] == 200
        other.send(post())
        assert other.read_answer().status == 202
        assert b'"data":"foo"' in kept.read_to_end()
        assert daemon.wait() == 0


def test_streams_end_and_are_seen_to_have_ended():
    with Daemon() as daemon:
        streams = [daemon.subscribe(sse=sse) for sse in (True, False)]
        assert daemon.stop() == 0
        for stream in streams:
            assert stream.next_event() is None
            assert stream.connection.read_to_end() == b""


def test_what_does_not_end_is_cut_at_the_deadline():
    with Daemon("--drain-timeout", "1s") as daemon, daemon.connect() as raw:
        raw.send(post()[:-5])
        assert daemon.get("/livez").status == 200
        assert daemon.stop(timeout=6) == 0
