"""The binary interface of libtracking_c is the released one."""

import os
import pathlib
import re
import subprocess
import sys

import pytest

SOURCE = pathlib.Path(os.environ["TRACKING_SOURCE_DIR"])
LIBRARY = pathlib.Path(os.environ["TRACKING_C_LIBRARY"])
sys.path.insert(0, str(SOURCE / "bindings/c/abi"))

import baseline  # noqa: E402

HEADER = baseline.HEADER.read_text(encoding="utf-8")


def abidiff(library):
    """What abidiff says of the library against the baseline: (its bits: 4 = changed, 8 = incompatible; its report)."""
    done = subprocess.run(["abidiff", baseline.BASELINE, library], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, check=False)
    assert done.returncode & 3 == 0, done.stdout
    return done.returncode, done.stdout


def test_the_library_has_the_released_interface():
    bits, report = abidiff(LIBRARY)
    assert bits == 0, f"{report}\ndocs/EMBEDDING.md says what may change, and bindings/c/abi/baseline.py --write records it"


@pytest.mark.parametrize("what, change", [
    ("a member is gone", (r"uint64_t sequence;", "")),
    ("a member is narrower", (r"int64_t account_id;", "int32_t account_id;")),
    ("a parameter is narrower", (r"int64_t timeout_ms", "int32_t timeout_ms")),
    ("a function is gone", (r"TRACKING_C_API void tracking_subscriber_close\([^;]*;", "")),
])
def test_a_broken_interface_is_noticed(what, change, tmp_path):
    header, count = re.subn(*change, HEADER)
    assert count > 0
    bits, _ = abidiff(baseline.build(header, tmp_path))
    assert bits & 12, what


def test_the_baseline_is_the_headers(tmp_path):
    bits, report = abidiff(baseline.build(HEADER, tmp_path))
    assert bits == 0, report


def test_the_library_exports_the_headers_functions_and_nothing_else():
    symbols = subprocess.run(["nm", "-D", "--defined-only", LIBRARY], stdout=subprocess.PIPE, text=True,
                             check=True).stdout
    exported = {line.split()[-1] for line in symbols.splitlines()} - {f"TRACKING_C_{baseline.VERSION}"}
    assert exported == {f"{name}@@TRACKING_C_{baseline.VERSION}" for name in baseline.functions(HEADER)}


def test_the_name_carries_the_version_of_the_interface():
    dynamic = subprocess.run(["readelf", "-d", LIBRARY], stdout=subprocess.PIPE, text=True, check=True).stdout
    assert re.search(r"SONAME.*\[(.*)\]", dynamic)[1] == f"libtracking_c.so.{baseline.VERSION}"
    assert not re.search(r"NEEDED.*libtracking", dynamic)


def test_about_fifteen_functions_are_enough():
    assert len(baseline.functions(HEADER)) <= 16
