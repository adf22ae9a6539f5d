"""The reading door."""

import asyncio
import threading
from datetime import datetime, timezone

import pytest

import tracking
from tracking import _library
from conftest import ACCOUNTS, WAIT_S, Daemon, free_port, wait_until


def test_an_event_has_all_its_members(service):
    with service.subscribe([1]) as subscriber:
        receipt = service.track(1, {"n": [1, None]}, id="mine", occurred_at=datetime(2026, 1, 2, tzinfo=timezone.utc))
        event = next(subscriber)
    assert (event.id, event.account_id, event.data, event.data_json) == ("mine", 1, {"n": [1, None]}, '{"n":[1,null]}')
    assert event.timestamp == receipt.timestamp and event.occurred_at == datetime(2026, 1, 2, tzinfo=timezone.utc)
    assert event.producer and event.sequence == 1 and event.cursor.startswith("c_")
    assert '"data":{"n":[1,null]}}' in event.json


def test_iteration_goes_on_until_the_end(service):
    service.track_batch([(1, n) for n in range(3000)])
    assert [event.data for event in service.subscribe(since="all", follow=False)] == list(range(3000))


def test_nothing_in_time_is_none(service):
    with service.subscribe() as subscriber:
        assert subscriber.next(0.01) is None
        assert subscriber.next_batch(0) == []
        service.track_batch([(1, 1), (1, 2)])
        assert [event.data for event in subscriber.next_batch(WAIT_S)] == [1, 2]


def test_gaps_are_told_by_their_type(service):
    with service.subscribe(since="c_nonsense") as subscriber:
        match_args = tracking.Gap.__match_args__
        gap = next(subscriber)
    assert isinstance(gap, tracking.Gap) and gap.reason == "unknown-cursor" and gap.missed is None
    assert gap.account_id is None and match_args == ("reason", "missed")


def test_the_cursor_is_of_what_was_handed_over(service):
    service.track_batch([(1, n) for n in range(10)])
    with service.subscribe(since="all") as subscriber:
        events = [subscriber.next(WAIT_S) for _ in range(4)]  # all ten were fetched
        assert subscriber.cursor == events[-1].cursor
    with service.subscribe(since=events[-1].cursor) as subscriber:
        assert subscriber.next(WAIT_S).data == 4


def test_accounts_change_for_what_was_fetched_too(service):
    with service.subscribe() as subscriber:
        for account_id, data in (1, "a"), (1, "b"), (3, "c"):
            service.track(account_id, data)
        assert subscriber.next(WAIT_S).data == "a"
        subscriber.set_accounts([3])
        assert subscriber.next(WAIT_S).data == "c"
        with pytest.raises(tracking.Error):
            subscriber.set_accounts([0])


def test_of_two_changes_of_the_accounts_one_holds(service, monkeypatch):
    """The other one comes between the library's change and the binding's own, if that is possible."""
    change = _library.LIBRARY.tracking_subscriber_set_accounts
    with service.subscribe() as subscriber:
        other = threading.Thread(target=lambda: subscriber.set_accounts([3]))

        def change_and_be_overtaken(*arguments):
            code = change(*arguments)
            if other.ident is None:
                other.start()
                other.join(0.1)
            return code

        monkeypatch.setattr(_library.LIBRARY, "tracking_subscriber_set_accounts", change_and_be_overtaken)
        subscriber.set_accounts([1])
        other.join(WAIT_S)
        service.track_batch([(1, 1), (3, 3)])
        assert subscriber.next(WAIT_S).data == 3


def test_after_close_nothing_is_handed_over(service):
    service.track_batch([(1, n) for n in range(3)])
    subscriber = service.subscribe(since="all")
    first = subscriber.next(WAIT_S)  # all three were fetched
    subscriber.close()
    with pytest.raises(tracking.Closed):
        subscriber.next(WAIT_S)
    with pytest.raises(tracking.Closed):
        subscriber.next_batch(WAIT_S)
    assert list(subscriber) == [] and subscriber.cursor == first.cursor


def test_close_wakes_who_waits(service):
    subscriber = service.subscribe()
    ended = []
    waiting = threading.Thread(target=lambda: ended.append(list(subscriber)))
    waiting.start()
    subscriber.close()
    waiting.join(WAIT_S)
    assert ended == [[]]
    with pytest.raises(tracking.Closed):
        subscriber.next(0)


def test_async_iteration_goes_on_until_it_is_closed(service):
    async def main():
        seen = []
        async with service.subscribe() as subscriber:
            await service.track_batch_async([(1, n) for n in range(5)])
            async for event in subscriber:
                seen.append(event.data)
                if len(seen) == 5:
                    subscriber.close()
        return seen

    assert asyncio.run(asyncio.wait_for(main(), WAIT_S)) == [0, 1, 2, 3, 4]


def test_a_cancelled_reader_loses_nothing(service):
    async def main():
        async with service.subscribe() as subscriber:
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(subscriber.__anext__(), 0.02)
            await service.track_async(1, "kept")
            return (await subscriber.__anext__()).data

    assert asyncio.run(asyncio.wait_for(main(), WAIT_S)) == "kept"


def test_what_a_cancelled_reader_fetched_is_ahead_of_the_cursor(open_doors):
    doors = open_doors()

    async def main():
        async with doors.subscribe() as subscriber:
            wait_until(lambda: subscriber.cursor, what="the stream")
            doors.service.track(1, "not seen")
            reader = asyncio.ensure_future(subscriber.__anext__())
            while subscriber._fetching is None:
                await asyncio.sleep(0)
            reader.cancel()
            await asyncio.wait({subscriber._fetching})  # it goes on without its reader
            return subscriber.cursor

    cursor = asyncio.run(asyncio.wait_for(main(), WAIT_S))
    with doors.subscribe(since=cursor) as subscriber:
        assert subscriber.next(WAIT_S).data == "not seen"


def test_a_stream_goes_on_after_the_server_was_away():
    with Daemon("--listen", f"127.0.0.1:{free_port()}", accounts=ACCOUNTS) as daemon, \
            tracking.subscribe(daemon.url) as subscriber:
        wait_until(lambda: subscriber.cursor, what="the stream")
        assert daemon.post({"account_id": 1, "data": "before"}).status == 202
        assert subscriber.next(WAIT_S).data == "before"
        daemon.stop()
        daemon.start()

        # A memory broker's history died with it: that is told.
        gap = subscriber.next(WAIT_S)
        assert isinstance(gap, tracking.Gap) and gap.reason in ("unknown-cursor", "disconnected")
        assert daemon.post({"account_id": 1, "data": "after"}).status == 202
        assert subscriber.next(WAIT_S).data == "after"
