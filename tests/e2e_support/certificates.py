"""A certificate authority of a test's own, by openssl."""

import os
import subprocess

from .waiting import seconds


class Authority:
    """Makes certificates in `folder`; `path("ca")` is its own."""

    def __init__(self, folder, name="ca"):
        self.folder = str(folder)
        self.name = name
        self._openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                      "-subj", f"/CN=test {name}", "-keyout", self.path(name, "key"), "-out", self.path(name))

    def path(self, name, kind="pem"):
        return os.path.join(self.folder, f"{name}.{kind}")

    def issue(self, name, subject_names="IP:127.0.0.1"):
        """A certificate and its key: path(name), path(name, "key")."""
        extensions = self.path(name, "ext")
        with open(extensions, "w", encoding="ascii") as file:
            file.write(f"subjectAltName={subject_names}\nextendedKeyUsage=serverAuth,clientAuth\n")
        self._openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", f"/CN={name}",
                      "-keyout", self.path(name, "key"), "-out", self.path(name, "csr"))
        self._openssl("x509", "-req", "-in", self.path(name, "csr"), "-CA", self.path(self.name), "-CAkey",
                      self.path(self.name, "key"), "-CAcreateserial", "-days", "2", "-extfile", extensions, "-out", self.path(name))
        return self.path(name)

    @staticmethod
    def _openssl(*arguments):
        done = subprocess.run(["openssl", *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
                              timeout=seconds(60))
        assert done.returncode == 0, done.stderr
