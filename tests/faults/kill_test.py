"""Daemon and servers are killed, frozen and stopped at random moments under load: nothing that was acknowledged as stored
is lost, nothing is repeated, and no reader is told a gap."""

import signal
import time

import pytest

from e2e_support import Daemon, NatsServer, free_port, seconds, wait_until
from oracle import Oracle
from seeds import chance, rounds

ROUNDS = rounds(6)


def run_for(random, low=0.05, high=0.6):
    """How long load runs before the next fault: the moment is what the test is about."""
    time.sleep(random.uniform(low, high))


def wait_for_more(oracle, events=1):
    """Events are stored again."""
    before = oracle.stored()
    wait_until(lambda: oracle.stored() >= before + events, 60, "events are stored again")


def expect_nothing_lost(oracle):
    oracle.stop_sending()
    try:
        wait_until(oracle.has_all, 60, "all that was acknowledged is delivered", pause=0.2)
    finally:
        assert not oracle.judge()  # what is wrong, rather than that something is
    assert oracle.stored() > 10 * ROUNDS


def kill(daemon, _):
    daemon.stop(signal.SIGKILL)
    daemon.start()


def stop(daemon, _):
    assert daemon.stop() == 0, daemon.log
    daemon.start()


def freeze(daemon, random):
    daemon.process.send_signal(signal.SIGSTOP)
    time.sleep(random.uniform(0.1, 1.5))
    daemon.process.send_signal(signal.SIGCONT)


@pytest.mark.parametrize("fault", [kill, stop, freeze])
@pytest.mark.parametrize("broker", ["file", "jetstream"])
def test_a_daemon_loses_and_repeats_nothing(tmp_path, broker, fault):
    random = chance(f"{broker} {fault.__name__}")
    with NatsServer(jetstream=True, start=broker == "jetstream") as server:
        url = server.url(scheme="jetstream") if broker == "jetstream" else f"file:{tmp_path}/log"
        with Daemon("--listen", f"127.0.0.1:{free_port()}", broker=url, start_timeout=30) as daemon, \
                Oracle(tmp_path, daemon.url) as oracle:
            for _ in range(ROUNDS if fault is kill else max(2, ROUNDS // 4)):
                wait_for_more(oracle)
                run_for(random)
                fault(daemon, random)
            wait_for_more(oracle)
            expect_nothing_lost(oracle)


def test_a_frozen_daemon_without_a_disk_loses_and_repeats_nothing(tmp_path):
    # One lane of single events: a reader may be 1 MiB behind, whatever else the machine does.
    random = chance("memory freeze")
    with Daemon(broker="memory:") as daemon, Oracle(tmp_path, daemon.url, lanes=1, ack="sent") as oracle:
        for _ in range(max(2, ROUNDS // 4)):
            wait_for_more(oracle)
            run_for(random)
            freeze(daemon, random)
        wait_for_more(oracle)
        expect_nothing_lost(oracle)


def kill_server(server, _):
    server.kill()
    server.start()


def freeze_server(server, random):
    server.freeze()
    time.sleep(random.uniform(0.1, 1.5))
    server.thaw()


@pytest.mark.parametrize("fault", [kill_server, freeze_server])
def test_a_jetstream_server_loses_and_repeats_nothing(tmp_path, fault):
    random = chance(fault.__name__)
    with NatsServer(jetstream=True) as server, \
            Daemon(broker=server.url(scheme="jetstream"), start_timeout=30) as daemon, \
            Oracle(tmp_path, daemon.url) as oracle:
        for _ in range(ROUNDS if fault is kill_server else max(2, ROUNDS // 4)):
            wait_for_more(oracle)
            run_for(random)
            fault(server, random)
        wait_for_more(oracle)
        expect_nothing_lost(oracle)


def test_a_log_is_there_within_a_second_after_a_kill(tmp_path):
    chance("start")
    with Daemon(broker=f"file:{tmp_path}/log") as daemon, Oracle(tmp_path, daemon.url) as oracle:
        wait_until(lambda: oracle.stored() > 2000, 60)
        oracle.stop_sending()
        daemon.stop(signal.SIGKILL)
        begun = time.monotonic()
        daemon.start()
        assert time.monotonic() - begun < seconds(5)  # a second, with room for a busy machine
