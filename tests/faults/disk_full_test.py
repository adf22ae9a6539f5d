"""A disk that is full: refused, never lost; reads go on; writing resumes by itself. Needs root: a small tmpfs."""

import os
import signal
import subprocess

import pytest

from e2e_support import Daemon, wait_until

EVENT_BYTES = 100_000


@pytest.fixture
def small_disk(tmp_path):
    folder = tmp_path / "disk"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", folder], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def data_of(daemon, accepted):
    with daemon.subscribe("since=all", sse=False) as stream:
        return [event.get("data", "gap")[:8] for event in stream.next_events(accepted, 30)]


def test_a_full_disk_refuses_and_loses_nothing_and_is_written_to_again_when_there_is_room(small_disk):
    ballast = small_disk / "ballast"
    ballast.write_bytes(b"x" * (6 << 20))
    accepted = []

    def post():
        data = f"{len(accepted):08}" + "x" * EVENT_BYTES
        answer = daemon.post({"account_id": 1, "data": data})
        if answer.status == 202:
            accepted.append(data[:8])
        return answer

    with Daemon(broker=f"file:{small_disk}/log") as daemon:
        while (answer := post()).status == 202:
            assert len(accepted) < 1000
        assert (answer.status, answer.problem) == (503, "broker-unavailable")
        assert "retry-after" in answer.headers
        assert daemon.get("/readyz").status == 503
        assert data_of(daemon, len(accepted)) == accepted, "what is there is read"

        os.remove(ballast)
        wait_until(lambda: post().status == 202, 10, "written to again")
        assert daemon.get("/readyz").status == 200
        daemon.stop(signal.SIGKILL)
        daemon.start()
        assert data_of(daemon, len(accepted)) == accepted
