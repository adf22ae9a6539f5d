"""The JavaScript package as its users get it: its own tests, its README in Node, and subscribing in a browser."""

import functools
import http.server
import os
import pathlib
import re
import shutil
import subprocess
import threading

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service

from e2e_support import Daemon, seconds, wait_until
from readme_example import readme_example

PACKAGE = pathlib.Path(os.environ["TRACKING_SOURCE_DIR"]) / "bindings/node"


def node(*arguments, cwd, timeout=60, status=0, **environment):
    done = subprocess.run(["node", *arguments], cwd=cwd, env=os.environ | environment, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
                          timeout=seconds(timeout))
    assert done.returncode == status, done.stdout
    return done.stdout


def program(folder):
    """The README's example, in a folder that has the package."""
    (folder / "example.mjs").write_text(readme_example("node", "js"))
    (folder / "node_modules").mkdir()
    shutil.copytree(PACKAGE, folder / "node_modules/tracking")
    return folder


@pytest.fixture
def daemon():
    with Daemon("--cors-origin", "*") as daemon:
        yield daemon


def test_its_own_tests_pass():
    printed = node("--test", "--test-reporter=tap", cwd=PACKAGE, timeout=200)
    assert int(re.search(r"^# pass (\d+)", printed, re.MULTILINE)[1]) >= 39, printed
    assert re.search(r"^# skipped 0", printed, re.MULTILINE), printed


def test_the_readme_runs_as_printed(daemon, tmp_path):
    assert node("example.mjs", cwd=program(tmp_path), TRACKING_URL=daemon.url) == "sent\n1 { page: '/' }\n"


def test_the_readmes_example_tells_of_a_failure(tmp_path):
    with Daemon(accounts="memory:?active=3") as daemon:
        printed = node("example.mjs", cwd=program(tmp_path), status=1, TRACKING_URL=daemon.url)
    assert "UnknownAccountError: account 1 does not exist" in printed


PAGE = """<!doctype html><meta charset="utf-8"><title>waiting</title><script type="module">
import { subscribe } from './src/index.js';
const subscriber = subscribe(new URLSearchParams(location.search).get('url'), { accountIds: [1] });
await subscriber.ready();
document.title = 'ready';
for await (const event of subscriber) document.title = event.dataJson;
</script>"""


@pytest.fixture
def site(tmp_path):
    """The modules and a page, from another origin than the daemon's."""
    shutil.copytree(PACKAGE / "src", tmp_path / "src")
    (tmp_path / "index.html").write_text(PAGE)

    class Quiet(http.server.SimpleHTTPRequestHandler):
        extensions_map = http.server.SimpleHTTPRequestHandler.extensions_map | {".js": "text/javascript"}

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=tmp_path))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


@pytest.fixture
def browser(tmp_path):
    options = Options()
    for flag in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
                 "--disable-background-networking", "--no-proxy-server", f"--user-data-dir={tmp_path / 'profile'}"):
        options.add_argument(flag)
    driver = webdriver.Chrome(options=options, service=Service("/usr/bin/chromedriver"))
    yield driver
    driver.quit()


def test_a_browser_subscribes_from_a_page_of_another_origin(daemon, site, browser):
    browser.get(f"{site}?url={daemon.url}")
    wait_until(lambda: browser.title == "ready", 20, "the stream in the browser")
    assert daemon.post({"account_id": 3, "data": "not asked for"}).status == 202
    assert daemon.post({"account_id": 1, "data": {"n": 1}}).status == 202
    wait_until(lambda: browser.title == '{"n": 1}', 20, "the event in the browser")
