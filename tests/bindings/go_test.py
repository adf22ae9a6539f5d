"""The Go package as its users get it: its own tests, and its README as printed."""

import os
import pathlib
import re
import subprocess

import pytest

from e2e_support import seconds

SOURCE = pathlib.Path(os.environ["TRACKING_SOURCE_DIR"])
PACKAGE = SOURCE / "bindings/go"
LIBRARY = pathlib.Path(os.environ["TRACKING_C_LIBRARY"])


@pytest.fixture
def go(tmp_path):
    """Runs go with the library of this build, as pkg-config tells of it, and without a network."""
    (tmp_path / "tracking-c.pc").write_text(f"""Name: tracking-c
Description: of the build tree
Version: 1
Cflags: -I{SOURCE / 'bindings/c/include'}
Libs: -L{LIBRARY.parent} -ltracking_c
""")
    environment = {name: value for name, value in os.environ.items() if name != "LDFLAGS"} | {
        "PKG_CONFIG_PATH": str(tmp_path), "LD_LIBRARY_PATH": str(LIBRARY.parent), "GOFLAGS": "-mod=mod",
        "GOTOOLCHAIN": "local", "GOPROXY": "off"}

    def run(*arguments, cwd):
        done = subprocess.run(["go", *arguments], cwd=cwd, env=environment, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
                              timeout=seconds(240))
        assert done.returncode == 0, done.stdout
        return done.stdout

    return run


def test_its_own_tests_pass(go):
    go("vet", "./...", cwd=PACKAGE)
    printed = go("test", "-count=1", "-v", "./...", cwd=PACKAGE)
    assert printed.count("--- PASS") >= 40 and "--- SKIP" not in printed


def test_the_readme_runs_as_printed(go, tmp_path):
    readme = (PACKAGE / "README.md").read_text()
    example = re.search(r"^```go\n(.*?)^```$", readme, re.MULTILINE | re.DOTALL)[1]
    edit = re.search(r"^```sh\ngo (mod edit [^#\n]*)", readme, re.MULTILINE)[1].replace("/path/to", str(SOURCE)).split()
    program = tmp_path / "program"
    program.mkdir()
    (program / "main.go").write_text(example)
    go("mod", "init", "example", cwd=program)
    go(*edit, cwd=program)
    assert go("run", ".", cwd=program) == '1 {"page":"/"} true\n'
