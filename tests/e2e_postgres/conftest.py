"""One server for a file's tests, a database and a daemon for each."""

import pytest
from e2e_support import Daemon, Postgres


@pytest.fixture(scope="module")
def server():
    with Postgres() as running:
        yield running


@pytest.fixture
def database(server):
    """The URL of an empty database; the server runs, whatever the test before did to it."""
    server.thaw()
    if server.process is None:
        server.start()
    return server.new_database()


@pytest.fixture
def daemon(database):
    with Daemon(accounts=database) as running:
        yield running
