"""The table of cases that all bindings share (bindings/README.md)."""

import json
import os
import pathlib
from datetime import datetime, timezone

import pytest

import tracking
from conftest import WAIT_S, wait_until

CASES = json.loads((pathlib.Path(os.environ["TRACKING_SOURCE_DIR"]) / "bindings/cases.json").read_text("utf-8"))


def by_name(kind):
    return pytest.mark.parametrize("case", CASES[kind], ids=lambda case: case["name"].replace(" ", "-"))


def time_of(text):
    return datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(timezone.utc) if text else None


def outcome(service, case):
    try:
        receipt = service.track(case["account_id"], tracking.Json(case["data"]), id=case.get("id"),
                                occurred_at=time_of(case.get("occurred_at")))
    except tracking.Error as error:
        return error.code, False
    return receipt.code, receipt.duplicate


def options(settings):
    """Settings as the parameters of subscribe()."""
    named = {"since": str, "tail": int, "limit": int, "follow": lambda text: text == "true"}
    parameters = {name: read(settings[name]) for name, read in named.items() if name in settings}
    if "account_id" in settings:
        parameters["account_ids"] = [int(settings["account_id"])]
    return parameters


def read(subscriber, count):
    deliveries = [subscriber.next(WAIT_S) for _ in range(count)]
    return [json.loads(one.json) if isinstance(one, tracking.Gap) else [one.account_id, one.data_json]
            for one in deliveries if one is not None]


def track_all(service, events):
    for account_id, data in events:
        service.track(account_id, tracking.Json(data))


def test_track(open_doors):
    doors = open_doors()
    subscriber = doors.subscribe(since="all")
    expected = []
    for case in CASES["track"]:
        assert outcome(doors.service, case) == (case["code"], case.get("duplicate", False)), case["name"]
        if case["code"] == "ok" and not case.get("duplicate"):
            expected.append(case)
    for case in expected:
        event = subscriber.next(WAIT_S)
        assert (event.account_id, event.data_json) == (case["account_id"], case.get("delivered", case["data"]))
        assert case.get("id", event.id) == event.id, case["name"]
        assert event.occurred_at == time_of(case.get("occurred_at")), case["name"]
    assert subscriber.next(0) is None


@by_name("batches")
def test_batch(open_doors, case):
    assert [receipt.code for receipt in open_doors().service.track_batch(case["events"])] == case["codes"]


@by_name("subscriptions")
def test_wrong_subscription(open_doors, case):
    with pytest.raises(tracking.Error) as refused:
        open_doors().subscribe(**options(case["settings"])).next(WAIT_S)
    assert refused.value.code == case["code"]


@by_name("streams")
def test_stream(open_doors, case):
    doors = open_doors()
    track_all(doors.service, case["before"])
    settings = options(case["settings"])
    if "since_cursor_of" in case:
        with doors.subscribe(since="all") as earlier:
            cursors = [earlier.next(WAIT_S).cursor for _ in case["before"]]
        settings["since"] = cursors[case["since_cursor_of"]]
    with doors.subscribe(**settings) as subscriber:
        wait_until(lambda: subscriber.cursor, what="the stream")
        track_all(doors.service, case.get("after", []))
        assert read(subscriber, len(case["expected"])) == case["expected"]
        if "accounts" in case:
            subscriber.set_accounts(case["accounts"])
            track_all(doors.service, case["later"])
            assert read(subscriber, len(case["expected_later"])) == case["expected_later"]
        if case.get("ends"):
            with pytest.raises(tracking.Closed):
                subscriber.next(WAIT_S)
