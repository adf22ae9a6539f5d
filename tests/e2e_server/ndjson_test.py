"""Bodies of any length, a line an event."""

from e2e_support import wait_until
from server_support import EVENT, chunk, event, post

TYPE = ["Content-Type: application/x-ndjson"]


def begin(connection):
    connection.send(post(b"", headers=[*TYPE, "Transfer-Encoding: chunked"], length=False))


def test_lines_may_be_cut_anywhere(connection):
    body = EVENT + b"\r\n\n" + EVENT + b"\n" + EVENT
    for cut in range(1, len(body)):
        begin(connection)
        connection.send(chunk(body[:cut]))
        connection.send(chunk(body[cut:]) + b"0\r\n\r\n")
        assert connection.read_answer().json()["accepted"] == 3


def test_a_hundred_thousand_lines_take_little_memory(daemon, connection):
    connection.send(post())
    connection.read_answer()
    before = daemon.private_bytes()
    piece = (event("x" * 80, account_id=9) + b"\n") * 1000  # refused, so that no history is kept
    begin(connection)
    for _ in range(100):
        connection.send(chunk(piece))
    connection.send(b"0\r\n\r\n")
    answer = connection.read_answer()
    assert answer.status == 422 and answer.json()["rejected_total"] == 100_000
    assert daemon.private_bytes() < before + (12 << 20)


def test_events_are_accepted_while_the_body_goes_on(daemon, connection):
    with daemon.subscribe() as stream:
        begin(connection)
        for i in range(3):
            connection.send(chunk(event(i) + b"\n"))
            assert stream.next_event()["data"] == i
        connection.send(b"0\r\n\r\n")
    assert connection.read_answer().json()["accepted"] == 3


def test_a_body_cut_by_a_half_close_ends_at_its_last_whole_line(connection):
    begin(connection)
    connection.send(chunk(EVENT + b"\n" + EVENT))
    connection.half_close()
    answer = connection.read_answer()
    assert answer.status == 202 and answer.json()["accepted"] == 1


def test_a_body_cut_by_a_reset_is_counted_to_its_end(daemon):
    before = daemon.ledger()
    with daemon.subscribe() as stream:
        raw = daemon.connect()
        begin(raw)
        raw.send(chunk(event("whole") + b"\n" + event("cut")[:-1]))
        assert stream.next_event()["data"] == "whole"
        raw.reset()
    after = wait_until(lambda: (now := daemon.ledger())["in_flight"] == 0 and now)  # it is delivered before it is counted
    assert after["accepted"] == before["accepted"] + 1


def test_bad_chunking_ends_a_body_at_its_last_whole_line(connection):
    begin(connection)
    connection.send(chunk(EVENT + b"\n") + b"nonsense\r\n")
    answer = connection.read_answer()
    assert answer.json()["accepted"] == 1 and answer.headers["connection"] == "close"
    assert connection.is_closed_within(4)


def test_an_oversized_line_is_an_entry(connection):
    body = EVENT + b"\n" + b"x" * 600_000 + b"\n" + EVENT + b"\n"
    connection.send(post(body, headers=TYPE) + post())
    answer = connection.read_answer().json()
    assert answer["accepted"] == 2 and answer["rejected"][0]["type"] == "too-large"
    assert connection.read_answer().status == 202


def test_an_empty_body_is_an_empty_batch(connection):
    connection.send(post(b"", headers=TYPE) + post())
    assert connection.read_answer().json()["accepted"] == 0
    assert connection.read_answer().status == 202
