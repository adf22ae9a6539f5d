"""A daemon that the tests of a file share."""

import pytest

from e2e_support import Daemon


@pytest.fixture(scope="module")
def daemon():
    with Daemon() as daemon:
        yield daemon


@pytest.fixture
def own_daemon():
    """For tests that stop it, or look at all that was tracked."""
    with Daemon() as daemon:
        yield daemon
