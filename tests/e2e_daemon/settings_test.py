"""Settings from every source, and what is said about wrong ones (docs/CONFIGURATION.md)."""

import os
import time

import pytest
from e2e_support import Daemon, run_httpd
from e2e_support.waiting import seconds


def failed(*flags, env=None, cwd=None):
    """Runs into a usage error and returns its one line."""
    start = time.monotonic()
    result = run_httpd(*flags, env=env, cwd=cwd)
    assert time.monotonic() - start < seconds(1)
    assert result.returncode == 2, result
    assert result.stdout == ""
    first, hint = result.stderr.splitlines()
    assert hint == "Try 'tracking-httpd --help'."
    assert first.startswith("tracking-httpd: ")
    return first[len("tracking-httpd: "):]


def test_help_and_version_go_to_stdout_and_end_well():
    result = run_httpd("--help")
    assert (result.returncode, result.stderr) == (0, "")
    assert "--listen HOST:PORT" in result.stdout and "tracking-httpd --demo" in result.stdout
    result = run_httpd("--version")
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.startswith("tracking-httpd ")


def test_help_answers_even_if_the_environment_is_wrong():
    assert run_httpd("--help", env={"TRACKING_THREADS": "many"}).returncode == 0


def test_a_flag_beats_the_variable_which_beats_the_file(tmp_path):
    file = tmp_path / "tracking.toml"
    file.write_text('log-level = "error"\nmax-data-size = "1KiB"\nthreads = 3\n')
    shown = run_httpd("--config", str(file), "--log-level", "debug", "--print-config",
                      env={"TRACKING_LOG_LEVEL": "warning", "TRACKING_MAX_DATA_SIZE": "2KiB"}).stdout
    assert 'log-level = "debug"  # from --log-level' in shown
    assert 'max-data-size = "2KiB"  # from TRACKING_MAX_DATA_SIZE' in shown
    assert f"threads = 3  # from {file}:3: threads" in shown
    assert 'listen = "127.0.0.1:8080"  # default' in shown


def test_what_is_printed_is_a_file_that_can_be_read(tmp_path):
    shown = run_httpd("--print-config", "--demo", "--drain-timeout", "1m30s").stdout
    file = tmp_path / "printed.toml"
    file.write_text(shown)
    again = run_httpd("--config", str(file), "--print-config").stdout
    strip = [line.split("  #")[0] for line in shown.splitlines()]
    assert [line.split("  #")[0] for line in again.splitlines()] == strip


def test_a_setting_reaches_the_daemon_from_a_file_and_the_environment(tmp_path):
    file = tmp_path / "tracking.toml"
    file.write_text('max_data_size = "64B"\n')
    with Daemon(env={"TRACKING_CONFIG": str(file), "TRACKING_STREAMS": "off"}) as daemon:
        assert daemon.post({"account_id": 1, "data": "x" * 62}).status == 202
        assert daemon.post({"account_id": 1, "data": "x" * 63}).problem == "too-large"
        with daemon.subscribe() as stream:
            assert stream.status == 403


def test_variables_that_name_no_setting_are_ignored():
    assert run_httpd("--check-config", env={"TRACKING_PORT": "tcp://10.0.0.1:80", "TRACKING_NONE": "x"}).returncode == 0


@pytest.mark.parametrize("flags, expected", [
    (["--lisen", "x"], "unknown option --lisen; did you mean --listen?"),
    (["--threads"], "--threads: needs a value"),
    (["--threads", "257"], '--threads: "257" is not in 0 to 256'),
    (["--threads=-1"], '--threads: "-1" is not a whole number'),
    (["--max-data-size", "12XB"], '--max-data-size: "12XB" is not a size'),
    (["--body-memory", "1KiB"], '--body-memory: "1KiB" is not in 1MiB to 64GiB'),
    (["--drain-timeout", "30"], '--drain-timeout: "30" is not a duration'),
    (["--streams", "all"], '--streams: "all" is not public, loopback or off'),
    (["--listen", "8080"], '--listen: "8080" is not HOST:PORT'),
    (["--listen", "127.0.0.1:65536"], '--listen: "127.0.0.1:65536" is not HOST:PORT'),
    (["--listen", "a b:80"], '--listen: "a b:80" is not HOST:PORT'),
    (["--cors-origin", "example.com"], '--cors-origin: "example.com" is not an origin'),
    (["--cors-origin", "https://example.com/"], "--cors-origin: "),
    (["--data-dir", ""], '--data-dir: "" is empty'),
    (["--accounts", "somewhere"], "--accounts: "),
    (["--config", "/nonexistent.toml"], '--config: cannot read "/nonexistent.toml": No such file or directory'),
    (["stray"], 'unexpected argument "stray"'),
    (["--demo=maybe"], '--demo: "maybe" is not true or false'),
])
def test_a_wrong_flag_is_one_clear_line(flags, expected):
    assert failed(*flags).startswith(expected)


def test_a_wrong_variable_is_named():
    assert failed(env={"TRACKING_LISTEN": "nowhere"}).startswith('TRACKING_LISTEN: "nowhere" is not HOST:PORT')


@pytest.mark.parametrize("content, expected", [
    ('listen = "127.0.0.1:1"\nmax-sise = 3\n', ":2: unknown setting max-sise"),
    ('\n\nthreads = "x"\n', ':3: threads: "x" is not a whole number'),
    ("listen = 127.0.0.1:80\n", ":1: is not TOML from column"),
    ("[server]\nport = 1\n", ":1: unknown setting server"),
    ("threads = 1\nthreads = 2\n", ":2: is not TOML"),
    ("threads = 1.5\n", ":1: threads: must be a text, a whole number, or true or false"),
    ('config = "other.toml"\n', ":1: unknown setting config"),
])
def test_a_wrong_file_is_named_with_its_line(tmp_path, content, expected):
    file = tmp_path / "wrong.toml"
    file.write_text(content)
    assert failed("--config", str(file)).startswith(f"{file}{expected}")


def test_a_backend_that_is_not_linked_in_lists_those_that_are():
    message = failed("--broker", "kafka://host")
    assert "kafka" in message and "memory:" in message
    message = failed("--accounts", "mysql://user:hunter2@db/x", "--check-config")
    assert "mysql" in message and "memory:" in message and "hunter2" not in message


def test_an_ack_level_that_the_broker_cannot_keep_says_why():
    assert failed("--demo", "--ack", "stored").startswith("--ack stored cannot be kept: the broker memory: puts nothing")


def test_the_url_of_the_log_is_checked_and_nothing_is_made(tmp_path):
    for url, what in (("file:", "a directory is missing"), ("file:events?retention=soon", "not retention=soon"),
                      ("file:events?max_size=1KiB", "1MiB at least"), ("file:events?size=1GiB", "not size=1GiB")):
        message = failed("--broker", url, "--check-config", cwd=tmp_path)
        assert message.startswith("broker file:") and what in message, message
    for flags in ((), ("--ack", "stored"), ("--ack", "sent"), ("--broker", "file:events?retention=none&max_size=none")):
        assert run_httpd(*flags, "--check-config", cwd=tmp_path).returncode == 0, flags
    assert list(tmp_path.iterdir()) == []


def test_an_admin_listener_for_others_needs_a_token(tmp_path):
    message = failed("--admin-listen", "0.0.0.0:0", "--check-config")
    assert message.startswith("--admin-listen: 0.0.0.0:0 can be reached from other machines")
    assert "--admin-token-file" in message
    token = tmp_path / "token"
    token.write_text("a long enough token\n")
    assert run_httpd("--admin-listen", "0.0.0.0:0", "--admin-token-file", str(token), "--check-config").returncode == 0


def test_check_config_says_that_all_is_well_and_makes_nothing(tmp_path):
    result = run_httpd("--check-config", cwd=tmp_path)
    assert (result.returncode, result.stdout, result.stderr) == (0, "the configuration is valid\n", "")
    assert list(tmp_path.iterdir()) == []


def test_no_message_shows_a_secret(tmp_path):
    secret = "hunter2"
    token = tmp_path / "token"
    token.write_text(secret)
    file = tmp_path / "tracking.toml"
    file.write_text(f'admin-token = "{secret}"\naccounts = "mysql://u:{secret}@db/x"\n')
    shown = run_httpd("--config", str(file), "--print-config")
    assert shown.returncode == 0
    assert '# admin-token = "***"' in shown.stdout
    outputs = [shown.stdout, run_httpd("--config", str(file)).stderr, failed(f"--admin-token={secret}"),
               failed("--threads", "x", env={"TRACKING_ADMIN_TOKEN": secret}),
               run_httpd("--print-config", "--admin-token-file", str(token)).stdout]
    file.write_text(f"admin-token = {secret}\n")
    outputs.append(failed("--config", str(file)))
    file.write_text(f'admin-token = "{secret}\n')
    outputs.append(failed("--config", str(file)))
    for output in outputs:
        assert output and secret not in output


@pytest.mark.parametrize("content, expected", [("", "is empty"), ("two\nlines\n", "line break")])
def test_a_secret_file_must_hold_one_line(tmp_path, content, expected):
    token = tmp_path / "token"
    token.write_text(content)
    message = failed(env={"TRACKING_ADMIN_TOKEN_FILE": str(token)})
    assert message.startswith("TRACKING_ADMIN_TOKEN_FILE: ") and expected in message


def test_a_secret_file_that_cannot_be_read_is_an_error(tmp_path):
    assert failed("--admin-token-file", str(tmp_path / "none")).endswith("No such file or directory")
    assert failed("--admin-token-file", str(tmp_path)).endswith("Is a directory")


def test_a_secret_given_in_two_ways_is_an_error(tmp_path):
    token = tmp_path / "token"
    token.write_text("a")
    assert "both set" in failed(env={"TRACKING_ADMIN_TOKEN": "b", "TRACKING_ADMIN_TOKEN_FILE": str(token)})


def test_a_file_that_never_comes_is_an_error_within_a_second(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = os.open(pipe, os.O_RDWR)  # holds it open and writes nothing
    try:
        assert failed("--admin-token-file", str(pipe)).startswith("--admin-token-file: cannot read")
    finally:
        os.close(writer)
