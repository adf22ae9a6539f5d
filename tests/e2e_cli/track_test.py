"""track: one event, or many from stdin."""

import json
import os
import subprocess

import pytest

from cli import Cli, environment, run
from e2e_support import Daemon, free_port, program, seconds


def test_it_prints_the_answer(daemon):
    with daemon.subscribe("account_id=1") as stream:
        done = run("track", "-a", 1, '"foo"', daemon=daemon)
        assert done.returncode == 0 and not done.stderr
        answer = json.loads(done.stdout)
        assert set(answer) == {"id", "timestamp", "ack"} and answer["ack"] == "sent"
        event = stream.next_event()
        assert (event["id"], event["timestamp"], event["data"]) == (answer["id"], answer["timestamp"], "foo")


@pytest.mark.parametrize("data", ['{"n":1e400,"n":[]}', '"\\ud800"', "null", "123456789012345678901234567890", "[[]]"])
def test_json_goes_as_it_is(daemon, data):
    with daemon.subscribe("account_id=1") as stream:
        assert run("track", "-a", 1, data, daemon=daemon).returncode == 0
        assert stream.next_raw()[1].endswith(f'"data":{data}}}')


def test_text_becomes_json(daemon):
    text = 'say "hi" \\ \t\n \u00e4 \u202e'
    with daemon.subscribe("account_id=1") as stream:
        assert run("track", "-a", 1, "--text", text, daemon=daemon).returncode == 0
        assert stream.next_event()["data"] == text


def test_a_repeated_id_is_a_duplicate(daemon):
    first = json.loads(run("track", "-a", 1, "--id", "order-1", "1", daemon=daemon).stdout)
    again = json.loads(run("track", "-a", 1, "--id", "order-1", "1", daemon=daemon).stdout)
    assert first["id"] == again["id"] == "order-1"
    assert "duplicate" not in first and again["duplicate"] is True
    assert first["timestamp"] == again["timestamp"]


def test_when_it_occurred_is_kept(daemon):
    with daemon.subscribe("account_id=1") as stream:
        assert run("track", "-a", 1, "--occurred-at", "2026-01-01T01:00:00+01:00", "1", daemon=daemon).returncode == 0
        assert '"occurred_at":"2026-01-01T00:00:00.000000Z"' in stream.next_raw()[1]


@pytest.mark.parametrize("account, code, hint", [(999, "unknown-account", "accounts add 999 NAME"),
                                                 (2, "inactive-account", "accounts activate 2")])
def test_a_refusal_says_what_to_do(daemon, account, code, hint):
    done = run("track", "-a", account, "1", daemon=daemon)
    assert done.returncode == 1 and not done.stdout
    assert code in done.stderr and hint in done.stderr


def test_a_level_that_the_broker_cannot_give_is_refused(daemon):
    done = run("track", "-a", 1, "--ack", "stored", "1", daemon=daemon)
    assert done.returncode == 1 and "ack-unavailable" in done.stderr
    assert run("track", "-a", 1, "--ack", "sent", "1", daemon=daemon).returncode == 0


@pytest.mark.parametrize("arguments", [
    ("-a", "1"), ("1",), ("-a", "0", "1"), ("-a", "1", "foo"), ("-a", "1", "1", "2"), ("-a", "1", "--text", "x", "1"),
    ("-a", "1", "--id", "a b", "1"), ("-a", "1", "--ack", "twice", "1"), ("-a", "1", "-"), ("-a", "1", "{\"a\":}"),
    ("-a", "1", "--occurred-at", "noon", "1"), ("-u", "ftp://x", "-a", "1", "1"),
])
def test_wrong_usage_is_told(arguments):
    done = run("track", *arguments)
    assert done.returncode == 2 and done.stderr.startswith("tracking-cli") and not done.stdout


def test_without_a_server_it_fails_and_says_what_to_do():
    url = f"http://127.0.0.1:{free_port()}"
    done = run("track", "-u", url, "-a", 1, "1", "--retry-for", "200ms")
    assert done.returncode == 1 and url in done.stderr and "tracking-httpd" in done.stderr
    assert run("track", "-u", url, "-a", 1, "1", "--no-retry").returncode == 3


def test_it_waits_a_moment_for_a_server_that_starts():
    port = free_port()
    with Cli("track", "-u", f"http://127.0.0.1:{port}", "-a", 1, "1", "--retry-for", "30s") as cli:
        cli.wait_said("trying again")
        with Daemon("--listen", f"127.0.0.1:{port}"):
            assert cli.wait() == 0
            assert json.loads(cli.lines[0])["ack"] == "sent"


def ndjson(*events):
    return "".join(json.dumps(event) + "\n" for event in events).encode()


def test_lines_of_stdin_are_events(daemon):
    with daemon.subscribe("account_id=1") as stream:
        done = run("track", "-", stdin=ndjson(*({"account_id": 1, "data": number} for number in range(2500))), daemon=daemon)
        assert done.returncode == 0
        assert json.loads(done.stdout) == {"accepted": 2500, "rejected": [], "ack": "sent"}
        assert "2500 accepted, 0 rejected" in done.stderr
        assert [stream.next_event()["data"] for _ in range(2500)] == list(range(2500))


def test_rejected_lines_are_listed_and_the_rest_goes_on(daemon):
    stdin = (ndjson({"account_id": 1, "data": 1}) + b"\n" + b"{nonsense\n" + ndjson({"account_id": 999, "data": 1})
             + b'{"account_id":1,"data":2}')  # the last line has no end
    done = run("track", "-", stdin=stdin, daemon=daemon)
    assert done.returncode == 1
    answer = json.loads(done.stdout)
    assert answer["accepted"] == 2
    assert [(entry["index"], entry["status"], entry["type"]) for entry in answer["rejected"]] == [
        (1, 400, "malformed-json"), (2, 404, "unknown-account")]
    assert "line 3:" in done.stderr and "line 4:" in done.stderr and "accounts add 999" in done.stderr


def test_many_rejections_are_counted(daemon):
    done = run("track", "-", stdin=b"x\n" * 150, daemon=daemon)
    answer = json.loads(done.stdout)
    assert done.returncode == 1
    assert len(answer["rejected"]) == 100 and answer["rejected_total"] == 150
    assert answer["rejected_by_type"] == {"malformed-json": 150}
    assert done.stderr.count("line ") < 30


def test_an_empty_input_is_no_error(daemon):
    done = run("track", "-", stdin=b"\n\n", daemon=daemon)
    assert done.returncode == 0 and json.loads(done.stdout)["accepted"] == 0


def test_a_line_goes_as_soon_as_it_is_there(daemon):
    process = subprocess.Popen([program("tracking-cli"), "track", "-"], env=environment(daemon), stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    with daemon.subscribe("account_id=1") as stream:
        for number in range(3):
            process.stdin.write(ndjson({"account_id": 1, "data": number}))
            process.stdin.flush()
            assert stream.next_event()["data"] == number
    output, _ = process.communicate(timeout=seconds(10))
    assert process.returncode == 0 and json.loads(output)["accepted"] == 3


def test_lines_survive_a_restart_of_the_server():
    port = free_port()
    with Daemon("--listen", f"127.0.0.1:{port}") as daemon:
        reading, writing = os.pipe()
        with Cli("track", "-", "-u", f"http://127.0.0.1:{port}", stdin=reading) as cli, os.fdopen(writing, "wb") as pipe:
            os.close(reading)
            def write(number):
                pipe.write(ndjson({"account_id": 1, "data": number}))
                pipe.flush()
            with daemon.subscribe("account_id=1") as stream:
                write(1)
                assert stream.next_event()["data"] == 1
            daemon.stop()
            write(2)
            cli.wait_said("trying again")
            daemon.start()
            pipe.close()
            assert cli.wait() == 0
            assert json.loads(cli.lines[0])["accepted"] == 2
        with daemon.subscribe("since=all") as stream:
            assert stream.next_event()["data"] == 2


def test_giving_up_says_from_where_on():
    done = run("track", "-", "-u", f"http://127.0.0.1:{free_port()}", "--retry-for", "100ms",
               stdin=ndjson({"account_id": 1, "data": 1}))
    assert done.returncode == 1
    assert json.loads(done.stdout) == {"accepted": 0, "rejected": [], "stopped_at": 0, "type": "broker-unavailable"}


def test_interrupted_it_still_answers(daemon):
    reading, writing = os.pipe()
    with Cli("track", "-", daemon=daemon, stdin=reading) as cli, daemon.subscribe("account_id=1") as stream:
        os.close(reading)
        os.write(writing, ndjson({"account_id": 1, "data": 1}))
        stream.next_event()
        assert cli.interrupt() == 130
        assert json.loads(cli.lines[0])["accepted"] == 1
    os.close(writing)
