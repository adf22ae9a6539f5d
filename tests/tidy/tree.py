"""The files of the project, as git knows them."""

import os
import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(os.environ.get("TRACKING_SOURCE_DIR", pathlib.Path(__file__).resolve().parents[2]))


def files(*patterns):
    """Tracked and new files that match one of the patterns (all if none), without what git ignores."""
    listed = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *patterns],
                            cwd=ROOT, stdout=subprocess.PIPE, check=True).stdout.decode().split("\0")
    return sorted(ROOT / name for name in listed if name and (ROOT / name).is_file())


def name(path):
    return path.relative_to(ROOT).as_posix()


def lines(path):
    return path.read_text(encoding="utf-8").split("\n")


def offences(paths, is_offence):
    """`file:line: text` of every line that offends."""
    return [f"{name(path)}:{number}: {line.strip()}" for path in paths
            for number, line in enumerate(lines(path), 1) if is_offence(line)]


def nothing(found):
    """Fails with the whole list if there is one."""
    if found:
        pytest.fail(f"{len(found)} found:\n" + "\n".join(found), pytrace=False)
