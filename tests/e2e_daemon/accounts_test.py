"""`/v1/accounts` of the admin listener, over both repositories."""

import datetime
import email.utils

import pytest
from e2e_support import Daemon

ID_MAX = 2**63 - 1


@pytest.fixture(scope="module", params=["memory:", "sqlite:accounts.db"])
def daemon(request):
    with Daemon(accounts=request.param) as running:
        yield running


@pytest.fixture(autouse=True)
def no_accounts(daemon):
    for account in daemon.admin("GET", "/v1/accounts?limit=1000").json()["accounts"]:
        assert daemon.admin("DELETE", f"/v1/accounts/{account['id']}").status == 204


def add(daemon, **account):
    return daemon.admin("POST", "/v1/accounts", json=account)


def add_raw(daemon, body):
    return daemon.admin("POST", "/v1/accounts", body=body, headers={"Content-Type": "application/json"})


@pytest.mark.parametrize("path", ["/v1/accounts", "/metrics", "/none"])
def test_answers_carry_the_time(daemon, path):
    date = email.utils.parsedate_to_datetime(daemon.admin("GET", path).headers["date"])
    assert abs(datetime.datetime.now(datetime.timezone.utc) - date) < datetime.timedelta(seconds=60)


def test_an_account_is_added_read_changed_and_removed(daemon):
    answer = add(daemon, id=7, name="Acme")
    assert (answer.status, answer.headers["location"]) == (201, "/v1/accounts/7")
    assert answer.json() == {"id": 7, "name": "Acme", "is_active": True}
    assert daemon.admin("GET", "/v1/accounts/7").json() == {"id": 7, "name": "Acme", "is_active": True}

    answer = daemon.admin("PATCH", "/v1/accounts/7", json={"is_active": False})
    assert (answer.status, answer.json()) == (200, {"id": 7, "name": "Acme", "is_active": False})
    answer = daemon.admin("PATCH", "/v1/accounts/7", json={"name": "Größe 😀"})
    assert answer.json() == {"id": 7, "name": "Größe 😀", "is_active": False}

    answer = daemon.admin("DELETE", "/v1/accounts/7")
    assert (answer.status, answer.body) == (204, b"")
    assert "content-length" not in answer.headers
    assert daemon.admin("GET", "/v1/accounts/7").problem == "not-found"


def test_a_change_holds_for_events_when_it_is_answered(daemon):
    def track():
        return daemon.post({"account_id": 7, "data": 1}).status
    assert track() == 404
    add(daemon, id=7, name="Acme")
    assert track() == 202
    daemon.admin("PATCH", "/v1/accounts/7", json={"is_active": False})
    assert track() == 403
    daemon.admin("PATCH", "/v1/accounts/7", json={"is_active": True})
    assert track() == 202
    daemon.admin("DELETE", "/v1/accounts/7")
    assert track() == 404


def test_an_inactive_account_may_be_added(daemon):
    assert add(daemon, id=7, name="Acme", is_active=False).json()["is_active"] is False


def test_what_exists_is_not_added_again(daemon):
    add(daemon, id=7, name="first")
    answer = add(daemon, id=7, name="second")
    assert (answer.status, answer.problem) == (409, "account-exists")
    assert daemon.admin("GET", "/v1/accounts/7").json()["name"] == "first"


def test_what_does_not_exist_is_404_and_says_how_to_add_it(daemon):
    for method, body in (("GET", None), ("PATCH", {"name": "x"}), ("DELETE", None)):
        answer = daemon.admin(method, "/v1/accounts/12", json=body)
        assert (answer.status, answer.problem) == (404, "not-found")
        assert "tracking-cli accounts add 12 NAME" in answer.json()["detail"]


@pytest.mark.parametrize("id", ["0", "01", "-1", "+1", "x", "1.0", "", "1/2", str(ID_MAX + 1), "9" * 30, "%31"])
def test_a_path_that_is_no_id_is_404(daemon, id):
    assert daemon.admin("GET", f"/v1/accounts/{id}").problem == "not-found"


def test_the_smallest_and_largest_ids_are_accounts(daemon):
    for id in (1, ID_MAX):
        assert add(daemon, id=id, name="x").status == 201
        assert daemon.admin("GET", f"/v1/accounts/{id}").json()["id"] == id
        assert daemon.post({"account_id": id, "data": 1}).status == 202


@pytest.mark.parametrize("body, member", [
    (b'{"name":"x"}', "id"), (b'{"id":1}', "name"),
    (b'{"id":0,"name":"x"}', "id"), (b'{"id":-1,"name":"x"}', "id"), (b'{"id":1.0,"name":"x"}', "id"),
    (b'{"id":1e3,"name":"x"}', "id"), (b'{"id":"1","name":"x"}', "id"), (b'{"id":null,"name":"x"}', "id"),
    (b'{"id":9223372036854775808,"name":"x"}', "id"), (b'{"id":[1],"name":"x"}', "id"),
    (b'{"id":1,"name":""}', "name"), (b'{"id":1,"name":5}', "name"), (b'{"id":1,"name":{}}', "name"),
    (b'{"id":1,"name":"' + b"x" * 201 + b'"}', "name"), (b'{"id":1,"name":"a\\u0000b"}', "name"),
    (b'{"id":1,"name":"\\udc00"}', "name"),
    (b'{"id":1,"name":"x","is_active":1}', "is_active"), (b'{"id":1,"name":"x","is_active":"true"}', "is_active"),
    (b'{"id":1,"name":"x","is_active":null}', "is_active"),
    (b'{"id":1,"name":"x","id":2}', "twice"), (b'{"id":1,"name":"x","\\u0069d":2}', "twice"),
    (b'[{"id":1,"name":"x"}]', "object"), (b'1', "object"), (b'null', "object"),
])
def test_a_wrong_account_is_refused_with_member_and_place(daemon, body, member):
    answer = add_raw(daemon, body)
    assert (answer.status, answer.problem) == (400, "invalid-event")
    assert member in answer.json()["detail"]
    assert daemon.admin("GET", "/v1/accounts").json()["accounts"] == []


@pytest.mark.parametrize("body", [
    b"", b"{", b'{"id":1,"name":"x"}}', b'{"id":1,"name":"x"}\0', b'{"id":01,"name":"x"}', b'{id:1}', b'{"id":1,}',
    b'{"id":1,"name":"\xff"}', b'{"id":1,"name":"a\nb"}', b'\xef\xbb\xbf{"id":1,"name":"x"}', b'{"id":NaN}',
    b'{"id":1,"name":"\\ud800"}', b"[" * 30_000, b'{"x":' * 10_000,
])
def test_what_is_no_json_is_refused_with_its_place(daemon, body):
    answer = add_raw(daemon, body)
    assert answer.status == 400
    assert answer.problem in ("malformed-json", "invalid-event")
    assert "byte" in answer.json()["detail"]
    assert daemon.admin("GET", "/v1/accounts").json()["accounts"] == []


def test_names_have_up_to_200_characters_not_bytes(daemon):
    assert add(daemon, id=1, name="😀" * 200).status == 201
    assert add(daemon, id=2, name="😀" * 201).status == 400
    assert daemon.admin("GET", "/v1/accounts/1").json()["name"] == "😀" * 200


def test_other_members_are_ignored(daemon):
    assert add(daemon, id=1, name="x", plan={"id": "gold", "seats": [1, 2]}, note=None).status == 201


def test_a_patch_must_change_something_and_never_the_id(daemon):
    add(daemon, id=1, name="x")
    assert daemon.admin("PATCH", "/v1/accounts/1", json={}).status == 400
    assert daemon.admin("PATCH", "/v1/accounts/1", json={"active": False}).status == 400
    assert daemon.admin("PATCH", "/v1/accounts/1", json={"id": 2, "name": "y"}).status == 400
    assert daemon.admin("PATCH", "/v1/accounts/1", json={"id": 1, "name": "y"}).json()["name"] == "y"


def test_a_list_comes_in_pages(daemon):
    ids = [1, 2, 3, 5, 8, 13, ID_MAX]
    for id in reversed(ids):
        add(daemon, id=id, name=str(id))
    for limit in (1, 2, 3, 7, 8, 1000):
        seen, after, pages = [], None, 0
        while True:
            query = f"?limit={limit}" + (f"&after={after}" if after is not None else "")
            page = daemon.admin("GET", f"/v1/accounts{query}").json()
            assert len(page["accounts"]) <= limit
            seen += [account["id"] for account in page["accounts"]]
            pages += 1
            after = page["next"]
            if after is None:
                break
        assert seen == ids
        assert pages == -(-len(ids) // limit)


def test_a_page_has_100_accounts_unless_asked_otherwise(daemon):
    for id in range(1, 102):
        add(daemon, id=id, name="x")
    page = daemon.admin("GET", "/v1/accounts").json()
    assert (len(page["accounts"]), page["next"]) == (100, 100)
    assert daemon.admin("GET", "/v1/accounts?after=100").json()["next"] is None


@pytest.mark.parametrize("query", ["limit=0", "limit=1001", "limit=x", "limit=", "limit=-1", "after=-1", "after=x",
                                   f"after={ID_MAX + 1}", "limit=1&limit=2", "page=2", "limit=%zz"])
def test_a_wrong_parameter_is_named(daemon, query):
    answer = daemon.admin("GET", f"/v1/accounts?{query}")
    assert (answer.status, answer.problem) == (400, "invalid-parameter")
    assert query.split("=")[0] in answer.json()["detail"]


def test_head_is_get_without_a_body(daemon):
    answer = daemon.admin("HEAD", "/v1/accounts")
    assert (answer.status, answer.body) == (200, b"")
    assert int(answer.headers["content-length"]) == len(daemon.admin("GET", "/v1/accounts").body)


@pytest.mark.parametrize("path, method, allowed", [
    ("/v1/accounts", "DELETE", "GET, HEAD, POST"), ("/v1/accounts", "FOO", "GET, HEAD, POST"),
    ("/v1/accounts/1", "POST", "GET, HEAD, PATCH, DELETE"), ("/v1/accounts/1", "PUT", "GET, HEAD, PATCH, DELETE"),
    ("/v1/ledger", "POST", "GET, HEAD"), ("/metrics", "DELETE", "GET, HEAD"), ("/readyz", "OPTIONS", "GET, HEAD"),
])
def test_a_method_that_is_not_there_is_405_and_says_which_are(daemon, path, method, allowed):
    answer = daemon.admin(method, path)
    assert (answer.status, answer.problem, answer.headers["allow"]) == (405, "method-not-allowed", allowed)


@pytest.mark.parametrize("path", ["/", "/v1", "/v1/accountsx", "/v1/ledger/", "/metrics/x", "/v1/events"])
def test_a_path_that_is_not_there_is_404(daemon, path):
    assert daemon.admin("GET", path).problem == "not-found"
