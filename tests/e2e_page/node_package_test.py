"""The JavaScript package (bindings/node) in a real browser: a page of another origin than the daemon's subscribes and sends."""

import functools
import http.server
import pathlib
import threading

import pytest

from browser import Browser
from e2e_support import Daemon, free_port, wait_until

SOURCE = pathlib.Path(__file__).resolve().parents[2] / "bindings" / "node" / "src"
PAGE = b"<!doctype html><title>t</title><link rel=icon href=data:,>"
SUBSCRIBE = """
const [url, options] = arguments;
window.got = [];
window.failed = null;
import('/index.js').then(async ({ connect, Gap, subscribe }) => {
  window.service = connect(url);
  window.subscriber = subscribe(url, options);
  await subscriber.ready();
  window.isReady = true;
  for await (const one of subscriber) got.push(one instanceof Gap ? ['gap', one.reason] : [one.accountId, one.data]);
  window.isEnded = true;
}).catch((error) => { window.failed = String(error); });
"""


class Site(http.server.SimpleHTTPRequestHandler):
    """The package's files, and an empty page."""

    def do_GET(self):
        if self.path != "/":
            return super().do_GET()
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(PAGE)))
        self.end_headers()
        self.wfile.write(PAGE)

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def site():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Site, directory=SOURCE)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="module")
def browser():
    browser = Browser()
    yield browser
    browser.close()


@pytest.fixture
def page(browser, site):
    page = browser.load(site + "/")
    yield page
    page.run("window.subscriber?.close()")


def value(page, name):
    assert page.run("return window.failed") is None
    return page.run(f"return window.{name}")


def test_a_page_subscribes_sends_and_closes(page, site):
    with Daemon("--cors-origin", site) as daemon:
        page.run(SUBSCRIBE, daemon.url, {"accountIds": [1]})
        wait_until(lambda: value(page, "isReady"), 20, "the stream is open")
        daemon.post({"account_id": 3, "data": "of another account"})
        daemon.post({"account_id": 1, "data": {"page": "/"}})
        ack = page.driver.execute_async_script(
            "const done = arguments[0]; service.track(1, 'from the page').then((receipt) => done(receipt.ack), (e) => done(String(e)));")
        assert ack == "sent"
        wait_until(lambda: len(value(page, "got")) == 2, 20, "both events are there")
        assert value(page, "got") == [[1, {"page": "/"}], [1, "from the page"]]
        page.run("subscriber.close()")
        wait_until(lambda: value(page, "isEnded"), 20, "the loop is over")


def test_a_page_goes_on_where_it_was_when_the_daemon_is_back(page, site, tmp_path):
    port = free_port()
    flags = ["--cors-origin", site, "--listen", f"127.0.0.1:{port}"]
    with Daemon(*flags, broker="file:events", data_dir=tmp_path) as daemon:
        page.run(SUBSCRIBE, daemon.url, {})
        wait_until(lambda: value(page, "isReady"), 20, "the stream is open")
        daemon.post({"account_id": 1, "data": 1})
        wait_until(lambda: value(page, "got") == [[1, 1]], 20, "the event is there")
    with Daemon(*flags, broker="file:events", data_dir=tmp_path) as daemon:
        for number in range(2, 12):
            daemon.post({"account_id": 1, "data": number})
        wait_until(lambda: len(value(page, "got")) >= 11, 30, "the page has read on")
        assert value(page, "got") == [[1, number] for number in range(1, 12)]


def test_a_page_that_the_daemon_does_not_let_in_is_told_so(page):
    with Daemon() as daemon:
        page.run(SUBSCRIBE.replace("subscribe(url, options)", "subscribe(url, { ...options, retry: false })"), daemon.url, {})
        wait_until(lambda: page.run("return window.failed"), 20, "an error")
        assert not page.run("return window.isReady")
