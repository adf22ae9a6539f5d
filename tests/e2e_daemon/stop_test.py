"""Signals: what is under way is finished, and then it ends."""

import json
import signal
import threading
import time

import pytest
from e2e_support import Daemon, RawConnection, wait_until
from e2e_support.waiting import seconds


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_well_and_at_once_when_nothing_is_under_way(number):
    with Daemon() as daemon:
        start = time.monotonic()
        assert daemon.stop(number) == 0
        assert time.monotonic() - start < seconds(2)
        assert daemon.records("stopping")[0]["signal"] == number.name
        assert daemon.records("stopped")


def test_open_streams_and_idle_connections_do_not_hold_it_up():
    with Daemon() as daemon:
        with daemon.subscribe(), daemon.subscribe(sse=False), daemon.connect(), RawConnection(daemon.admin_port) as admin:
            admin.send(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
            admin.read_answer()
            start = time.monotonic()
            assert daemon.stop() == 0
            assert time.monotonic() - start < seconds(5)


def test_a_request_under_way_is_answered():
    with Daemon() as daemon:
        body = b'{"account_id":1,"data":"late"}'
        with daemon.connect() as connection:
            connection.send(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body) + body[:10])
            wait_until(lambda: daemon.metrics()["tracking_http_connections"] >= 1)
            daemon.process.send_signal(signal.SIGTERM)
            wait_until(lambda: daemon.records("stopping"))
            connection.send(body[10:])
            assert connection.read_answer().status == 202
        assert daemon.wait() == 0
        assert daemon.records("stopped")[0]["accepted"] == 1


def test_it_is_unready_and_takes_no_one_new_while_it_drains():
    with Daemon() as daemon:
        with daemon.connect() as busy:
            busy.send(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n{")
            wait_until(lambda: daemon.metrics()["tracking_http_connections"] >= 1)
            daemon.process.send_signal(signal.SIGTERM)
            wait_until(lambda: daemon.admin("GET", "/readyz").status == 503)
            assert daemon.admin("GET", "/readyz").problem == "not-ready"
            assert daemon.admin("GET", "/livez").status == 200

            def is_refused():
                try:
                    RawConnection(daemon.port).close()
                    return False
                except ConnectionRefusedError:
                    return True
            wait_until(is_refused, what="a refused connection")
        assert daemon.wait() == 0


def test_the_drain_has_an_end():
    with Daemon("--drain-timeout", "300ms") as daemon:
        with daemon.connect() as stuck:
            stuck.send(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n{")
            wait_until(lambda: daemon.metrics()["tracking_http_connections"] >= 1)
            start = time.monotonic()
            assert daemon.stop() == 0
            assert time.monotonic() - start < seconds(3)


def test_a_second_signal_ends_it_at_once():
    with Daemon("--drain-timeout", "1h") as daemon:
        with daemon.connect() as stuck:
            stuck.send(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n{")
            wait_until(lambda: daemon.metrics()["tracking_http_connections"] >= 1)
            daemon.process.send_signal(signal.SIGTERM)
            wait_until(lambda: daemon.admin("GET", "/readyz").status == 503)
            start = time.monotonic()
            assert daemon.stop(signal.SIGINT) == 1
            assert time.monotonic() - start < seconds(2)


def test_nothing_acknowledged_is_lost_under_load():
    """Each event that was answered with 202 reached the subscriber before its stream ended."""
    with Daemon() as daemon:
        accepted, delivered = set(), set()
        stream = daemon.subscribe(sse=False)

        def send(lane):
            number = 0
            try:
                with RawConnection(daemon.port) as connection:
                    while True:
                        data = b'"%d-%d"' % (lane, number)
                        body = b'{"account_id":1,"data":' + data + b"}"
                        connection.send(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
                        if connection.read_answer().status == 202:
                            accepted.add(json.loads(data))
                        number += 1
            except (OSError, AssertionError):
                pass  # the daemon is gone: what was not answered does not count

        def receive():
            try:
                while (event := stream.next_event()) is not None:
                    delivered.add(event["data"])
            except (OSError, AssertionError, TimeoutError):
                pass

        threads = [threading.Thread(target=send, args=(lane,)) for lane in range(4)] + [threading.Thread(target=receive)]
        for thread in threads:
            thread.start()
        wait_until(lambda: len(accepted) > 500, 30)
        assert daemon.stop() == 0
        for thread in threads:
            thread.join()
        stream.close()
        assert accepted <= delivered, f"{len(accepted - delivered)} of {len(accepted)} were lost"
