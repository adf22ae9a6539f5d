"""Content-Encoding: gzip; limits count what comes out."""

import gzip
import random

import pytest
from server_support import EVENT, chunked, event, post

GZIP = ["Content-Encoding: gzip"]


# What takes long to compress is compressed before the connection is made, which waits for a head for ten seconds only:
# fixtures are set up in the order in which a test names them.


@pytest.fixture(params=[b"", b"[" + EVENT], ids=["blank", "array"])
def bomb(request):
    return gzip.compress(request.param + b" " * (100 << 20))


@pytest.fixture
def large_array():
    return gzip.compress(b"[" + b",".join(event("x" * 100) for _ in range(5000)) + b"]")


@pytest.fixture
def many_lines():
    return gzip.compress((b"\n" * 1000 + EVENT) * 20_000)


def test_a_gzip_event_is_read(connection):
    connection.send(post(gzip.compress(EVENT), headers=GZIP) + post())
    assert [connection.read_answer().status for _ in range(2)] == [202, 202]


def test_several_members_are_one_body(connection):
    connection.send(post(gzip.compress(EVENT[:9]) + gzip.compress(EVENT[9:]), headers=GZIP))
    assert connection.read_answer().status == 202


def test_a_gzip_body_may_be_chunked_anywhere(connection):
    packed = gzip.compress(EVENT)
    for cut in range(1, len(packed)):
        connection.send(chunked(packed[:cut], packed[cut:], headers=GZIP))
        assert connection.read_answer().status == 202


def test_a_large_array_arrives_whole(large_array, connection):
    connection.send(post(large_array, headers=GZIP))
    assert connection.read_answer().json()["accepted"] == 5000


def test_a_bomb_is_413_at_the_limit(bomb, daemon, connection):
    before = daemon.private_bytes()
    connection.send(post(bomb, headers=GZIP))
    assert connection.read_answer().problem == "too-large"
    assert daemon.private_bytes() < before + (40 << 20)


def test_ndjson_may_be_larger_than_any_limit(many_lines, connection):
    connection.send(post(many_lines, headers=[*GZIP, "Content-Type: application/x-ndjson"]))
    assert connection.read_answer().json()["accepted"] == 20_000


@pytest.mark.parametrize("name", ["no gzip", "cut", "a wrong checksum", "rubbish behind", "empty"])
def test_a_corrupt_body_is_400(connection, name):
    packed = gzip.compress(EVENT)
    body = {"no gzip": EVENT, "cut": packed[:-4], "a wrong checksum": packed[:-8] + b"\0" * 8,
            "rubbish behind": packed + b"rubbish", "empty": b""}[name]
    connection.send(post(body, headers=GZIP))
    assert connection.read_answer().problem == "bad-request"


@pytest.mark.parametrize("behind", [b"rubbish", b"\x1f\x8b\x08\x01rubbish"])
def test_whole_lines_before_rubbish_are_events(connection, behind):
    body = gzip.compress(EVENT + b"\n" + EVENT + b"\n") + behind
    connection.send(post(body, headers=[*GZIP, "Content-Type: application/x-ndjson"]))
    answer = connection.read_answer()
    assert (answer.status, answer.json()["accepted"], answer.json()["incomplete"]) == (202, 2, True)


def test_corrupt_ndjson_ends_at_its_last_whole_line(daemon, connection):
    lines = b"".join(event(random.random()) + b"\n" for _ in range(1000))
    packed = gzip.compress(lines)
    connection.send(post(packed[:len(packed) // 2] + b"\xff" * 100,
                         headers=[*GZIP, "Content-Type: application/x-ndjson"]))
    answer = connection.read_answer()
    assert answer.status == 202 and 0 < answer.json()["accepted"] < 1000
    assert daemon.ledger()["in_flight"] == 0


@pytest.mark.parametrize("encoding", ["br", "deflate", "gzip, gzip"])
def test_an_unknown_encoding_is_415(connection, encoding):
    connection.send(post(headers=[f"Content-Encoding: {encoding}"]))
    assert connection.read_answer().problem == "unsupported-type"


def test_identity_is_no_encoding(connection):
    connection.send(post(headers=["Content-Encoding: identity"]))
    assert connection.read_answer().status == 202
