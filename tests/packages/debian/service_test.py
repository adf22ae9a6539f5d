"""The service of the package tracking-httpd under a systemd that really runs, with all of the unit's sandbox.

The order matters: the machine is one, as an operator's is. It is installed to, used, disturbed, and cleaned up.
"""

import contextlib
import glob
import os
import pwd
import re
import shutil
import subprocess
import tempfile

import pytest

from booted_root import BootedRoot
from e2e_support import Postgres, wait_until
from package_roots import CONFIG, DATA, UNIT

URL = "http://127.0.0.1:8080"


@pytest.fixture(name="machine", scope="module")
def a_machine_with_the_packages(packages):
    with tempfile.TemporaryDirectory(prefix="tracking-machine-") as folder, BootedRoot(folder) as machine:
        machine.install(packages)
        yield machine


def shown(machine, *names):
    """What systemd says about the service."""
    out = machine.run(f"systemctl show tracking-httpd --property={','.join(names)}").stdout
    values = dict(line.split("=", 1) for line in out.splitlines())
    return values[names[0]] if len(names) == 1 else [values[name] for name in names]


def wait_for_another_process(machine, before, state="active"):
    def is_there():
        pid, now = shown(machine, "MainPID", "ActiveState")
        return now == state and pid not in ("0", before)
    wait_until(is_there, 120, f"another process, {state}", pause=0.1)


def configure(machine, text, state="active"):
    """What `systemctl edit` does, and a restart."""
    folder = machine.folder / "etc/systemd/system/tracking-httpd.service.d"
    shutil.rmtree(folder, ignore_errors=True)
    if text:
        folder.mkdir()
        (folder / "override.conf").write_text(f"[Service]\n{text}")
    before = shown(machine, "MainPID")
    machine.run("systemctl daemon-reload; systemctl restart --no-block tracking-httpd")
    wait_for_another_process(machine, before, state)


def answer(machine, *arguments):
    return machine.run_outside("curl", "-sS", "--max-time", "30", *arguments).stdout


def events(machine):
    return machine.run("tracking-cli subscribe -a 7 --since all --no-follow -o raw 2>/dev/null").stdout.splitlines()


def test_installing_it_starts_it(machine):
    wait_until(lambda: shown(machine, "ActiveState") != "activating", 60, "its start", pause=0.1)  # APT waits 20 s for it
    assert shown(machine, "Type", "ActiveState", "StatusText", "NRestarts") == ["notify", "active", "ready", "0"]
    assert machine.run("systemctl is-enabled tracking-httpd").stdout.strip() == "enabled"
    assert machine.run("systemctl --failed --quiet").stdout == ""


def test_it_takes_events_and_shows_them(machine):
    machine.run("tracking-cli accounts add 7 Acme")
    assert '"ack":"stored"' in answer(machine, "-d", '{"account_id":7,"data":"first"}', URL)
    assert events(machine) == ['"first"']
    assert "listening" in machine.run("journalctl -u tracking-httpd").stdout


def test_it_is_confined_as_the_unit_says(machine):
    pid = shown(machine, "MainPID")
    status = machine.run(f"cat /proc/{pid}/status").stdout
    number = machine.run("id -u tracking").stdout.strip()
    for expected in (f"Uid:\t{number}\t{number}\t{number}\t{number}", "CapBnd:\t0000000000000000", "CapEff:\t0000000000000000",
                     "NoNewPrivs:\t1", "Seccomp:\t2"):
        assert expected in status.splitlines(), status
    for kind in ("mnt", "user", "ipc", "uts"):
        assert machine.run(f"readlink /proc/{pid}/ns/{kind}; readlink /proc/1/ns/{kind}").stdout.split()[0] != \
            machine.run(f"readlink /proc/1/ns/{kind}").stdout.strip(), kind
    # What it sees of the machine, seen as root: its own folder can be written to, and nothing else.
    inside = machine.run(f"""
        nsenter -t {pid} -m sh -c '
          for folder in /etc /usr /var/lib /{DATA} /tmp; do touch $folder/x 2>/dev/null && echo wrote $folder; done
          ls -A /home /root /dev/disk /proc/1 2>/dev/null; rm -f /{DATA}/x'
    """, check=False).stdout.split("\n")
    assert [line for line in inside if line.startswith("wrote")] == [f"wrote /{DATA}", "wrote /tmp"]


def test_killed_it_comes_back_with_its_events(machine):
    before = shown(machine, "MainPID")
    machine.run("systemctl kill --signal=KILL tracking-httpd")
    wait_for_another_process(machine, before)
    assert shown(machine, "NRestarts") == "1"
    assert events(machine) == ['"first"']


def test_stuck_it_is_ended_and_started_again(machine):
    configure(machine, "WatchdogSec=5\n")
    before = shown(machine, "MainPID")
    machine.run("systemctl kill --signal=STOP tracking-httpd")
    wait_for_another_process(machine, before)
    assert "Watchdog timeout" in machine.run("journalctl -u tracking-httpd").stdout
    assert events(machine) == ['"first"']


def test_stopped_it_ends_well_and_started_it_goes_on(machine):
    configure(machine, "")
    machine.run("systemctl stop tracking-httpd")
    assert shown(machine, "ActiveState", "Result", "ExecMainStatus") == ["inactive", "success", "0"]
    machine.run("systemctl start tracking-httpd")
    assert events(machine) == ['"first"']


def test_it_is_ready_when_its_broker_is(machine):
    """And cnats runs within the sandbox."""
    configure(machine, "Environment=TRACKING_BROKER=nats://127.0.0.1:4222\n", state="activating")
    wait_until(lambda: "not ready" in shown(machine, "StatusText"), 60, "the state", pause=0.1)
    with subprocess.Popen(["nsenter", "-t", machine.init, "-n", "setpriv", "--pdeathsig", "KILL", "nats-server", "-a", "127.0.0.1"],
                          stderr=subprocess.DEVNULL) as broker:
        wait_until(lambda: shown(machine, "ActiveState") == "active", 60, "readiness", pause=0.1)
        assert '"ack":"sent"' in answer(machine, "-d", "again", f"{URL}/7")
        broker.kill()


@contextlib.contextmanager
def postgresql(machine, tmp_path):
    """This machine's program in the root's network, with a socket in the root, and knowing its users by their names there."""
    rules = tmp_path / "pg_hba.conf"
    rules.write_text("local all all peer\nhost all all 127.0.0.1/32 scram-sha-256\n")
    program = sorted(glob.glob("/usr/lib/postgresql/*/bin/postgres"))[-1]
    user = pwd.getpwnam("postgres")
    sockets = machine.folder / "srv/postgresql"
    sockets.mkdir()
    os.chown(sockets, user.pw_uid, user.pw_gid)
    as_user = ["setpriv", "--pdeathsig", "KILL", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups", program]
    with Postgres(start=False, files={"pg_hba.conf": rules}) as server:
        data = os.path.join(server.folder, "data")
        subprocess.run([*as_user, "--single", "-D", data, "postgres"], text=True, check=True, timeout=60,
                       input="ALTER ROLE tracking PASSWORD 'of-the-database'\n", stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)
        with subprocess.Popen(["nsenter", "-t", machine.init, "-n", "unshare", "--mount", "sh", "-euc",
                               'mount --bind "$0" /etc/passwd; exec "$@"', machine.folder / "etc/passwd", *as_user, "-D", data,
                               "-c", "listen_addresses=127.0.0.1", "-c", f"unix_socket_directories={sockets}"],
                              stderr=subprocess.DEVNULL) as process:
            yield
            process.kill()
    shutil.rmtree(sockets)


def test_postgresql_lets_it_in_as_the_documentation_says(machine, tmp_path):
    password = machine.folder / "etc/tracking/pgpass"
    password.write_text("127.0.0.1:5432:postgres:tracking:of-the-database\n")
    password.chmod(0o600)
    with postgresql(machine, tmp_path):
        configure(machine, "Environment=TRACKING_ACCOUNTS=postgresql:///postgres?host=/srv/postgresql&user=tracking\n")
        machine.run("tracking-cli accounts add 9 Socket")
        assert '"ack":"stored"' in answer(machine, "-d", "by its user", f"{URL}/9")
        configure(machine, "LoadCredential=pgpass:/etc/tracking/pgpass\n"
                  "Environment=TRACKING_ACCOUNTS=postgresql://tracking@127.0.0.1/postgres?passfile=%d/pgpass\n")
        assert "Socket" in machine.run("tracking-cli accounts list").stdout
        assert '"ack":"stored"' in answer(machine, "-d", "by its password", f"{URL}/9")
        configure(machine, "")
    password.unlink()


def test_a_port_below_1024_is_taken_as_the_documentation_says(machine):
    configure(machine, "Environment=TRACKING_LISTEN=127.0.0.1:80\nAmbientCapabilities=CAP_NET_BIND_SERVICE\n"
              "CapabilityBoundingSet=CAP_NET_BIND_SERVICE\nPrivateUsers=no\n")
    assert '"ack":"stored"' in answer(machine, "-d", "low", "http://127.0.0.1/7")


def test_a_secret_comes_from_a_file_of_the_machine_as_the_documentation_says(machine):
    secret = machine.folder / "etc/tracking/admin-token"
    secret.write_text("a-secret-of-the-machine\n")
    secret.chmod(0o600)
    configure(machine, "LoadCredential=admin-token:/etc/tracking/admin-token\n"
              "Environment=TRACKING_ADMIN_TOKEN_FILE=%d/admin-token\n")
    accounts = "http://127.0.0.1:8081/v1/accounts"
    assert "unauthorized" in answer(machine, accounts)
    assert '"Acme"' in answer(machine, "-H", "Authorization: Bearer a-secret-of-the-machine", accounts)


def test_purged_it_leaves_nothing(machine):
    configure(machine, "")
    pid = shown(machine, "MainPID")
    machine.run("rm /etc/tracking/admin-token; apt-get -q purge tracking-httpd")
    assert machine.run(f"test -e /proc/{pid}", check=False).returncode != 0
    assert machine.run("getent passwd tracking || getent group tracking", check=False).returncode != 0
    for path in (UNIT, CONFIG, DATA, "usr/bin/tracking-httpd"):
        assert not (machine.folder / path).exists(), path
    assert re.search("could not be found", machine.run("systemctl status tracking-httpd", check=False).stdout)
