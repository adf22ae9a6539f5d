"""Commands, README.md's lines about packages, and root file systems to install packages into."""

import os
import pathlib
import shutil
import subprocess

from e2e_support.readme import blocks

SOURCE = pathlib.Path(os.environ["TRACKING_SOURCE_DIR"])
UNIT = "lib/systemd/system/tracking-httpd.service"
CONFIG = "etc/tracking/tracking-httpd.toml"
DATA = "var/lib/tracking"
LINES = "".join(blocks("run by tests/packages/debian", "sh")).splitlines()
MAKE = [line for line in LINES if not line.startswith("sudo ")]
INSTALL = [line for line in LINES if line.startswith("sudo ")]


def run(*command, check=True, **options):
    done = subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False, timeout=1700, **options)
    assert not check or done.returncode == 0, f"{command} ended with {done.returncode}:\n{done.stdout}"
    return done


def field(package, name):
    return run("dpkg-deb", "--field", package, name).stdout.strip()


class Root:
    """A root file system. Commands run in namespaces of their own: without a network, and gone when they end."""

    ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        run(SOURCE / "compose/test.sh", "--root", folder)
        # The user's yes; there is no network here, and what is recommended comes from it.
        (self.folder / "etc/apt/apt.conf.d/90test").write_text(
            'APT::Get::Assume-Yes "true";\nAPT::Install-Recommends "false";\n')
        (self.folder / "etc/dpkg/dpkg.cfg.d/90test").write_text("force-unsafe-io\n")  # no power will be cut here

    def run(self, script, check=True, **options):
        prepare = 'mount -t proc proc "$0/proc" && ip link set lo up && exec chroot "$0" sh -euc "$1"'
        return run("unshare", "--mount", "--pid", "--net", "--fork", "--kill-child", "sh", "-euc", prepare, self.folder,
                   script, check=check, env=self.ENVIRONMENT, **options)

    def install(self, packages):
        """By README.md's line, in a folder that has the packages where the tree has them."""
        place = self.folder / "source/build/package"
        place.mkdir(parents=True, exist_ok=True)
        for package in packages.values():
            shutil.copy(package, place)
        return self.run("\n".join(["cd /source", 'sudo() { "$@"; }', *INSTALL]))
