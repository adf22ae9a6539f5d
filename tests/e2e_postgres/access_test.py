"""TLS to PostgreSQL, by the words that libpq has for it."""

from e2e_support import Authority, Daemon, Postgres, wait_until


def test_tls_is_asked_for_by_the_url_and_a_server_that_cannot_prove_itself_is_refused(tmp_path):
    ours = Authority(tmp_path)
    Authority(tmp_path, "other")
    trusted = tmp_path / "trusted.pem"
    trusted.write_text((tmp_path / "other.pem").read_text())
    ours.issue("server")
    files = {"server.crt": ours.path("server"), "server.key": ours.path("server", "key")}
    with Postgres(settings={"ssl": "on"}, files=files) as server:
        url = f"{server.url}?sslmode=verify-full&sslrootcert={trusted}"
        with Daemon(accounts=url, wait=False) as daemon:
            wait_until(lambda: "certificate" in daemon.get("/readyz").text, 10, "the reason")
            assert daemon.post({"account_id": 1, "data": "x"}).problem == "accounts-unavailable"
            trusted.write_text((tmp_path / "ca.pem").read_text())
            daemon.wait_ready(10)
            assert daemon.admin("POST", "/v1/accounts", json={"id": 1, "name": "Acme"}).status == 201
            assert daemon.post({"account_id": 1, "data": "x"}).status == 202
            # Lookups, management and the watch alike.
            plain = server.psql("SELECT count(*) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) "
                                "WHERE NOT ssl AND backend_type = 'client backend' AND pid <> pg_backend_pid()")
            assert plain == "0"
            assert sum("not ready" in line for line in daemon.lines) <= 3, daemon.log
