"""compose/accounts.sql, which the postgres image reads, makes the table that the daemon makes."""

from e2e_support import Daemon, source

COLUMNS = ("SELECT column_name, data_type, is_nullable, column_default FROM information_schema.columns "
           "WHERE table_name = 'accounts' ORDER BY column_name")


def test_the_table_of_compose_is_the_daemons_own(postgres):
    composed, own = postgres.new_database(), postgres.new_database()
    postgres.psql(source("compose/accounts.sql"), composed)
    with Daemon(accounts=composed) as daemon, Daemon(accounts=own):
        statuses = {account: daemon.post({"account_id": account, "data": 0}).status for account in range(1, 6)}
        listed = daemon.admin("GET", "/v1/accounts").json()["accounts"]
    assert statuses == {1: 202, 2: 403, 3: 202, 4: 202, 5: 404}
    assert [account["id"] for account in listed] == [1, 2, 3, 4]
    assert postgres.psql(COLUMNS, composed) == postgres.psql(COLUMNS, own)
