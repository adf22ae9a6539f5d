"""subscribe goes on whatever happens to the server, the network or itself."""

import json
import signal

from cli import Cli, data_of
from e2e_support import Daemon, free_port, wait_until


def fixed_daemon(port, **options):
    """A daemon that comes back on the same port."""
    return Daemon("--listen", f"127.0.0.1:{port}", **options)


def test_it_may_be_started_before_its_server():
    port = free_port()
    with Cli("subscribe", "-u", f"http://127.0.0.1:{port}", "-o", "json") as cli:
        cli.wait_said("could not connect")
        with fixed_daemon(port) as daemon:
            cli.wait_connected()
            daemon.post({"account_id": 1, "data": "at last"})
            assert data_of(cli.wait_lines(1)) == ["at last"]


def test_a_killed_server_that_comes_back_is_told_as_a_gap_and_it_goes_on():
    port = free_port()
    with fixed_daemon(port) as daemon, Cli("subscribe", "-u", f"http://127.0.0.1:{port}", "-o", "json") as cli:
        cli.wait_connected()
        daemon.post({"account_id": 1, "data": 1})
        cli.wait_lines(1)
        daemon.stop(signal.SIGKILL)
        cli.wait_said("lost the connection")
        daemon.start()
        cli.wait_connected(times=2)
        daemon.post({"account_id": 1, "data": 2})
        lines = cli.wait_lines(3)
        assert data_of(lines) == [1, 2]
        assert json.loads(lines[1])["gap"]["reason"] == "unknown-cursor"
        cli.wait_said("gap: unknown-cursor")


def test_a_drained_server_loses_it_nothing():
    port = free_port()
    with fixed_daemon(port) as daemon, Cli("subscribe", "-u", f"http://127.0.0.1:{port}", "-o", "json") as cli:
        cli.wait_connected()
        for number in range(200):
            daemon.post({"account_id": 1, "data": number})
        assert daemon.stop() == 0
        assert data_of(cli.wait_lines(200)) == list(range(200))
        cli.wait_said("lost the connection")


def test_a_frozen_subscriber_catches_up(own_daemon):
    with Cli("subscribe", "-o", "json", daemon=own_daemon) as cli:
        cli.wait_connected()
        cli.process.send_signal(signal.SIGSTOP)
        lines = "".join(json.dumps({"account_id": 1, "data": number}) + "\n" for number in range(5000))
        answer = own_daemon.post(body=lines.encode(), headers={"Content-Type": "application/x-ndjson"})
        assert answer.json()["accepted"] == 5000
        cli.process.send_signal(signal.SIGCONT)
        assert data_of(cli.wait_lines(5000)) == list(range(5000))


def test_a_killed_subscriber_goes_on_behind_its_cursor_file(own_daemon, tmp_path):
    file = tmp_path / "cursor"
    shown = []
    for round_number in range(4):
        with Cli("subscribe", "-a", 1, "-o", "json", "--cursor-file", file, daemon=own_daemon) as cli:
            cli.wait_connected()
            for number in range(10):
                own_daemon.post({"account_id": 1, "data": round_number * 20 + number})
            wait_until(lambda: data_of(cli.lines)[-1:] == [round_number * 20 + 9])
            # The cursor is written behind the event: it is the last that the test can wait for.
            wait_until(lambda want=cursor_of(own_daemon): file.exists() and file.read_text().strip() == want)
            cli.process.kill()
            cli.wait()
            shown += data_of(cli.lines)
        for number in range(10):
            own_daemon.post({"account_id": 1, "data": round_number * 20 + 10 + number})
    with Cli("subscribe", "-a", 1, "-o", "json", "--cursor-file", file, "--no-follow", daemon=own_daemon) as cli:
        assert cli.wait() == 0
        shown += data_of(cli.lines)
    assert shown == list(range(80))


def cursor_of(daemon):
    """The cursor of the last event."""
    with daemon.subscribe("tail=1") as stream:
        return stream.next_raw()[0]


def test_a_subscriber_killed_under_load_loses_nothing(own_daemon, tmp_path):
    file = tmp_path / "cursor"
    lines = "".join(json.dumps({"account_id": 1, "data": number}) + "\n" for number in range(100000))
    own_daemon.post({"account_id": 1, "data": -1})
    own_daemon.post(body=lines.encode(), headers={"Content-Type": "application/x-ndjson"})
    shown = []
    for kill_at in (100, 1000, 3000):
        with Cli("subscribe", "--since", "all", "-o", "raw", "--cursor-file", file, daemon=own_daemon) as cli:
            cli.wait_lines(kill_at)
            cli.process.kill()
            cli.wait()
            shown += [int(line) for line in cli.lines if line.strip("-").isdigit()]
    with Cli("subscribe", "-o", "raw", "--cursor-file", file, "--no-follow", daemon=own_daemon) as cli:
        assert cli.wait() == 0
        shown += map(int, cli.lines)
    assert sorted(set(shown)) == list(range(-1, 100000))
    assert len(shown) < 100001 + 3 * 5000, "only events of the last milliseconds are shown again"


def test_garbage_in_the_cursor_file_is_survived(own_daemon, tmp_path):
    file = tmp_path / "cursor"
    own_daemon.post({"account_id": 1, "data": 1})
    for garbage in (b"\x00\xff\x1b[2J", b"c_" + b"x" * 5000, b"c_a b", b"nonsense\n"):
        file.write_bytes(garbage)
        with Cli("subscribe", "--since", "all", "--no-follow", "-o", "raw", "--cursor-file", file, daemon=own_daemon) as cli:
            assert cli.wait() == 0
            assert cli.lines == ["1"]
            assert "holds no cursor" in cli.errors[0]
        assert file.read_text().startswith("c_")


def test_a_cursor_that_the_server_does_not_know_is_told(own_daemon, tmp_path):
    file = tmp_path / "cursor"
    file.write_text("c_" + "A" * 48 + "\n")
    own_daemon.post({"account_id": 1, "data": 1})
    with Cli("subscribe", "--no-follow", "--cursor-file", file, daemon=own_daemon) as cli:
        assert cli.wait() == 0
        assert any("gap: unknown-cursor" in line for line in cli.errors)


def test_a_cursor_file_that_cannot_be_written_is_told_at_once(own_daemon, tmp_path):
    with Cli("subscribe", "--cursor-file", tmp_path / "no" / "such" / "folder", daemon=own_daemon) as cli:
        assert cli.wait() == 1
        assert "cannot write" in cli.errors[0]
