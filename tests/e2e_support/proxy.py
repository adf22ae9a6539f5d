"""Proxies before daemons, all on loopback, configured as compose/ and docs/OPERATIONS.md say."""

import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile

from .http import request
from .ports import free_port
from .waiting import wait_until

HOSTS = "service.lvh.me service.localhost 127.0.0.1"  # the last is what clients on loopback say by themselves


def source(path):
    """The text of a file of the project."""
    return (pathlib.Path(os.environ["TRACKING_SOURCE_DIR"]) / path).read_text(encoding="utf-8")


def haproxy_command(folder, port, daemons):
    """compose/haproxy.cfg as it is, but for how it finds the daemons."""
    text = source("compose/haproxy.cfg")
    text, found = re.subn(r"bind :8080", f"bind 127.0.0.1:{port}", text)
    assert found == 1
    servers = "\n".join(f"  server daemon{daemon.port} 127.0.0.1:{daemon.port}" for daemon in daemons)
    text, found = re.subn(r"  server-template .*", servers, text)
    assert found == 1
    text = re.sub(r"^resolvers .*\n(  .*\n)*", "", text, flags=re.MULTILINE)
    (folder / "haproxy.cfg").write_text(text)
    return ["haproxy", "-db", "-f", folder / "haproxy.cfg"]


def nginx_command(folder, port, daemons):
    """The configuration that docs/OPERATIONS.md shows, with these daemons."""
    shown = re.search(r"```nginx\n(.*?)```", source("docs/OPERATIONS.md"), re.DOTALL).group(1)
    shown, found = re.subn(r"listen 80;", f"listen 127.0.0.1:{port};", shown)
    assert found == 1
    servers = "".join(f"  server 127.0.0.1:{daemon.port};\n" for daemon in daemons)
    shown, found = re.subn(r"(?:^  server [^{}]*;\n)+", servers, shown, flags=re.MULTILINE)
    assert found == 1
    paths = "".join(f"{name}_temp_path {folder}/{name};\n" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    (folder / "nginx.conf").write_text(f"daemon off;\nmaster_process off;\npid {folder}/nginx.pid;\nerror_log stderr;\n"
                                       f"events {{}}\nhttp {{\naccess_log off;\n{paths}{shown}}}\n")
    return ["nginx", "-p", folder, "-e", "stderr", "-c", folder / "nginx.conf"]


class Proxy:
    """A proxy on a free port, until the end of the `with`."""

    def __init__(self, command_of, daemons):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="tracking-proxy-"))
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = open(self.folder / "log", "w+b")  # pylint: disable=consider-using-with
        self.process = subprocess.Popen(command_of(self.folder, self.port, daemons), stdin=subprocess.DEVNULL, stdout=self.log,
                                        stderr=self.log, env=os.environ | {"TRACKING_HOSTS": HOSTS})

    def __enter__(self):
        try:
            wait_until(self._is_ready, 20, "the proxy")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.log.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _is_ready(self):
        assert self.process.poll() is None, (self.folder / "log").read_text()
        try:
            return request("GET", self.url + "/readyz").status == 200
        except OSError:
            return False

    def post(self, event, headers=None):
        return request("POST", self.url + "/v1/events", json=event, headers=headers)
