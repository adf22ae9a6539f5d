"""The table of cases that all bindings share (bindings/README.md), in C: by c_doors.c, whose lines say what it does."""

import json
import os
import pathlib
import subprocess
from datetime import datetime, timedelta, timezone

import pytest
from e2e_support import Daemon, NatsServer, seconds, wait_until

SOURCE = pathlib.Path(os.environ["TRACKING_SOURCE_DIR"])
LIBRARY = pathlib.Path(os.environ["TRACKING_C_LIBRARY"])
CASES = json.loads((SOURCE / "bindings/cases.json").read_text("utf-8"))
WAIT_MS = int(seconds(20) * 1000)


def by_name(kind):
    return pytest.mark.parametrize("case", CASES[kind], ids=lambda case: case["name"].replace(" ", "-"))


def hexed(text):
    return text.encode().hex() or "-"


def text_of(hexadecimal):
    return "" if hexadecimal == "-" else bytes.fromhex(hexadecimal).decode()


def settings_of(settings):
    return "".join(f" {name}={hexed(value)}" for name, value in settings.items())


def microseconds(text):
    if text is None:
        return None
    moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return (moment - datetime(1970, 1, 1, tzinfo=timezone.utc)) // timedelta(microseconds=1)


def event_of(account_id, data, id="", occurred_at=None):
    moment = microseconds(occurred_at)
    return f"{account_id}:{hexed(data)}:{hexed(id)}:{'-' if moment is None else moment}"


class Doors:
    """A process of c_doors: one service, one subscriber at a time."""

    def __init__(self, program, url=None, **settings):
        self.url = url
        self.process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        settings["accounts"] = CASES["accounts"]
        opened = self.ask(f"connect {hexed(url)}" if url else f"open{settings_of(settings)}")
        assert opened == "ok"

    def close(self):
        self.process.stdin.close()
        assert self.process.wait(seconds(20)) == 0
        self.process.stdout.close()

    def ask(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        assert answer.endswith("\n"), f"it ended at: {line}"
        return answer[:-1]

    def track(self, *events):
        return [tuple(outcome.split(":")) for outcome in self.ask(" ".join(["track", *events])).split()]

    def track_all(self, pairs):
        for account_id, data in pairs:
            assert self.track(event_of(account_id, data)) == [("ok", "0")]

    def subscribe(self, settings):
        return self.ask((f"listen {hexed(self.url)}" if self.url else "subscribe") + settings_of(settings))

    def next(self):
        """(what, cursor): what is [account, data, id, microseconds], a gap's JSON, or a code."""
        kind, *words = self.ask(f"next {WAIT_MS}").split()
        if kind == "gap":
            return json.loads(text_of(words[0])), text_of(words[1])
        if kind != "event":
            return kind, None
        account_id, data, id, occurred_at = words[0].split(":")
        moment = None if occurred_at == "-" else int(occurred_at)
        return [int(account_id), text_of(data), text_of(id), moment], text_of(words[1])

    def read(self, count):
        found = [self.next()[0] for _ in range(count)]
        return [one[:2] if isinstance(one, list) else one for one in found]


@pytest.fixture(scope="session")
def program(tmp_path_factory):
    path = tmp_path_factory.mktemp("c") / "doors"
    done = subprocess.run(["cc", "-std=c99", "-pedantic", "-Wall", "-Wextra", "-Werror", f"-I{SOURCE / 'bindings/c/include'}",
                           SOURCE / "tests/bindings/c_doors.c", "-o", path, LIBRARY, f"-Wl,-rpath,{LIBRARY.parent}"],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    assert done.returncode == 0, done.stdout
    return path


@pytest.fixture(params=["in process", "at a distance"])
def doors(request, program):
    if request.param == "in process":
        opened = Doors(program)
        yield opened
        opened.close()
        return
    with Daemon(accounts=CASES["accounts"]) as daemon:
        opened = Doors(program, daemon.url)
        yield opened
        opened.close()


def test_track(doors):
    assert doors.subscribe({"since": "all"}) == "ok"
    expected = []
    for case in CASES["track"]:
        event = event_of(case["account_id"], case["data"], case.get("id", ""), case.get("occurred_at"))
        assert doors.track(event) == [(case["code"], str(int(case.get("duplicate", False))))], case["name"]
        if case["code"] == "ok" and not case.get("duplicate"):
            expected.append(case)
    for case in expected:
        account_id, data, id, occurred_at = doors.next()[0]
        assert (account_id, data) == (case["account_id"], case.get("delivered", case["data"])), case["name"]
        assert case.get("id", id) == id, case["name"]
        assert occurred_at == microseconds(case.get("occurred_at")), case["name"]
    assert doors.ask("next 0") == "timed-out"


@by_name("batches")
def test_batch(doors, case):
    events = [event_of(event["account_id"], json.dumps(event["data"])) for event in case["events"]]
    assert [code for code, _ in doors.track(*events)] == case["codes"]


@by_name("subscriptions")
def test_wrong_subscription(doors, case):
    code = doors.subscribe(case["settings"])
    assert (doors.next()[0] if code == "ok" else code) == case["code"]


@by_name("streams")
def test_stream(doors, case):
    doors.track_all(case["before"])
    settings = dict(case["settings"])
    if "since_cursor_of" in case:
        assert doors.subscribe({"since": "all"}) == "ok"
        cursors = [doors.next()[1] for _ in case["before"]]
        settings["since"] = cursors[case["since_cursor_of"]]
        doors.ask("leave")
    assert doors.subscribe(settings) == "ok"
    wait_until(lambda: doors.ask("cursor") != "-", what="the stream")
    doors.track_all(case.get("after", []))
    assert doors.read(len(case["expected"])) == case["expected"]
    if "accounts" in case:
        assert doors.ask(" ".join(["accounts", *map(str, case["accounts"])])) == "ok"
        doors.track_all(case["later"])
        assert doors.read(len(case["expected_later"])) == case["expected_later"]
    if case.get("ends"):
        assert doors.next()[0] == "closed"


@pytest.mark.parametrize("scheme", ["nats", "jetstream"])
def test_a_subscriber_reads_from_a_broker_itself(program, scheme):
    with NatsServer(jetstream=scheme == "jetstream") as server:
        url = server.url(scheme=scheme)
        doors = Doors(program, broker=url)
        assert doors.ask(f"listen {hexed(url)}") == "ok"

        def arrives():  # neither of both may be connected yet
            doors.track(event_of(1, '"over the broker"'))
            return doors.ask("next 100").startswith("event 1:" + hexed('"over the broker"'))

        wait_until(arrives, what="an event")
        doors.close()
        refused = subprocess.run([program], input=f"connect {hexed(url)}\n", stdout=subprocess.PIPE, text=True, check=True,
                                 timeout=seconds(20))
        assert refused.stdout == "unsupported\n"
