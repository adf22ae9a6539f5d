"""tracking-cli as tests run it."""

import json
import os
import signal
import subprocess
import threading

from e2e_support import program, seconds, wait_until


def environment(daemon=None, extra=None):
    """The environment without settings of tracking, but for where the daemon is."""
    variables = {name: value for name, value in os.environ.items()
                 if not name.startswith("TRACKING_") and name not in ("NO_COLOR", "TERM")}
    if daemon is not None:
        variables |= {"TRACKING_URL": daemon.url, "TRACKING_ADMIN_URL": daemon.admin_url}
    return variables | (extra or {})


def run(*arguments, daemon=None, stdin=b"", env=None, timeout=30):
    """Runs it to its end; output is text."""
    done = subprocess.run([program("tracking-cli"), *map(str, arguments)], env=environment(daemon, env),
                          input=stdin, capture_output=True, check=False, timeout=seconds(timeout))
    done.stdout, done.stderr = done.stdout.decode("utf-8", "surrogateescape"), done.stderr.decode("utf-8", "surrogateescape")
    return done


class Cli:
    """A tracking-cli that runs beside the test; its output is collected line by line."""

    def __init__(self, *arguments, daemon=None, env=None, stdin=subprocess.DEVNULL):
        self.process = subprocess.Popen([program("tracking-cli"), *map(str, arguments)], env=environment(daemon, env),
                                        stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.lines, self.errors = [], []
        self._readers = [threading.Thread(target=self._collect, args=pair, daemon=True)
                         for pair in ((self.process.stdout, self.lines), (self.process.stderr, self.errors))]
        for reader in self._readers:
            reader.start()

    @staticmethod
    def _collect(pipe, into):
        for line in pipe:
            into.append(line.decode("utf-8", "surrogateescape").rstrip("\n"))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for reader in self._readers:
            reader.join()
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            if pipe:
                pipe.close()

    def wait_connected(self, times=1):
        wait_until(lambda: sum("connected to http" in line for line in list(self.errors)) >= times, 20,
                   f"connected {times} times: {self.errors}")
        return self

    def wait_said(self, text):
        wait_until(lambda: any(text in line for line in list(self.errors)), 20, f"{text!r} on stderr: {self.errors}")

    def wait_lines(self, count, limit=20):
        wait_until(lambda: len(self.lines) >= count, limit, f"{count} lines: {self.lines[-3:]} {self.errors}")
        return list(self.lines)

    def events(self):
        return [json.loads(line) for line in list(self.lines)]

    def type(self, line):
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()

    def interrupt(self):
        self.process.send_signal(signal.SIGINT)
        return self.wait()

    def wait(self, timeout=20):
        code = self.process.wait(seconds(timeout))
        for reader in self._readers:
            reader.join()
        return code


def data_of(lines):
    """The data of lines of JSON output, gaps left out."""
    return [event["data"] for event in map(json.loads, lines) if "gap" not in event]
