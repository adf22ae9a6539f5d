"""The writing door."""

import asyncio
import math
import threading
from datetime import datetime, timezone

import pytest

import tracking
from conftest import WAIT_S


def test_an_event_gets_a_receipt(service):
    receipt = service.track(1, {"page": "/"}, id="mine")
    assert receipt.is_accepted and receipt.id == "mine" and receipt.ack == "sent" and not receipt.duplicate
    assert abs((datetime.now(timezone.utc) - receipt.timestamp).total_seconds()) < WAIT_S
    assert service.track(1, {"page": "/"}, id="mine").duplicate


def test_errors_say_what_can_be_done(service):
    with pytest.raises(tracking.UnknownAccount, match="account 7 does not exist"):
        service.track(7, 1)
    with pytest.raises(tracking.InactiveAccount, match="account 2 is not active"):
        service.track(2, 1)
    with pytest.raises(tracking.Refused) as refused:
        service.track(1, tracking.Json("{"))
    assert refused.value.code == "malformed-json"
    with pytest.raises(tracking.Error) as refused:
        service.track(1, 1, ack="stored")
    assert refused.value.code == "ack-unavailable"


def test_what_is_no_json_is_an_error_of_python(service):
    for wrong in ({1, 2}, math.nan, object()):
        with pytest.raises((TypeError, ValueError)):
            service.track(1, wrong)
    with pytest.raises(ValueError):
        service.track(1, 1, ack="perhaps")
    with pytest.raises(ValueError, match="time zone"):
        service.track(1, 1, occurred_at=datetime(2026, 1, 1))
    with pytest.raises(ValueError):
        service.track(2**63, 1)


def test_a_batch_tells_of_each_event(service):
    receipts = service.track_batch([(1, "a"), (2, "b"), {"account_id": 3, "data": None, "id": "c",
                                                        "occurred_at": datetime(2026, 1, 1, tzinfo=timezone.utc)}])
    assert [receipt.code for receipt in receipts] == ["ok", "inactive-account", "ok"]
    assert receipts.accepted == 2 and not receipts.are_all_accepted and receipts[-1].id == "c"
    assert [(index, receipt.code) for index, receipt in receipts.rejected()] == [(1, "inactive-account")]
    assert [receipt.code for receipt in receipts[1:]] == ["inactive-account", "ok"]
    with pytest.raises(tracking.InactiveAccount, match="event 1"):
        receipts.check()
    with pytest.raises(IndexError):
        receipts[3]


def test_json_text_is_taken_as_array_and_as_lines(service):
    assert service.track_json('[{"account_id":1,"data":{"a":{}}}]').check().accepted == 1
    assert service.track_json(b'{"account_id":1,"data":1}\n{"account_id":3,"data":2}\n').check().accepted == 2
    with pytest.raises(tracking.Refused, match="byte"):
        service.track_json("[{]")


def test_text_that_utf8_cannot_say_goes_as_an_escape(service):
    with service.subscribe() as subscriber:
        service.track(1, "\ud800")
        service.track_batch([(1, "\udc00 ü")])
        assert subscriber.next(WAIT_S).data_json == '"\\ud800"'
        assert subscriber.next(WAIT_S).data == "\udc00 ü"


def test_many_threads_track_on_one_service(service):
    counts = []

    def work(account_id):
        counts.append(sum(service.track_batch([(account_id, n) for n in range(100)]).accepted for _ in range(10)))

    threads = [threading.Thread(target=work, args=(account_id,)) for account_id in (1, 3, 1, 3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counts == [1000] * 4


def test_a_closed_service_says_so():
    service = tracking.open(accounts="memory:?active=1")
    service.close()
    service.close()
    with pytest.raises(tracking.Closed):
        service.track(1, 1)


def test_a_wrong_setting_is_named():
    with pytest.raises(tracking.Error, match="acounts.*accounts"):
        tracking.open(acounts="memory:")
    with pytest.raises(tracking.Error, match="account_ttl"):
        tracking.open(account_ttl=10)


def test_without_a_server_nothing_is_accepted():
    with tracking.connect("http://127.0.0.1:1") as service, pytest.raises(tracking.Unavailable):
        service.track(1, 1)


def test_the_event_loop_is_not_blocked(service):
    async def main():
        receipts = await asyncio.gather(*(service.track_async(1, n, id=f"n{n}") for n in range(100)))
        assert [receipt.id for receipt in receipts] == [f"n{n}" for n in range(100)]
        batch = await service.track_batch_async([(1, 1), (2, 2)])
        assert [receipt.code for receipt in batch] == ["ok", "inactive-account"]
        with pytest.raises(tracking.UnknownAccount):
            await service.track_async(7, 1)
        with pytest.raises(tracking.Refused):
            await service.track_async(1, tracking.Json("["))

    asyncio.run(asyncio.wait_for(main(), WAIT_S))
