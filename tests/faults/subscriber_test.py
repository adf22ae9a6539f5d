"""tracking-cli killed, interrupted, stopped and read slowly, and resumed by its cursor file: each event once, in order."""

import json
import os
import signal
import subprocess
import time

from e2e_support import Daemon, program, seconds, wait_until
from e2e_support.daemon import clean_environment
from oracle import Oracle, judge
from seeds import chance, rounds

ROUNDS = rounds(5)


class Subscriber:
    """A tracking-cli with a cursor file; what it shows is taken from a pipe, or left in it for a while."""

    def __init__(self, folder, url):
        self.folder, self.url = folder, url
        self.shown = open(folder / "shown", "a", encoding="utf-8")
        self.process = None
        self.ids = set()  # of all events shown

    def start(self):
        cursor = self.folder / "cursor"
        since = [] if cursor.exists() else ["--since", "all"]
        self.process = subprocess.Popen([program("tracking-cli"), "subscribe", "-u", self.url, "-o", "json", *since,
                                         "--cursor-file", str(cursor)], env=clean_environment(),
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
        os.set_blocking(self.process.stdout.fileno(), False)
        self.rest = b""

    def take(self, until):
        """Takes what it shows until the time; it is not read in between."""
        while True:
            piece = self.process.stdout.read()
            *lines, self.rest = (self.rest + (piece or b"")).split(b"\n")
            for line in lines:
                self._note(json.loads(line))
            if time.monotonic() >= until or (piece == b"" and self.process.poll() is not None):
                return
            time.sleep(0.02)

    def _note(self, event):
        if "gap" in event:
            self.shown.write(f"gap {json.dumps(event['gap'])}\n")
        else:
            self.ids.add(event["id"])
            self.shown.write(f"event {event['account_id']} {event['id']} {event['producer']} {event['sequence']}\n")
        self.shown.flush()

    def end(self, number):
        self.process.send_signal(number)
        deadline = time.monotonic() + seconds(30)
        while self.process.poll() is None and time.monotonic() < deadline:
            self.take(time.monotonic() + 0.05)
        self.take(time.monotonic())
        assert self.process.poll() is not None, "it does not end"
        self.process.stdout.close()

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self.shown.close()


def follow(tmp_path, name, end_with, may_repeat):
    random = chance(name)
    with Daemon(broker=f"file:{tmp_path}/log") as daemon, Oracle(tmp_path, daemon.url, shown=tmp_path / "shown") as oracle:
        subscriber = Subscriber(tmp_path, daemon.url)
        subscriber.start()
        try:
            for _ in range(ROUNDS):
                subscriber.take(time.monotonic() + random.uniform(0.1, 0.8))
                fault = random.choice(("end", "stop", "slow"))
                if fault == "stop":
                    subscriber.process.send_signal(signal.SIGSTOP)
                    time.sleep(random.uniform(0.1, 2))
                    subscriber.process.send_signal(signal.SIGCONT)
                elif fault == "slow":
                    time.sleep(random.uniform(0.5, 2))  # its pipe fills up
                subscriber.end(end_with)
                time.sleep(random.uniform(0, 0.3))
                subscriber.start()
            oracle.stop_sending()
            stored = oracle.stored_ids()
            wait_until(lambda: has_shown(subscriber, stored), 90, f"all of {len(stored)} events are shown")
        finally:
            subscriber.close()
        assert len(stored) > 100
        assert not judge(oracle.sent, str(tmp_path / "shown"), may_repeat)


def has_shown(subscriber, ids):
    subscriber.take(time.monotonic() + 0.2)
    return ids <= subscriber.ids


def test_interrupted_it_goes_on_behind_the_last_event_that_it_has_shown(tmp_path):
    follow(tmp_path, "interrupted", signal.SIGINT, may_repeat=False)


def test_killed_it_loses_nothing(tmp_path):
    # Between an event and its cursor it may be killed: then that one is shown again.
    follow(tmp_path, "killed", signal.SIGKILL, may_repeat=True)
