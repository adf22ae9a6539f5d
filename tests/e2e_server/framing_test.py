"""RFC 9112, held strictly: what is not exactly a request is refused, and nothing after it is taken for one."""

import pytest
from server_support import EVENT, chunk, chunked, get, post

SMUGGLED = post(b'{"account_id":1,"data":"smuggled"}')

BROKEN = {
    "both lengths": post(headers=["Transfer-Encoding: chunked"]),
    "both lengths, the other way": post(b"0\r\n\r\n", headers=["Transfer-Encoding: chunked", "Content-Length: 5"], length=False),
    "two lengths": post(headers=["Content-Length: 5"]),
    "the same length twice": post(headers=[f"Content-Length: {len(EVENT)}"]),
    "a list of lengths": post(headers=["Content-Length: 29, 29"], length=False),
    "a length with a plus": post(headers=["Content-Length: +29"], length=False),
    "a negative length": post(headers=["Content-Length: -1"], length=False),
    "a hexadecimal length": post(headers=["Content-Length: 0x1d"], length=False),
    "an empty length": post(headers=["Content-Length: "], length=False),
    "a length beyond 64 bits": post(headers=["Content-Length: 99999999999999999999"], length=False),
    "obs-fold": post(headers=["X-Folded: a\r\n b"]),
    "obs-fold of a length": post(headers=["Content-Length:\r\n 29"], length=False),
    "white space before the first header": b"POST / HTTP/1.1\r\n Host: localhost\r\nContent-Length: 29\r\n\r\n" + EVENT,
    "space before the colon": post(headers=["Content-Length : 29"], length=False),
    "no Host": post(host=False),
    "two Hosts": post(headers=["Host: localhost"]),
    "a Host that is none": post(headers=["Host: a b"], host=False),
    "bare LF after the request line": b"POST / HTTP/1.1\nHost: localhost\r\nContent-Length: 29\r\n\r\n" + EVENT,
    "bare LF in a header": post(headers=["X-A: b\nX-C: d"]),
    "bare LFs throughout": post().replace(b"\r\n", b"\n"),
    "bare CR in a header": post(headers=["X-A: b\rX-C: d"]),
    "NUL in a header": post(headers=["X-A: b\0c"]),
    "NUL in a name": post(headers=["X-\0A: b"]),
    "a header without a name": post(headers=[": b"]),
    "a header without a colon": post(headers=["nonsense"]),
    "an unknown transfer coding": post(headers=["Transfer-Encoding: gzip"], length=False),
    "a list of transfer codings": post(headers=["Transfer-Encoding: gzip, chunked"], length=False),
    "chunked twice": post(headers=["Transfer-Encoding: chunked", "Transfer-Encoding: chunked"], length=False),
    "an unknown version": post(version="HTTP/2.0"),
    "no version": b"POST /\r\nHost: localhost\r\n\r\n",
    "two spaces": b"POST  / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "a target that is no path": b"POST events HTTP/1.1\r\nHost: localhost\r\nContent-Length: 29\r\n\r\n" + EVENT,
    "a target with a fragment": b"POST /#a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 29\r\n\r\n" + EVENT,
    "TLS": bytes.fromhex("16030100f8010000f40303") + bytes(64),
    "binary": b"\x00\x01\x02\x03\r\n\r\n",
    "a chunk size of -2": chunked(end=b"-2\r\nab\r\n0\r\n\r\n"),
    "a chunk size of 0x5": chunked(end=b"0x5\r\nabcde\r\n0\r\n\r\n"),
    "a chunk size beyond 64 bits": chunked(end=b"10000000000000001\r\na\r\n0\r\n\r\n"),
    "an empty chunk size": chunked(end=b"\r\na\r\n0\r\n\r\n"),
    "a chunk ended by LF": chunked(end=b"5\nabcde\n0\n\n"),
    "a chunk longer than its size": chunked(end=b"2\r\nabcde\r\n0\r\n\r\n"),
    "a huge chunk extension": chunked(end=chunk(EVENT, b";a=" + b"b" * 8000) + b"0\r\n\r\n"),
    "an endless chunk extension": chunked(end=b"5;" + b"a" * 40000),
    "too many chunk extensions": chunked(end=chunk(b" ", b";a=" + b"b" * 500) * 40 + b"0\r\n\r\n"),
    "too many trailers": chunked(EVENT, end=b"0\r\n" + b"X-A: b\r\n" * 65 + b"\r\n"),
    "endless trailers": chunked(EVENT, end=b"0\r\n" + b"X-A: " + b"b" * 40000),
    "a broken trailer": chunked(EVENT, end=b"0\r\nX-A\r\n\r\n"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_framing_is_400_and_nothing_behind_it_is_a_request(daemon, connection, name):
    before = daemon.ledger()["accepted"]
    connection.send(BROKEN[name] + SMUGGLED)
    answer = connection.read_answer()
    assert (answer.status, answer.problem) == (400, "bad-request")
    assert answer.headers["connection"] == "close"
    assert connection.read_to_end() == b""
    assert daemon.ledger()["accepted"] == before
    assert daemon.ledger()["in_flight"] == 0


@pytest.mark.parametrize("name", ["both lengths", "obs-fold", "no Host", "a chunk size of -2", "bare LF in a header"])
def test_broken_framing_is_refused_however_it_is_split(daemon, name):
    for size in (1, 7):
        with daemon.connect() as raw:
            raw.send_in_pieces(BROKEN[name], size)
            assert raw.read_answer().status == 400


def test_a_broken_request_to_an_event_route_has_its_entry_in_the_ledger(daemon, connection):
    before = daemon.ledger()
    connection.send(BROKEN["two lengths"])
    connection.read_to_end()
    after = daemon.ledger()
    assert after["received"] == before["received"] + 1
    assert after["rejected"]["bad-request"] == before["rejected"].get("bad-request", 0) + 1


def test_the_answers_before_a_broken_request_come(connection):
    connection.send(post() + post() + BROKEN["obs-fold"] + SMUGGLED)
    assert [connection.read_answer().status for _ in range(3)] == [202, 202, 400]
    assert connection.read_to_end() == b""


def test_a_request_split_at_every_byte_is_read(connection):
    request = post(headers=["Content-Type: application/json", "X-A: b"])
    for cut in range(1, len(request)):
        connection.send(request[:cut])
        connection.send(request[cut:])
        assert connection.read_answer().status == 202


def test_a_request_sent_byte_by_byte_is_read(connection):
    connection.send_in_pieces(post())
    assert connection.read_answer().status == 202
    connection.send_in_pieces(chunked(EVENT[:5], EVENT[5:]))
    assert connection.read_answer().status == 202


def test_chunks_of_every_size_are_read(connection):
    for size in range(1, len(EVENT) + 1):
        pieces = [EVENT[i:i + size] for i in range(0, len(EVENT), size)]
        connection.send(chunked(*pieces))
        assert connection.read_answer().status == 202


def test_an_empty_chunked_body_is_read_byte_by_byte(connection):
    connection.send_in_pieces(chunked(end=b"0\r\nX-Trailer: a\r\n\r\n"))
    assert connection.read_answer().status == 400
    connection.send(post())
    assert connection.read_answer().status == 202


def test_chunk_extensions_and_trailers_are_read_over(connection):
    connection.send(chunked(end=chunk(EVENT, b';a=b;c="d"') + b"0\r\nX-Trailer: a\r\nContent-Type: text/html\r\n\r\n"))
    assert connection.read_answer().status == 202
    connection.send(post())
    assert connection.read_answer().status == 202


def test_empty_lines_before_a_request_are_read_over(connection):
    connection.send(b"\r\n\r\n" + post() + b"\r\n" + post())
    assert [connection.read_answer().status for _ in range(2)] == [202, 202]


def test_http_1_0_closes_unless_asked_to_stay(daemon):
    with daemon.connect() as raw:
        raw.send(post(version="HTTP/1.0", host=False))
        assert raw.read_answer().status == 202
        assert raw.read_to_end() == b""
    with daemon.connect() as raw:
        for _ in range(2):
            raw.send(post(version="HTTP/1.0", host=False, headers=["Connection: keep-alive"]))
            answer = raw.read_answer()
            assert (answer.status, answer.headers["connection"]) == (202, "keep-alive")


def test_connection_close_is_said_and_done(connection):
    connection.send(post(headers=["Connection: close"]))
    answer = connection.read_answer()
    assert (answer.status, answer.headers["connection"]) == (202, "close")
    assert connection.read_to_end() == b""


def test_an_absolute_target_is_its_path(connection):
    connection.send(post(path="http://elsewhere.example/v1/events"))
    assert connection.read_answer().status == 202
    connection.send(get("http://elsewhere.example"))
    assert connection.read_answer().json()["service"] == "tracking"


def test_expect_continue_is_answered_before_the_body(connection):
    request = post(headers=["Expect: 100-continue"])
    connection.send(request[:-len(EVENT)])
    assert connection.read_answer().status == 100
    connection.send(EVENT)
    assert connection.read_answer().status == 202


def test_expect_continue_is_not_answered_if_the_body_is_not_wanted(connection):
    connection.send(post(b"", headers=["Expect: 100-continue", "Content-Length: 99999999"], length=False))
    answer = connection.read_answer()
    assert (answer.status, answer.headers["connection"]) == (413, "close")
    assert connection.is_closed_within(4)


def test_a_date_is_sent(connection):
    connection.send(get())
    assert connection.read_answer().headers["date"].endswith(" GMT")
