"""What the Debian packages do to a machine: a root file system that has nothing of ours, and no systemd that runs, like a container."""

import re
import shutil
import socket
import stat
import tempfile

import pytest

from package_roots import CONFIG, DATA, UNIT, Root, run


@pytest.fixture(name="root", scope="module")
def a_root_with_the_packages(packages):
    with tempfile.TemporaryDirectory(prefix="tracking-packages-") as folder:
        root = Root(folder)
        root.install(packages)
        yield root


def test_every_library_is_found(root):
    for file in ("/usr/bin/tracking-httpd", "/usr/bin/tracking-cli", "/usr/lib/*/libtracking_c.so.1"):
        assert "not found" not in root.run(f"ldd {file}").stdout
    assert "libtracking_c.so.1 " in root.run("ldconfig -p").stdout


def test_the_service_has_a_user_and_a_folder_of_its_own(root):
    name, _, user, group, _, home, shell = root.run("getent passwd tracking").stdout.strip().split(":")
    assert (name, home, shell) == ("tracking", f"/{DATA}", "/usr/sbin/nologin")
    folder, config = (root.folder / DATA).stat(), (root.folder / CONFIG).stat()
    assert (folder.st_uid, folder.st_gid, stat.S_IMODE(folder.st_mode)) == (int(user), int(group), 0o750)
    assert (config.st_uid, config.st_gid, stat.S_IMODE(config.st_mode)) == (0, int(group), 0o640)
    assert f"/{CONFIG}" in root.run("dpkg-query -W -f '${Conffiles}' tracking-httpd").stdout
    assert (root.folder / "etc/systemd/system/multi-user.target.wants/tracking-httpd.service").is_symlink()


def test_the_unit_is_valid_and_hardened(root):
    verified = run("systemd-analyze", "verify", "--man=no", "--recursive-errors=no", f"--root={root.folder}",
                   "tracking-httpd.service").stdout
    assert "tracking-httpd" not in verified
    # systemd's own measure, of 100; it is 12 as far as a service on the network can get.
    run("systemd-analyze", "security", "--offline=true", "--threshold=15", root.folder / UNIT)


def setting(unit, name):
    return re.search(rf"^{name}=(.*)$", unit, re.MULTILINE)[1]


def test_the_service_runs_as_its_user(root):
    """As systemd starts it, but for the sandbox (service_test.py); it is ready when it says so."""
    unit = (root.folder / UNIT).read_text()
    user, folder = setting(unit, "User"), setting(unit, "WorkingDirectory")
    (root.folder / "run/tracking-test").mkdir()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as supervisor:
        supervisor.bind(str(root.folder / "run/tracking-test/notify"))
        (root.folder / "run/tracking-test/notify").chmod(0o777)
        supervisor.settimeout(60)
        out = root.run(f"""
            cd {folder}
            NOTIFY_SOCKET=/run/tracking-test/notify setpriv --reuid {user} --regid {setting(unit, "Group")} --init-groups \
              --bounding-set=-all --no-new-privs {setting(unit, "ExecStart")} & daemon=$!
            for _ in $(seq 300); do tracking-httpd --healthcheck 2>/dev/null && break; sleep 0.1; done
            grep ^Uid: /proc/$daemon/status
            tracking-cli accounts add 7 Acme
            tracking-cli track -a 7 '"installed"'
            tracking-cli subscribe -a 7 --since all --count 1 -o raw
            kill $daemon
            wait $daemon
            echo ended well
        """).stdout
        said = supervisor.recv(1000)
        while not said.startswith(b"READY=1"):
            assert said.startswith(b"STATUS=not ready"), said
            said = supervisor.recv(1000)
        assert supervisor.recv(1000) == b"STOPPING=1"
    number = root.run("id -u tracking").stdout.strip()
    assert re.search(rf"^Uid:\s+{number}\s+{number}\s+{number}\s+{number}$", out, re.MULTILINE), out
    assert '"ack":"stored"' in out and '\n"installed"\n' in out and out.endswith("ended well\n"), out
    made = [root.folder / DATA / "tracking.db", root.folder / DATA / "events"]
    assert all(path.exists() and path.stat().st_uid == int(number) for path in made)


def test_another_installation_keeps_what_the_operator_changed(root, packages):
    with (root.folder / CONFIG).open("a") as config:
        config.write("# the operator's\n")
    root.install(packages)
    root.run("apt-get -q -y --reinstall install /source/build/package/tracking-httpd_*.deb")
    assert (root.folder / CONFIG).read_text().endswith("# the operator's\n")
    assert (root.folder / DATA / "tracking.db").exists()


def test_removing_leaves_settings_and_data_and_purging_leaves_nothing(root):
    root.run("dpkg --remove tracking-httpd tracking-cli libtracking-dev libtracking-c1")
    assert not (root.folder / "usr/bin/tracking-httpd").exists()
    assert (root.folder / CONFIG).exists() and (root.folder / DATA / "tracking.db").exists()
    root.run("dpkg --purge tracking-httpd tracking-cli libtracking-dev libtracking-c1")
    assert root.run("getent passwd tracking || getent group tracking", check=False).returncode != 0
    left = run("find", root.folder, "-mindepth", "1", "-xdev", "-name", "*tracking*", "-not", "-path", f"{root.folder}/source/*",
               "-not", "-path", f"{root.folder}/run/*").stdout.split()
    # dpkg's and APT's own notes aside.
    assert [path for path in left if "/var/log/" not in path] == []
