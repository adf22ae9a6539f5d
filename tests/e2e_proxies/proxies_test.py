"""Events and streams pass the proxies as they come: nothing waits for a buffer to fill, or for a body to end."""

import json

import pytest

from e2e_support import RawConnection, Stream, wait_until


@pytest.mark.parametrize("is_sse", [True, False], ids=["sse", "ndjson"])
def test_a_stream_shows_an_event_while_it_is_open(any_proxy, is_sse):
    with Stream(any_proxy.url, "account_id=1", is_sse) as stream:
        assert stream.status == 200
        for number in range(3):
            assert any_proxy.post({"account_id": 1, "data": number}).status == 202
            assert stream.next_event()["data"] == number


def test_lines_of_an_upload_are_seen_before_it_ends(any_proxy):
    with Stream(any_proxy.url, "account_id=3") as stream, RawConnection(any_proxy.port) as upload:
        upload.send("POST /v1/events HTTP/1.1\r\nHost: service.lvh.me\r\nContent-Type: application/x-ndjson\r\n"
                    "Transfer-Encoding: chunked\r\n\r\n")
        for number in range(3):
            line = json.dumps({"account_id": 3, "data": number}) + "\n"
            upload.send(f"{len(line):x}\r\n{line}\r\n")
            assert stream.next_event()["data"] == number
        upload.send("0\r\n\r\n")
        answer = upload.read_answer()
        assert (answer.status, answer.json()["accepted"]) == (202, 3)


def test_a_stream_resumes_through_the_proxy(any_proxy):
    with Stream(any_proxy.url, "account_id=4") as stream:
        assert any_proxy.post({"account_id": 4, "data": "before"}).status == 202
        cursor = stream.next_event()["_cursor"]
    assert any_proxy.post({"account_id": 4, "data": "between"}).status == 202
    with Stream(any_proxy.url, "account_id=4", headers={"Last-Event-ID": cursor}) as stream:
        assert stream.next_event()["data"] == "between"


def test_without_a_daemon_haproxy_says_503(daemon, haproxy):
    daemon.process.kill()
    wait_until(lambda: haproxy.post({"account_id": 1, "data": 0}).status == 503, 20, "503")


@pytest.mark.parametrize("host, status", [("service.lvh.me", 202), ("service.localhost:8080", 202), ("SERVICE.lvh.me", 202),
                                          ("elsewhere", 404)])
def test_haproxy_serves_the_hosts_that_it_is_told(haproxy, host, status):
    assert haproxy.post({"account_id": 1, "data": 0}, {"Host": host}).status == status
