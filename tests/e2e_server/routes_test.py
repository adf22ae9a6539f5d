"""What is at which path, for which method."""

import email.utils
import json
import time

from e2e_support import Daemon
from server_support import EVENT, get, post


def ask(connection, method, path, headers=()):
    connection.send("\r\n".join([f"{method} {path} HTTP/1.1", "Host: localhost", *headers]) + "\r\n\r\n")
    return connection.read_answer(to_head=method == "HEAD")


def test_a_browser_gets_the_page_and_others_get_json(connection):
    page = ask(connection, "GET", "/", ["Accept: text/html,application/xhtml+xml"])
    assert page.headers["content-type"].startswith("text/html") and "default-src 'none'" in page.headers["content-security-policy"]
    assert ask(connection, "GET", "/").json()["openapi"] == "/openapi.json"


def test_health_and_description(connection):
    assert ask(connection, "GET", "/livez").status == 200
    assert ask(connection, "GET", "/readyz").status == 200
    assert ask(connection, "GET", "/healthz").status == 200
    assert ask(connection, "GET", "/openapi.json").json()["openapi"].startswith("3.1")


def test_head_is_get_without_a_body(connection):
    answer = ask(connection, "HEAD", "/livez")
    assert answer.status == 200 and int(answer.headers["content-length"]) > 0
    assert ask(connection, "GET", "/livez").body


def test_unknown_paths_and_methods(connection):
    assert ask(connection, "GET", "/nothing").problem == "not-found"
    answer = ask(connection, "DELETE", "/v1/events")
    assert (answer.problem, answer.headers["allow"]) == ("method-not-allowed", "GET, POST, OPTIONS")
    assert ask(connection, "GET", "/1").headers["allow"] == "POST, OPTIONS"
    assert ask(connection, "CONNECT", "elsewhere:443").problem == "method-not-allowed"


def test_options_says_what_there_is(connection):
    assert "POST" in ask(connection, "OPTIONS", "*").headers["allow"]
    answer = ask(connection, "OPTIONS", "/v1/events", ["Origin: https://a.example", "Access-Control-Request-Method: POST"])
    assert answer.status == 204 and "access-control-allow-origin" not in answer.headers


def test_a_body_of_a_request_that_needs_none_is_read_over(connection):
    connection.send(post(b"x" * 1000, path="/nothing") + get())
    assert [connection.read_answer().status for _ in range(2)] == [404, 200]


def test_an_unknown_type_is_415_and_the_next_request_is_answered(connection):
    connection.send(post(headers=["Content-Type: text/xml"]) + get())
    assert connection.read_answer().problem == "unsupported-type"
    assert connection.read_answer().status == 200


def test_the_ack_level_is_checked(connection):
    connection.send(post(path="/v1/events?ack=stored") + post(path="/?ack=sent"))
    assert connection.read_answer().problem == "ack-unavailable"
    assert connection.read_answer().json()["ack"] == "sent"


def test_the_account_may_be_in_the_path(daemon, connection):
    with daemon.subscribe() as stream:
        connection.send(post(b"hello", path="/1", headers=["Content-Type: text/plain"]))
        assert connection.read_answer().status == 202
        assert stream.next_event()["data"] == "hello"


def test_pages_of_the_origin_allowed_may_read_answers():
    with Daemon("--cors-origin", "https://a.example") as daemon, daemon.connect() as raw:
        allowed = ["Origin: https://a.example", "Access-Control-Request-Method: POST"]
        answer = ask(raw, "OPTIONS", "/v1/events", allowed)
        assert answer.headers["access-control-allow-origin"] == "https://a.example"
        assert "POST" in answer.headers["access-control-allow-methods"]
        assert "access-control-allow-origin" not in ask(raw, "GET", "/livez", ["Origin: https://b.example"]).headers
        raw.send(post(headers=["Origin: https://a.example"]))
        assert raw.read_answer().headers["access-control-allow-origin"] == "https://a.example"
        raw.send(get("/v1/events?since=all&follow=false", ["Origin: https://a.example"]))
        assert raw.read_head()[1]["access-control-allow-origin"] == "https://a.example"


def test_what_data_may_hold_arrives_byte_for_byte(daemon, connection):
    texts = ['1e400', '0.0000000000001e-2147483639', '1' * 10000, '"\\ud800"', '{"a":1,"a":2}', '"\\u0000"',
             '"\u2028\u202e"', '"\\u001b]52;c;"', '"\\r\\nid: x"', '9007199254740993']
    with daemon.subscribe(sse=True) as sse, daemon.subscribe(sse=False) as lines:
        sse.next_frame()  # the opening
        for text in texts:
            connection.send(post(b'{"account_id":1,"data":' + text.encode() + b"}"))
            assert connection.read_answer().status == 202
            expected = f'"data":{text}}}'.encode()
            assert sse.next_frame()["data"].encode().endswith(expected)
            assert lines.next_line().endswith(expected)


def test_the_answer_names_the_fault(connection):
    connection.send(post(b'{"account_id":"1","data":1}'))
    answer = connection.read_answer()
    assert answer.problem == "invalid-event" and "account_id" in json.loads(answer.body)["detail"]
    connection.send(post(EVENT))
    assert connection.read_answer().status == 202


def test_the_date_is_of_this_second_however_idle_the_server_was(connection):
    late = 0.1  # the coarse clock's tick, and more
    first = time.time()
    while time.time() < first + 1.2:  # over the end of a second
        before = time.time()
        date = email.utils.parsedate_to_datetime(ask(connection, "GET", "/livez").headers["date"]).timestamp()
        assert int(before - late) <= date <= time.time()
