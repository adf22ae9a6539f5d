"""The Python package as its users get it: installed by pip, and run as its README prints."""

import os
import pathlib
import re
import subprocess
import sys

import pytest
from readme_example import readme_example, without_account_1

SOURCE = pathlib.Path(os.environ["TRACKING_SOURCE_DIR"])
PACKAGE = SOURCE / "bindings/python"
LIBRARY = pathlib.Path(os.environ["TRACKING_C_LIBRARY"])


def run(*command, status=0, **environment):
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("TRACKING_", "PYTHON"))}
    done = subprocess.run([str(word) for word in command], env=clean | environment, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, timeout=120)
    assert done.returncode == status, f"{command} ended with {done.returncode}:\n{done.stdout}"
    return done.stdout


@pytest.fixture(scope="module")
def python(tmp_path_factory):
    """An interpreter with the package installed, without a network."""
    folder = tmp_path_factory.mktemp("venv")
    run(sys.executable, "-m", "venv", "--system-site-packages", "--without-pip", folder)
    copy = tmp_path_factory.mktemp("source") / "python"  # setuptools builds in the folder that it installs
    run("cp", "-r", PACKAGE, copy)
    run(folder / "bin/python", "-m", "pip", "install", "--quiet", "--no-index", "--no-build-isolation", "--no-deps", copy)
    return folder / "bin/python"


EXAMPLE = readme_example("python", "python")


def test_the_readme_runs_as_printed(python):
    assert run(python, "-c", EXAMPLE, TRACKING_C_LIBRARY=str(LIBRARY)) == "sent False\n1 {'page': '/'}\n"


def test_the_readmes_example_tells_of_a_failure(python):
    printed = run(python, "-c", without_account_1(EXAMPLE), status=1, TRACKING_C_LIBRARY=str(LIBRARY))
    assert printed.endswith("UnknownAccount: account 1 does not exist\n")


def test_the_package_brings_its_types(python):
    where = "import importlib.util; print(importlib.util.find_spec('tracking').submodule_search_locations[0])"
    assert (pathlib.Path(run(python, "-c", where).strip()) / "py.typed").exists()


def test_the_loader_finds_the_library(python):
    assert "sent" in run(python, "-c", EXAMPLE, LD_LIBRARY_PATH=str(LIBRARY.parent))


def test_pkg_config_finds_the_library(python, tmp_path):
    (tmp_path / "tracking-c.pc").write_text(f"libdir={LIBRARY.parent}\nName: c\nDescription: c\nVersion: 1\n")
    assert "sent" in run(python, "-c", EXAMPLE, PKG_CONFIG_PATH=str(tmp_path))


def test_a_missing_library_is_an_error_that_says_what_to_do(python):
    printed = run(python, "-c", "import tracking", status=1, PKG_CONFIG_PATH="/nowhere")
    assert "Install libtracking_c, or name the file in the variable TRACKING_C_LIBRARY" in printed


def test_its_benchmark_runs(python):
    printed = run(python, PACKAGE / "bench.py", TRACKING_C_LIBRARY=str(LIBRARY))
    assert len(re.findall(r"^\w[\w, ]+ +[\d,]+ events/s$", printed, re.MULTILINE)) == 6, printed
