"""Changing the accounts while it runs."""

import json
import subprocess
import threading

from cli import Cli, data_of
from e2e_support import wait_until


def controlled(daemon, *arguments):
    return Cli("subscribe", "--control", "-o", "json", *arguments, daemon=daemon, stdin=subprocess.PIPE)


def test_lines_change_the_accounts(own_daemon):
    def track(*accounts):
        for account in accounts:
            own_daemon.post({"account_id": account, "data": account})
    with controlled(own_daemon, "-a", 1) as cli:
        cli.wait_connected()
        track(1, 3, 4)
        wait_until(lambda: data_of(cli.lines) == [1])
        for line, answer, shown in (("+3", "showing accounts 1, 3", [1, 3]), ("-1", "showing account 3", [3]),
                                    ("=1,4", "showing accounts 1, 4", [1, 4]), ("all", "showing every account", [1, 3, 4]),
                                    ("-3", "showing every account but 3", [1, 4])):
            before = len(cli.lines)
            cli.type(line)
            cli.wait_said(answer)
            track(1, 3, 4)
            wait_until(lambda want=shown, start=before: data_of(cli.lines[start:]) == want, 10, f"{line}: {cli.lines}")


def test_wrong_lines_are_told_and_change_nothing(own_daemon):
    with controlled(own_daemon, "-a", 1) as cli:
        cli.wait_connected()
        for line, answer in (("+x", "is no account"), ("dance", "is none of"), ("-1", "would leave no account"), ("+", "is no account")):
            cli.type(line)
            cli.wait_said(answer)
        cli.type("")
        own_daemon.post({"account_id": 1, "data": "still"})
        assert data_of(cli.wait_lines(1)) == ["still"]


def test_the_end_of_stdin_does_not_end_it(own_daemon):
    with controlled(own_daemon, "-a", 1) as cli:
        cli.wait_connected()
        cli.process.stdin.write(b"+3")
        cli.process.stdin.close()
        cli.process.stdin = None
        cli.wait_said("showing accounts 1, 3")
        own_daemon.post({"account_id": 3, "data": 3})
        assert data_of(cli.wait_lines(1)) == [3]


def test_changes_under_load_lose_and_repeat_nothing_of_an_account_that_stays(own_daemon):
    events = changes = 0
    def load():
        nonlocal events
        while events < 3000 or changes < 6:
            lines = "".join(json.dumps({"account_id": account, "data": number}) + "\n"
                            for number in range(events, events + 20) for account in (1, 3))
            own_daemon.post(body=lines.encode(), headers={"Content-Type": "application/x-ndjson"})
            events += 20
    with controlled(own_daemon, "-a", 1) as cli:
        cli.wait_connected()
        sender = threading.Thread(target=load)
        sender.start()
        while sender.is_alive():
            cli.type("+3" if changes % 2 == 0 else "-3")
            wait_until(lambda want=changes + 1: sum("showing" in line for line in list(cli.errors)) == want)
            changes += 1
        sender.join()
        wait_until(lambda: [event["data"] for event in cli.events() if event.get("account_id") == 1][-1:] == [events - 1])
        received = cli.events()
        assert not [event for event in received if "gap" in event]
        assert [event["data"] for event in received if event["account_id"] == 1] == list(range(events))
        others = [event["data"] for event in received if event["account_id"] == 3]
        assert others == sorted(set(others))
