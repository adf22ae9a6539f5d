import pytest

from e2e_support import NatsServer, Postgres, Proxy, haproxy_command

from cluster import Cluster


@pytest.fixture(scope="session")
def postgres():
    with Postgres() as server:
        yield server


@pytest.fixture(scope="session")
def nats():
    with NatsServer(jetstream=True) as server:
        yield server


@pytest.fixture
def cluster(postgres, nats):
    with Cluster(postgres.new_database(), nats.url(scheme="jetstream")) as replicas:
        for account_id in (1, 3, 4):
            replicas.add_account(account_id)
        replicas.add_account(2, is_active=False)
        yield replicas


@pytest.fixture
def proxy(cluster):
    with Proxy(haproxy_command, cluster.replicas) as haproxy:
        yield haproxy
