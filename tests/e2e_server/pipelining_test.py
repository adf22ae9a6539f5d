"""Many requests in one packet, and connections that end in the middle."""

from e2e_support import wait_until
from server_support import EVENT, chunked, event, get, post


def test_a_thousand_pipelined_requests_are_answered_in_order(daemon, connection):
    with daemon.subscribe() as stream:
        connection.send(b"".join(post(event(i)) for i in range(1000)))
        assert [connection.read_answer().status for _ in range(1000)] == [202] * 1000
        assert [stream.next_event()["data"] for _ in range(1000)] == list(range(1000))


def test_different_requests_are_answered_in_order(connection):
    connection.send(post() + get("/nope") + post(event(1, account_id=9)) + chunked(EVENT) + get() + post(b"{"))
    assert [connection.read_answer().status for _ in range(6)] == [202, 404, 404, 202, 200, 400]


def test_answers_wait_for_the_first_lookup_of_an_account(daemon, connection):
    accounts = [id for id in range(1000, 1100)]
    connection.send(b"".join(post(event("x", account_id=id)) + get() for id in accounts))
    statuses = [connection.read_answer().status for _ in range(2 * len(accounts))]
    assert statuses == [404, 200] * len(accounts)


def test_a_stream_may_follow_a_request_in_one_packet(connection):
    connection.send(post() + get("/v1/events?since=all&limit=1&follow=false"))
    assert connection.read_answer().status == 202
    assert connection.read_answer().status == 200


def test_what_a_streams_reader_sends_is_never_a_request(daemon, connection):
    before = daemon.ledger()["received"]
    connection.send(get("/v1/events") + post())
    assert connection.read_head()[0] == 200
    with daemon.subscribe() as other:
        daemon.post({"account_id": 1, "data": "after"})
        assert other.next_event()["data"] == "after"
    assert daemon.ledger()["received"] == before + 1


def test_a_half_closed_connection_gets_its_answers(daemon, connection):
    connection.send(post() * 3)
    connection.half_close()
    assert [connection.read_answer().status for _ in range(3)] == [202] * 3
    assert connection.read_to_end() == b""


def test_an_event_cut_by_a_half_close_is_not_accepted(daemon, connection):
    before = daemon.ledger()
    connection.send(post()[:-1])
    connection.half_close()
    assert connection.read_answer().problem == "bad-request"
    after = daemon.ledger()
    assert after["accepted"] == before["accepted"]
    assert after["received"] == before["received"] + 1


def test_an_event_cut_by_a_reset_is_not_accepted(daemon):
    before, bytes_read = daemon.ledger(), daemon.metrics()["tracking_http_received_bytes_total"]
    raw = daemon.connect()
    raw.send(post(b"[" + EVENT * 100)[:500])
    # What was not read when the reset comes is never read.
    wait_until(lambda: daemon.metrics()["tracking_http_received_bytes_total"] >= bytes_read + 500, what="the bytes read")
    raw.reset()
    wait_until(lambda: daemon.ledger()["received"] == before["received"] + 1, what="the ledger's entry")
    assert daemon.ledger()["accepted"] == before["accepted"]
    assert daemon.ledger()["in_flight"] == 0


def test_a_client_that_reads_no_answers_is_not_read_without_end(daemon, connection):
    connection.socket.settimeout(1.0)
    requests = post() * 1000
    sent = 0
    try:
        for _ in range(2000):
            connection.socket.sendall(requests)
            sent += len(requests)
    except TimeoutError:
        pass
    assert sent < 2000 * len(requests)
    assert daemon.post({"account_id": 1, "data": 1}).status == 202
