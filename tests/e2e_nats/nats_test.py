"""tracking-httpd and tracking-cli over NATS: the same events on every way, and a server that goes away."""

import os
import signal
import subprocess
import threading
import time

import pytest

from e2e_support import Daemon, NatsServer, free_port, program, seconds, wait_until

STRANGERS = ('{"id":"of-a-stranger","account_id":1,"timestamp":"2026-11-23T20:24:06.751257Z","data":%s}')


@pytest.fixture
def server():
    with NatsServer() as running:
        yield running


class Subscriber:
    """A tracking-cli subscribe; its output is collected."""

    def __init__(self, url, *arguments):
        environment = {name: value for name, value in os.environ.items() if not name.startswith("TRACKING_")}
        self.process = subprocess.Popen([program("tracking-cli"), "subscribe", "-u", url, *arguments], env=environment,
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.lines, self.errors = [], []
        self.readers = [threading.Thread(target=self._collect, args=pair, daemon=True)
                        for pair in ((self.process.stdout, self.lines), (self.process.stderr, self.errors))]
        for reader in self.readers:
            reader.start()

    @staticmethod
    def _collect(pipe, into):
        for line in pipe:
            into.append(line)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        for reader in self.readers:
            reader.join()
        self.process.stdout.close()
        self.process.stderr.close()

    def wait_connected(self):
        wait_until(lambda: any(b"connected to" in line for line in list(self.errors)), 20, f"connected: {self.errors}")
        return self

    def wait_lines(self, count):
        wait_until(lambda: len(self.lines) >= count, 20, f"{count} lines: {self.lines} {self.errors}")
        return list(self.lines)


@pytest.mark.parametrize("output", ["json", "text", "raw"])
def test_the_cli_prints_over_nats_what_it_prints_over_http(server, output):
    with Daemon(broker=server.url()) as daemon:
        with Subscriber(daemon.url, "-a", "1,3", "-o", output) as over_http, \
                Subscriber(server.url(), "-a", "1,3", "-o", output) as over_nats, \
                Subscriber(server.url(), "-o", output) as of_all:
            for subscriber in (over_http, over_nats, of_all):
                subscriber.wait_connected()
            # The log line comes before the subscription, so the first event is repeated until all see it.
            def all_live():
                daemon.post({"account_id": 1, "data": "probe"})
                return all(subscriber.lines for subscriber in (over_http, over_nats, of_all))
            wait_until(all_live, 20, "live", pause=0.05)
            daemon.post({"account_id": 4, "data": "not for all"})
            for data in (b'"foo"', b'{"n":1e400,"s":"\\ud800","n":[]}', '"\u202e\x7f ä"'.encode()):
                for account in (b"1", b"3"):
                    daemon.post(body=b'{"account_id":' + account + b',"data":' + data + b"}")
            for account in (1, 3):
                daemon.post({"account_id": account, "data": "the end"})
            def tails():
                return [list(subscriber.lines)[-8:] for subscriber in (over_http, over_nats)]
            wait_until(lambda: all(sum(b"the end" in line for line in lines) == 2 for lines in tails()), 20, "the end")
            # Order is promised within an account.
            assert sorted(tails()[0]) == sorted(tails()[1])
            wait_until(lambda: b"the end" in of_all.lines[-1], 20, "the end")
            assert len(of_all.lines) >= 8


def test_strangers_read_our_events_and_theirs_reach_our_streams(server):
    with Daemon(broker=server.url()) as daemon, server.client() as stranger:
        stranger.subscribe("tracking.events.*")
        with daemon.subscribe("account_id=1") as stream:
            daemon.post({"account_id": 1, "data": "ours"})
            subject, payload = stranger.next_message()
            cursor, ours = stream.next_raw()
            assert (subject, payload.decode()) == ("tracking.events.1", ours)
            assert cursor.startswith("c_")
            stranger.publish("tracking.events.1", "garbage")
            stranger.publish("tracking.events.3", STRANGERS % '"of another account"')
            stranger.publish("tracking.events.1", STRANGERS % '"theirs"')
            assert stream.next_raw()[1] == STRANGERS % '"theirs"'
            def skipped():
                return sum("skipped a message on tracking.events.1" in line for line in daemon.lines)
            wait_until(skipped, 10, "told")
            assert skipped() == 1
            assert daemon.metrics()["tracking_foreign_messages_total"] == 2  # the second one was of another account


def test_the_cli_tells_how_many_messages_are_no_events(server):
    with Subscriber(server.url(), "-o", "raw", "--count", "1") as subscriber, server.client() as stranger:
        subscriber.wait_connected()
        # The log line comes before the subscription, so garbage is repeated until it is told.
        def is_told():
            stranger.publish("tracking.events.1", "garbage")
            return any(b"skipped a message on tracking.events.1" in line for line in list(subscriber.errors))
        wait_until(is_told, 20, "told", pause=0.05)
        for _ in range(1000):
            stranger.publish("tracking.events.1", "\x1b]52;garbage")
        stranger.publish("tracking.events.1", STRANGERS % '"theirs"')
        assert subscriber.process.wait(seconds(20)) == 0
        for reader in subscriber.readers:
            reader.join()
        assert subscriber.lines == [b'"theirs"\n']
        told = [line for line in subscriber.errors if b"skipped" in line]
        assert len(told) == 2 and b"no events of ours" in told[1] and b"\x1b" not in b"".join(told), told


def test_a_server_that_is_absent_at_start_is_waited_for():
    with NatsServer(start=False) as server, Daemon(broker=server.url(), wait=False) as daemon:
        ready = daemon.get("/readyz")
        assert ready.status == 503 and "no NATS server answers" in ready.text
        answer = daemon.post({"account_id": 1, "data": "foo"})
        assert (answer.status, answer.problem) == (503, "broker-unavailable")
        server.start()
        daemon.wait_ready()
        assert daemon.post({"account_id": 1, "data": "foo"}).status == 202


def test_a_killed_server_is_told_and_the_stream_goes_on(server):
    with Daemon(broker=server.url()) as daemon, daemon.subscribe() as stream:
        daemon.post({"account_id": 1, "data": "before"})
        assert stream.next_event()["data"] == "before"
        server.kill()
        assert stream.next_event()["gap"]["reason"] == "disconnected"
        wait_until(lambda: daemon.post({"account_id": 1, "data": "lost"}).status == 503, 10, "refused")
        server.start()
        daemon.wait_ready()
        daemon.post({"account_id": 1, "data": "after"})
        assert stream.next_event()["data"] == "after"
        # One line of the connection; the change of readiness may be told with the same words.
        assert sum("lost the connection" in line and "trying again" in line for line in daemon.lines) == 1


def test_a_frozen_server_keeps_no_request_waiting(server):
    with Daemon(broker=server.url()) as daemon:
        server.freeze()
        deadline = time.monotonic() + 60
        status = 202
        while status != 503:
            assert time.monotonic() < deadline, "never noticed"
            before = time.monotonic()
            status = daemon.post({"account_id": 1, "data": "x" * 1000}).status
            assert time.monotonic() - before < 5
        server.thaw()
        daemon.wait_ready(20)
        assert daemon.post({"account_id": 1, "data": "after"}).status == 202


def test_the_readers_of_a_frozen_daemon_are_told_that_they_missed_something():
    config = 'ping_interval: "2s"\nping_max: 1\ndebug: true\n'  # it gives up who does not answer, and says so
    with NatsServer(config) as server, Daemon(broker=server.url()) as frozen, Daemon(broker=server.url()) as other, \
            frozen.subscribe() as stream:
        frozen.post({"account_id": 1, "data": "before"})
        assert stream.next_event()["data"] == "before"
        frozen.process.send_signal(signal.SIGSTOP)
        try:
            wait_until(lambda: "Stale" in server.log(), 30, "the server has given the daemon up")
            wait_until(lambda: other.post({"account_id": 1, "data": "missed"}).status == 202, 10, "an event is missed")
        finally:
            frozen.process.send_signal(signal.SIGCONT)
        assert stream.next_event(30)["gap"]["reason"] == "disconnected"
        # It may say that it is ready before it has seen that its link is gone, and then take no events for a moment.
        wait_until(lambda: frozen.post({"account_id": 1, "data": "after"}).status == 202, 20, "an event is taken again")
        assert stream.next_event()["data"] == "after"


def test_a_stop_flushes_what_was_accepted(server):
    with server.client() as stranger:
        stranger.subscribe(">")
        with Daemon(broker=server.url()) as daemon:
            lines = "".join('{"account_id":1,"data":%d}\n' % number for number in range(2000))
            answer = daemon.post(body=lines, headers={"Content-Type": "application/x-ndjson"})
            assert answer.json()["accepted"] == 2000
            assert daemon.stop() == 0
        for number in range(2000):
            assert stranger.next_message()[1].endswith(b'"data":%d}' % number)


@pytest.mark.parametrize("scheme", ["nats", "jetstream"])
def test_without_retry_the_cli_says_once_that_it_cannot_connect(scheme):
    done = subprocess.run([program("tracking-cli"), "subscribe", "-u", f"{scheme}://127.0.0.1:{free_port()}", "--no-retry"],
                          capture_output=True, stdin=subprocess.DEVNULL, timeout=seconds(60), check=False)
    assert done.returncode == 3, done.stderr
    assert done.stderr.count(b"no NATS server answers") == 1 and b"trying again" not in done.stderr, done.stderr
    assert b".c:" not in done.stderr, "where in the source of cnats"


def test_a_wrong_url_is_one_line_and_shows_no_secret():
    done = subprocess.run([program("tracking-httpd"), "--check-config", "--broker", "nats://u:s3cret@host?frobnicate=1"],
                          capture_output=True, stdin=subprocess.DEVNULL, timeout=60, check=False, text=True)
    assert done.returncode != 0
    assert "no parameter frobnicate" in done.stderr and "s3cret" not in done.stderr
