"""Three tracking-httpd over one PostgreSQL and one JetStream, all on loopback."""

from e2e_support import Daemon


class Cluster:
    """Replicas that start at once. Each is a Daemon, so that a test can kill, stop and ask it by itself."""

    def __init__(self, accounts, broker, count=3):
        self.accounts = accounts
        self.replicas = []
        try:
            for _ in range(count):
                self.replicas.append(Daemon(accounts=accounts, broker=broker, wait=False))
            for replica in self.replicas:
                replica.wait_ready(30)
        except BaseException:
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        for replica in self.replicas:
            replica.close()

    def add_account(self, account_id, is_active=True):
        answer = self.replicas[0].admin("POST", "/v1/accounts",
                                        {"id": account_id, "name": f"account {account_id}", "is_active": is_active})
        assert answer.status == 201, answer
