"""A root file system with a systemd that really runs: the machine that the packages are for."""

import pathlib
import subprocess
import tempfile

from e2e_support import wait_until
from package_roots import Root, run

BOOT = pathlib.Path(__file__).with_name("boot.sh")


def hierarchy_of_control_groups():
    mounts = [line.split() for line in pathlib.Path("/proc/mounts").read_text().splitlines()]
    found = [path for _, path, kind, *_ in mounts if kind == "cgroup2"]
    assert found, "systemd needs control groups of version 2, and this machine has none mounted"
    return pathlib.Path(found[0])


class BootedRoot(Root):
    """Commands run beside its systemd, in the same namespaces. To be used in a `with`, which ends all that runs in it."""

    def __enter__(self):
        # Beside systemd only what runs without D-Bus; services are started when they are installed, as on a machine.
        super().run("apt-get -q install systemd && rm /usr/sbin/policy-rc.d && systemctl mask systemd-logind.service")
        self.group = pathlib.Path(tempfile.mkdtemp(prefix="tracking-packages-", dir=hierarchy_of_control_groups()))
        self.supervisor = subprocess.Popen(
            ["sh", "-euc", 'echo $$ >"$1/cgroup.procs"; exec setpriv --pdeathsig KILL unshare --cgroup --mount --pid --net '
             '--ipc --uts --fork --kill-child sh "$2" "$3"', "sh", self.group, BOOT, self.folder], stdin=subprocess.DEVNULL)
        try:
            children = pathlib.Path(f"/proc/{self.supervisor.pid}/task/{self.supervisor.pid}/children")
            self.init = wait_until(children.read_text, 30, "the first process").strip()
            wait_until(self.has_booted, 120, "the boot", pause=0.1)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.supervisor.kill()  # it takes its child along, and that all others of its namespace of processes
        self.supervisor.wait()
        wait_until(lambda: "populated 0" in (self.group / "cgroup.events").read_text(), 30, "the end of its processes")
        run("find", self.group, "-depth", "-type", "d", "-exec", "rmdir", "{}", ";")

    def has_booted(self):
        # Before it is the root's own, there is no such file to be run in it.
        booted = pathlib.Path(f"/proc/{self.init}/comm").read_text() == "systemd\n"
        return booted and self.run("systemctl is-system-running", check=False).stdout.strip() == "running"

    def run(self, script, check=True, **options):
        return run("nsenter", "-t", self.init, "-m", "-p", "-n", "-i", "-u", "-C", "-r", "-w", "timeout", "300", "sh", "-euc",
                   script, check=check, env=self.ENVIRONMENT, **options)

    def run_outside(self, *command, **options):
        """This machine's program in the root's network."""
        return run("nsenter", "-t", self.init, "-n", *command, **options)
