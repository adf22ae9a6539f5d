"""docs/CLI.md does what it says."""

import os
import pathlib
import re
import subprocess

from cli import environment
from e2e_support import Daemon, program, seconds, wait_until

SOURCE = pathlib.Path(os.environ["TRACKING_SOURCE_DIR"])
DOCUMENT = (SOURCE / "docs/CLI.md").read_text(encoding="utf-8")


def steps():
    """[(command, what it prints), ...] of every transcript but the first, which starts things in the background."""
    transcripts = re.findall(r"^```console\n(.*?)^```$", DOCUMENT, re.MULTILINE | re.DOTALL)
    assert len(transcripts) > 4
    found = []
    for text in transcripts[1:]:
        for step in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
            command, _, output = step.partition("\n")
            found.append((command, output))
    return found


def test_transcripts_print_what_is_shown(tmp_path):
    folder = os.path.dirname(program("tracking-cli"))
    with Daemon(demo=True) as daemon:
        variables = environment(daemon) | {"PATH": f"{folder}:{os.environ['PATH']}"}
        for command, expected in steps():
            done = subprocess.run(["bash", "-c", command], env=variables, stdin=subprocess.DEVNULL, capture_output=True,
                                  text=True, cwd=tmp_path, check=False, timeout=seconds(20))
            assert done.returncode in (0, 1 if '"rejected":[{' in expected else 0), f"{command}\n{done.stderr}"
            if expected:
                pattern = re.escape(expected)
                pattern = re.sub(r"\d{4}\\-\d\d\\-\d\dT[\d:]+\\\.\d+Z", r"[^\"]+", pattern)
                pattern = re.sub(r"[0-9a-f]{8}\\-[0-9a-f\\-]+[0-9a-f]{12}", r"[^\"]+", pattern)
                assert re.fullmatch(pattern, done.stdout), f"{command}\nprinted\n{done.stdout}instead of\n{expected}"


def test_the_example_subscriber_keeps_its_cursor(tmp_path):
    example = pathlib.Path(os.environ["TRACKING_BUILD_DIR"]) / "libtracking/examples/subscribe_http"
    with Daemon("--listen", "127.0.0.1:8080", accounts="memory:?active=1,3") as daemon:
        cursor = tmp_path / "cursor"
        def shown(*data):
            process = subprocess.Popen([example, cursor], stdout=subprocess.PIPE, text=True)
            try:
                wait_until(lambda: daemon.metrics().get("tracking_subscribers", 0) >= 1)
                for number in data:
                    daemon.post({"account_id": 3, "data": number})
                lines = [process.stdout.readline() for _ in data]
                # It shows an event, and then saves its cursor: killed in between it would show it again.
                with daemon.subscribe("account_id=3&tail=1") as stream:
                    newest = stream.next_event()["_cursor"]
                wait_until(lambda: cursor.exists() and cursor.read_text() == newest + "\n")
                return lines
            finally:
                process.kill()
                process.communicate()
        assert shown(1, 2) == ["3  1\n", "3  2\n"]
        assert cursor.read_text().startswith("c_")
        wait_until(lambda: daemon.metrics().get("tracking_subscribers", 0) == 0)
        assert shown(3) == ["3  3\n"]
