"""`GET /v1/ledger`: the equation holds in every reading, also under load, and agrees with the answers given."""

import collections
import contextlib
import json
import os
import sqlite3
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

    MIX = ("good", "repeat", "inactive", "unknown", "broken", "invalid", "ack", "array", "ndjson")

    def __init__(self, port, rounds, mix=MIX):
        super().__init__()
        self.port, self.rounds, self.mix = port, rounds, mix
        self.counted = collections.Counter()

    def run(self):
        with RawConnection(self.port, timeout=30) as connection:
            for number in range(self.rounds):
                self.send(connection, self.mix[number % len(self.mix)])

    def post(self, connection, body, content_type="application/json", query=b""):
        connection.send(b"POST /v1/events" + query + b" HTTP/1.1\r\nHost: x\r\nContent-Type: " + content_type.encode() +
                        b"\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        return connection.read_answer()

    def send(self, connection, kind):
        if kind in ("good", "inactive", "unknown"):
            account_id = {"good": 1, "inactive": 2, "unknown": 77}[kind]
            answer = self.post(connection, b'{"account_id":%d,"data":"x"}' % account_id)
            self.counted["accepted" if answer.status == 202 else answer.problem] += 1
        elif kind == "repeat":  # of all connections together; the first is none
            answer = self.post(connection, b'{"account_id":3,"data":"x","id":"same"}')
            self.counted["accepted" if answer.status == 202 else answer.problem] += 1
        elif kind in ("broken", "invalid", "ack"):
            body = {"broken": b"{]", "invalid": b'{"account_id":0,"data":1}', "ack": b'{"account_id":1,"data":1}'}[kind]
            self.counted[self.post(connection, body, query=b"?ack=stored" if kind == "ack" else b"").problem] += 1
        else:
            events = [b'{"account_id":%d,"data":%d}' % (id, n) for n, id in enumerate([1, 2, 3, 77, 4] * 10)]
            body = b"[" + b",".join(events) + b"]" if kind == "array" else b"\n".join(events)
            answer = self.post(connection, body, "application/json" if kind == "array" else "application/x-ndjson")
            result = answer.json()
            self.counted["accepted"] += result["accepted"]
            for rejection in result["rejected"]:
                self.counted[rejection["type"]] += 1


def read_under_load(daemon, clients):
    """Reads all the while, and compares with what the clients counted; the last reading."""
    for client in clients:
        client.start()
    readings = 0
    while any(client.is_alive() for client in clients):
        with RawConnection(daemon.admin_port, timeout=30) as admin:
            for _ in range(500):  # a connection is good for 1,000
                admin.send(b"GET /v1/ledger HTTP/1.1\r\nHost: localhost\r\n\r\n")
                check(admin.read_answer().json())
                readings += 1
    for client in clients:
        client.join()
    assert readings >= 10

    counted = sum((client.counted for client in clients), collections.Counter())
    reading = wait_until(lambda: (now := daemon.ledger())["in_flight"] == 0 and now)
    check(reading)
    assert reading["accepted"] == counted.pop("accepted")
    assert {**reading["rejected"], **reading["failed"]} == dict(counted)
    return reading


def test_the_equation_holds_in_every_reading_under_load(daemon):
    reading = read_under_load(daemon, [Client(daemon.port, 360) for _ in range(6)])
    assert reading["failed"] == {}


def test_it_holds_while_the_accounts_cannot_be_asked():
    with Daemon(accounts="sqlite:accounts.db") as daemon:
        for account in ({"id": 1, "name": "Acme"}, {"id": 2, "name": "Beta", "is_active": False}):
            daemon.admin("POST", "/v1/accounts", json=account)
            daemon.post({"account_id": account["id"], "data": 1})
        begun = daemon.ledger()
        with contextlib.closing(sqlite3.connect(os.path.join(daemon.data_dir, "accounts.db"))) as other:
            other.execute("BEGIN EXCLUSIVE")
            clients = [Client(daemon.port, 120, ("good", "inactive", "unknown")) for _ in range(6)]
            clients[0].counted.update(accepted=begun["accepted"], **begun["rejected"])
            reading = read_under_load(daemon, clients)
        assert reading["failed"]["accounts-unavailable"] >= 6


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
