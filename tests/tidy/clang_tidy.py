"""clang-tidy over the sources that changed lately, or over all of them if the history does not tell.

usage: clang_tidy.py SOURCE_DIR BUILD_DIR
Changed since $TRACKING_TIDY_BASE; else since the branch left origin/main; else, where the two are one (a fresh clone), in
the last twelve hours.
"""

import concurrent.futures
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

OURS = ("libtracking/", "apps/", "bindings/")


def git(*words):
    done = subprocess.run(["git", *words], cwd=source, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                          check=False)
    return done.stdout.strip() if done.returncode == 0 else ""


def changed_files():
    """Names relative to the source folder, or None: everything."""
    head = git("rev-parse", "HEAD")
    base = os.environ.get("TRACKING_TIDY_BASE") or git("merge-base", "HEAD", "origin/main")
    if base in ("", head):
        base = git("rev-list", "-1", "--before=12 hours ago", "HEAD")
    if not base:
        return None
    changed = set(git("diff", "--name-only", base).split("\n")) | set(
        git("ls-files", "--others", "--exclude-standard").split("\n"))
    return None if ".clang-tidy" in changed else changed


def first_to_include(header, sources):
    """A source that reads `header` by itself, for what clang-tidy finds in the header: the one named like it, or any."""
    words = header.split("/")
    names = {"/".join(words[start:]) for start in range(len(words))}  # as seen from any of the include folders

    def reads(file):
        return any(name in names for name in re.findall(r'^#include [<"](.+)[>"]', (source / file).read_text(), re.M))

    users = [file for file in sorted(sources) if reads(file)]
    like_it = [file for file in users if pathlib.Path(file).stem == pathlib.Path(header).stem]
    return (like_it or users)[:1]


def selected():
    """Sources of ours that changed or whose header did; for any other header that changed one source that includes it."""
    sources = {os.path.relpath(command["file"], source) for command in commands}
    sources = {name for name in sources if name.startswith(OURS)}
    changed = changed_files()
    if changed is None:
        return sources
    headers = {name for name in changed if name.endswith(".h") and name.startswith(OURS) and (source / name).exists()}
    stems = {name.removesuffix(".h") for name in headers}
    chosen = {name for name in sources if name in changed or name.removesuffix(".cpp") in stems}
    for header in headers:
        if header.removesuffix(".h") + ".cpp" not in sources:
            chosen.update(first_to_include(header, sources))
    return chosen


def check(name):
    command = ["clang-tidy", "--quiet", "--extra-arg=-Wno-unknown-warning-option", "-p", database, str(source / name)]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          text=True, check=False)
    return name, done.returncode, done.stdout


def plain_commands():
    """One command a file, without GCC's precompiled headers, which clang cannot read."""
    plain = {}
    for command in json.loads((build / "compile_commands.json").read_text()):
        command["command"] = re.sub(r" -Winvalid-pch| -fpch-preprocess| -include \S*cmake_pch\.hxx", "", command["command"])
        plain.setdefault(command["file"], command)
    return list(plain.values())


source, build = (pathlib.Path(word).resolve() for word in sys.argv[1:3])
commands = plain_commands()
folder = tempfile.TemporaryDirectory()
database = folder.name
(pathlib.Path(database) / "compile_commands.json").write_text(json.dumps(commands))
failed = 0
names = sorted(selected())
with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
    for name, code, output in pool.map(check, names):
        if code != 0:
            failed += 1
            print(f"{name}:\n{output}", flush=True)
print(f"clang-tidy: {len(names)} files, {failed} with findings")
sys.exit(1 if failed else 0)
