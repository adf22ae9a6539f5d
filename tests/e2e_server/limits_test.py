"""Oversized everything."""

import pytest
from server_support import EVENT, chunk, event, get, post


def test_a_request_line_of_8_kib_is_read_and_a_longer_one_is_414(daemon):
    for size, status in ((8192, 202), (8193, 414)):
        padding = size - len("POST /v1/events?a= HTTP/1.1")
        with daemon.connect() as raw:
            raw.send(post(path="/v1/events?a=" + "b" * padding))
            assert raw.read_answer().status == status


def test_an_endless_request_line_is_414_before_it_ends(connection):
    connection.send(b"GET /" + b"a" * 9000)
    assert connection.read_answer().problem == "uri-too-long"
    assert connection.is_closed_within(4)


def test_64_header_lines_are_read_and_more_are_431(daemon):
    for count, status in ((62, 202), (63, 431)):
        with daemon.connect() as raw:
            raw.send(post(headers=[f"X-{i}: a" for i in range(count)]))
            assert raw.read_answer().status == status


def test_a_head_of_16_kib_is_read_and_a_larger_one_is_431(daemon):
    for size, status in ((16384, 202), (16385, 431)):
        request = post(headers=["X-A: "])
        padding = size - (len(request) - len(EVENT))
        with daemon.connect() as raw:
            raw.send(post(headers=["X-A: " + "b" * padding]))
            assert raw.read_answer().status == status


def test_an_endless_head_is_431_before_it_ends(connection):
    connection.send(b"GET / HTTP/1.1\r\nX-A: " + b"b" * 17000)
    assert connection.read_answer().problem == "headers-too-large"


def test_data_of_256_kib_is_accepted_and_more_is_413(daemon, connection):
    for size, status in ((256 * 1024 - 2, 202), (256 * 1024 - 1, 413)):
        connection.send(post(event("x" * size)))
        assert connection.read_answer().status == status


def test_a_single_event_over_its_limit_is_413_and_the_next_request_is_answered(connection):
    connection.send(post(event("x" * 400_000)) + post())
    assert connection.read_answer().problem == "too-large"
    assert connection.read_answer().status == 202


@pytest.mark.parametrize("length", [str(9 << 20), str(2**63 - 1), str(2**63), str(2**64 - 1)])
def test_an_announced_body_over_the_limit_is_413_at_once(connection, length):
    connection.send(post(b"", headers=[f"Content-Length: {length}"], length=False))
    answer = connection.read_answer()
    assert (answer.problem, answer.headers["connection"]) == ("too-large", "close")


def test_a_chunked_body_over_the_limit_is_413_before_its_end(connection):
    connection.send(post(b"", headers=["Transfer-Encoding: chunked"], length=False))
    connection.send(chunk(b'{"account_id":1,"data":"' + b"x" * 300_000))
    assert connection.read_answer().problem == "too-large"


def test_a_huge_chunk_size_costs_nothing(daemon, connection):
    before = daemon.private_bytes()
    connection.send(post(b"", headers=["Transfer-Encoding: chunked"], length=False) + b"7fffffffffffffff\r\n[")
    daemon.post({"account_id": 1, "data": 1})
    assert daemon.private_bytes() < before + (2 << 20)


def test_an_array_of_8_mib_is_read(connection):
    connection.send(post(b"[" + EVENT + b" " * ((8 << 20) - len(EVENT) - 2) + b"]"))
    assert connection.read_answer().status == 202


def test_a_chunked_array_over_8_mib_is_413(connection):
    connection.send(post(b"", headers=["Transfer-Encoding: chunked"], length=False) + chunk(b"[" + EVENT))
    for _ in range(16):
        connection.send(chunk(b" " * 524288))
    assert connection.read_answer().problem == "too-large"


def test_bodies_have_a_memory_together(daemon_with_little_body_memory):
    daemon = daemon_with_little_body_memory
    body = b"[" + EVENT + b" " * 3_000_000
    holders = [daemon.connect() for _ in range(3)]
    for holder in holders:
        holder.send(post(body, headers=[f"Content-Length: {len(body) + 1}"], length=False))
    statuses = []
    for holder in holders:
        if holder.is_closed_within(5):
            statuses.append(503)
            assert b"503" in holder.buffer and b'"overloaded"' in holder.buffer and b"Retry-After" in holder.buffer
        else:
            holder.send(b"]")
            statuses.append(holder.read_answer().status)
        holder.close()
    assert 503 in statuses
    assert daemon.post({"account_id": 1, "data": 1}).status == 202


@pytest.fixture
def daemon_with_little_body_memory():
    from e2e_support import Daemon
    with Daemon("--body-memory", "4MiB") as running:
        yield running


def test_post_without_a_length_is_411_and_the_next_request_is_answered(connection):
    connection.send(post(b"", length=False) + get())
    assert connection.read_answer().problem == "length-required"
    assert connection.read_answer().status == 200
