"""On a terminal: colours, escapes, typed lines."""

import os
import pty
import re
import subprocess

from cli import environment
from e2e_support import program, seconds, wait_until


class Terminal:
    """tracking-cli with a terminal as stdin, stdout and stderr."""

    def __init__(self, *arguments, daemon, env=None):
        self.side, other = pty.openpty()
        variables = environment(daemon, {"TERM": "xterm"} | (env or {}))
        self.process = subprocess.Popen([program("tracking-cli"), *map(str, arguments)], env=variables, stdin=other,
                                        stdout=other, stderr=other, start_new_session=True,
                                        preexec_fn=lambda: __import__("fcntl").ioctl(0, __import__("termios").TIOCSCTTY, 0))
        os.close(other)
        os.set_blocking(self.side, False)
        self.shown = ""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self.side)

    def _read(self):
        try:
            self.shown += os.read(self.side, 65536).decode("utf-8", "surrogateescape")
        except (BlockingIOError, OSError):
            pass
        return self.shown

    def wait_shown(self, pattern):
        wait_until(lambda: re.search(pattern, self._read()), 20, f"{pattern!r} in {self.shown!r}")
        return self.shown

    def type(self, text):
        os.write(self.side, text.encode())


def test_events_are_coloured(daemon):
    with Terminal("subscribe", "-a", 1, daemon=daemon) as terminal:
        terminal.wait_shown("connected to")
        daemon.post({"account_id": 1, "data": "foo"})
        terminal.wait_shown(r'\x1b\[2m[-\dT:.]+Z\x1b\[0m  \x1b\[36m1\x1b\[0m  "foo"')


def test_no_color_is_respected(daemon):
    for options, env in (((), {"NO_COLOR": "1"}), (("--color", "never"), {}), ((), {"TERM": "dumb"})):
        with Terminal("subscribe", "-a", 1, *options, daemon=daemon, env=env) as terminal:
            terminal.wait_shown("connected to")
            daemon.post({"account_id": 1, "data": "foo"})
            assert "\x1b" not in terminal.wait_shown('"foo"')


def test_data_cannot_control_the_terminal_in_any_format(daemon):
    evil = "\u202e\u2066\u200b\u0085\x9b31m\x7f\ufeff\U000e0041"
    for output in ("text", "json", "raw"):
        with Terminal("subscribe", "-a", 1, "-o", output, "--color", "never", daemon=daemon) as terminal:
            terminal.wait_shown("connected to")
            daemon.post({"account_id": 1, "data": evil})
            shown = terminal.wait_shown(r"\\u202e\\u2066\\u200b\\u0085\\u009b31m\\u007f\\ufeff\\udb40\\udc41")
            assert not set(evil) & set(shown) - set("31m")


def test_typed_lines_change_the_accounts(daemon):
    with Terminal("subscribe", "-a", 1, daemon=daemon) as terminal:
        terminal.wait_shown("connected to")
        terminal.type("+3\n")
        terminal.wait_shown("showing accounts 1, 3")
        daemon.post({"account_id": 3, "data": "from three"})
        terminal.wait_shown("from three")


def test_control_c_interrupts(daemon):
    with Terminal("subscribe", daemon=daemon) as terminal:
        terminal.wait_shown("connected to")
        terminal.type("\x03")
        assert terminal.process.wait(seconds(10)) == 130
        terminal.wait_shown("interrupted after 0 events")


def test_progress_of_many_lines_is_shown(daemon):
    with Terminal("track", "-", daemon=daemon) as terminal:
        terminal.type('{"account_id":1,"data":1}\n')
        terminal.wait_shown("1 accepted, 0 rejected")
        terminal.type("\x04")
        assert terminal.process.wait(seconds(10)) == 0
        terminal.wait_shown('{"accepted":1,"rejected":\\[\\],"ack":"sent"}')
