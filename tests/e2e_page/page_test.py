"""The live page of `GET /`, in a real browser against the real daemon."""

import json
import re

import pytest

from browser import Browser, run_in_shell
from e2e_support import Daemon, wait_until


@pytest.fixture(scope="module")
def browser():
    browser = Browser()
    yield browser
    browser.close()


@pytest.fixture
def daemon():
    with Daemon() as daemon:
        yield daemon


def send(daemon, data, account_id=1):
    """`data` as JSON text, so that the test decides about every byte."""
    answer = daemon.post(body=f'{{"account_id":{account_id},"data":{data}}}')
    assert answer.status == 202, answer
    return answer.json()


def test_an_event_appears_with_its_time_account_and_data(browser, daemon):
    page = browser.open(daemon.url + "/")
    assert page.text("#empty") and page.rows() == []
    receipt = send(daemon, '{"page":"/pricing"}', account_id=3)
    assert page.wait_rows(1) == [[receipt["timestamp"][11:23], "3", '{"page":"/pricing"}']]
    assert not page.driver.find_element("id", "empty").is_displayed()


def test_events_of_before_are_shown_newest_first(browser, daemon):
    for number in range(60):
        send(daemon, number)
    page = browser.open(daemon.url + "/")
    rows = page.wait_rows(50)
    assert [row[2] for row in rows] == [str(number) for number in range(59, 9, -1)]


def test_markup_in_data_stays_text(browser, daemon):
    page = browser.open(daemon.url + "/")
    data = '"<img src=x onerror=alert(1)><script>alert(1)</script></td><b>bold</b>&amp;"'
    send(daemon, data)
    assert page.wait_rows(1)[0][2] == data
    assert page.run("return document.querySelectorAll('#rows img, #rows script, #rows b').length") == 0


def test_data_is_shown_to_the_last_digit(browser, daemon):
    page = browser.open(daemon.url + "/")
    data = '[9007199254740993,1e400,1.0,{"a":1,"a":2},",\\"data\\":"]'
    send(daemon, data)
    assert page.wait_rows(1)[0][2] == data


def test_characters_that_hide_or_reorder_text_are_shown_as_escapes(browser, daemon):
    page = browser.open(daemon.url + "/")
    send(daemon, '"a\u202eb\u0085c\ufeffd\u2028e"')
    assert page.wait_rows(1)[0][2] == r'"a\u202eb\u0085c\ufeffd\u2028e"'


def test_long_data_is_cut_and_says_so(browser, daemon):
    page = browser.open(daemon.url + "/")
    send(daemon, '"' + "x" * 100_000 + '"')
    assert page.wait_rows(1)[0][2] == '"' + "x" * 1999 + " … and 98002 characters more"


def test_rows_are_bounded_and_the_count_goes_on(browser, daemon):
    page = browser.open(daemon.url + "/")
    lines = "".join(f'{{"account_id":1,"data":{number}}}\n' for number in range(1000))
    answer = daemon.post(body=lines, headers={"Content-Type": "application/x-ndjson"})
    assert answer.json()["accepted"] == 1000
    wait_until(lambda: page.text("#count-events") == "1,000", what="a thousand events counted", pause=0.05)
    rows = page.rows()
    assert len(rows) == 200 and rows[0][2] == "999"


def test_a_query_string_filters_by_account(browser, daemon):
    page = browser.open(daemon.url + "/?account_id=3,4")
    for account in (1, 3, 4):
        send(daemon, account, account)
    assert [row[1] for row in page.wait_rows(2)] == ["4", "3"]
    assert '"account_id":3' in page.text("#curl")


def test_the_filter_form_leads_to_the_query_string(browser, daemon):
    page = browser.open(daemon.url + "/")
    page.driver.find_element("id", "filter").send_keys("4")
    page.click("form button")
    # The page that it leaves is live, too.
    wait_until(lambda: page.driver.current_url == daemon.url + "/?account_id=4", what="the page of the form")
    page.wait_state("live")
    send(daemon, '"three"', 3)
    send(daemon, '"four"', 4)
    assert [row[2] for row in page.wait_rows(1)] == ['"four"']


def test_the_page_reconnects_after_the_daemon_restarts(browser):
    with Daemon() as daemon:
        port = daemon.port
        page = browser.open(daemon.url + "/")
        send(daemon, '"before"')
        page.wait_rows(1)
        daemon.stop()
    page.wait_state("connecting")
    assert page.text("#state-text") == "reconnecting"
    with Daemon("--listen", f"127.0.0.1:{port}") as daemon:
        page.wait_state("live")
        send(daemon, '"after"')
        rows = page.wait_rows(3)
    assert rows[0][2] == '"after"' and rows[2][2] == '"before"'
    assert rows[1] == ["Gap: events may be missing — the server has started anew and does not know our position"]


def test_a_refused_stream_is_told_and_tried_again(browser):
    with Daemon("--streams", "off") as daemon:
        port = daemon.port
        page = browser.load(daemon.url + "/")
        page.wait_state("refused")
        assert re.fullmatch(r"the server refuses the stream, next try in \d+ s", page.text("#state-text"))
    with Daemon("--listen", f"127.0.0.1:{port}"):
        page.wait_state("live", limit=30)


def test_the_copied_line_sends_an_event_that_appears(browser, daemon):
    page = browser.open(daemon.url + "/")
    page.grant_clipboard()
    page.click("#copy")
    wait_until(lambda: page.text("#copy") == "Copied", what="the button's word", pause=0.05)
    line = page.clipboard()
    assert line == f"curl -XPOST -d '{{\"account_id\":1,\"data\":\"foo\"}}' {daemon.url}/"
    assert json.loads(run_in_shell(line))["ack"] == "sent"
    assert page.wait_rows(1)[0][1:] == ["1", '"foo"']


def test_copying_works_where_the_clipboard_interface_is_missing(browser, daemon):
    page = browser.open(daemon.url + "/")
    page.grant_clipboard()
    page.run("Object.defineProperty(navigator.clipboard, 'writeText', {value: undefined})")
    page.click("#copy")
    wait_until(lambda: page.text("#copy") == "Copied", what="the button's word", pause=0.05)
    assert page.clipboard() == page.text("#curl")


def test_nothing_offends_the_policy(browser, daemon):
    page = browser.open(daemon.url + "/")
    send(daemon, '"<img src=//example.org/x>"')
    page.wait_rows(1)
    assert page.console() == []


def test_the_policy_forbids_markup_and_scripts_of_others(browser, daemon):
    page = browser.open(daemon.url + "/")
    outcome = page.run("""
      const script = document.createElement('script');
      try { script.text = 'window.intruder = 1'; document.body.append(script); } catch {}
      try { document.body.innerHTML = '<b>x</b>'; return 'markup was taken'; } catch {}
      return window.intruder ? 'a script ran' : 'refused';""")
    assert outcome == "refused"
    policy = daemon.get("/", headers={"Accept": "text/html"}).headers["content-security-policy"]
    assert policy.startswith("default-src 'none'") and "unsafe" not in policy


def test_the_page_is_for_browsers_alone(daemon):
    page = daemon.get("/", headers={"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"})
    assert page.status == 200 and page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.headers["vary"] == "Accept" and page.headers["x-content-type-options"] == "nosniff"
    other = daemon.get("/", headers={"Accept": "*/*"})
    assert other.json()["service"] == "tracking"


def test_the_page_speaks_to_assistive_technology(browser, daemon):
    page = browser.open(daemon.url + "/")
    nodes = page.driver.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
    seen = {(node.get("role", {}).get("value"), node.get("name", {}).get("value")) for node in nodes}
    assert ("table", "Events, newest first") in seen
    assert ("textbox", "Accounts") in seen and ("button", "Copy") in seen
    assert any(role == "status" for role, _ in seen)
    assert page.run("return document.documentElement.lang") == "en"
