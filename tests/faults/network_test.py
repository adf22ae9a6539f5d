"""The network between the daemon and nats-server breaks, at random moments under load, and heals: JetStream loses and repeats
nothing that was acknowledged as stored; over core NATS whatever is lost is told; and no visitor waits longer than promised."""

import json
import subprocess

import pytest

from e2e_support import Daemon, FaultProxy, MonitoredNatsServer, NatsServer, program, seconds, wait_until
from e2e_support.daemon import clean_environment
from network import DELAYING, LOSING, Visitor, break_and_heal, shuffled
from oracle import Oracle
from seeds import chance, rounds

ROUNDS = max(1, rounds(6) // 6)
ACK_WAIT = 2  # seconds that an event waits for the stream's answer
TOLD_AS_SENT = 2  # seconds that an event waits in the queue of nats://, at most
SLACK = 3  # seconds that a busy machine may take
READY = 5  # seconds


def through(scheme, proxy):
    parameters = f"?ack_wait={ACK_WAIT}s" if scheme == "jetstream" else ""
    return f"{scheme}://127.0.0.1:{proxy.port}{parameters}"


def expect_served(visitor, limit, statuses):
    print(f"the visitor waited {visitor.slowest:.2f} s at most, and was answered {visitor.answers}")
    assert visitor.error is None
    assert visitor.slowest < seconds(limit + SLACK)
    assert visitor.answers.keys() <= statuses and visitor.answers[202] > 0


@pytest.mark.parametrize("faults", [DELAYING, LOSING], ids=["delaying", "losing"])
def test_jetstream_behind_a_broken_network_loses_and_repeats_nothing(tmp_path, faults):
    random = chance(f"jetstream {len(faults)}")
    with NatsServer(jetstream=True) as server, FaultProxy(server.port) as proxy, \
            Daemon(broker=through("jetstream", proxy), start_timeout=30) as daemon, \
            Oracle(tmp_path, daemon.url) as oracle, Visitor(daemon.url) as visitor:
        for fault in shuffled(faults * ROUNDS, random):
            before = oracle.stored()
            wait_until(lambda: oracle.stored() > before + 40, 30, "events are stored")  # noqa: B023 - called at once
            assert break_and_heal(fault, proxy, random, daemon) < seconds(READY)
        oracle.stop_sending()
        wait_until(oracle.has_all, 60, f"all that was stored is delivered; wrong so far: {oracle.judge()}", pause=0.2)
        assert not oracle.judge()
    expect_served(visitor, ACK_WAIT, {202, 503, 504})
    assert faults is DELAYING or proxy.cuts > 2 * ROUNDS


class Verification:
    """A tracking-cli verify: sends for as long as the faults take, about, and judges what came."""

    def __init__(self, sent_to, read_from):
        self.process = subprocess.Popen([program("tracking-cli"), "verify", "-a", "1,3", "-u", sent_to.url, "--from", read_from,
                                         "--for", f"{6 * ROUNDS}s", "--rate", "1000", "--connections", "2", "--settle",
                                         f"{round(seconds(2))}s", "--allow", "gaps", "-o", "json"], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=clean_environment())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def report(self):
        output, _ = self.process.communicate(timeout=6 * ROUNDS + seconds(60))
        report = json.loads(output)
        print(report)
        assert report["ok"] and report["received"] > 100, report
        return report


def wait_under_way(publisher):
    before = publisher.ledger()["accepted"]
    wait_until(lambda: publisher.ledger()["accepted"] > before + 100, 30, "events are sent")


@pytest.mark.parametrize("faults", [DELAYING, LOSING], ids=["delaying", "losing"])
def test_what_core_nats_loses_before_a_reader_is_told(faults):
    """The publisher's link is well, those of readers break: of streams of a daemon, and of tracking-cli without one."""
    random = chance(f"core readers {len(faults)}")
    with NatsServer() as server, FaultProxy(server.port) as proxy, Daemon(broker=server.url()) as publisher, \
            Daemon(broker=through("nats", proxy)) as reader, Verification(publisher, reader.url) as by_stream, \
            Verification(publisher, through("nats", proxy)) as by_cli:
        wait_under_way(publisher)
        for fault in shuffled(faults * ROUNDS, random):
            assert break_and_heal(fault, proxy, random, reader) < seconds(READY)
        reports = [by_stream.report(), by_cli.report()]
    for report in reports:
        if faults is LOSING:
            assert report["gaps_by_reason"]["disconnected"] >= 1, report
        else:
            assert report["gaps"] == report["lost_announced"] == 0, report


def test_what_comes_on_a_link_that_was_never_confirmed_ends_with_a_gap():
    """The server takes the subscription, but what asks it to confirm that is lost: events come, then the link is given up."""
    lost = []

    def lose_the_question(piece):
        if b"SUB " in piece or lost:
            lost.append(piece.count(b"PING\r\n"))
            return piece.replace(b"PING\r\n", b"")
        return piece

    subject = "tracking.events.*"
    with MonitoredNatsServer() as server, FaultProxy(server.port) as proxy, Daemon(broker=server.url()) as publisher, \
            Daemon(broker=through("nats", proxy)) as reader, reader.subscribe() as stream:
        def post(data):
            assert publisher.post({"account_id": 1, "data": data}).status == 202

        def next_but_gaps():
            gaps = 0
            while "gap" in (delivery := stream.next_event()):
                gaps += 1
            return gaps, delivery["data"]

        post("before")
        assert next_but_gaps() == (0, "before")
        known = max(server.subscribers(subject))
        proxy.client_to_server.edit = lose_the_question
        proxy.cut_all()
        wait_until(lambda: any(number > known for number in server.subscribers(subject)), 10, "it has subscribed again")
        wait_until(lambda: sum(lost) > 0, 10, "and asked for a confirmation")
        post("unconfirmed")
        assert next_but_gaps() == (1, "unconfirmed")
        proxy.client_to_server.edit = None
        wait_until(lambda: reader.get("/readyz").status == 200, 20, "ready")
        post("after")
        assert next_but_gaps() == (1, "after")


@pytest.mark.parametrize("faults", [DELAYING, LOSING], ids=["delaying", "losing"])
def test_what_core_nats_loses_behind_a_publisher_is_told(faults):
    """The publisher's link breaks, the reader's is well: it sees by the numbers what never came."""
    random = chance(f"core publisher {len(faults)}")
    with NatsServer() as server, FaultProxy(server.port) as proxy, Daemon(broker=server.url()) as reader, \
            Daemon(broker=through("nats", proxy)) as publisher, Verification(publisher, reader.url) as verification, \
            Visitor(publisher.url) as visitor:
        wait_under_way(publisher)
        for fault in shuffled(faults * ROUNDS, random):
            assert break_and_heal(fault, proxy, random, publisher) < seconds(READY)
        report = verification.report()
    assert report["gaps_by_reason"].keys() <= ({"sequence"} if faults is LOSING else set()), report
    expect_served(visitor, TOLD_AS_SENT, {202, 503})
