"""Three replicas over one PostgreSQL and one JetStream behind HAProxy: one service, whichever of them answers."""

import collections
import signal
import time

import pytest

from e2e_support import Proxy, Stream, haproxy_command, nginx_command, seconds, wait_until

from load import Load
from reader import Reader


def test_every_replicas_stream_shows_all_events(cluster, proxy):
    streams = [replica.subscribe("account_id=1,3") for replica in cluster.replicas]
    streams.append(Stream(proxy.url, "account_id=1,3"))
    doors = [proxy, *cluster.replicas]
    posted = []
    for number in range(40):
        answer = doors[number % len(doors)].post({"account_id": (1, 3)[number // 4 % 2], "data": number})
        assert (answer.status, answer.json()["ack"]) == (202, "stored")
        posted.append(answer.json()["id"])
    seen = [[event["id"] for event in stream.next_events(len(posted))] for stream in streams]
    for stream in streams:
        stream.close()
    assert sorted(seen[0]) == sorted(posted)
    assert all(order == seen[0] for order in seen), "one order for all subscribers of one stream"


def test_what_was_answered_arrives_once_while_one_replica_is_killed_and_one_is_drained(cluster, proxy):
    killed, drained, survivor = cluster.replicas
    reader = Reader([killed, drained, survivor], 3)
    with Load(proxy.port, 3) as load:
        load.wait_for_more()
        killed.process.kill()
        load.wait_for_more()
        assert drained.stop(signal.SIGTERM) == 0
        load.wait_for_more()
        load.stop()
    assert survivor.post({"account_id": 3, "id": "end", "data": 0}).status == 202
    reader.read_to_the_end()

    print(f"accepted {len(load.accepted)}, seen {len(reader.seen)}, instead of 202: {load.failures}")
    times = collections.Counter(reader.seen)
    assert load.acks == {"stored"}
    assert [one for one in load.accepted if times[one] != 1] == []
    assert [one for one in times if times[one] != 1] == []
    assert reader.gaps == []


def test_a_drain_under_load_loses_nothing_and_is_not_noticed_by_clients_of_the_proxy(cluster, proxy):
    with Load(proxy.port, 4) as load:
        load.wait_for_more()
        for replica in cluster.replicas[:2]:
            assert replica.stop(signal.SIGTERM) == 0
            load.wait_for_more()
        load.stop()
    with cluster.replicas[2].subscribe("account_id=4&since=all&follow=false") as stream:
        read = [event["id"] for event in iter(stream.next_event, None) if "data" in event]
    # A broker that a busy machine gives no time for seconds loses its links, which is not the drain's doing.
    assert load.failures.keys() <= {"broker-unavailable", "in-doubt"}, load.failures
    # Of what was not answered, all was repeated by its client until it was: so these are all.
    assert sorted(read) == sorted(load.accepted)


@pytest.mark.parametrize("command", [haproxy_command, nginx_command], ids=["haproxy", "nginx"])
def test_a_stream_resumes_through_the_proxy_on_whichever_replica(cluster, command):
    with Proxy(command, cluster.replicas) as proxy:
        with Stream(proxy.url, "account_id=4") as stream:
            assert proxy.post({"account_id": 4, "data": "before"}).status == 202
            cursor = stream.next_event()["_cursor"]
        assert proxy.post({"account_id": 4, "data": "between"}).status == 202
        for _ in cluster.replicas:
            with Stream(proxy.url, "account_id=4", headers={"Last-Event-ID": cursor}) as stream:
                assert stream.next_event()["data"] == "between"


def seconds_until_refused_by_all(cluster, account_id):
    """From now on, asking all replicas in turn."""
    started = time.monotonic()
    for replica in cluster.replicas:
        wait_until(lambda replica=replica: replica.post({"account_id": account_id, "data": 0}).status == 403, 10, "403")
    return time.monotonic() - started


def test_an_account_deactivated_through_one_replica_is_refused_by_all_within_a_second(cluster):
    for replica in cluster.replicas:
        assert replica.post({"account_id": 1, "data": 0}).status == 202
    assert cluster.replicas[1].admin("PATCH", "/v1/accounts/1", {"is_active": False}).status == 200
    assert seconds_until_refused_by_all(cluster, 1) < seconds(1)


def test_an_account_deactivated_in_the_database_is_refused_by_all_within_a_second(postgres, cluster):
    for replica in cluster.replicas:
        assert replica.post({"account_id": 3, "data": 0}).status == 202
    postgres.psql("UPDATE accounts SET is_active = false WHERE id = 3", cluster.accounts)
    assert seconds_until_refused_by_all(cluster, 3) < seconds(1)


def test_without_a_ready_replica_the_proxy_says_503(cluster, proxy):
    for replica in cluster.replicas:
        replica.process.kill()

    def is_refused():
        try:
            return proxy.post({"account_id": 1, "data": 0}).status == 503
        except ConnectionError:  # it went to a replica that was just dying
            return False
    wait_until(is_refused, 10, "503")
