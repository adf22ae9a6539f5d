"""Who may use the admin listener: with a token, and without one."""

import pytest
from e2e_support import Daemon

TOKEN = "a token with %41 percent and = signs"
ACCOUNT = b'{"id":9,"name":"x"}'
JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def open_daemon():
    with Daemon() as daemon:
        yield daemon


@pytest.fixture(scope="module")
def guarded(tmp_path_factory):
    file = tmp_path_factory.mktemp("secrets") / "token"
    file.write_text(TOKEN + "\n")
    with Daemon("--admin-token-file", str(file)) as daemon:
        yield daemon


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:{port}", "127.0.0.1", "127.0.0.1:{port}", "127.9.9.9:1",
                                  "[::1]", "[::1]:{port}", "service.localhost", "service.localhost:80"])
def test_without_a_token_names_of_this_machine_are_taken(open_daemon, host):
    headers = {"Host": host.format(port=open_daemon.admin_port)}
    assert open_daemon.admin("GET", "/v1/accounts", headers=headers).status == 200


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8081", "127.0.0.1.evil.example", "localhost.evil.example",
                                  "10.0.0.1", "[::2]", "evillocalhost", "", ":80", "127.0.0.1@evil.example", "localhost:x"])
def test_without_a_token_other_names_are_refused(open_daemon, host):
    for path in ("/v1/accounts", "/v1/ledger", "/metrics"):
        answer = open_daemon.admin("GET", path, headers={"Host": host})
        assert (answer.status, answer.problem) == (403, "forbidden"), host


def test_without_a_token_pages_are_refused(open_daemon):
    for origin in ("http://evil.example", "null", f"http://127.0.0.1:{open_daemon.port}"):
        for method in ("GET", "POST"):
            answer = open_daemon.admin(method, "/v1/accounts", headers={"Origin": origin})
            assert (answer.status, answer.problem) == (403, "forbidden")


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", None,
                                          "application/jsonx", "text/plain;application/json"])
def test_without_a_token_writes_must_say_that_they_are_json(open_daemon, content_type):
    headers = {"Content-Type": content_type} if content_type else {}
    answer = open_daemon.admin("POST", "/v1/accounts", body=ACCOUNT, headers=headers)
    assert (answer.status, answer.problem) == (415, "unsupported-type")
    assert open_daemon.admin("GET", "/v1/accounts/9").status == 404


def test_a_content_type_may_have_parameters_and_any_case(open_daemon):
    answer = open_daemon.admin("POST", "/v1/accounts", body=ACCOUNT,
                               headers={"Content-Type": "Application/JSON ; charset=utf-8"})
    assert answer.status == 201
    assert open_daemon.admin("DELETE", "/v1/accounts/9").status == 204


@pytest.mark.parametrize("header", [None, "Bearer", "Bearer ", "Bearer wrong", f"Basic {TOKEN}", TOKEN,
                                    f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", f"Bearer {TOKEN.replace('%41', 'A')}"])
def test_with_a_token_the_rest_is_refused(guarded, header):
    headers = {"Authorization": header} if header else {}
    for method, path in (("GET", "/v1/accounts"), ("GET", "/v1/accounts/1"), ("GET", "/v1/ledger"), ("GET", "/v1/none"),
                         ("DELETE", "/v1/accounts/1"), ("GET", "/v1")):
        answer = guarded.admin(method, path, headers=headers)
        assert (answer.status, answer.problem) == (401, "unauthorized"), (method, path)
        assert answer.headers["www-authenticate"].startswith("Bearer")
    assert guarded.admin("POST", "/v1/accounts", body=ACCOUNT, headers={**headers, **JSON}).problem == "unauthorized"


@pytest.mark.parametrize("header", [f"Bearer {TOKEN}", f"bearer  {TOKEN}", f"BEARER {TOKEN} "])
def test_with_the_token_everything_is_possible(guarded, header):
    headers = {"Authorization": header}
    assert guarded.admin("GET", "/v1/accounts/1", headers=headers).status == 200
    assert guarded.admin("GET", "/v1/ledger", headers=headers).status == 200
    answer = guarded.admin("POST", "/v1/accounts", body=ACCOUNT, headers=headers)
    assert answer.status == 201
    assert guarded.admin("DELETE", "/v1/accounts/9", headers=headers).status == 204


def test_with_a_token_health_and_metrics_stay_open_under_any_name(guarded):
    for path in ("/livez", "/readyz", "/metrics"):
        assert guarded.admin("GET", path, headers={"Host": "tracking.example:8081"}).status == 200


def test_no_log_record_shows_the_token(guarded):
    guarded.admin("GET", "/v1/accounts", headers={"Authorization": "Bearer wrong"})
    assert TOKEN not in guarded.log


def test_a_listener_for_others_starts_with_a_token(tmp_path):
    with Daemon("--admin-listen", "0.0.0.0:0", env={"TRACKING_ADMIN_TOKEN": "t"}) as daemon:
        daemon.admin_url = f"http://127.0.0.1:{daemon.admin_port}"
        assert daemon.admin("GET", "/v1/accounts").status == 401
        assert daemon.admin("GET", "/v1/accounts", headers={"Authorization": "Bearer t"}).status == 200
