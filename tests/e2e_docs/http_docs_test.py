"""docs/HTTP.md does what it says: every curl line in it works as printed, against a demo daemon."""

import os
import pathlib
import re
import subprocess

import pytest

from e2e_support import Daemon, seconds

SOURCE = pathlib.Path(os.environ["TRACKING_SOURCE_DIR"])
TEXT = (SOURCE / "docs/HTTP.md").read_text(encoding="utf-8")
COMMANDS = [line for block in re.findall(r"^```sh\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
            for line in block.splitlines() if "curl " in line]


@pytest.fixture(scope="module")
def daemon():
    with Daemon(demo=True) as daemon:
        yield daemon


def test_there_are_commands():
    assert len(COMMANDS) >= 14


@pytest.mark.parametrize("command", COMMANDS)
def test_command_works_as_printed(daemon, command):
    on_our_ports = command.replace("http://127.0.0.1:8080", daemon.url).replace("http://127.0.0.1:8081", daemon.admin_url)
    checked = on_our_ports.replace("curl ", "curl -sS --fail-with-body --max-time 5 ")
    done = subprocess.run(["bash", "-o", "pipefail", "-c", checked], capture_output=True, text=True, timeout=seconds(10),
                          check=False)
    assert done.returncode == 0, (done.stdout, done.stderr)
    assert done.stdout or "DELETE" in command
