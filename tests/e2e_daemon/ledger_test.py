"""`GET /v1/ledger`: the equation holds in every reading, also under load, and agrees with the answers given."""

import collections
import json
import threading

import pytest
from e2e_support import Daemon, RawConnection, wait_until


@pytest.fixture
def daemon():
    with Daemon() as running:
        yield running


def check(reading):
    assert set(reading) == {"received", "accepted", "rejected", "failed", "in_flight"}
    assert reading["in_flight"] >= 0
    total = (reading["accepted"] + sum(reading["rejected"].values()) + sum(reading["failed"].values()) +
             reading["in_flight"])
    assert reading["received"] == total, reading


def test_it_starts_at_nothing(daemon):
    assert daemon.ledger() == {"received": 0, "accepted": 0, "rejected": {}, "failed": {}, "in_flight": 0}


def test_each_event_is_counted_once_by_what_became_of_it(daemon):
    daemon.post({"account_id": 1, "data": 1})
    daemon.post({"account_id": 2, "data": 1})
    daemon.post([{"account_id": 1, "data": 1}, {"account_id": 99, "data": 1}, {"account_id": 3, "data": 1}])
    daemon.post(path="/1", body=b"text")
    daemon.post(path="/v1/events", body=b'{"account_id":1,"data":1}\n{"account_id":2,"data":1}\n\nnonsense\n',
                headers={"Content-Type": "application/x-ndjson"})
    assert daemon.ledger() == {
        "received": 9, "accepted": 5,
        "rejected": {"inactive-account": 2, "unknown-account": 1, "malformed-json": 1},
        "failed": {}, "in_flight": 0}


def test_a_request_without_an_event_counts_as_one_and_other_routes_not_at_all(daemon):
    daemon.post(body=b"{", headers={"Content-Type": "application/json"})
    daemon.post(body=b"<x/>", headers={"Content-Type": "text/xml"})
    daemon.get("/")
    daemon.get("/readyz")
    daemon.get("/none")
    daemon.admin("GET", "/v1/accounts")
    reading = daemon.ledger()
    check(reading)
    assert reading["rejected"] == {"malformed-json": 1, "unsupported-type": 1}
    assert reading["received"] == 2


class Client(threading.Thread):
    """Sends a mix of requests over one connection and counts the answers by itself."""

    MIX = ("good", "good", "inactive", "unknown", "broken", "array", "ndjson")

    def __init__(self, port, rounds):
        super().__init__()
        self.port, self.rounds = port, rounds
        self.counted = collections.Counter()

    def run(self):
        with RawConnection(self.port, timeout=30) as connection:
            for number in range(self.rounds):
                self.send(connection, self.MIX[number % len(self.MIX)])

    def post(self, connection, body, content_type="application/json"):
        connection.send(b"POST /v1/events HTTP/1.1\r\nHost: x\r\nContent-Type: " + content_type.encode() +
                        b"\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        return connection.read_answer()

    def send(self, connection, kind):
        if kind in ("good", "inactive", "unknown"):
            account_id = {"good": 1, "inactive": 2, "unknown": 77}[kind]
            answer = self.post(connection, b'{"account_id":%d,"data":"x"}' % account_id)
            self.counted["accepted" if answer.status == 202 else answer.problem] += 1
        elif kind == "broken":
            self.counted[self.post(connection, b"{]").problem] += 1
        else:
            events = [b'{"account_id":%d,"data":%d}' % (id, n) for n, id in enumerate([1, 2, 3, 77, 4] * 10)]
            body = b"[" + b",".join(events) + b"]" if kind == "array" else b"\n".join(events)
            answer = self.post(connection, body, "application/json" if kind == "array" else "application/x-ndjson")
            result = answer.json()
            self.counted["accepted"] += result["accepted"]
            for rejection in result["rejected"]:
                self.counted[rejection["type"]] += 1


def test_the_equation_holds_in_every_reading_under_load(daemon):
    clients = [Client(daemon.port, 350) for _ in range(6)]
    for client in clients:
        client.start()
    readings = 0
    with RawConnection(daemon.admin_port, timeout=30) as admin:
        while any(client.is_alive() for client in clients):
            admin.send(b"GET /v1/ledger HTTP/1.1\r\nHost: localhost\r\n\r\n")
            answer = admin.read_answer()
            check(answer.json())
            readings += 1
            if answer.headers.get("connection") == "close":
                break
    for client in clients:
        client.join()
    assert readings >= 10

    counted = sum((client.counted for client in clients), collections.Counter())
    reading = wait_until(lambda: (now := daemon.ledger())["in_flight"] == 0 and now)
    check(reading)
    assert reading["accepted"] == counted.pop("accepted")
    assert {**reading["rejected"], **reading["failed"]} == dict(counted)


def test_it_agrees_with_the_metrics(daemon):
    for account_id in (1, 2, 3, 77):
        daemon.post({"account_id": account_id, "data": 1})
    reading, metrics = daemon.ledger(), daemon.metrics()
    assert metrics['tracking_events_total{outcome="accepted"}'] == reading["accepted"]
    for outcomes in (reading["rejected"], reading["failed"]):
        for outcome, count in outcomes.items():
            assert metrics[f"tracking_events_total{{outcome={json.dumps(outcome)}}}"] == count


def test_an_upload_that_breaks_off_is_at_rest_afterwards(daemon):
    for body in (b'{"account_id":1,"data":"x', b'{"account_id":1,"data":1}\n{"acc'):
        with daemon.connect() as connection:
            connection.send(b"POST /v1/events HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-ndjson\r\n"
                            b"Content-Length: 1000\r\n\r\n" + body)
            connection.reset()
    with daemon.connect() as connection:
        connection.send(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{")
        connection.reset()
    daemon.post({"account_id": 1, "data": 1})
    check(wait_until(lambda: (now := daemon.ledger())["in_flight"] == 0 and now))
