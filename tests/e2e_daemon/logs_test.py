"""Logs: one record a line whatever happens, and bounded."""

import json
import re

from e2e_support import Daemon, wait_until

NASTY_NAME = "a\u2028b \u202ec \u0085"


def test_json_records_have_time_level_and_message():
    with Daemon() as daemon:
        daemon.stop()
        for line in daemon.lines:
            record = json.loads(line)
            assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", record["time"])
            assert record["level"] in ("debug", "info", "warning", "error")
            assert record["message"]


def test_text_records_begin_with_time_and_level():
    with Daemon(log_format=None, start=False) as daemon:
        daemon.command += ["--log-format", "text"]
        daemon._is_listening = lambda: any(" listening " in line for line in daemon.lines)
        daemon.start(wait=False)
        assert re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z info    listening public=http://127\.0\.0\.1:\d+ ",
                        daemon.lines[0])


def test_what_visitors_send_cannot_break_a_line():
    with Daemon("--log-level", "debug") as daemon:
        daemon.admin("POST", "/v1/accounts", json={"id": 50, "name": NASTY_NAME})
        with daemon.connect() as connection:
            connection.send(b"GET /\x1b[2J\n\n HTTP/1.1\r\nX: \xff\x00\n\n")
            connection.is_closed_within(5)
        daemon.post(body=b'\x1b]52;c;\n"}', headers={"Content-Type": "application/json\x0b"})
        daemon.stop()
        for line in daemon.lines:
            assert json.loads(line)
            assert "\x1b" not in line and "\u2028" not in line


def test_levels_below_the_chosen_one_are_not_written():
    with Daemon("--log-level", "info") as daemon:
        daemon.stop()
        assert {record["level"] for record in daemon.records()} <= {"info", "warning", "error"}


def test_what_repeats_is_counted_instead_of_written():
    with Daemon() as daemon:
        for _ in range(60):
            daemon.admin("PATCH", "/v1/accounts/1", json={"is_active": True})
        wait_until(lambda: len(daemon.records("account changed")) == 10)
        assert daemon.metrics()["tracking_log_suppressed_total"] == 50
        daemon.stop()
        told = daemon.records("similar messages were suppressed")
        assert sum(record["count"] for record in told) == 50


def test_refused_events_are_metrics_not_log_records():
    with Daemon() as daemon:
        before = len(daemon.lines)
        for account_id in range(100, 200):
            daemon.post({"account_id": account_id, "data": 1})
        daemon.post(body=b"{", headers={"Content-Type": "application/json"})
        wait_until(lambda: daemon.ledger()["received"] == 101)
        assert len(daemon.lines) - before <= 1  # "ready" may come late
