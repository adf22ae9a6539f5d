"""A headless Chromium with an empty profile, and the live page in it."""

import subprocess
import tempfile

from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service

from e2e_support import wait_until

FLAGS = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-proxy-server",
         "--window-size=1200,900"]


class Browser:
    """One browser for many tests."""

    def __init__(self):
        self.profile = tempfile.TemporaryDirectory(prefix="tracking-browser-", ignore_cleanup_errors=True)
        options = Options()
        for flag in [*FLAGS, f"--user-data-dir={self.profile.name}"]:
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self.driver = webdriver.Chrome(options=options, service=Service("/usr/bin/chromedriver"))
        self.driver.set_script_timeout(20)

    def close(self):
        self.driver.quit()
        self.profile.cleanup()

    def open(self, url):
        """Opens the page afresh and waits until it is live."""
        page = self.load(url)
        page.wait_state("live")
        return page

    def load(self, url):
        self.driver.get("about:blank")
        self.driver.get_log("browser")  # forgets what came before
        self.driver.get(url)
        return Page(self.driver)


class Page:
    """What a visitor sees, and does."""

    def __init__(self, driver):
        self.driver = driver

    def run(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)

    def text(self, selector):
        return self.run("return document.querySelector(arguments[0])?.textContent", selector)

    @property
    def state(self):
        return self.run("return document.getElementById('state').dataset.state")

    def wait_state(self, state, limit=20.0):
        wait_until(lambda: self.state == state, limit, f"the page's state {state}", pause=0.05)

    def rows(self):
        """The rows as lists of cells, newest first."""
        return self.run("return [...document.querySelectorAll('#rows tr')].map("
                        "row => [...row.cells].map(cell => cell.textContent))")

    def wait_rows(self, count, limit=10.0):
        return wait_until(lambda: len(rows := self.rows()) >= count and rows, limit, f"{count} rows", pause=0.05)

    def click(self, selector):
        self.driver.find_element("css selector", selector).click()

    def grant_clipboard(self):
        self.driver.execute_cdp_cmd("Browser.grantPermissions",
                                    {"permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"]})

    def clipboard(self):
        return self.driver.execute_async_script(
            "const done = arguments[0]; navigator.clipboard.readText().then(done, error => done(String(error)))")

    def console(self):
        """What the browser complained about since the page was opened."""
        return [entry["message"] for entry in self.driver.get_log("browser")]


def run_in_shell(line):
    return subprocess.run(["sh", "-c", line], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20,
                          check=True).stdout
