"""Bytes that the admin listener must not misunderstand, and loads that it must bear."""

import threading

import pytest
from e2e_support import Daemon, RawConnection, wait_until

HOST = b"Host: localhost\r\n"


@pytest.fixture(scope="module")
def daemon():
    with Daemon() as running:
        yield running


@pytest.fixture
def connection(daemon):
    with RawConnection(daemon.admin_port) as opened:
        yield opened


@pytest.mark.parametrize("head, type", [
    (b"GET /livez HTTP/1.1\r\n\r\n", "bad-request"),
    (b"GET /livez HTTP/1.1\r\n" + HOST + HOST + b"\r\n", "bad-request"),
    (b"GET /livez HTTP/1.1\n" + b"Host: localhost\n\n", "bad-request"),
    (b"GET /livez HTTP/1.1\r\n" + HOST + b"X: a\r\n b\r\n\r\n", "bad-request"),
    (b"GET /livez HTTP/1.1\r\n" + HOST + b"X : a\r\n\r\n", "bad-request"),
    (b"GET /livez HTTP/1.1\r\n" + HOST + b"X: a\0b\r\n\r\n", "bad-request"),
    (b"GET /livez HTTP/1.1\r\n" + HOST + b"no colon\r\n\r\n", "bad-request"),
    (b"GET /livez HTTP/2.0\r\n" + HOST + b"\r\n", "bad-request"),
    (b"GET /a b HTTP/1.1\r\n" + HOST + b"\r\n", "bad-request"),
    (b"GET http://localhost/ HTTP/1.1\r\n" + HOST + b"\r\n", "bad-request"),
    (b"G(T / HTTP/1.1\r\n" + HOST + b"\r\n", "bad-request"),
    (b"POST /v1/accounts HTTP/1.1\r\n" + HOST + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n", "bad-request"),
    (b"POST /v1/accounts HTTP/1.1\r\n" + HOST + b"Content-Length: +5\r\n\r\n", "bad-request"),
    (b"POST /v1/accounts HTTP/1.1\r\n" + HOST + b"Content-Length: 0x5\r\n\r\n", "bad-request"),
    (b"POST /v1/accounts HTTP/1.1\r\n" + HOST + b"Content-Length: -2\r\n\r\n", "bad-request"),
    (b"POST /v1/accounts HTTP/1.1\r\n" + HOST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
     "bad-request"),
    (b"POST /v1/accounts HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n", "length-required"),
    (b"POST /v1/accounts HTTP/1.1\r\n" + HOST + b"Content-Length: 65537\r\n\r\n", "too-large"),
    (b"POST /v1/accounts HTTP/1.1\r\n" + HOST + b"Content-Length: 9223372036854775808\r\n\r\n", "too-large"),
    (b"POST /v1/accounts HTTP/1.1\r\n" + HOST + b"Content-Encoding: gzip\r\nContent-Length: 5\r\n\r\n",
     "unsupported-type"),
    (b"GET /" + b"x" * 8200 + b" HTTP/1.1\r\n" + HOST + b"\r\n", "uri-too-long"),
    (b"GET / HTTP/1.1\r\n" + HOST + b"X: y\r\n" * 64 + b"\r\n", "headers-too-large"),
    (b"GET / HTTP/1.1\r\n" + HOST + b"X: " + b"y" * 17000 + b"\r\n\r\n", "headers-too-large"),
])
def test_what_could_be_understood_in_two_ways_is_refused_and_ends_the_connection(daemon, connection, head, type):
    connection.send(head + b"GET /smuggled HTTP/1.1\r\n" + HOST + b"\r\n")
    answer = connection.read_answer()
    assert answer.problem == type
    assert answer.headers["connection"] == "close"
    assert connection.is_closed_within(5)
    assert b"HTTP/1.1" not in connection.buffer, "what followed was taken as a request"


def test_requests_follow_one_another_on_a_connection(connection):
    request = b"GET /v1/accounts/%d HTTP/1.1\r\n" + HOST + b"\r\n"
    for id, status in ((1, 200), (99, 404), (1, 200)):
        connection.send(request % id)
        assert connection.read_answer().status == status


def test_pipelined_and_torn_requests_are_answered_in_order(connection):
    body = b'{"name":"n%d"}'
    requests = b""
    for number in range(20):
        content = body % number
        requests += (b"PATCH /v1/accounts/1 HTTP/1.1\r\n" + HOST +
                     b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(content) + content)
    connection.send_in_pieces(requests, 7)
    assert [connection.read_answer().json()["name"] for _ in range(20)] == [f"n{number}" for number in range(20)]


def test_a_body_of_a_get_is_not_the_next_request(connection):
    hidden = b"GET /smuggled HTTP/1.1\r\n" + HOST + b"\r\n"
    connection.send(b"GET /livez HTTP/1.1\r\n" + HOST + b"Content-Length: %d\r\n\r\n" % len(hidden) + hidden +
                    b"GET /readyz HTTP/1.1\r\n" + HOST + b"\r\n")
    assert connection.read_answer().status == 200
    assert connection.read_answer().json() == {"status": "ready"}


def test_a_body_that_is_cut_changes_nothing(daemon, connection):
    connection.send(b"DELETE /v1/accounts/3 HTTP/1.1\r\n" + HOST +
                    b"Content-Type: application/json\r\nContent-Length: 5\r\n\r\n{}")
    connection.half_close()
    assert connection.read_answer().problem == "bad-request"
    assert daemon.admin("GET", "/v1/accounts/3").status == 200


def test_http_1_0_is_answered_and_closed(connection):
    connection.send(b"GET /livez HTTP/1.0\r\n" + HOST + b"\r\n")
    assert connection.read_answer().status == 200
    assert connection.is_closed_within(5)


def test_expect_100_continue_is_met(connection):
    connection.send(b"PATCH /v1/accounts/1 HTTP/1.1\r\n" + HOST + b"Expect: 100-continue\r\n" +
                    b"Content-Type: application/json\r\nContent-Length: 12\r\n\r\n")
    assert connection.read_head()[0] == 100
    connection.send(b'{"name":"x"}')
    assert connection.read_answer().status == 200


def test_a_range_is_not_a_way_to_cut_answers(daemon):
    whole = daemon.admin("GET", "/v1/ledger").body
    answer = daemon.admin("GET", "/v1/ledger", headers={"Range": "bytes=0-3"})
    assert (answer.status, answer.body) == (200, whole)


def test_silent_connections_keep_nobody_out(daemon):
    """More than there are threads: they wait for a first byte for 5 s at most."""
    silent = [RawConnection(daemon.admin_port) for _ in range(40)]
    try:
        assert daemon.admin("GET", "/livez").status == 200
    finally:
        for connection in silent:
            connection.close()


def test_many_clients_at_once_are_all_answered(daemon):
    failures = []

    def work():
        for _ in range(20):
            answer = daemon.admin("GET", "/v1/accounts?limit=2")
            if answer.status != 200:
                failures.append(answer)
    threads = [threading.Thread(target=work) for _ in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_it_works_with_more_than_1024_open_files(daemon):
    """cpp-httplib uses select(), which ends at descriptor 1024; the admin listener must not."""
    with Daemon() as crowded:
        held = [RawConnection(crowded.port) for _ in range(1100)]
        try:
            wait_until(lambda: crowded.open_files() > 1100, what="open files")
            assert crowded.admin("GET", "/v1/accounts").status == 200
            assert crowded.metrics()["process_open_fds"] > 1100
        finally:
            for connection in held:
                connection.close()
