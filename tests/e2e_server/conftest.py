"""One daemon for all tests of a file that only talk to it."""

import pytest

from e2e_support import Daemon


@pytest.fixture(scope="module")
def daemon():
    with Daemon() as running:
        yield running


@pytest.fixture
def connection(daemon):
    with daemon.connect() as raw:
        yield raw
