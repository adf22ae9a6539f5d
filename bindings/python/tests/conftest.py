"""Services to test with: in this process, and a daemon at a distance."""

import os
import sys

import pytest

import tracking

sys.path.insert(0, os.path.join(os.environ["TRACKING_SOURCE_DIR"], "tests"))

from e2e_support import Daemon, free_port, seconds, wait_until  # noqa: E402,F401

ACCOUNTS = "memory:?active=1,3&inactive=2"
WAIT_S = seconds(20)


@pytest.fixture
def service():
    with tracking.open(accounts=ACCOUNTS) as opened:
        yield opened


class InProcess:
    """The doors of one engine in this process."""

    def __init__(self, accounts):
        self.service = tracking.open(accounts=accounts)

    def subscribe(self, **settings):
        return self.service.subscribe(**settings)

    def close(self):
        self.service.close()


class AtADistance:
    """The doors of a daemon."""

    def __init__(self, accounts):
        self.daemon = Daemon(accounts=accounts)
        self.service = tracking.connect(self.daemon.url)

    def subscribe(self, **settings):
        return tracking.subscribe(self.daemon.url, **settings)

    def close(self):
        self.service.close()
        self.daemon.close()


@pytest.fixture(params=[InProcess, AtADistance])
def open_doors(request):
    opened = []

    def open_with(accounts=ACCOUNTS):
        opened.append(request.param(accounts))
        return opened[-1]

    yield open_with
    for doors in opened:
        doors.close()
