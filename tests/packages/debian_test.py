"""The Debian packages: built, looked at, and installed into a root file system that has nothing of ours."""

import os
import pathlib
import re
import shutil
import socket
import stat
import subprocess
import tempfile

import pytest

SOURCE = pathlib.Path(os.environ["TRACKING_SOURCE_DIR"])
BUILD = pathlib.Path(os.environ["TRACKING_BUILD_DIR"]) / "packages"
BUILD_TYPE = os.environ["TRACKING_BUILD_TYPE"]
UNIT = "lib/systemd/system/tracking-httpd.service"
CONFIG = "etc/tracking/tracking-httpd.toml"
DATA = "var/lib/tracking"


def run(*command, check=True, **options):
    done = subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False, timeout=1100, **options)
    assert not check or done.returncode == 0, f"{command} ended with {done.returncode}:\n{done.stdout}"
    return done


@pytest.fixture(name="packages", scope="module")
def the_packages():
    """The packages by their names: {"tracking-cli": path}."""
    run("cmake", "-S", SOURCE, "-B", BUILD, "-G", "Ninja", f"-DCMAKE_CXX_COMPILER={os.environ['TRACKING_CXX_COMPILER']}",
        f"-DCMAKE_BUILD_TYPE={BUILD_TYPE}", f"-DCMAKE_CXX_FLAGS_{BUILD_TYPE.upper()}={os.environ['TRACKING_CXX_FLAGS']}",
        "-DTRACKING_BUILD_TESTS=OFF", "-DCMAKE_INSTALL_PREFIX=/usr", env=os.environ | {"CCACHE_NOHASHDIR": "1"})
    run("cmake", "--build", BUILD, "-j", "2", env=os.environ | {"CCACHE_NOHASHDIR": "1"})
    for old in BUILD.glob("*.deb"):
        old.unlink()
    run("cpack", "--config", BUILD / "CPackConfig.cmake", "-B", BUILD)
    return {field(path, "Package"): path for path in BUILD.glob("*.deb")}


def field(package, name):
    return run("dpkg-deb", "--field", package, name).stdout.strip()


def files_under(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_symlink() or not path.is_dir()}


# What they are


def test_there_are_four_and_the_librarys_name_follows_its_soname(packages):
    soname = run("readelf", "-d", BUILD / "bindings/c/libtracking_c.so").stdout
    number = re.search(r"SONAME.*\[libtracking_c\.so\.(\d+)\]", soname)[1]
    assert set(packages) == {f"libtracking-c{number}", "libtracking-dev", "tracking-httpd", "tracking-cli"}
    version = re.search(r"^tracking \((.*)\)", (SOURCE / "packaging/debian/changelog").read_text())[1]
    assert {field(path, "Version") for path in packages.values()} == {version}
    assert f"libtracking-c{number} (= {version})" in field(packages["libtracking-dev"], "Depends")


def test_they_hold_what_cmake_installs(packages, tmp_path):
    unpacked, installed = tmp_path / "unpacked", tmp_path / "installed"
    for package in packages.values():
        run("dpkg-deb", "--extract", package, unpacked)
    run("cmake", "--install", BUILD, env=os.environ | {"DESTDIR": str(installed)})
    assert files_under(unpacked) == files_under(installed)
    modes = {name: stat.S_IMODE((unpacked / name).lstat().st_mode) for name in files_under(unpacked)}
    assert modes == {name: stat.S_IMODE((installed / name).lstat().st_mode) for name in modes}


def test_no_file_is_in_two_of_them(packages, tmp_path):
    owners = {}
    for name, package in packages.items():
        run("dpkg-deb", "--extract", package, tmp_path / name)
        for file in files_under(tmp_path / name):
            owners.setdefault(file, []).append(name)
    assert not {file: names for file, names in owners.items() if len(names) > 1}
    for name in ("tracking-httpd", "tracking-cli"):
        for file in (f"usr/bin/{name}", f"usr/share/bash-completion/completions/{name}",
                     f"usr/share/zsh/vendor-completions/_{name}", f"usr/share/fish/vendor_completions.d/{name}.fish"):
            assert owners[file] == [name]
    assert owners["usr/share/man/man8/tracking-httpd.8.gz"] == owners[UNIT] == ["tracking-httpd"]
    assert sum(file.startswith("usr/share/man/man1/tracking-cli") for file in owners) == 6


def test_lintian_has_no_errors(packages):
    run("lintian", "--fail-on", "error", "--allow-root", *packages.values())


# What they do to a machine


class Root:
    """A root file system. Commands run in namespaces of their own: without a network, and gone when they end."""

    def __init__(self, folder):
        self.folder = folder

    def run(self, script, check=True, **options):
        prepare = 'mount -t proc proc "$0/proc" && ip link set lo up && exec chroot "$0" sh -euc "$1"'
        environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}
        return run("unshare", "--mount", "--pid", "--net", "--fork", "--kill-child", "sh", "-euc", prepare, self.folder,
                   script, check=check, env=environment, **options)

    def install(self, packages):
        shutil.copytree(packages["tracking-cli"].parent, self.folder / "packages", dirs_exist_ok=True,
                        ignore=lambda folder, names: [name for name in names if not name.endswith(".deb")])
        self.run("apt-get -q -y --no-install-recommends install /packages/*.deb")


@pytest.fixture(name="root", scope="module")
def a_root_with_the_packages(packages):
    with tempfile.TemporaryDirectory(prefix="tracking-packages-") as folder:
        run(SOURCE / "compose/test.sh", "--root", folder)
        root = Root(pathlib.Path(folder))
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
    """As systemd starts it, but for the sandbox; it is ready when it says so."""
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
    root.run("apt-get -q -y --reinstall install /packages/tracking-httpd_*.deb")
    assert (root.folder / CONFIG).read_text().endswith("# the operator's\n")
    assert (root.folder / DATA / "tracking.db").exists()


def test_removing_leaves_settings_and_data_and_purging_leaves_nothing(root):
    root.run("dpkg --remove tracking-httpd tracking-cli libtracking-dev libtracking-c1")
    assert not (root.folder / "usr/bin/tracking-httpd").exists()
    assert (root.folder / CONFIG).exists() and (root.folder / DATA / "tracking.db").exists()
    root.run("dpkg --purge tracking-httpd tracking-cli libtracking-dev libtracking-c1")
    assert root.run("getent passwd tracking || getent group tracking", check=False).returncode != 0
    left = run("find", root.folder, "-mindepth", "1", "-xdev", "-name", "*tracking*", "-not", "-path", f"{root.folder}/packages/*",
               "-not", "-path", f"{root.folder}/run/*").stdout.split()
    # dpkg's and APT's own notes aside.
    assert [path for path in left if "/var/log/" not in path] == []
