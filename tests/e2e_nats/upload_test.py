"""NDJSON that comes faster than the broker takes it: read at the broker's pace, whoever sends it, and all of it accepted."""

import contextlib
import json
import os
import threading

import pytest

from e2e_support import Daemon, FaultProxy, MonitoredNatsServer, NatsServer, request, seconds, wait_until

NDJSON = {"Content-Type": "application/x-ndjson"}


def body(lines):
    return b"".join(b'{"account_id":1,"data":%d}\n' % number for number in range(lines))


def upload(daemon, bodies, path="/v1/events"):
    """Sends all of them at once; their answers."""
    answers = [None] * len(bodies)

    def send(index):
        answers[index] = request("POST", daemon.url + path, body=bodies[index], headers=NDJSON, timeout=120)

    threads = [threading.Thread(target=send, args=(index,)) for index in range(len(bodies))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def upload_until_answered(daemon, lines):
    """The answer may come before all was sent; then the connection ends."""
    with daemon.connect(timeout=60) as connection:
        connection.send(f"POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-ndjson\r\n"
                        f"Content-Length: {len(lines)}\r\n\r\n")

        def send():
            with contextlib.suppress(OSError):
                connection.send(lines)

        sender = threading.Thread(target=send)
        sender.start()
        answer = connection.read_answer()
        connection.reset()
        sender.join()
        return answer


def all_accepted(answers, lines, ack):
    for answer in answers:
        assert answer is not None and answer.status == 202, answer
        assert answer.json() == {"accepted": lines, "rejected": [], "ack": ack}
    return True


def test_several_fast_uploads_are_all_accepted():
    lines = round(200_000 / seconds(1))
    with MonitoredNatsServer() as server, Daemon(broker=server.url()) as daemon:
        before = server.received()
        assert all_accepted(upload(daemon, [body(lines)] * 4), lines, "sent")
        assert daemon.stop() == 0
        wait_until(lambda: server.received() - before == 4 * lines, 10, "all of them arrived")


@pytest.mark.parametrize("uploads", [1, 64])
def test_a_slow_broker_slows_uploads_down_and_refuses_nothing(uploads):
    lines = 256_000 // uploads  # some 55 MB of event lines: more than the queue takes
    with NatsServer() as server, FaultProxy(server.port) as proxy:
        with Daemon(broker=f"nats://127.0.0.1:{proxy.port}") as daemon:
            proxy.client_to_server.delay = 0.002  # for 64 KiB: some 30 MB a second
            memory = daemon.private_bytes()
            assert all_accepted(upload(daemon, [body(lines)] * uploads), lines, "sent")
            if not os.environ.get("TRACKING_SANITIZE"):  # these keep what was freed
                assert daemon.private_bytes() - memory < 64 << 20
            # Single events wait in the same line, and are not refused either.
            assert daemon.post({"account_id": 1, "data": "single"}).status == 202
            assert daemon.ledger()["in_flight"] == 0


def test_an_upload_to_a_server_that_stands_still_ends_with_where_it_stopped():
    with NatsServer() as server, Daemon(broker=server.url()) as daemon:
        server.freeze()
        answer = upload_until_answered(daemon, body(500_000))
        result = answer.json()
        assert answer.status in (202, 503)
        assert result["type"] in ("broker-unavailable", "overloaded")
        assert result["stopped_at"] == result["accepted"] < 500_000
        server.thaw()
        daemon.wait_ready(20)
        assert daemon.post({"account_id": 1, "data": "after"}).status == 202
        assert daemon.ledger()["in_flight"] == 0


@pytest.mark.parametrize("ack", ["stored", "sent"])
def test_many_uploads_to_a_stream_are_all_accepted(ack):
    uploads, lines = 32, 2_000  # more than may wait for an answer at once
    with NatsServer(jetstream=True) as server, Daemon(broker=server.url(scheme="jetstream")) as daemon:
        assert all_accepted(upload(daemon, [body(lines)] * uploads, f"/v1/events?ack={ack}"), lines, ack)
        daemon.stop()
        with NatsStream(server) as stream:
            assert stream.messages() == uploads * lines


class NatsStream:
    """Asks the server about the stream."""

    def __init__(self, server):
        self.client = server.client()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.client.close()

    def messages(self):
        self.client.subscribe("answers")
        self.client.send(b"PUB $JS.API.STREAM.INFO.TRACKING answers 0\r\n\r\n")
        return json.loads(self.client.next_message()[1])["state"]["messages"]
