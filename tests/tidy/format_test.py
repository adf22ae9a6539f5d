"""The form of code and scripts is decided by tools."""

import subprocess

import pytest

from tree import ROOT, files


def run(*command):
    done = subprocess.run([str(word) for word in command], cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode != 0:
        pytest.fail(done.stdout[:8000], pytrace=False)


def test_cpp_is_formatted():
    run("clang-format", "--dry-run", "-Werror", *files("*.cpp", "*.h"))


def test_scripts_pass_shellcheck():
    scripts = [path for path in files("scripts/*", ".ci/*", "*.sh", "packaging/debian/*")
               if path.read_bytes().startswith(b"#!/")]
    run("shellcheck", *(path for path in scripts if b"sh" in path.read_bytes().split(b"\n")[0]),
        *files("packaging/completions/bash/*"))
