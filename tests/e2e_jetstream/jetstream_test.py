"""tracking-httpd and tracking-cli over JetStream: stored events, one history for every replica and every reader."""

import json
import os
import subprocess

import pytest

from e2e_support import Daemon, NatsServer, program, seconds, wait_until


@pytest.fixture
def server():
    with NatsServer(jetstream=True) as running:
        yield running


def url(server):
    return server.url(scheme="jetstream")


def cli(*arguments, expect=0):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TRACKING_")}
    done = subprocess.run([program("tracking-cli"), "subscribe", *arguments], env=environment, capture_output=True,
                          stdin=subprocess.DEVNULL, timeout=seconds(60), check=False)
    assert done.returncode == expect, done.stderr
    return done.stdout


def data_of(lines):
    return [json.loads(line).get("data", "gap") for line in lines.splitlines()]


def post(daemon, number, account=1):
    answer = daemon.post({"account_id": account, "data": number})
    assert answer.status == 202, answer.text
    return answer.json()


@pytest.mark.parametrize("output", ["json", "text", "raw"])
@pytest.mark.parametrize("accounts", [[], ["-a", "1"], ["-a", "1,3"]])
def test_the_cli_prints_over_jetstream_what_it_prints_over_http(server, output, accounts):
    with Daemon(broker=url(server)) as daemon:
        for data in (b'"foo"', b'{"n":1e400,"s":"\\ud800","n":[]}', '"\u202e\x7f ä"'.encode(), b'"' + b"x" * 100000 + b'"'):
            for account in (b"1", b"3", b"4"):
                assert daemon.post(body=b'{"account_id":' + account + b',"data":' + data + b"}").status == 202
        options = ["--since", "all", "--no-follow", "-o", output, *accounts]
        over_http = cli("-u", daemon.url, *options)
        assert over_http.count(b"\n") == 4 * {(): 3, ("-a", "1"): 1, ("-a", "1,3"): 2}[tuple(accounts)]
        assert cli("-u", url(server), *options) == over_http
        # A tail, too.
        options = ["--tail", "2", *options[2:]]
        assert cli("-u", url(server), *options) == cli("-u", daemon.url, *options)


def test_events_are_stored_and_a_repeat_on_another_replica_is_known(server):
    with Daemon(broker=url(server)) as one, Daemon(broker=url(server)) as other:
        event = {"account_id": 1, "data": "foo", "id": "mine"}
        first, second = one.post(event).json(), other.post(event).json()
        assert first["ack"] == second["ack"] == "stored"
        assert "duplicate" not in first and second["duplicate"]
        assert second["timestamp"] == first["timestamp"]
        assert [replica.metrics()["tracking_duplicate_events_total"] for replica in (one, other)] == [0, 1]
        assert one.post(body=b'{"account_id":1,"data":"bar"}', path="/?ack=sent").json()["ack"] == "sent"
        wait_until(lambda: data_of(cli("-u", url(server), "--since", "all", "--no-follow", "-o", "json")) == ["foo", "bar"],
                   20, "both, once")


def test_a_stream_resumes_by_cursor_on_another_replica(server):
    with Daemon(broker=url(server)) as one:
        with one.subscribe("since=all") as stream:
            for number in range(5):
                post(one, number)
            for number in range(3):
                cursor, line = stream.next_raw()
                assert json.loads(line)["data"] == number
    with Daemon(broker=url(server)) as other, other.subscribe(f"since={cursor}") as stream:
        post(other, 5)
        assert [stream.next_event()["data"] for _ in range(3)] == [3, 4, 5]


def test_the_cli_resumes_by_its_cursor_file_without_a_daemon(server, tmp_path):
    options = ["-u", url(server), "--cursor-file", str(tmp_path / "cursor"), "-o", "json"]
    with Daemon(broker=url(server)) as daemon:
        for number in range(10):
            post(daemon, number)
        assert data_of(cli(*options, "--since", "all", "--count", "4")) == [0, 1, 2, 3]
        assert data_of(cli(*options, "--count", "4")) == [4, 5, 6, 7]
    assert data_of(cli(*options, "--no-follow")) == [8, 9]


def test_a_killed_server_costs_no_stored_event(server):
    with Daemon(broker=url(server)) as daemon, daemon.subscribe() as stream:
        post(daemon, 1)
        assert stream.next_event()["data"] == 1
        server.kill()
        wait_until(lambda: daemon.post({"account_id": 1, "data": 0}).status == 503, 20, "refused")
        wait_until(lambda: daemon.get("/readyz").status == 503, 10, "unready")  # first nothing is taken any more
        server.start()
        daemon.wait_ready(20)
        post(daemon, 2)
        assert stream.next_event()["data"] == 2


def test_a_full_stream_is_503_and_keeps_what_it_has(server):
    with Daemon(broker=url(server) + "?max_size=20KiB") as daemon:
        stored = 0
        while (answer := daemon.post({"account_id": 1, "data": "x" * 1000})).status == 202:
            stored += 1
            assert stored < 100
        assert (answer.status, answer.problem) == (503, "broker-unavailable")
        history = cli("-u", url(server), "--since", "all", "--no-follow", "-o", "json")
        assert history.count(b"\n") == stored
        wait_until(lambda: any("maximum bytes exceeded" in line for line in daemon.lines), 20, "told")
        assert daemon.metrics()["tracking_broker_full_total"] == 1


def test_what_strangers_store_and_is_no_event_is_counted_and_skipped(server):
    with Daemon(broker=url(server)) as daemon, server.client() as stranger:
        with daemon.subscribe("account_id=1") as stream:
            stranger.publish("tracking.events.1", "garbage")
            stranger.publish("tracking.events.elsewhere", "{}")
            stranger.flush()
            post(daemon, 1)
            assert stream.next_event()["data"] == 1
            wait_until(lambda: daemon.metrics()["tracking_foreign_messages_total"] == 2, 10, "counted")
        done = subprocess.run([program("tracking-cli"), "subscribe", "-u", url(server), "--since", "all", "--no-follow", "-o",
                               "raw"], capture_output=True, stdin=subprocess.DEVNULL, timeout=seconds(60), check=True)
        assert done.stdout == b"1\n"
        assert b"skipped 2 messages in the stream TRACKING" in done.stderr


def test_a_wrong_parameter_is_one_line():
    done = subprocess.run([program("tracking-httpd"), "--check-config", "--broker", "jetstream://host?replicas=7"],
                          capture_output=True, stdin=subprocess.DEVNULL, timeout=seconds(60), check=False, text=True)
    assert done.returncode != 0
    assert "replicas must be 1 to 5" in done.stderr
