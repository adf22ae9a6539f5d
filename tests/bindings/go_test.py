"""The Go package as its users get it: its own tests, and its README as printed."""

import os
import pathlib
import re
import subprocess

import pytest

from e2e_support import seconds
from readme_example import readme_block, readme_example, without_account_1

SOURCE = pathlib.Path(os.environ["TRACKING_SOURCE_DIR"])
PACKAGE = SOURCE / "bindings/go"
LIBRARY = pathlib.Path(os.environ["TRACKING_C_LIBRARY"])

# What the README's ten lines stand in.
AROUND = """package main

import (
	"context"
	"fmt"
	"log"

	"tracking"
)

func must[T any](value T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return value
}

func main() {
	ctx := context.Background()
{{ heart }}}
"""


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

    def run(*arguments, cwd, status=0):
        done = subprocess.run(["go", *arguments], cwd=cwd, env=environment, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
                              timeout=seconds(240))
        assert done.returncode == status, done.stdout
        return done.stdout

    return run


def test_its_own_tests_pass(go):
    go("vet", "./...", cwd=PACKAGE)
    printed = go("test", "-count=1", "-v", "./...", cwd=PACKAGE)
    assert printed.count("--- PASS") >= 40 and "--- SKIP" not in printed


@pytest.fixture
def program(go, tmp_path):
    """Writes a program around the heart of one, in a module that has the package as the README says."""
    folder = tmp_path / "program"
    folder.mkdir()
    edit = re.match(r"go (mod edit [^#\n]*)", readme_block("go", "sh"))[1].replace("/path/to", str(SOURCE)).split()
    go("mod", "init", "example", cwd=folder)
    go(*edit, cwd=folder)

    def write(heart):
        (folder / "main.go").write_text(AROUND.replace("{{ heart }}", heart))
        return folder

    return write


def test_the_readme_runs_as_printed(go, program):
    assert go("run", ".", cwd=program(readme_example("go", "go"))) == '1 {"page":"/"} true\n'


def test_the_readmes_example_tells_of_a_failure(go, program):
    printed = go("run", ".", cwd=program(without_account_1(readme_example("go", "go"))), status=1)
    assert printed.endswith("account 1 does not exist\nexit status 1\n")
