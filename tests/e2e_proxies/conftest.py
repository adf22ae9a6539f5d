import pytest

from e2e_support import Daemon, Proxy, haproxy_command, nginx_command


@pytest.fixture
def daemon():
    with Daemon() as daemon:
        yield daemon


@pytest.fixture
def haproxy(daemon):
    with Proxy(haproxy_command, [daemon]) as proxy:
        yield proxy


@pytest.fixture(params=[haproxy_command, nginx_command], ids=["haproxy", "nginx"])
def any_proxy(request, daemon):
    with Proxy(request.param, [daemon]) as proxy:
        yield proxy
